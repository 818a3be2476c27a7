package trace

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// inputMessages is the attribute with the messages of a prompt.
const inputMessages = "gen_ai.input.messages"

// inMessages are the attributes that are not kept with a call, because they are in its messages.
var inMessages = map[string]bool{
	inputMessages: true, "gen_ai.output.messages": true, "gen_ai.output.text": true, "gen_ai.completion": true,
	"gen_ai.output": true, "gen_ai.tool.definitions": true,
}

// otel reads spans of OpenTelemetry by its conventions for generative AI. A record is a whole session with its spans,
// a batch of OTLP in JSON, as collectors write it, or one span.
type otel struct{ includeErrors bool }

func newOTel(o Options) Format { return otel{o.IncludeErrors} }

func (otel) Name() string { return "otel" }

func (otel) Detects(record []byte) bool {
	v := gjson.Parse(view(record))
	return v.Get("resourceSpans").IsArray() || v.Get("spans").IsArray() || isSpan(v)
}

// isSpan reports whether a value looks like a span.
func isSpan(v gjson.Result) bool {
	return (v.Get("spanId").Exists() || v.Get("span_id").Exists() || v.Get("context.span_id").Exists()) &&
		either(v, "startTimeUnixNano", "start_time").Exists()
}

// Split returns the spans of a batch, because those of a trace may be in many batches, and those of many traces in one.
func (otel) Split(record []byte) (spans []Piece) {
	batch := gjson.Get(view(record), "resourceSpans")
	if batch.Exists() {
		spans = []Piece{}
	}
	batch.ForEach(func(_, resource gjson.Result) bool {
		either(resource, "scopeSpans", "instrumentationLibrarySpans").ForEach(func(_, scope gjson.Result) bool {
			scope.Get("spans").ForEach(func(_, span gjson.Result) bool {
				spans = append(spans, Piece{span.Index, len(span.Raw)})
				return true
			})
			return true
		})
		return true
	})
	return spans
}

func (o otel) Index(record []byte) (e Entry, err error) {
	raw := strings.TrimSpace(view(record))
	list, trace := "", ""
	for name, value := range members(raw) {
		switch name {
		case "spans":
			list = value
		case "traceId", "trace_id":
			trace = gjson.Parse(value).String()
		case "context":
			trace = gjson.Parse(value).Get("trace_id").String()
		}
	}
	e.Calls = NoCall
	if !strings.HasPrefix(list, "[") {
		e.Session = trace
		return e, o.count(raw, &e)
	}
	for span := range items(list) {
		if err := o.count(span, &e); err != nil {
			return e, err
		}
	}
	if e.Calls == NoCall {
		_, err = o.calls(readSpans(gjson.Parse(list)))
	}
	return e, err
}

// count counts a span, and notes when the first call began.
func (o otel) count(raw string, e *Entry) error {
	s := glance(raw)
	if !o.takes(&s) {
		return nil
	}
	start, _, err := s.times()
	if err != nil {
		return fmt.Errorf("span %q: %w", s.id, err)
	}
	at := time.UnixMicro(start).UTC().Format("2006-01-02T15:04:05.000000Z") // texts that sort as their instants do
	if e.Calls == NoCall || at < e.Time {
		e.Time = at
	}
	e.Calls = max(0, e.Calls) + 1
	return nil
}

// takes reports whether a span is a call that is replayed.
func (o otel) takes(s *span) bool { return s.isCall() && (o.includeErrors || !s.failed) }

func (o otel) Session(records []Record) (*workload.Session, error) {
	var spans []span
	id := ""
	for _, r := range records {
		v := gjson.ParseBytes(r.Data)
		if list := v.Get("spans"); list.IsArray() {
			spans = append(spans, readSpans(list)...)
		} else {
			spans = append(spans, readSpan(v))
		}
		if id == "" {
			id = either(v, "session_id", "trace_id", "traceId", "context.trace_id").String()
		}
	}
	if id == "" {
		id = stem(records[0])
	}
	calls, err := o.calls(spans)
	if err != nil {
		return nil, fmt.Errorf("session %q: %w", id, err)
	}
	g := newGraph(calls)
	s := &workload.Session{ID: id, Calls: g.session()}
	for i := range s.Calls {
		s.Calls[i].Pause = g.pause(i)
	}
	return s, nil
}

