package convert

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// perRequest is one element of inference-perf's per-request file. The clock of inference-perf is monotonic; here times
// count from the run's first request. Only differences between times have a meaning in either.
type perRequest struct {
	Start    Float            `json:"start_time"`
	End      Maybe            `json:"end_time"`
	Request  *string          `json:"request,omitempty"`  // "" unless bodies were kept
	Response json.RawMessage  `json:"response,omitempty"` // null unless bodies were kept
	Info     *perRequestInfo  `json:"info,omitempty"`
	Computed *computedMetrics `json:"computed_metrics,omitempty"` // of successes
	Error    *perRequestFail  `json:"error"`
}

// computedMetrics are the figures of a request, by the formulas of the lifecycle reports, in seconds.
type computedMetrics struct {
	Latency   Maybe   `json:"request_latency"`
	NTPOT     Maybe   `json:"normalized_time_per_output_token"`
	TTFT      *Float  `json:"time_to_first_token"`
	TPOT      *Float  `json:"time_per_output_token"`
	ITL       *Float  `json:"inter_token_latency"` // the mean gap
	ITLs      []Float `json:"inter_token_latencies"`
	Input     *int    `json:"input_tokens"`
	Output    *int    `json:"output_tokens"`
	TTFTBound *Float  `json:"ttft_slo_sec"`
	TPOTBound *Float  `json:"tpot_slo_sec"`
}

type perRequestInfo struct {
	Request     requestMetrics    `json:"request_metrics"`
	Response    *responseMetrics  `json:"response_metrics"`
	Extra       map[string]any    `json:"extra_info"`
	Adapter     *string           `json:"lora_adapter"`
	Event       *string           `json:"graph_event_id"`
	Labels      map[string]string `json:"labels"`
	Text        json.RawMessage   `json:"output_text,omitempty"` // of calls of a replay, as is the next
	Message     json.RawMessage   `json:"output_message,omitempty"`
	Retries     int               `json:"retries_attempted,omitempty"`
	Recovered   *bool             `json:"retries_recovered,omitempty"`
	Wasted      *Float            `json:"retry_wasted_sec,omitempty"`
	InputTokens *int              `json:"input_tokens"` // null if another tool did not record it
}

type requestMetrics struct {
	Text struct {
		InputTokens *int `json:"input_tokens"`
	} `json:"text"`
	Image *imageInstances `json:"image"`
	Video *videoInstances `json:"video"`
	Audio *audioInstances `json:"audio"`
}

