package foreign

import (
	"encoding/json"
	"strconv"
)

// aiPerf reads aiperf's profile_export.jsonl (0.2 to 0.13, written with --export-level records, the default, or raw).
// It has a JSON object per request, in the order of processing.
//
//	metadata   request_start_ns, request_end_ns, credit_issued_ns (from 0.5), x_correlation_id, turn_index,
//	           benchmark_phase, was_cancelled; 0.13 omits nulls and has profiling_index for runs of several phases
//	metrics    {name: {value, unit}}; failures have error_isl alone; usage_* from 0.4, if the server reports usage
//	error      null, absent, or code, type and message
//
// The file does not hold the model, the API and the load; profile_export_aiperf.json beside it does.
type aiPerf struct {
	origin int64
	begun  bool
}

func (d *aiPerf) next(r *Reader) (*Request, error) {
	if err := r.s.next(); err != nil {
		return nil, err
	}
	raw, err := r.s.value()
	if err != nil {
		return nil, err
	}
	r.read++
	e := aiPerfRecord{in: cursor{b: raw, path: []string{"record " + strconv.Itoa(r.read-1)}}, start: -1, end: -1}
	if err := e.decode(); err != nil {
		return nil, err
	}
	if !d.begun {
		d.begun, d.origin = true, e.start
		r.meta.Origin = d.origin
	}
	q := &e.q
	at := func(ns int64) float64 { return float64(ns-d.origin) / 1e9 }
	q.Start, q.End = at(e.start), at(max(e.end, e.start))
	switch {
	case e.end < 0 && q.Latency != nil:
		q.End = q.Start + *q.Latency
	case e.end < 0:
		q.EndUnknown = true
	}
	if e.due > 0 {
		q.Due = new(at(e.due))
	}
	q.lastOfLatency()
	if q.Stage >= 0 {
		r.meta.stage(q.Stage)
	}
	return q, nil
}

// lastOfLatency sets the last chunk of a record without the gaps between chunks. The latency ends with the last chunk;
// a single chunk is therefore known whole, and of several chunks the first and the last are known.
func (q *Request) lastOfLatency() {
	switch {
	case q.TTFT == nil || q.Gaps != nil || q.Latency == nil:
	case *q.Latency == *q.TTFT:
		q.Gaps = []float64{}
	default:
		q.Last = new(q.Start + *q.Latency)
	}
}

type aiPerfRecord struct {
	in                  cursor
	q                   Request
	start, end, due     int64 // nanoseconds
	warmup              bool
	usage               map[string]int
	isl, failedISL      *int
	cacheRead, reasoned *int
}

func (e *aiPerfRecord) decode() error {
	if err := e.in.object(e.member); err != nil {
		return err
	}
	switch {
	case e.start < 0:
		return e.in.fail("it has no metadata.request_start_ns")
	case e.end >= 0 && e.end < e.start:
		return e.in.fail("it ends at %d, before its start at %d", e.end, e.start)
	}
	q := &e.q
	if e.warmup {
		q.Stage = -1
	}
	q.Streaming = q.TTFT != nil
	if q.InputTokens = e.isl; e.isl == nil {
		q.InputTokens = e.failedISL
	}
	q.Failed = q.Failed || q.Canceled
	return e.gather()
}

// gather rebuilds the server's usage map from the metrics that aiperf took from it.
func (e *aiPerfRecord) gather() (err error) {
	if e.usage == nil {
		return nil
	}
	usage := map[string]any{}
	for key, n := range e.usage {
		usage[key] = n
	}
	if e.cacheRead != nil {
		usage["prompt_tokens_details"] = map[string]int{"cached_tokens": *e.cacheRead}
	}
	if e.reasoned != nil {
		usage["completion_tokens_details"] = map[string]int{"reasoning_tokens": *e.reasoned}
	}
	e.q.Usage, err = json.Marshal(usage)
	return err
}

func (e *aiPerfRecord) member(key string) error {
	switch key {
	case "metadata":
		return e.in.object(e.metadata)
	case "metrics":
		return e.in.objectOrNull(e.metric)
	case "error":
		e.q.Failed = e.in.peek() == '{'
		return e.in.objectOrNull(e.failure)
	}
	return e.in.skip()
}

