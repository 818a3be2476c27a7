package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/network"
)

const (
	atOnce    = 8       // number of queries at a time
	maxAnswer = 8 << 20 // greatest size of an answer in bytes
)

// ask evaluates a query. Without samples it returns no series and no error. If the server has answered nothing for as
// long as c.patience, ask gives up and returns a fatal error.
func (c *Prometheus) ask(ctx context.Context, q question) ([]sample, error) {
	limited, cancel := context.WithDeadline(ctx, c.deadline())
	defer cancel()
	last := fault{what: fmt.Sprintf("no connection: no answer in %v", c.patience)}
	for attempt := 1; ; attempt++ {
		list, err := c.askOnce(limited, q)
		var f *fault
		switch isFault := errors.As(err, &f); {
		case ctx.Err() != nil:
			return list, err
		case err != nil && limited.Err() != nil:
			last.fatal = true
			return nil, &last
		case !isFault || !f.passing:
			c.answered()
			return list, err
		case attempt == network.Attempts:
			return nil, err
		}
		last = *f
		_ = network.Pause(limited, c.pause, attempt) // if limited has ended, the next attempt fails at once
	}
}

// deadline returns the time by which an answer must come: c.patience after the first query since the last answer.
func (c *Prometheus) deadline() time.Time {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.waiting.IsZero() {
		c.waiting = time.Now()
	}
	return c.waiting.Add(c.patience)
}

func (c *Prometheus) answered() {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.waiting = time.Time{}
}

func (c *Prometheus) askOnce(ctx context.Context, q question) ([]sample, error) {
	request, err := c.request(ctx, q)
	if err != nil {
		return nil, err
	}
	body, err := c.fetch(ctx, request)
	if err != nil {
		return nil, hide(err, request.Header)
	}
	list, err := parseAnswer(body)
	return list, hide(err, request.Header)
}

// fetch returns the body of an answer.
func (c *Prometheus) fetch(ctx context.Context, request *http.Request) ([]byte, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); {
	case err != nil:
		return nil, interrupted(ctx, err)
	case len(body) > maxAnswer:
		return nil, &fault{what: fmt.Sprintf("the answer is above %d MiB", maxAnswer>>20),
			fix: "narrow the series by a filter"}
	case response.StatusCode != http.StatusOK:
		return nil, refusal(response.StatusCode, body, c.google)
	case kind == "text/html":
		return nil, &fault{what: "it answers with a web page, so this is not a Prometheus", fix: whatURL, fatal: true}
	}
	return body, nil
}

// interrupted returns the error of a failed request, or the error of ctx if that has ended.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return unanswered(err)
}

func (c *Prometheus) request(ctx context.Context, q question) (*http.Request, error) {
	query := url.Values{"query": {q.text}}
	if !q.at.IsZero() {
		query.Set("time", epoch(q.at))
	}
	return c.get(ctx, "query", query)
}

// get returns a request to one of the addresses of the API for queries.
func (c *Prometheus) get(ctx context.Context, address string, query url.Values) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/"+address+"?"+query.Encode(),
		http.NoBody)
	if err != nil {
		return nil, unanswered(err)
	}
	for name, values := range c.headers {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	switch {
	case c.tokens != nil:
		token, err := c.tokens.Token()
		if err != nil {
			return nil, &fault{what: "Google gives no token for the credentials",
				fix: "check them with gcloud auth application-default print-access-token", fatal: true}
		}
		token.SetAuthHeader(request)
	case c.token != "":
		request.Header.Set("Authorization", "Bearer "+c.token)
	case c.user != "":
		request.SetBasicAuth(c.user, c.password)
	}
	return request, nil
}

// epoch returns an instant in seconds, in the form of the parameter time.
func epoch(at time.Time) string { return strconv.FormatFloat(seconds(at), 'f', -1, 64) }

func seconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }

// answer is the result of a query.
type answer struct {
	samples []sample
	err     error
}

// askAll asks several queries at a time, and each distinct query once.
func (c *Prometheus) askAll(ctx context.Context, list []question) map[question]answer {
	answers, todo := map[question]answer{}, make(chan question)
	var lock sync.Mutex
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for q := range todo {
				var a answer
				if f := c.over.Load(); f != nil {
					a.err = f
				} else {
					a.samples, a.err = c.ask(ctx, q)
				}
				var f *fault
				if errors.As(a.err, &f) && f.fatal {
					c.over.Store(f)
				}
				lock.Lock()
				answers[q] = a
				lock.Unlock()
			}
		})
	}
	for _, q := range unique(list) {
		todo <- q
	}
	close(todo)
	workers.Wait()
	return answers
}

func unique(list []question) (out []question) {
	seen := map[question]bool{}
	for _, q := range list {
		if !seen[q] {
			seen[q] = true
			out = append(out, q)
		}
	}
	return out
}

// Check returns an error if the server cannot be queried. It takes 5 s at most.
func (c *Prometheus) Check(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := c.skew(limited)
	if errors.Is(err, context.DeadlineExceeded) {
		return &fault{what: "no connection: no answer in 5 s"}
	}
	return err
}

// skew asks the server for its time and returns how many seconds its clock is ahead of this machine's clock, or nil if
// the server does not tell its time. An error means that the server cannot be queried at all.
func (c *Prometheus) skew(ctx context.Context) (*float64, error) {
	before := time.Now()
	list, err := c.ask(ctx, question{text: "time()"})
	middle := before.Add(time.Since(before) / 2)
	var f *fault
	switch {
	case errors.As(err, &f) && !f.fatal && !f.passing: // the server answers queries, but not this one
		return nil, nil
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, nil
	}
	return new(list[0].value - seconds(middle)), nil
}
