package foreign

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// vllm reads what vllm bench serve (before 0.9 benchmarks/benchmark_serving.py) writes with --save-result
// --save-detailed: an object whose arrays have an entry per request, in the order of sending. --append-result appends
// further objects; each object is a stage. Without --save-detailed there are no arrays except, from about 0.30 on,
// latencies and queue_times.
//
//	input_lens, output_lens, ttfts, itls, generated_texts, errors   all versions; seconds; a failed request has 0 and []
//	backend, model_id, num_prompts, request_rate ("inf"), max_concurrency   all versions; 0.9 and 0.10 say endpoint_type for backend
//	start_times                                                      from 0.15 (0.14 has none), of time.perf_counter()
//	latencies, queue_times                                           from 0.30 (0.26 has none)
//
// Without latencies a request ends with its last chunk, ttft + Σ itl after the start. The tool's own latency ends
// there, too, except with openai-chat up to 0.26, where it goes on to the chunk with the usage. The file stores no
// usage, no status and no finish reason.
//
// SGLang's bench_serving began as a copy of this tool, so its file differs in few keys; see sglangDialect.
type vllm struct {
	dialect dialect
	run     *vllmRun
	at      int
	stage   int
	started bool
}

// dialect holds the differences between the files of two tools with the same arrays.
type dialect struct {
	advice string            // the advice for a file without the arrays
	apis   map[string]string // maps names of backends to the API that they use
	// about reads the tool's own object about the server; nil means that there is none.
	about func(v *vllmRun, c *cursor) error
}

var vllmDialect = dialect{advice: vllmAdvice, apis: map[string]string{
	"openai-chat": "chat", "openai": "completion", "vllm": "completion", "openai-comp": "completion",
}}

// vllmRun holds one object of the file, which is one run.
type vllmRun struct {
	dialect                            dialect
	model, version, backend, endpoint  string
	rate, duration                     *float64
	concurrency, prompts               *int
	completed, inputTotal, outputTotal *int

	inputs, outputs                  []*int
	ttfts, latencies, queues, starts []*float64
	gaps                             [][]float64
	texts, errors                    []string
	lengths                          map[string]int

	meanTTFT, meanLatency *float64 // stored by SGLang only
	unary                 bool     // ttfts holds latencies
}

func (d *vllm) next(r *Reader) (*Request, error) {
	for d.run == nil || d.at == d.run.len() {
		if err := d.load(r); err != nil {
			return nil, err
		}
	}
	r.read++
	q := d.run.request(d.at)
	q.Stage = d.stage
	d.at++
	return q, nil
}

// load reads the next object as a whole.
func (d *vllm) load(r *Reader) error {
	if err := r.s.next(); err != nil {
		if !d.started && !r.s.listed {
			return unexpected(err)
		}
		return err
	}
	run := &vllmRun{dialect: d.dialect, lengths: map[string]int{}}
	if err := run.read(r); err != nil {
		var bad *valueError
		if errors.As(err, &bad) { // an array with a bad value is useless, so the error is final
			return fmt.Errorf("%s: %w", bad.path, bad.err)
		}
		return err
	}
	if err := run.check(); err != nil {
		if d.started { // the file has several runs, by --append-result or as lines
			err = fmt.Errorf("run %d of the file: %w", d.stage+2, err)
		}
		return err
	}
	if d.started {
		d.stage++
	}
	run.unary = run.isUnary()
	run.settleStarts(&r.meta)
	d.started, d.run, d.at = true, run, 0
	run.describe(&r.meta, d.stage)
	return nil
}

// describe copies the settings and totals of the run to m.
func (v *vllmRun) describe(m *Meta, stage int) {
	s := m.stage(stage)
	s.Rate, s.Concurrency, s.Requests = v.rate, v.concurrency, v.prompts
	s.Duration, s.Completed, s.InputTotal, s.OutputTotal = v.duration, v.completed, v.inputTotal, v.outputTotal
	if m.Model == "" {
		m.Model = v.model
	}
	if m.Version == "" {
		m.Version = v.version
	}
	m.Unordered = m.Unordered || v.unordered()
}

// isUnary reports whether SGLang's answers were not streamed: then the mean TTFT is equal to the mean latency, to the
// bit, while the latency of streams ends later, with [DONE].
func (v *vllmRun) isUnary() bool {
	streamed := slices.ContainsFunc(v.gaps, func(gaps []float64) bool { return len(gaps) > 0 })
	return v.meanTTFT != nil && v.meanLatency != nil && *v.meanTTFT == *v.meanLatency && !streamed
}

// settleStarts removes starts of 0, which are no real starts: all starts are 0 if a backend of vllm sets none, and some
// are 0 if requests failed before they were sent. If only failed requests lack a start, each gets the start of the
// request that was sent before it.
func (v *vllmRun) settleStarts(m *Meta) {
	for i, start := range v.starts {
		v.starts[i] = positive(start)
	}
	missing := 0
	for i, start := range v.starts {
		if start != nil {
			continue
		}
		if v.ok(i) {
			return
		}
		missing++
	}
	if missing == len(v.starts) {
		return
	}
	for i := range v.starts {
		if v.starts[i] == nil && i > 0 {
			v.starts[i] = v.starts[i-1]
		}
	}
	for i := len(v.starts) - 2; i >= 0; i-- { // requests before the first one with a start
		if v.starts[i] == nil {
			v.starts[i] = v.starts[i+1]
		}
	}
	m.Placed += missing
}

