package foreign

import (
	"slices"
	"strings"
)

// request makes one of what the arrays hold of it.
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
	// The error's text may be empty; then only the zeros tell.
	q.Failed = q.ErrorMessage != "" || q.TTFT == nil && latency == nil && v.zeros(i)
	v.end(q, latency)
	if q.Failed {
		q.OutputTokens = nil // 0, however many came
	}
	return q
}

// times takes the first chunk and the gaps over. A first chunk at 0 is one that never came, unless others came after
// it.
func (v *vllmRun) times(q *Request, ttft *float64, gaps []float64, latency *float64) {
	if ttft == nil || *ttft == 0 && len(gaps) == 0 {
		return
	}
	q.TTFT, q.Gaps, q.Streaming = ttft, gaps, true
	if gaps == nil && latency != nil {
		q.Last = new(q.Start + *latency)
	}
}

// zeros says whether all that the file has of a request is 0, as of one that failed; what is null or missing says
// nothing, and an embedding has no tokens.
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

// positive is nil for 0, which stands for a time that nobody took.
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

// item is an entry of an array that may be missing.
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

// pythonError is the class of the exception a traceback ends with, and "" for a text without one.
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
