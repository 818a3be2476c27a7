package record

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// The bounds of plausible values. What lies beyond them was damaged, or written by a faulty program.
const (
	maxTokens = 1 << 26 // in one answer's chunks; more would make AppendTokenTimes exhaust the reader's memory
	// maxCount bounds the tokens of a prompt and of an answer, as a server's usage or a client reports them.
	maxCount  = math.MaxInt32
	maxNumber = 1 << 40               // bounds requests and the like: the sum over many lines must be a number too
	maxTime   = 7_258_118_400 * 1e9   // 2200-01-01
	maxSpan   = 1e10                  // seconds, 317 years
	maxLate   = 366 * 24 * 3600 * 1e9 // nanoseconds, for waiting, work and pauses
	maxEarly  = 1e9                   // nanoseconds; nothing is sent before it is due
	rounding  = 1000                  // microseconds; other writers round to milliseconds
	straggler = 1e9                   // nanoseconds; older versions kept what came as a request was given up
)

// validate returns an error for what no writer of this format writes, so that readers need no checks of their own.
func validate(line Line) error {
	switch l := line.(type) {
	case *Run:
		return l.validate()
	case *Client:
		return cmp.Or(counts(count{"number", int64(l.Number)}), l.SLO.validate())
	case *Request:
		return l.Validate()
	case *Dropped:
		return l.Validate()
	case *Stage:
		return l.validate()
	case *Server:
		return cmp.Or(instants(instant{"time_ns", l.Time}), counts(count{"failed_scrapes", l.Failed}))
	case *Heartbeat:
		return l.validate()
	case *Search:
		return l.validate()
	case *Session:
		return l.Validate()
	case *Mark:
		return l.validate()
	case *End:
		return l.validate()
	}
	return nil
}

// count is a field that counts something.
type count struct {
	name string
	n    int64
}

func counts(list ...count) error    { return within(maxNumber, list) }
func durations(list ...count) error { return within(maxLate, list) }

func within(most int64, list []count) error {
	for _, c := range list {
		if c.n < 0 || c.n > most {
			return outOfRange(c.name, c.n)
		}
	}
	return nil
}

// instant is a field that holds Unix nanoseconds; 0 means that the instant never came.
type instant struct {
	name string
	at   int64
}

func instants(list ...instant) error {
	for _, i := range list {
		if i.at < 0 || i.at > maxTime {
			return outOfRange(i.name, i.at)
		}
	}
	return nil
}

func outOfRange[T int64 | float64](name string, value T) error {
	if value < 0 {
		return fmt.Errorf("negative %s %v", name, value)
	}
	return fmt.Errorf("%s out of range at %v", name, value)
}

func (r *Run) validate() error {
	if r.Schema != Schema {
		return fmt.Errorf("schema %q is not %q: written by another version", r.Schema, Schema)
	}
	for _, s := range r.Scenarios {
		if !(s.StartAt >= 0 && s.StartAt <= maxSpan) {
			return outOfRange("start_time", s.StartAt)
		}
		for _, stage := range s.Stages {
			if err := stage.validate(); err != nil {
				return fmt.Errorf("stage %d: %w", stage.Index, err)
			}
		}
	}
	return instants(instant{"start", r.Start})
}

func (s *Stage) validate() error {
	for _, x := range [...]*float64{s.From, s.Rate} {
		if x != nil && !(*x >= 0 && *x <= maxNumber) {
			return outOfRange("rate", *x)
		}
	}
	if s.Duration != nil && !(*s.Duration > 0 && *s.Duration <= maxSpan) {
		return fmt.Errorf("duration %v is not positive, or out of range", *s.Duration)
	}
	if s.Timeout != nil && !(*s.Timeout > 0 && *s.Timeout <= maxSpan) {
		return fmt.Errorf("timeout %v is not positive, or out of range", *s.Timeout)
	}
	if s.Warmup != nil && !(*s.Warmup >= 0 && *s.Warmup <= maxSpan) {
		return outOfRange("warmup", *s.Warmup)
	}
	for _, n := range [...]*int64{s.Requests, s.Concurrency} {
		if n != nil {
			if err := counts(count{"number of requests", *n}); err != nil {
				return err
			}
		}
	}
	// A stage that was interrupted before it began ends before its start.
	return cmp.Or(counts(count{"index", int64(s.Index)}),
		instants(instant{"start_ns", s.Start}, instant{"end_ns", s.End}))
}