// ok reports whether a request succeeded.
func (v *vllmRun) ok(i int) bool { return !v.request(i).Failed }

// unordered reports whether a request has no start time.
func (v *vllmRun) unordered() bool { return len(v.starts) < v.len() || slices.Contains(v.starts, nil) }

func (v *vllmRun) read(r *Reader) error {
	if err := r.s.enter('{'); err != nil {
		return err
	}
	for {
		key, more, err := r.s.member()
		if err != nil || !more {
			return err
		}
		if err := v.member(r, key); err != nil {
			return err
		}
	}
}

func (v *vllmRun) member(r *Reader, key string) error {
	switch key {
	case "input_lens":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.inputs, c.count) })
	case "output_lens":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.outputs, c.count) })
	case "ttfts":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.ttfts, c.optional) })
	case "itls":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.gaps, c.floats) })
	case "latencies":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.latencies, c.optional) })
	case "queue_times":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.queues, c.optional) })
	case "start_times":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.starts, c.optional) })
	case "errors":
		return v.items(r.s, key, func(c *cursor) error { return add(&v.errors, c.text) })
	case "generated_texts":
		if r.Bodies {
			return v.items(r.s, key, func(c *cursor) error { return add(&v.texts, c.text) })
		}
		return r.s.skip()
	}
	return v.setting(r.s, key)
}

// setting reads a value of the run as a whole. Users may add keys of their own, which are strings.
func (v *vllmRun) setting(s *stream, key string) (err error) {
	switch key {
	case "model_id", "backend", "endpoint_type", "request_rate", "max_concurrency", "num_prompts", "server_info",
		"duration", "completed", "total_input_tokens", "total_output_tokens", "mean_ttft_ms", "mean_e2e_latency_ms":
	default:
		return s.skip()
	}
	raw, err := s.value()
	if err != nil {
		return err
	}
	c := &cursor{b: raw, path: []string{key}}
	switch key {
	case "duration":
		v.duration = c.stated()
	case "completed":
		v.completed = c.statedCount()
	case "total_input_tokens":
		v.inputTotal = c.statedCount()
	case "total_output_tokens":
		v.outputTotal = c.statedCount()
	case "mean_ttft_ms":
		v.meanTTFT = c.stated()
	case "mean_e2e_latency_ms":
		v.meanLatency = c.stated()
	case "server_info":
		if v.dialect.about != nil {
			err = v.dialect.about(v, c)
		}
	case "model_id":
		v.model, err = c.text()
	case "backend":
		v.backend, err = c.text()
	case "endpoint_type":
		v.endpoint, err = c.text()
	case "max_concurrency":
		v.concurrency, err = c.count()
	case "num_prompts":
		v.prompts, err = c.count()
	case "request_rate":
		if c.peek() != '"' && c.peek() != 'I' { // "inf", Infinity, "trace"
			v.rate, err = c.optional()
		}
	}
	return err
}

// stated reads a figure that the tool calculated. It returns nil if that is no finite number, as after a run without a
// success.
func (c *cursor) stated() *float64 {
	v, err := c.span()
	if err != nil {
		return nil
	}
	return &v
}

// statedCount reads a count that the tool calculated, like stated.
func (c *cursor) statedCount() *int {
	v := c.stated()
	if v == nil || *v != math.Trunc(*v) || *v > 1<<53 {
		return nil
	}
	return new(int(*v))
}

// items calls f for each item of an array. It skips a value that is no array, such as output_lens of embeddings, which
// is a number.
func (v *vllmRun) items(s *stream, key string, f func(*cursor) error) error {
	c, err := s.need()
	if err != nil {
		return err
	}
	if c != '[' {
		return s.skip()
	}
	if err := s.enter('['); err != nil {
		return err
	}
	if v.lengths[key] > 0 {
		return fmt.Errorf("%s is there twice", key)
	}
	n := 0
	for ; ; n++ {
		more, err := s.more()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		raw, err := s.value()
		if err != nil {
			return err
		}
		if err := f(&cursor{b: raw, path: []string{key, "[", strconv.Itoa(n), "]"}}); err != nil {
			return err
		}
	}
	v.lengths[key] = n
	return nil
}

// add appends the result of get.
func add[T any](list *[]T, get func() (T, error)) error {
	item, err := get()
	*list = append(*list, item)
	return err
}

func (v *vllmRun) len() int { return len(v.errors) }

// check returns an error if the arrays are missing or differ in length.
func (v *vllmRun) check() error {
	if _, known := v.lengths["errors"]; !known {
		for _, key := range [...]string{"ttfts", "itls", "output_lens"} {
			if v.lengths[key] > 0 {
				return fmt.Errorf("it has %s but no errors, so that nobody can tell which requests failed", key)
			}
		}
		return errors.New(v.dialect.advice)
	}
	for _, key := range slices.Sorted(maps.Keys(v.lengths)) {
		if n := v.lengths[key]; n != v.len() {
			return fmt.Errorf("%s has %d entries, errors has %d: an entry is to be a request", key, n, v.len())
		}
	}
	return nil
}
