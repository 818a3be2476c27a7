package foreign

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// inferencePerf reads per_request_lifecycle_metrics.json of inference-perf (0.7.0 and earlier versions that write it):
// an array of requests in the order of their ends. A sequence of requests is read as well. Members depend on the
// report's per_request_fields:
//
//	start_time, end_time, error   always
//	request, response             strings; a response that was not kept is null
//	info                          token counts, usage, chunk_times, output_token_times, adapter, retries, extra_info
//	computed_metrics              off by default; successes only; the only home of SLO values from headers
//
// The file does not store when requests were due, nor their stages.
type inferencePerf struct{}

func (d *inferencePerf) next(r *Reader) (*Request, error) {
	if err := r.s.next(); err != nil {
		return nil, err
	}
	raw, err := r.s.value()
	if err != nil {
		return nil, err
	}
	r.read++
	e := inferencePerfElement{in: cursor{b: raw, path: []string{"[" + strconv.Itoa(r.read-1) + "]"}},
		bodies: r.Bodies}
	if err := e.decode(); err != nil {
		return nil, err
	}
	if r.meta.Model == "" {
		r.meta.Model = e.q.Model
	}
	return &e.q, nil
}

type inferencePerfElement struct {
	in         cursor
	q          Request
	bodies     bool
	start, end bool
}

func (e *inferencePerfElement) decode() error {
	if err := e.in.object(e.member); err != nil {
		return err
	}
	if e.q.API == "embeddings" && e.q.OutputTokens != nil && *e.q.OutputTokens > 0 {
		e.q.API = "responses" // whose bodies begin alike
	}
	if e.q.EndUnknown { // end_time is null, as llmconv writes it
		e.q.End = e.q.Start
	}
	return checkTimes(&e.in, &e.q, e.start, e.end)
}

// checkTimes checks that a request has a start and an end, in this order.
func checkTimes(c *cursor, q *Request, start, end bool) error {
	switch {
	case !start:
		return c.fail("it has no start time")
	case !end:
		return c.fail("it has no end time")
	case q.End < q.Start:
		return c.fail("it ends at %v, before its start at %v", q.End, q.Start)
	}
	return nil
}

func (e *inferencePerfElement) member(key string) (err error) {
	q := &e.q
	switch key {
	case "start_time":
		e.start = true
		q.Start, err = e.in.span()
	case "end_time":
		e.end = true
		if q.EndUnknown = e.in.null(); !q.EndUnknown {
			q.End, err = e.in.span()
		}
	case "request":
		err = e.request()
	case "response":
		if e.bodies {
			q.ResponseBody, err = e.in.text()
			return err
		}
		err = e.in.skip()
	case "info":
		err = e.in.objectOrNull(e.info)
	case "computed_metrics":
		err = e.in.objectOrNull(e.computed)
	case "error":
		q.Failed = e.in.peek() == '{'
		err = e.in.objectOrNull(e.failure)
	default:
		err = e.in.skip()
	}
	return err
}

// objectOrNull reads an object or a null. For null it does not call f.
func (c *cursor) objectOrNull(f func(key string) error) error {
	if c.null() {
		return nil
	}
	return c.object(f)
}

// request measures the body and finds its model and kind without decoding it.
func (e *inferencePerfElement) request() (err error) {
	if e.in.null() {
		return nil
	}
	from := e.in.i
	raw, err := e.in.rawString()
	if err != nil {
		return err
	}
	e.q.RequestSize = new(size(raw))
	e.q.Model, e.q.API = modelOf(raw)
	e.q.Streaming = e.q.Streaming || streamOf(raw)
	if e.bodies {
		e.in.i = from
		e.q.RequestBody, err = e.in.text()
	}
	return err
}

// modelOf finds the model and the kind of API in the JSON string of a body, which begins with the model, followed by
// the prompt or the messages.
func modelOf(raw []byte) (model, api string) {
	rest, ok := bytes.CutPrefix(raw, []byte(`{\"model\": \"`))
	if !ok {
		return "", ""
	}
	at := bytes.Index(rest, []byte(`\"`))
	var inner string // the body is the text of a string, and the model is a string within it
	if at < 0 || json.Unmarshal([]byte(`"`+string(rest[:at])+`"`), &inner) != nil ||
		json.Unmarshal([]byte(`"`+inner+`"`), &model) != nil {
		return "", ""
	}
	switch rest = rest[at+2:]; {
	case bytes.HasPrefix(rest, []byte(`, \"prompt\"`)):
		api = "completion"
	case bytes.HasPrefix(rest, []byte(`, \"messages\"`)):
		api = "chat"
	case bytes.HasPrefix(rest, []byte(`, \"input\"`)):
		api = "embeddings"
	case bytes.HasPrefix(rest, []byte(`, \"query\"`)):
		api = "rerank"
	}
	return model, api
}

