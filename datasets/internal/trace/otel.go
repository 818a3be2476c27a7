package trace

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

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
type otel struct{ Options }

func newOTel(o Options) Format { return otel{o} }

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
	raw := strings.TrimSpace(view(record))
	for name, resources := range members(raw) {
		if name != "resourceSpans" {
			continue
		}
		spans = []Piece{}
		for resource := range items(resources) {
			for scope := range each(resource, "scopeSpans", "instrumentationLibrarySpans") {
				for span := range each(scope, "spans") {
					spans = append(spans, Piece{offset(record, span), len(span)})
				}
			}
		}
	}
	return spans
}

// each returns the items of the lists that have one of some names in an object.
func each(object string, names ...string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name, list := range members(object) {
			if !slices.Contains(names, name) {
				continue
			}
			for item := range items(list) {
				if !yield(item) {
					return
				}
			}
		}
	}
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
func (o otel) takes(s *span) bool { return s.isCall() && (o.IncludeErrors || !s.failed) }

func (o otel) Session(records []Record) (*workload.Session, error) {
	var spans []span
	for _, r := range records {
		spans = append(spans, spansOf(r)...)
	}
	id := traceID(records)
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

// spansOf returns the spans of a record, which may be one.
func spansOf(r Record) []span {
	if list := pick(r.Data, "spans")[0]; list.IsArray() {
		return readSpans(list)
	}
	return []span{readSpan(gjson.Parse(view(r.Data)))}
}

// traceID returns the id of a session: the first that a record has, or else the name of the file.
func traceID(records []Record) string {
	for _, r := range records {
		f := pick(r.Data, "session_id", "trace_id", "traceId", "context")
		for _, v := range append(f[:3], f[3].Get("trace_id")) {
			if id := v.String(); id != "" {
				return id
			}
		}
	}
	return named(records[0])
}

// readSpans reads a list of spans.
func readSpans(list gjson.Result) (spans []span) {
	for _, v := range list.Array() {
		spans = append(spans, readSpan(v))
	}
	return spans
}

// named names a session by the file, with the line in files of several records.
func named(r Record) string {
	if r.Line > 1 {
		return fmt.Sprintf("%s-%d", r.stem, r.Line)
	}
	return r.stem
}

// stems returns the names of files without folder and extension, and the whole name of those that share that.
func stems(files []File) []string {
	list, same := make([]string, len(files)), map[string]int{}
	for i, f := range files {
		name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
		list[i] = strings.TrimSuffix(name, path.Ext(name))
		same[list[i]]++
	}
	for i, f := range files {
		if same[list[i]] > 1 {
			list[i] = f.Name
		}
	}
	return list
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
	known := remarks{}
	starts := make([]time.Duration, len(taken))
	for i, s := range taken {
		c, err := s.recorded(known)
		if err != nil {
			return nil, fmt.Errorf("span %q: %w", s.id, err)
		}
		c.call.UserFacing = c.call.UserFacing && !inTool[s.id]
		calls = append(calls, c)
		starts[i] = time.Duration(c.start) * time.Microsecond
	}
	base := slices.MinFunc(calls, func(a, b recorded) int { return cmp.Compare(a.start, b.start) }).start
	for i, start := range Squeeze(starts, o.IdleGapCap) {
		shift := calls[i].start - start.Microseconds()
		calls[i].start, calls[i].end = millis(base, calls[i].start-shift), millis(base, calls[i].end-shift)
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