func (e *aiPerfRecord) metadata(key string) (err error) {
	q := &e.q
	switch key {
	case "request_start_ns":
		e.start, err = e.in.nanoseconds()
	case "request_end_ns":
		if !e.in.null() {
			e.end, err = e.in.nanoseconds()
		}
	case "credit_issued_ns":
		if !e.in.null() {
			e.due, err = e.in.nanoseconds()
		}
	case "x_correlation_id":
		q.SessionID, err = e.in.text()
	case "turn_index":
		q.Turn, err = e.in.count()
	case "benchmark_phase":
		var phase string
		phase, err = e.in.text()
		e.warmup = phase == "warmup"
	case "profiling_index":
		var n *int
		if n, err = e.in.count(); err == nil && n != nil {
			if *n >= maxStages {
				return e.in.fail("%d is no number of a phase", *n)
			}
			q.Stage = *n
		}
	case "was_cancelled":
		if !e.in.null() {
			q.Canceled, err = e.in.bool()
		}
	default:
		err = e.in.skip()
	}
	return err
}

// maxStages limits the number of stages, because one number in a file determines how much memory they take.
const maxStages = 10000

func (e *aiPerfRecord) metric(key string) error {
	q := &e.q
	switch key {
	case "time_to_first_token":
		return e.duration(&q.TTFT)
	case "request_latency":
		return e.duration(&q.Latency)
	case "inter_chunk_latency":
		return e.measured(func() (err error) { q.Gaps, err = e.in.floats(); return err }, func(scale float64) {
			for i := range q.Gaps {
				q.Gaps[i] /= scale
			}
		})
	case "input_sequence_length":
		return e.tally(&e.isl)
	case "error_isl":
		return e.tally(&e.failedISL)
	case "output_sequence_length":
		return e.tally(&q.OutputTokens)
	case "usage_prompt_cache_read_tokens":
		return e.tally(&e.cacheRead)
	case "usage_reasoning_tokens":
		return e.tally(&e.reasoned)
	case "usage_prompt_tokens":
		return e.used("prompt_tokens")
	case "usage_completion_tokens":
		return e.used("completion_tokens")
	case "usage_total_tokens":
		return e.used("total_tokens")
	}
	return e.in.skip()
}

// perSecond holds how many of each unit make a second.
var perSecond = map[string]float64{"s": 1, "sec": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}

// duration reads a metric that holds one time.
func (e *aiPerfRecord) duration(v **float64) error {
	return e.measured(func() (err error) { *v, err = e.in.optional(); return err }, func(scale float64) {
		if *v != nil {
			**v /= scale
		}
	})
}

// measured reads the value and the unit of a time, in any order, and calls scale with the number of units per second.
func (e *aiPerfRecord) measured(read func() error, scale func(float64)) error {
	if e.in.null() {
		return nil
	}
	unit := ""
	err := e.in.object(func(key string) (err error) {
		switch key {
		case "value":
			return read()
		case "unit":
			unit, err = e.in.text()
			return err
		}
		return e.in.skip()
	})
	if err != nil {
		return err
	}
	if perSecond[unit] == 0 {
		return e.in.fail("%q is no unit of time known here", unit)
	}
	scale(perSecond[unit])
	return nil
}

// tally reads a metric that holds a count.
func (e *aiPerfRecord) tally(n **int) error {
	return e.in.objectOrNull(func(key string) (err error) {
		if key != "value" {
			return e.in.skip()
		}
		*n, err = e.in.count()
		return err
	})
}

func (e *aiPerfRecord) used(key string) error {
	var n *int
	if err := e.tally(&n); err != nil || n == nil {
		return err
	}
	if e.usage == nil {
		e.usage = map[string]int{}
	}
	e.usage[key] = *n
	return nil
}

func (e *aiPerfRecord) failure(key string) (err error) {
	q := &e.q
	switch key {
	case "type":
		q.ErrorType, err = e.in.text()
	case "message":
		q.ErrorMessage, err = e.in.text()
	case "code":
		var n *int
		if n, err = e.in.count(); n != nil && err == nil && *n >= 100 && *n < 600 {
			q.Status = *n
		}
	default:
		err = e.in.skip()
	}
	// aiperf sets the status 499 on requests that it canceled itself.
	if q.ErrorType == "RequestCancellationError" {
		q.Status = 0
	}
	return err
}