// streamOf reports whether the body asks for a stream, by its last members. Quotes within a prompt would have one more
// backslash.
func streamOf(raw []byte) bool {
	tail := raw[max(0, len(raw)-512):]
	at := bytes.LastIndex(tail, []byte(` \"stream\": true`))
	return at >= 0
}

func (e *inferencePerfElement) info(key string) (err error) {
	q := &e.q
	switch key {
	case "request_metrics":
		return e.in.objectOrNull(e.requestMetrics)
	case "response_metrics":
		return e.in.objectOrNull(e.responseMetrics)
	case "extra_info":
		return e.in.objectOrNull(e.extra)
	case "lora_adapter":
		q.Adapter, err = e.in.text()
	case "input_tokens":
		if q.InputTokens == nil {
			q.InputTokens, err = e.in.count()
			return err
		}
		err = e.in.skip()
	case "retries_attempted":
		var n *int
		if n, err = e.in.count(); n != nil {
			q.RetriesAttempted = *n
		}
	case "retries_recovered":
		q.RetriesRecovered, err = e.in.bool()
	case "retry_wasted_sec":
		q.RetryWasted, err = e.in.span()
	default:
		err = e.in.skip()
	}
	return err
}

func (e *inferencePerfElement) requestMetrics(key string) error {
	switch key {
	case "image", "video", "audio":
		return e.media(key)
	case "text":
	default:
		return e.in.skip()
	}
	return e.in.objectOrNull(func(key string) (err error) {
		if key != "input_tokens" {
			return e.in.skip()
		}
		e.q.InputTokens, err = e.in.count()
		return err
	})
}

func (e *inferencePerfElement) responseMetrics(key string) (err error) {
	q := &e.q
	switch key {
	case "output_tokens":
		q.OutputTokens, err = e.in.count()
	case "server_usage":
		q.Usage, err = e.in.usage()
	case "chunk_times":
		q.Chunks, err = e.in.floats()
		q.Streaming = q.Streaming || q.Chunks != nil
	case "output_token_times":
		q.TokenTimes, err = e.in.floats()
	default: // response_chunks repeat the response
		err = e.in.skip()
	}
	return err
}

// usage reads the server's map and returns its text, or nil for null.
func (c *cursor) usage() (json.RawMessage, error) {
	if c.null() {
		return nil, nil
	}
	if c.peek() != '{' {
		return nil, c.unlike("an object")
	}
	raw, err := c.raw()
	if err == nil && !json.Valid(raw) {
		err = c.fail("it is no JSON")
	}
	return bytes.Clone(raw), err
}

func (e *inferencePerfElement) extra(key string) (err error) {
	q := &e.q
	switch key {
	case "user_session":
		q.SessionID, err = e.in.name()
	case "chat_round":
		q.Turn, err = e.in.count()
	case "stop_reason":
		q.FinishReason, err = e.in.text()
	case "inputs":
		q.Inputs, err = e.in.count()
	case "vector_length":
		q.VectorLength, err = e.in.count()
	case "scores":
		q.Scores, err = e.in.count()
	default:
		err = e.in.skip()
	}
	return err
}

// name reads a string, or a number, of which it returns the digits.
func (c *cursor) name() (string, error) {
	if c.peek() != '"' && c.peek() != 'n' {
		digits, err := c.number()
		return string(digits), err
	}
	return c.text()
}

func (e *inferencePerfElement) computed(key string) (err error) {
	switch key {
	case "ttft_slo_sec":
		e.q.TTFTSLO, err = e.in.optional()
	case "tpot_slo_sec":
		e.q.TPOTSLO, err = e.in.optional()
	default:
		err = e.in.skip()
	}
	return err
}

func (e *inferencePerfElement) failure(key string) (err error) {
	q := &e.q
	switch key {
	case "error_type":
		q.ErrorType, err = e.in.text()
		if digits, ok := strings.CutPrefix(q.ErrorType, "HTTP Error "); ok {
			q.Status, _ = strconv.Atoi(digits) // 0 means unknown
		}
	case "error_msg":
		q.ErrorMessage, err = e.in.text()
	default:
		err = e.in.skip()
	}
	return err
}
