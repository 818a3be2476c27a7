package breaker

import (
	"encoding/json"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Sample is a request that has ended, as expressions see it: the map that inference-perf makes of a request, without
// fields that are not set.
//
//	stage_id, session_id, scheduled_time, start_time, end_time   times in seconds, here since 1970
//	label, endpoint                                              the class of the request, and where it went
//	request_data, response_data                                  texts, only if the client keeps them
//	info: request_metrics.text.input_tokens, input_tokens        0 if the request failed
//	      response_metrics                                       of a success: output_tokens, server_usage; of a stream
//	                                                             also chunk_times, output_token_times
//	      extra_info, labels, lora_adapter, retries_attempted, retries_recovered, retry_wasted_sec
//	error: error_type, error_msg                                 of a failure, see record.FailureClass
//	ttft_slo_sec, tpot_slo_sec                                   of a streamed success that has such a bound
//
// The first expression that needs the map makes it. A sample must not be used concurrently.
type Sample struct {
	r      *record.Request
	fields map[string]any
}

// NewSample wraps a request, which must not change from then on.
func NewSample(r *record.Request) *Sample { return &Sample{r: r} }

// view returns the map. All numbers are float64, because JMESPath compares no other type.
func (s *Sample) view() map[string]any {
	if s.fields != nil {
		return s.fields
	}
	r := s.r
	m := map[string]any{"stage_id": float64(r.Stage), "start_time": seconds(r.Start), "end_time": seconds(r.End),
		"info": info(r)}
	text(m, "session_id", r.SessionID)
	text(m, "label", r.Label)
	text(m, "endpoint", r.Endpoint)
	text(m, "request_data", r.RequestBody)
	text(m, "response_data", r.ResponseBody)
	if r.Due != nil {
		m["scheduled_time"] = seconds(*r.Due)
	}
	switch {
	case r.Failed():
		m["error"] = map[string]any{"error_type": record.FailureClass(r.ErrorType, r.Status), "error_msg": r.Error}
	case r.SLO != nil && len(r.Chunks) > 0:
		bound(m, "ttft_slo_sec", r.SLO.TTFT)
		bound(m, "tpot_slo_sec", r.SLO.TPOT)
	}
	s.fields = m
	return m
}

func info(r *record.Request) map[string]any {
	input, extra := 0.0, map[string]any{}
	m := map[string]any{"extra_info": extra, "labels": map[string]any{}}
	text(m, "lora_adapter", r.Adapter)
	if r.Retries > 0 {
		m["retries_attempted"], m["retries_recovered"], m["retry_wasted_sec"] = float64(r.Retries), !r.Failed(),
			wasted(r)
	}
	if !r.Failed() {
		counts := r.Counts()
		input = float64(counts.Prompt)
		m["response_metrics"] = response(r, counts)
		text(extra, "stop_reason", r.FinishReason)
		text(extra, "user_session", r.SessionID)
		if r.SessionID != "" {
			extra["chat_round"] = float64(r.Turn)
		}
	}
	m["input_tokens"] = input
	m["request_metrics"] = map[string]any{"text": map[string]any{"input_tokens": input}}
	return m
}

func response(r *record.Request, counts record.Counts) map[string]any {
	m := map[string]any{"output_tokens": float64(counts.Completion)}
	var usage map[string]any
	if json.Unmarshal(r.Usage, &usage) == nil && usage != nil {
		m["server_usage"] = usage
	}
	if !r.Streaming {
		return m
	}
	_, _, n := r.TokenSpan()
	chunks, tokens := make([]any, len(r.Chunks)), make([]any, 0, n)
	for i, us := range r.Chunks {
		n := 1
		if i < len(r.ChunkTokens) {
			n = r.ChunkTokens[i]
		}
		chunks[i] = seconds(r.Start + us*int64(time.Microsecond))
		for range n {
			tokens = append(tokens, chunks[i])
		}
	}
	m["chunk_times"], m["output_token_times"] = chunks, tokens
	return m
}

// wasted returns the seconds that a request's failed attempts took.
func wasted(r *record.Request) float64 {
	return time.Duration(record.Wasted(r.Failed(), r.Start, r.Attempt, r.End)).Seconds()
}

func seconds(ns int64) float64 { return float64(ns) / float64(time.Second) }

// text sets a field unless it is empty.
func text(m map[string]any, name, value string) {
	if value != "" {
		m[name] = value
	}
}

// bound sets a bound in seconds, given in milliseconds. 0 means no bound.
func bound(m map[string]any, name string, ms float64) {
	if ms > 0 {
		m[name] = ms / 1000
	}
}
