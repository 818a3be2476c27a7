package convert

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// perRequest is one element of inference-perf's per-request file. Its clock is monotonic, ours counts from the run's first
// request; only differences have a meaning in either.
type perRequest struct {
	Start    Float           `json:"start_time"`
	End      Float           `json:"end_time"`
	Request  string          `json:"request"`  // "" unless bodies were kept
	Response *string         `json:"response"` // null unless bodies were kept
	Info     perRequestInfo  `json:"info"`
	Error    *perRequestFail `json:"error"`
}

type perRequestInfo struct {
	Request     requestMetrics    `json:"request_metrics"`
	Response    *responseMetrics  `json:"response_metrics"`
	Extra       map[string]any    `json:"extra_info"`
	Adapter     *string           `json:"lora_adapter"`
	Event       *string           `json:"graph_event_id"`
	Labels      map[string]string `json:"labels"`
	InputTokens int               `json:"input_tokens"`
}

type requestMetrics struct {
	Text struct {
		InputTokens int `json:"input_tokens"`
	} `json:"text"`
	Image *struct{} `json:"image"`
	Video *struct{} `json:"video"`
	Audio *struct{} `json:"audio"`
}

type responseMetrics struct {
	OutputTokens   int             `json:"output_tokens"`
	ServerUsage    json.RawMessage `json:"server_usage"`
	ResponseChunks []string        `json:"response_chunks,omitempty"`
	ChunkTimes     []Float         `json:"chunk_times,omitempty"`
	TokenTimes     []Float         `json:"output_token_times,omitempty"`
}

type perRequestFail struct {
	Type    string `json:"error_type"`
	Message string `json:"error_msg"`
}

// perRequest lists the requests in order of their end, as inference-perf collects them.
func (r *Run) perRequest() []perRequest {
	list := make([]perRequest, 0, len(r.Requests))
	if len(r.Requests) == 0 {
		return list
	}
	zero := r.Requests[0].Start
	for _, q := range byEnd(r.Requests) {
		list = append(list, onePerRequest(q, zero))
	}
	return list
}

func onePerRequest(q Request, zero int64) perRequest {
	p := perRequest{
		Start: Float(seconds(q.Start - zero)), End: Float(seconds(q.End - zero)), Request: q.RequestBody,
		Info: perRequestInfo{Extra: map[string]any{}, Labels: map[string]string{}},
	}
	if q.ResponseBody != "" {
		p.Response = &q.ResponseBody
	}
	if q.Adapter != "" {
		p.Info.Adapter = &q.Adapter
	}
	if q.Failed() {
		p.Error = &perRequestFail{failureClass(q.Request), q.Error}
		return p
	}
	p.Info.InputTokens, _ = q.InputTokens()
	p.Info.Request.Text.InputTokens = p.Info.InputTokens
	p.Info.Response = responseOf(q, zero)
	if q.FinishReason != "" {
		p.Info.Extra["stop_reason"] = q.FinishReason
	}
	return p
}

func responseOf(q Request, zero int64) *responseMetrics {
	m := &responseMetrics{ServerUsage: q.Usage}
	m.OutputTokens, _ = q.OutputTokens()
	at := func(d time.Duration) Float { return Float(seconds(q.Start - zero + int64(d))) }
	for _, us := range q.Chunks {
		m.ChunkTimes = append(m.ChunkTimes, at(time.Duration(us)*time.Microsecond))
	}
	for _, t := range q.AppendTokenTimes(nil) {
		m.TokenTimes = append(m.TokenTimes, at(t))
	}
	if q.Streaming {
		m.ResponseChunks = contentChunks(q.ResponseBody)
	}
	return m
}

// contentChunks takes the data of the events with content out of a stream that was kept.
func contentChunks(stream string) (chunks []string) {
	for line := range strings.Lines(stream) {
		data, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "data:")
		if !ok {
			continue
		}
		choice := gjson.Get(data, "choices.0")
		if choice.Get("delta.content").String() != "" || choice.Get("text").String() != "" {
			chunks = append(chunks, strings.TrimSpace(data))
		}
	}
	return chunks
}

// failureClass is the name of the exception inference-perf would have met.
func failureClass(r *record.Request) string {
	switch r.ErrorType {
	case record.ErrorHTTP:
		return fmt.Sprintf("HTTP Error %d", r.Status)
	case record.ErrorTimeout, record.ErrorStall:
		return "TimeoutError"
	case record.ErrorConnect, record.ErrorTLS:
		return "ClientConnectorError"
	case record.ErrorDNS:
		return "ClientConnectorDNSError"
	case record.ErrorReset:
		return "ClientOSError"
	case record.ErrorTruncated:
		return "ClientPayloadError"
	case record.ErrorCanceled:
		return "CancelledError"
	}
	return r.ErrorType
}
