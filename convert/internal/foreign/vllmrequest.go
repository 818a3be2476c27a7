package foreign

import (
	"slices"
	"strings"
)

// request builds a request from the entries of the arrays at i.
func (v *vllmRun) request(i int) *Request {
	q := &Request{Model: v.model, API: v.api(), InputTokens: item(v.inputs, i), OutputTokens: item(v.outputs, i),
		ErrorMessage: item(v.errors, i)}
	q.ErrorType = pythonError(q.ErrorMessage)
	q.ResponseBody = item(v.texts, i)
	if start := item(v.starts, i); start != nil {
		q.Start = *start
	} else {
		q.StartUnknown = true
	}
	if queue := item(v.queues, i); queue != nil {
		q.Due = new(q.Start - *queue)
	}
	ttft, latency := item(v.ttfts, i), positive(item(v.latencies, i))
	if v.unary {
		ttft, latency = nil, positive(ttft)
	}
	v.times(q, ttft, item(v.gaps, i), latency)
	// The text of an error may be empty; then only the zeros show the failure.
	q.Failed = q.ErrorMessage != "" || q.TTFT == nil && latency == nil && v.zeros(i)
	v.end(q, latency)
	if q.Failed {
		q.OutputTokens = nil // it is 0, however many tokens arrived
	}
	return q
}

// times sets the first chunk and the gaps. A ttft of 0 means that the first chunk never came, unless other chunks came
// after it.
func (v *vllmRun) times(q *Request, ttft *float64, gaps []float64, latency *float64) {
	if ttft == nil || *ttft == 0 && len(gaps) == 0 {
		return
	}
	q.TTFT, q.Gaps, q.Streaming = ttft, gaps, true
	if gaps == nil && latency != nil {
		q.Last = new(q.Start + *latency)
	}
}

// zeros reports whether everything that the file has of a request is 0, as for a failed request. Null or missing values
// show nothing, and an embedding has no tokens.
func (v *vllmRun) zeros(i int) bool {
	if strings.Contains(v.backend, "embedding") && len(v.latencies) == 0 {
		return false
	}
	ttft, latency, output := item(v.ttfts, i), item(v.latencies, i), item(v.outputs, i)
	return (ttft != nil || latency != nil) && (output == nil || *output == 0)
}

func (v *vllmRun) end(q *Request, latency *float64) {
	switch {
	case latency != nil:
		q.End, q.Latency = q.Start+*latency, latency
	case !q.Failed && q.TTFT != nil && q.Gaps != nil:
		q.End = q.Start + *q.TTFT + sum(q.Gaps)
	default:
		q.End, q.EndUnknown = q.Start, true
	}
}

// positive returns v, or nil for 0, which stands for a time that was not taken.
func positive(v *float64) *float64 {
	if v != nil && *v > 0 {
		return v
	}
	return nil
}

func sum(list []float64) (total float64) {
	for _, v := range list {
		total += v
	}
	return total
}

// item returns an entry of an array, or the zero value if the array is missing.
func item[T any](list []T, i int) (zero T) {
	if i < len(list) {
		return list[i]
	}
	return zero
}

func (v *vllmRun) api() string {
	name := v.backend
	if name == "" {
		name = v.endpoint
	}
	if api, known := v.dialect.apis[name]; known {
		return api
	}
	return name
}

// pythonError returns the class of the exception at the end of a traceback, or "" for a text without one.
func pythonError(text string) string {
	if !strings.HasPrefix(text, "Traceback ") {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range slices.Backward(lines) {
		name, _, _ := strings.Cut(line, ":")
		if name != "" && !strings.ContainsAny(name, " \t()\"") {
			return name[strings.LastIndexByte(name, '.')+1:]
		}
	}
	return ""
}
