package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
)

// Times of a wait.
const (
	pollFirst  = 100 * time.Millisecond // between two looks at the server
	pollMost   = time.Second
	pageLimit  = 5 * time.Second // for an answer of the health page
	tellEvery  = 5 * time.Second // between two lines of progress
	tokenAgain = 16              // tokens asked for where one shows nothing, as a parser may hold the first back
)

// Causes of the end of a wait.
var (
	errLate  = errors.New("the time for it is over")
	errEnded = errors.New("the command has ended")
)

// waiting is a wait for one deployment.
type waiting struct {
	d       *Deployment
	begin   time.Time
	skipped bool // that there is no health page was said

	mu   sync.Mutex
	seen string // what keeps it from being ready
}

// Wait waits until the deployment is ready, at most for the time of its Ready. The error is a Failure if it is not; a
// command that ends ends the wait at once.
func (d *Deployment) Wait(ctx context.Context) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limited, late := context.WithTimeoutCause(limited, d.spec.Ready.Timeout, errLate)
	defer late()
	w := &waiting{d: d, begin: time.Now(), seen: "no answer yet"}
	var beside sync.WaitGroup
	beside.Go(func() { w.tell(limited) })
	beside.Go(func() {
		select {
		case <-d.exited: // never, if it is nil
			cancel(errEnded)
		case <-limited.Done():
		}
	})
	err := w.until(limited)
	late()
	beside.Wait()
	switch {
	case err == nil:
		d.options.say("%s: ready after %s", d.spec.Name, seconds(time.Since(w.begin)))
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("deployment %q: the wait was interrupted: %s: %w", d.spec.Name, w.seen, context.Cause(ctx))
	}
	return d.failure(ctx, err)
}

// failure adds the last lines of the output.
func (d *Deployment) failure(ctx context.Context, err error) *Failure {
	within, cancel := context.WithTimeout(ctx, toolDelay*5)
	defer cancel()
	f := &Failure{Reason: fmt.Sprintf("deployment %q: %v", d.spec.Name, err), Lines: d.server.lines(within)}
	if _, err := os.Stat(d.options.Log); err == nil { // a server that was there has none
		f.Log = d.options.Log
	}
	return f
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }

// tell says every few seconds what keeps the deployment from being ready.
func (w *waiting) tell(ctx context.Context) {
	every(tellEvery, ctx.Done(), func() {
		w.mu.Lock()
		seen := w.seen
		w.mu.Unlock()
		w.d.options.say("%s: not ready after %s: %s", w.d.spec.Name, seconds(time.Since(w.begin)), seen)
	})
}

// until looks at the server until it is ready, or until something says that it never will be.
func (w *waiting) until(ctx context.Context) error {
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		missing, err := w.look(ctx)
		if err != nil {
			return err
		}
		if missing == "" {
			return nil
		}
		if ctx.Err() == nil {
			w.mu.Lock()
			w.seen = missing
			w.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			continue
		}
		if _, err := w.d.server.ready(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		return fmt.Errorf("it is not ready after %v: %s", w.d.spec.Ready.Timeout, w.seen)
	}
}

// look returns what is missing, "" if nothing is. Its error is final.
func (w *waiting) look(ctx context.Context) (missing string, err error) {
	if missing, err = w.d.server.ready(ctx); missing != "" || err != nil {
		return missing, err
	}
	if missing := w.health(ctx); missing != "" {
		return missing, nil
	}
	return w.answers(ctx)
}

// health asks for the health page.
func (w *waiting) health(ctx context.Context) (missing string) {
	o := w.d.spec.Requests
	if strings.HasPrefix(o.URL, "sim:") {
		return ""
	}
	o.Timeout = pageLimit
	where := w.d.spec.Ready.Path
	status, words, err := probe.Page(ctx, o, where)
	switch {
	case err != nil:
		return fmt.Sprintf("%s: %s", where, plain.OneLine(err.Error(), lineWidth))
	case status == http.StatusOK:
		return ""
	case status == http.StatusNotFound:
		if !w.skipped {
			w.d.options.say("%s: the server has no page %s (status 404), so that its answers alone tell", w.d.spec.Name,
				where)
		}
		w.skipped = true
		return ""
	}
	return fmt.Sprintf("%s: status %d (%s)", where, status, words)
}

// answers looks whether the server has the model, and sends it a request.
func (w *waiting) answers(ctx context.Context) (missing string, err error) {
	o := w.d.spec.Requests
	o.Timeout = w.d.spec.Ready.Timeout // the first answer may take as long as the load of a model
	tokens := []int{1, tokenAgain}
	if w.d.spec.Ready.NoToken {
		tokens = []int{0}
	}
	for _, n := range tokens {
		r, err := probe.First(ctx, o, n)
		if err != nil {
			if ctx.Err() != nil {
				return "no answer to a request yet", nil
			}
			return "", err // such as a URL that is none
		}
		if err := r.Err(); err != nil {
			return plain.OneLine(strings.ReplaceAll(err.Error(), "--model", "ready.model"), lineWidth), nil
		}
		if model := o.Model; model != "" && len(r.Models) > 0 && !lists(r.Models, model) {
			return fmt.Sprintf("model %q is not in the server's list: %s", model,
				plain.OneLine(strings.Join(r.Models, ", "), lineWidth)), nil
		}
		if n == 0 || r.Events > 0 {
			return "", nil
		}
	}
	return fmt.Sprintf("an answer of %d tokens is empty", tokenAgain), nil
}

// lists reports whether a list has a model, whose tag latest may be left out.
func lists(names []string, model string) bool {
	return slices.Contains(names, model) || slices.Contains(names, model+":latest")
}

// ready returns when a deployment is ready, without references.
func (s *Spec) ready() (Ready, error) {
	r := s.Ready
	r.Timeout, r.Path = cmp.Or(r.Timeout, DefaultTimeout), cmp.Or(r.Path, DefaultPath)
	var failed error
	for _, text := range []*string{&r.Path, &r.Model} {
		expanded, err := Expand(*text, s.Values)
		*text, failed = expanded, cmp.Or(failed, err)
	}
	return r, failed
}