type responseMetrics struct {
	OutputTokens   *int            `json:"output_tokens"`
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
func writePerRequest(r *run.Run, w io.Writer, f Fields, o Options) error {
	if len(r.Requests) == 0 {
		_, err := io.WriteString(w, "[]")
		return err
	}
	one := &perRequestWriter{run: r, fields: f, group: &subset{run: r, opts: o}, zero: r.Requests[0].Start}
	between := "[\n  "
	for _, q := range requestsByEnd(r) {
		text, err := pythonJSON(one.element(q), "  ")
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

// perRequestWriter makes the elements of the per-request file.
type perRequestWriter struct {
	run    *run.Run
	fields Fields
	group  *subset
	zero   int64
	rec    record.Request
}

// requestsByEnd returns the requests in order of their end.
func requestsByEnd(r *run.Run) []*run.Request {
	list := slices.Clone(r.Requests)
	slices.SortStableFunc(list, func(a, b *run.Request) int { return cmp.Compare(a.End, b.End) })
	return list
}

func (w *perRequestWriter) element(q *run.Request) perRequest {
	kept := w.run.Bodies[q]
	q.Unpack(&w.rec)
	p := perRequest{Start: Float(w.run.Seconds(q.Start - w.zero)), End: Maybe(w.run.Seconds(q.End - w.zero))}
	if q.EndUnknown {
		p.End = Maybe(unknown)
	}
	if w.fields.Request {
		p.Request = &kept.Request
	}
	if w.fields.Response {
		p.Response = json.RawMessage("null")
		if kept.Response != "" {
			p.Response, _ = plainJSON(kept.Response) // a string always marshals
		}
	}
	if w.fields.Info {
		p.Info = w.info(q)
	}
	if q.Failed() {
		p.Error = &perRequestFail{record.FailureClass(q.ErrorType, q.Status), errorOf(q)}
	} else if w.fields.Computed {
		p.Computed = w.computed(q)
	}
	return p
}

func (w *perRequestWriter) info(q *run.Request) *perRequestInfo {
	info := &perRequestInfo{Extra: map[string]any{}, Labels: map[string]string{}}
	if q.Adapter != "" {
		info.Adapter = &q.Adapter
	}
	if call := q.Call(); call != nil {
		info.Event = &call.ID
		maps.Copy(info.Labels, call.Labels)
		if info.Text, info.Message = callOutput(w.run.Bodies[q].Response); q.Failed() {
			info.Text, info.Message = json.RawMessage(`""`), json.RawMessage("null")
		}
	}
	details := q.Details()
	if details.Retries > 0 {
		info.Retries, info.Recovered, info.Wasted = int(details.Retries), new(!q.Failed()),
			new(Float(wastedSeconds(w.run, q)))
	}
	if q.Failed() {
		info.InputTokens, info.Request.Text.InputTokens = new(int), new(int)
		return info
	}
	info.InputTokens = w.tokens(q.PromptTokens, q.InputSource)
	info.Request.Text.InputTokens = info.InputTokens
	info.Request.setMedia(q)
	info.Response = w.response(q)
	for name, n := range map[string]int32{"inputs": details.Inputs, "vector_length": details.VectorLength,
		"scores": details.Scores} {
		if n != none {
			info.Extra[name] = n
		}
	}
	if q.InSession {
		info.Extra["user_session"], info.Extra["chat_round"] = details.SessionID(), details.Turn
	}
	return info
}

func (w *perRequestWriter) response(q *run.Request) *responseMetrics {
	m := &responseMetrics{OutputTokens: w.tokens(q.CompletionTokens, q.OutputSource)}
	if len(w.rec.Usage) > 0 {
		m.ServerUsage = w.rec.Usage
	}
	scale := int64(w.run.Clock.Instant / w.run.Clock.Chunk)
	for i, ticks := range w.rec.Chunks {
		at := Float(w.run.Seconds(q.Start - w.zero + ticks*scale))
		m.ChunkTimes = append(m.ChunkTimes, at)
		n := 1
		if q.Tokenized {
			n = w.rec.ChunkTokens[i]
		}
		m.TokenTimes = append(m.TokenTimes, slices.Repeat([]Float{at}, n)...)
	}
	if q.Streaming && w.fields.Chunks {
		m.ResponseChunks = contentChunks(w.run.Bodies[q].Response)
	}
	return m
}

func (w *perRequestWriter) computed(q *run.Request) *computedMetrics {
	g := w.group
	c := &computedMetrics{
		Latency: Maybe(requestLatency(g, q)), NTPOT: Maybe(ntpot(g, q)), TTFT: orNull(ttft(g, q)),
		TPOT: orNull(tpot(g, q)), ITL: orNull(itl(g, q)),
		ITLs: []Float{}, Input: w.tokens(q.PromptTokens, q.InputSource),
		Output: w.tokens(q.CompletionTokens, q.OutputSource),
	}
	if b := g.opts.bounds(q); b.TTFT > 0 {
		c.TTFTBound = new(Float(b.TTFT / 1000))
	}
	if b := g.opts.bounds(q); b.TPOT > 0 {
		c.TPOTBound = new(Float(b.TPOT / 1000))
	}
	for i, k := range tokenGaps(w.rec.Chunks, w.rec.ChunkTokens) {
		c.ITLs = append(c.ITLs, Float(float64(w.rec.Chunks[k]-w.rec.Chunks[i])/w.run.Clock.Chunk))
	}
	return c
}

// tokens returns a token count, or nil if it is unknown.
func (w *perRequestWriter) tokens(n int32, source record.Source) *int {
	if math.IsNaN(tokenCount(w.run, n, source, true)) { // a record without a count has 0, as in inference-perf
		return nil
	}
	return new(int(n))
}

// orNull returns nil for a figure that is unknown.
func orNull(figure float64) *Float {
	if math.IsNaN(figure) {
		return nil
	}
	return new(Float(figure))
}

// contentChunks returns the data of the events with content in a recorded stream.
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
