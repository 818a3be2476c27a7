package convert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

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
	Retries     int               `json:"retries_attempted,omitempty"`
	Recovered   *bool             `json:"retries_recovered,omitempty"`
	Wasted      *Float            `json:"retry_wasted_sec,omitempty"`
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

// writePerRequest writes the requests in order of their end, as inference-perf collects them, one after the other.
func (r *Run) writePerRequest(w io.Writer) error {
	if len(r.Requests) == 0 {
		_, err := io.WriteString(w, "[]")
		return err
	}
	zero := r.Requests[0].Start
	between := "[\n  "
	for _, q := range r.byEnd() {
		text, err := pythonJSON(r.onePerRequest(q, zero), "  ")
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, between+string(text)); err != nil {
			return err
		}
		between = ",\n  "
	}
	_, err := io.WriteString(w, "\n]")
	return err
}

// byEnd gives the requests in order of their end.
func (r *Run) byEnd() []*Request {
	list := slices.Clone(r.Requests)
	slices.SortStableFunc(list, func(a, b *Request) int { return cmp.Compare(a.End, b.End) })
	return list
}

func (r *Run) onePerRequest(q *Request, zero int64) perRequest {
	kept := r.bodies[q]
	p := perRequest{
		Start: Float(r.seconds(q.Start - zero)), End: Float(r.seconds(q.End - zero)), Request: kept.request,
		Info: perRequestInfo{Extra: map[string]any{}, Labels: map[string]string{}},
	}
	if kept.response != "" {
		p.Response = &kept.response
	}
	if q.Adapter != "" {
		p.Info.Adapter = &q.Adapter
	}
	if q.Retries > 0 {
		p.Info.Retries, p.Info.Recovered, p.Info.Wasted = int(q.Retries), new(!q.Failed()), new(Float(r.wasted(q)))
	}
	if q.Failed() {
		p.Error = &perRequestFail{failureClass(q), q.Error}
		return p
	}
	p.Info.InputTokens = int(q.in)
	p.Info.Request.Text.InputTokens = p.Info.InputTokens
	p.Info.Response = r.responseOf(q, zero)
	if q.FinishReason != "" {
		p.Info.Extra["stop_reason"] = q.FinishReason
	}
	if q.SessionID != "" {
		p.Info.Extra["user_session"], p.Info.Extra["chat_round"] = q.SessionID, q.Turn
	}
	return p
}

func (r *Run) responseOf(q *Request, zero int64) *responseMetrics {
	var rec record.Request
	q.unpack(&rec)
	m := &responseMetrics{OutputTokens: int(q.out), ServerUsage: rec.Usage}
	if len(rec.Usage) == 0 {
		m.ServerUsage = nil
	}
	scale := int64(r.clock.instant / r.clock.chunk)
	for i, ticks := range rec.Chunks {
		at := Float(r.seconds(q.Start - zero + ticks*scale))
		m.ChunkTimes = append(m.ChunkTimes, at)
		n := 1
		if q.tokenized {
			n = rec.ChunkTokens[i]
		}
		m.TokenTimes = append(m.TokenTimes, slices.Repeat([]Float{at}, n)...)
	}
	if q.Streaming {
		m.ResponseChunks = contentChunks(r.bodies[q].response)
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
func failureClass(r *Request) string {
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