// Validate returns an error if the line holds numbers that no writer of this format writes.
func (d *Dropped) Validate() error {
	if d.Count < 0 || d.Count > maxNumber {
		return outOfRange("count", d.Count)
	}
	if d.Stage < -1 {
		return outOfRange("stage", int64(d.Stage))
	}
	return cmp.Or(counts(count{"index", orNone(d.Index)}), instants(instant{"due_ns", orNone(d.Due)}))
}

func orNone(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func (e *End) validate() error {
	return cmp.Or(
		instants(instant{"end_ns", e.Time}),
		counts(count{"requests", e.Requests}, count{"failed", e.Failed}, count{"unfinished", e.Unfinished},
			count{"dropped", e.Dropped}),
		e.Health.validate(),
	)
}

// The largest shares. A process that is limited to a part of a processor may use more than its part for a while.
const (
	maxCPUShare   = 100
	maxStealShare = 1.5
)

func (h *Health) validate() error {
	if !(h.CPUShare >= 0 && h.CPUShare <= maxCPUShare) {
		return outOfRange("cpu_share", h.CPUShare)
	}
	if h.Steal != nil && !(math.Abs(*h.Steal) <= maxStealShare) { // a kernel's count may step back a little
		return outOfRange("steal_share", *h.Steal)
	}
	for _, late := range [...]*int64{h.LatenessP50, h.LatenessP99, h.LatenessMax} {
		if late != nil && (*late < -maxEarly || *late > maxLate) {
			return outOfRange("lateness", *late)
		}
	}
	if !(h.Processors >= 0 && h.Processors <= maxNumber) {
		return outOfRange("processors", h.Processors)
	}
	return cmp.Or(h.Pressure.validate(), durations(count{"gc_pause_total_ns", h.GCPause}), counts(
		count{"gomaxprocs", int64(h.GoMaxProcs)}, count{"gc_cycles", h.GCCycles}, count{"lateness_of", h.LatenessOf},
	))
}

func (b *Bounds) validate() error {
	if b == nil {
		return nil
	}
	for _, x := range [...]float64{b.TTFT, b.TPOT, b.NTPOT, b.ITL, b.Latency, b.FirstAudio, b.RTF} {
		if !(x >= 0) {
			return outOfRange("slo", x)
		}
	}
	return nil
}

// validate requires spans within the line's own time, except for what was going on when it began.
func (b *Heartbeat) validate() error {
	err := cmp.Or(
		instants(instant{"start_ns", b.Start}, instant{"end_ns", b.End}),
		counts(count{"beats", b.Beats}),
		durations(count{"late_p99_ns", b.P99}, count{"late_max_ns", b.Max}, count{"cpu_ns", b.CPU}),
		b.Pressure.validate(),
	)
	switch length := (b.End - b.Start) / 1000; {
	case err != nil:
		return err
	case b.Start == 0:
		return errors.New(`missing field "start_ns"`)
	case b.End < b.Start:
		return errors.New("end_ns lies before start_ns")
	default:
		for _, span := range b.Late {
			const most = maxLate / 1000
			if span[1] < 0 || span[1] > most || span[0] < -most || span[0] > length || span[0]+span[1] > length+1 {
				return fmt.Errorf("late span %d does not lie in the line's time", span)
			}
		}
	}
	return nil
}

func (p Pressure) validate() error {
	for name, n := range map[string]*int64{"run_wait_ns": p.Waited, "throttled_ns": p.Throttled,
		"stalled_ns": p.Stalled} {
		if n != nil && *n < 0 {
			return outOfRange(name, *n)
		}
	}
	return nil
}

// Validate returns an error if the line holds what no writer of this format writes: times out of order, or impossible
// numbers.
func (r *Request) Validate() error {
	switch {
	case r.Index < 0 || r.Seq < 0:
		return fmt.Errorf("negative number %d.%d", r.Index, r.Seq)
	case r.Index > maxNumber || r.Seq > math.MaxInt32:
		return fmt.Errorf("number %d.%d out of range", r.Index, r.Seq)
	case r.Start <= 0:
		return errors.New(`missing field "start_ns"`)
	case r.End == 0:
		return errors.New(`missing field "end_ns"`)
	case r.End < r.Start:
		return errors.New("end_ns lies before start_ns")
	case r.End > maxTime:
		return outOfRange("end_ns", r.End)
	case r.Due != nil && *r.Due <= 0:
		return fmt.Errorf("due_ns out of range at %d", *r.Due)
	case r.Due != nil && *r.Due > r.End:
		return errors.New("due_ns lies after end_ns")
	case r.Stage < -1 || r.Stage > math.MaxInt32:
		return outOfRange("stage", int64(r.Stage))
	case r.Status < 0 || r.Status > 999:
		return outOfRange("status", int64(r.Status))
	}
	if err := r.checkTimes(); err != nil {
		return err
	}
	if err := r.checkCounts(); err != nil {
		return err
	}
	return cmp.Or(r.SLO.validate(), r.Call.validate(), r.checkMedia())
}

// checkTimes checks that what happened in between lies between the start and the end.
func (r *Request) checkTimes() error {
	for _, i := range [...]instant{
		{"connected_ns", r.Connected}, {"written_ns", r.Written}, {"first_byte_ns", r.FirstByte},
		{"attempt_ns", r.Attempt},
	} {
		if i.at != 0 && (i.at < r.Start || i.at-straggler > r.End) {
			return fmt.Errorf("%s lies outside of start_ns to end_ns", i.name)
		}
	}
	if r.ServerDate < 0 || r.ServerDate > maxTime/1e9 {
		return outOfRange("server_date_s", r.ServerDate)
	}
	most := (r.End-r.Start)/1000 + rounding
	for _, us := range [...][]int64{r.Chunks, r.Reasoning, r.ToolCalls} {
		if err := ascending(us, most); err != nil {
			return err
		}
	}
	return nil
}

func (r *Request) checkCounts() error {
	for _, n := range [...]*int{r.Prompt, r.Completion} {
		if n != nil && (*n < 0 || *n > maxCount) {
			return outOfRange("number of tokens", int64(*n))
		}
	}
	for _, c := range [...]count{ // a script may ask for any number of tokens
		{"max_tokens", int64(r.MaxTokens)}, {"prompt_tokens_asked", int64(r.PromptAsked)}, {"client", int64(r.Client)},
		{"turn", int64(r.Turn)}, {"retries", int64(r.Retries)},
		{"bytes_sent", r.BytesSent}, {"bytes_received", r.BytesReceived},
		{"inputs", orNone(r.Inputs)}, {"vector_length", orNone(r.VectorLength)}, {"scores", orNone(r.Scores)},
	} {
		if c.n < 0 {
			return outOfRange(c.name, c.n)
		}
	}
	if len(r.ChunkTokens) > 0 && len(r.ChunkTokens) != len(r.Chunks) {
		return fmt.Errorf("%d chunk_tokens for %d chunks_us", len(r.ChunkTokens), len(r.Chunks))
	}
	tokens := 0
	for _, n := range r.ChunkTokens {
		if n < 0 || n > maxTokens-tokens {
			return fmt.Errorf("chunk_tokens out of range at %d", n)
		}
		tokens += n
	}
	return nil
}

// ascending checks that times do not go backwards, and that none is later than most, the request's end.
func ascending(us []int64, most int64) error {
	var last int64
	for _, t := range us {
		if t < last {
			return fmt.Errorf("chunk times go backwards at %d", t)
		}
		last = t
	}
	if last > most {
		return fmt.Errorf("a chunk at %d us lies after the end", last)
	}
	return nil
}
