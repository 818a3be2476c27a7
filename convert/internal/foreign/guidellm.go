package foreign

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// guideLLM reads guidellm's benchmarks.json: an object with an array of benchmarks, one per rate or concurrency, each
// of which lists its successful, errored and incomplete requests. Instants are Unix seconds. The versions differ:
//
//	0.2, 0.3   a request has start_time, end_time, first_token_time, last_token_time, error and scheduler_info; a benchmark
//	           has args and worker; output_tokens of a failed request is the number asked for
//	0.4        a request has info.timings, info.error, info.status, input_metrics and output_metrics, and computed
//	           request_start_time and request_end_time; a benchmark has config, the file has args
//	0.5, 0.6   the file has metadata with the version; info.traceback; 0.6: conversation_id and turn_index, no request_type
//	0.7, 0.8   the file has config for args; a benchmark's config.backend.request_format names the API
//
// The file holds the instants of the first and the last chunk and the number of chunks.
type guideLLM struct {
	in        depth
	benchmark int
	list      string
	item      int
	model     string
	api       string
	seen      bool
}

// depth is the level of the file that the reader has entered.
type depth int

const (
	before depth = iota
	inFile
	inBenchmarks
	inBenchmark
	inRequests
	inList
)

func (d *guideLLM) next(r *Reader) (*Request, error) {
	for {
		raw, err := d.step(r)
		var bad *valueError
		if errors.As(err, &bad) { // an error in the parts around the requests is final
			return nil, fmt.Errorf("%s: %w", bad.path, bad.err)
		}
		if err != nil {
			return nil, err
		}
		if raw == nil {
			continue
		}
		r.read++
		q, err := d.request(raw, r.Bodies)
		if q == nil && err == nil {
			r.meta.Unsent++
			continue
		}
		return q, err
	}
}

// step moves to the next member or item, and returns its text if it is a request.
func (d *guideLLM) step(r *Reader) ([]byte, error) {
	switch d.in {
	case before:
		d.in = inFile
		if err := r.s.next(); err != nil {
			return nil, unexpected(err)
		}
		return nil, r.s.enter('{')
	case inFile:
		return nil, d.file(r)
	case inBenchmarks:
		return nil, d.nextBenchmark(r)
	case inBenchmark:
		return nil, d.member(r)
	case inRequests:
		return nil, d.nextList(r)
	}
	more, err := r.s.more()
	if err != nil {
		return nil, err
	}
	if !more {
		d.in = inRequests
		return nil, nil
	}
	d.item++
	return r.s.value()
}

func (d *guideLLM) file(r *Reader) error {
	key, more, err := r.s.member()
	switch {
	case err != nil:
		return err
	case !more && d.benchmark == 0:
		return errors.New("it has no benchmarks")
	case !more:
		return d.finish(r)
	}
	switch key {
	case "benchmarks":
		if d.benchmark > 0 {
			return errors.New("benchmarks is there twice")
		}
		d.in = inBenchmarks
		return r.s.enter('[')
	case "metadata", "args", "config":
		return d.describe(r, key, func(c *cursor, key string) (err error) {
			switch key {
			case "guidellm_version":
				r.meta.Version, err = c.text()
			case "model":
				d.model, err = c.text()
			default:
				err = c.skip()
			}
			return err
		})
	}
	return r.s.skip()
}