// readSpans reads a list of spans.
func readSpans(list gjson.Result) (spans []span) {
	for _, v := range list.Array() {
		spans = append(spans, readSpan(v))
	}
	return spans
}

// stem names a session by the file, with the line in files of several records.
func stem(r Record) string {
	name := path.Base(strings.ReplaceAll(r.File, `\`, "/"))
	name = strings.TrimSuffix(name, path.Ext(name))
	if r.Line > 1 {
		name += fmt.Sprintf("-%d", r.Line)
	}
	return name
}

// calls returns the calls among spans, once each.
func (o otel) calls(spans []span) (calls []recorded, err error) {
	taken, err := o.take(spans)
	if err != nil {
		return nil, err
	}
	inTool, err := inner(spans)
	if err != nil {
		return nil, err
	}
	starts := make([]int64, len(taken))
	base := int64(0)
	for i, s := range taken {
		c, err := s.recorded()
		if err != nil {
			return nil, fmt.Errorf("span %q: %w", s.id, err)
		}
		c.call.UserFacing = c.call.UserFacing && !inTool[s.id]
		calls = append(calls, c)
		starts[i] = c.order
		if i == 0 || c.order < base {
			base = c.order
		}
	}
	for i := range calls {
		calls[i].start, calls[i].end = millis(base, calls[i].start), millis(base, calls[i].end)
	}
	return calls, nil
}

// take chooses the spans that are replayed.
func (o otel) take(spans []span) (taken []*span, err error) {
	type when struct{ started, ended string }
	seen := map[when][]*span{}
	chat := ""
	for i := range spans {
		s := &spans[i]
		if s.id == "" {
			return nil, fmt.Errorf("span number %d has no id", i+1)
		}
		if s.isChat() && !s.isCall() {
			chat = s.id
		}
		if !o.takes(s) || s.repeats(seen[when{s.started, s.ended}]) {
			continue
		}
		seen[when{s.started, s.ended}] = append(seen[when{s.started, s.ended}], s)
		taken = append(taken, s)
	}
	switch {
	case len(taken) > 0:
		return taken, nil
	case chat != "":
		return nil, fmt.Errorf("span %q has no %s: instrumentations record messages only if told to", chat,
			inputMessages)
	default:
		return nil, errors.New("no span is a call of a model that succeeded: gen_ai.operation.name must be chat")
	}
}

// repeats reports whether the span has the attributes of another at the same time.
func (s *span) repeats(others []*span) bool {
	for _, other := range others {
		if maps.EqualFunc(s.attributes, other.attributes, func(a, b gjson.Result) bool { return a.Raw == b.Raw }) {
			return true
		}
	}
	return false
}

// recorded returns the call of a span. Its instants are in microseconds.
func (s *span) recorded() (c recorded, err error) {
	if c.start, c.end, err = s.times(); err != nil {
		return c, err
	}
	c.order = c.start
	if c.messages, err = s.prompt(); err != nil {
		return c, fmt.Errorf("%s: %w", inputMessages, err)
	}
	output, err := s.output()
	if err != nil {
		return c, err
	}
	c.call = workload.Call{
		ID: s.id, Model: s.attributes["gen_ai.request.model"].String(), Attributes: s.others(),
		Tools: tools(s.attributes["gen_ai.tool.definitions"]),
	}
	c.call.PromptTokens, _ = s.attributes.number("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens")
	s.addAnswer(&c, output)
	_, schema := s.attributes["gen_ai.request.output_schema"]
	c.call.Structured = schema || s.attributes["gen_ai.output.type"].Str == "json"
	c.call.UserFacing = !c.call.Structured && !s.endsInTools() &&
		(len(c.call.Answer.ToolCalls) == 0 || c.call.Tools == nil)
	return c, nil
}

// prompt returns the messages of the prompt, with the instructions as the first.
func (s *span) prompt() (turns []remark, err error) {
	list, err := structured(s.attributes[inputMessages])
	if err != nil {
		return nil, err
	}
	if turns, err = readTurns(list); err != nil {
		return nil, err
	}
	if len(turns) == 0 {
		return nil, errors.New("there is no message")
	}
	if instructions := s.attributes["gen_ai.system_instructions"]; !empty(instructions) {
		var c content
		if v, err := structured(instructions); err == nil && v.IsArray() {
			c.readParts(v)
		} else {
			c.texts = []string{instructions.String()}
		}
		first := remark{role: "system", text: c.text(), sent: c.messages("system", gjson.Result{})}
		turns = append([]remark{first}, turns...)
	}
	return turns, nil
}

// structured returns a value that may be written as a text of JSON.
func structured(v gjson.Result) (gjson.Result, error) {
	if v.Type != gjson.String {
		return v, nil
	}
	if !gjson.Valid(v.Str) {
		return v, errors.New("it is not JSON")
	}
	return gjson.Parse(v.Str), nil
}

// output returns the recorded answer; nil if there is none.
func (s *span) output() (*content, error) {
	for _, name := range []string{"gen_ai.output.text", "gen_ai.completion", "gen_ai.output"} {
		if v := s.attributes[name]; v.Type == gjson.String {
			return &content{texts: []string{v.Str}}, nil
		}
	}
	const name = "gen_ai.output.messages"
	if empty(s.attributes[name]) {
		return nil, nil
	}
	list, err := structured(s.attributes[name])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	messages := list.Array()
	if !list.IsArray() || len(messages) == 0 {
		return nil, nil
	}
	if len(messages) > 1 {
		return nil, fmt.Errorf("%s: there are %d messages, and a call has one answer", name, len(messages))
	}
	c := contentOf(messages[0])
	return &c, nil
}

// addAnswer sets the recorded answer of a call, and the limit, which is the number of its tokens.
func (s *span) addAnswer(c *recorded, output *content) {
	a := &c.call.Answer
	a.Failed = s.failed
	a.Took = time.Duration(c.end-c.start) * time.Microsecond
	length := 0
	if output != nil {
		a.Text, a.Reasoning = strings.Join(output.texts, ""), strings.Join(output.reasoning, "")
		a.ToolCalls = output.calls
		c.answer = &answer{text: output.text(), parts: output.pieces}
		length = output.length()
		if len(output.pieces) > 0 {
			for _, call := range output.calls {
				c.answer.ids = append(c.answer.ids, call.ID)
			}
		}
	}
	tokens, ok := s.attributes.number("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens")
	if !ok {
		tokens = max(1, length/4)
	}
	a.Tokens, c.call.MaxTokens = tokens, tokens
}

// length estimates the number of characters of an answer.
func (c *content) length() int {
	const frame = 33 // of a call of a tool: the marks of a chat template
	n := utf8.RuneCountInString(strings.Join(c.texts, "\n"))
	for i, call := range c.calls {
		if i > 0 || len(c.texts) > 0 {
			n++
		}
		n += frame + utf8.RuneCountInString(call.Name) + utf8.RuneCountInString(call.Arguments)
	}
	return n
}

// endsInTools reports whether the answer ended in order to call tools.
func (s *span) endsInTools() bool {
	reasons := s.attributes["gen_ai.response.finish_reasons"]
	for _, reason := range reasons.Array() {
		if reason.Str == "tool_use" || reason.Str == "tool_calls" {
			return true
		}
	}
	return false
}

// others returns the attributes that headers and labels can be made of.
func (s *span) others() map[string]string {
	out := map[string]string{}
	for name, v := range s.attributes {
		if !inMessages[name] && v.Exists() && v.Type != gjson.Null {
			out[name] = v.String()
		}
	}
	return out
}

// tools returns the definitions of tools as OpenAI's chat has them; nil if there are none.
func tools(attribute gjson.Result) []byte {
	list, err := structured(attribute)
	if err != nil || empty(list) {
		return nil
	}
	out := []byte{'['}
	for _, v := range list.Array() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, tool(v)...)
	}
	return append(out, ']')
}

// tool returns the definition of a tool, which may have the fields of its function at its top.
func tool(v gjson.Result) string {
	if v.Get("function").Exists() || !v.Get("name").Exists() {
		return v.Raw
	}
	fields := []string{`"name":` + v.Get("name").Raw}
	if d := v.Get("description"); d.Exists() {
		fields = append(fields, `"description":`+d.Raw)
	}
	if p := either(v, "parameters", "input_schema"); p.Exists() {
		fields = append(fields, `"parameters":`+p.Raw)
	}
	return `{"type":"function","function":{` + strings.Join(fields, ",") + `}}`
}