// finish checks the end of the file. A file without requests is an error if guidellm counted some, because a sample may
// leave out all requests.
func (d *guideLLM) finish(r *Reader) error {
	err := r.s.next()
	if err == nil {
		err = r.s.end()
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if !d.seen {
		for _, s := range r.meta.Stages {
			if s.Requests != nil && *s.Requests > 0 {
				return errors.New("its requests were left out; run guidellm without --output-sampling, " +
					"--sample-requests or sample_size")
			}
		}
	}
	return io.EOF
}

func (d *guideLLM) nextBenchmark(r *Reader) error {
	more, err := r.s.more()
	if err != nil {
		return err
	}
	if !more {
		d.in = inFile
		return nil
	}
	d.benchmark++
	d.api = ""
	r.meta.stage(d.benchmark - 1)
	d.in = inBenchmark
	return r.s.enter('{')
}

func (d *guideLLM) member(r *Reader) error {
	key, more, err := r.s.member()
	if err != nil {
		return err
	}
	if !more {
		d.in = inBenchmarks
		return nil
	}
	switch key {
	case "requests":
		d.in = inRequests
		return r.s.enter('{')
	case "config", "args":
		return d.describe(r, key, func(c *cursor, key string) error { return d.setting(r, c, key) })
	case "worker":
		return d.describe(r, key, func(c *cursor, key string) (err error) {
			if key != "backend_model" {
				return c.skip()
			}
			d.model, err = c.text()
			return err
		})
	case "duration":
		raw, err := r.s.value()
		r.meta.stage(d.benchmark - 1).Duration = (&cursor{b: raw}).stated()
		return err
	case "request_totals", "metrics":
		return d.describe(r, key, func(c *cursor, key string) error { return d.total(r, c, key) })
	}
	return r.s.skip()
}

// describe reads an object that holds settings or totals of the requests.
func (d *guideLLM) describe(r *Reader, key string, f func(c *cursor, key string) error) error {
	raw, err := r.s.value()
	if err != nil {
		return err
	}
	c := &cursor{b: raw, path: []string{key}}
	if d.benchmark > 0 {
		c.path = []string{"benchmarks[", strconv.Itoa(d.benchmark - 1), "].", key}
	}
	if err := c.objectOrNull(func(key string) error { return f(c, key) }); err != nil {
		return err
	}
	if r.meta.Model == "" {
		r.meta.Model = d.model
	}
	return nil
}

func (d *guideLLM) setting(r *Reader, c *cursor, key string) error {
	switch key {
	case "strategy":
		s := r.meta.stage(d.benchmark - 1)
		return c.objectOrNull(func(key string) error { return s.strategy(c, key) })
	case "backend":
		if c.peek() != '{' {
			return c.skip()
		}
		return c.object(func(key string) (err error) {
			switch key {
			case "model":
				d.model, err = c.text()
			case "request_format":
				d.api, err = c.text()
			default:
				err = c.skip()
			}
			return err
		})
	}
	return c.skip()
}

// strategy reads the kind of load of a benchmark. max_concurrency is what was asked for only if nothing else is;
// otherwise it is a safety limit.
func (s *Stage) strategy(c *cursor, key string) (err error) {
	switch key {
	case "type_":
		s.Kind, err = c.text()
	case "rate":
		s.Rate, err = c.optional()
	case "streams":
		s.Concurrency, err = c.count()
	case "max_concurrency":
		if s.Kind != "throughput" && s.Kind != "synchronous" {
			return c.skip()
		}
		s.Concurrency, err = c.count()
	default:
		err = c.skip()
	}
	return err
}

// total finds the number of requests in request_totals, or in the object of this name within metrics.
func (d *guideLLM) total(r *Reader, c *cursor, key string) (err error) {
	switch key {
	case "request_totals":
		return c.objectOrNull(func(key string) error { return d.total(r, c, key) })
	case "total":
		r.meta.stage(d.benchmark - 1).Requests, err = c.count()
		return err
	}
	return c.skip()
}

func (d *guideLLM) nextList(r *Reader) error {
	key, more, err := r.s.member()
	if err != nil {
		return err
	}
	if !more {
		d.in = inBenchmark
		return nil
	}
	c, err := r.s.need()
	if err != nil {
		return err
	}
	if c != '[' || key == "total" { // total would be the same requests once more; it is null
		return r.s.skip()
	}
	d.in, d.list, d.item = inList, key, -1
	return r.s.enter('[')
}

// request reads a request. It returns nil for a request that was canceled before it was sent.
func (d *guideLLM) request(raw []byte, bodies bool) (*Request, error) {
	d.seen = true
	e := guideLLMRequest{bodies: bodies, in: cursor{b: raw, path: []string{
		"benchmarks[", strconv.Itoa(d.benchmark - 1), "].requests.", d.list, "[", strconv.Itoa(d.item), "]",
	}}}
	q := &e.q
	q.Stage, q.Model, q.API = d.benchmark-1, d.model, apiOf(d.api)
	if err := e.in.object(e.member); err != nil {
		return nil, err
	}
	if d.list == "incomplete" && !e.start {
		return nil, nil // it was never sent, and that is no error
	}
	e.settleFirst()
	if e.start && !e.end {
		q.End, q.EndUnknown, e.end = q.Start, true, true
	}
	if err := checkTimes(&e.in, q, e.start, e.end); err != nil {
		return nil, err
	}
	q.Failed = d.list != "successful"
	q.Canceled = d.list == "incomplete"
	q.Streaming = q.First != nil
	if q.Failed {
		q.ErrorType, q.Status = exceptionOf(q.ErrorMessage)
		if e.flat {
			q.OutputTokens = nil // the number asked for, not the number received
		}
	} else {
		q.ErrorMessage = ""
	}
	return q, nil
}

// apiOf shortens guidellm's names: text_completions, chat_completions, /v1/completions and /v1/chat/completions.
func apiOf(name string) string {
	switch strings.TrimPrefix(name, "/v1/") {
	case "text_completions", "completions":
		return "completion"
	case "chat_completions", "chat/completions":
		return "chat"
	}
	return name
}

// exceptionOf returns the class in a text that is the repr of an exception, and the status in httpx's sentence about a
// status.
func exceptionOf(text string) (class string, status int) {
	if name, _, ok := strings.Cut(text, "("); ok && name != "" && !strings.ContainsAny(name, " \t\n'\":") {
		class = name
	}
	if _, rest, ok := strings.Cut(text, " error '"); ok && len(rest) > 3 && rest[3] == ' ' {
		if n, err := strconv.Atoi(rest[:3]); err == nil && n >= 100 {
			status = n
		}
	}
	return class, status
}
