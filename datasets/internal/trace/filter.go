package trace

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Filter is a function that keeps or leaves out sessions: a lambda of Python over a dictionary of the session's fields.
// It is run as Starlark, which has neither files nor imports. It may be used concurrently.
type Filter struct{ keep starlark.Callable }

// filterSteps is how many steps of computation the filter may take for a session.
const filterSteps = 10_000_000

// NewFilter compiles the source of a filter.
func NewFilter(source string) (*Filter, error) {
	options := &syntax.FileOptions{Set: true}
	expression, err := options.ParseExpr("filter", strings.TrimSpace(source), 0)
	if err != nil {
		return nil, fmt.Errorf("the filter is no expression of Python: %w", err)
	}
	if _, ok := expression.(*syntax.LambdaExpr); !ok {
		return nil, errors.New(`the filter must be a lambda such as lambda trace: trace["total_tokens"] < 100000`)
	}
	// a long range takes memory before it takes a step
	hidden := starlark.StringDict{"range": starlark.None}
	value, err := starlark.EvalExprOptions(options, &starlark.Thread{Name: "filter"}, expression, hidden)
	if err != nil {
		return nil, fmt.Errorf("the filter: %w", err)
	}
	value.Freeze()
	return &Filter{value.(starlark.Callable)}, nil
}

// Keep reports whether the filter keeps a session, by the fields of its records.
func (f *Filter) Keep(fields Fields) (bool, error) {
	thread := &starlark.Thread{Name: "filter", Print: func(*starlark.Thread, string) {}}
	thread.SetMaxExecutionSteps(filterSteps)
	result, err := starlark.Call(thread, f.keep, starlark.Tuple{fields.dict()}, nil)
	if err != nil {
		return false, fmt.Errorf("the filter fails for session %q: %s", fields.Session, oneLine(err.Error()))
	}
	return bool(result.Truth()), nil
}

// oneLine joins the lines of a message.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Fields are what a filter sees of a session.
type Fields struct {
	Session string // its name in errors
	record  gjson.Result
	more    map[string]any // fields that the record does not have
	force   bool           // more comes before the record
}

// described is a Format with fields for filters of its own.
type described interface{ fields(records []Record) Fields }

// Fields returns the fields of the session of some records: those that inference-perf's filters see of spans and of
// Weka's traces, and of others a summary.
func (t *Trace) Fields(records []Record) (Fields, error) {
	if d, ok := t.format.(described); ok {
		return d.fields(records), nil
	}
	s, err := t.format.Session(records)
	if err != nil {
		return Fields{}, placed(records[0], err)
	}
	u := usage{}
	for _, c := range s.Calls {
		u.add(c.PromptTokens+c.Answer.Tokens, c.Model)
	}
	more := u.fields()
	more["session_id"], more["source_id"], more["num_turns"] = s.ID, records[0].File, len(s.Calls)
	return Fields{Session: s.ID, more: more}, nil
}

// usage adds up the tokens of a session.
type usage struct {
	most, total int
	models      []string
}

func (u *usage) add(tokens int, model string) {
	u.most, u.total = max(u.most, tokens), u.total+tokens
	if model != "" && !slices.Contains(u.models, model) {
		u.models = append(u.models, model)
	}
}

// fields returns the sums by the names that filters use. The models are in order.
func (u *usage) fields() map[string]any {
	slices.Sort(u.models)
	return map[string]any{"max_tokens": u.most, "total_tokens": u.total, "models": u.models}
}

// fields returns the fields of a session of spans.
func (o otel) fields(records []Record) Fields {
	id := traceID(records)
	u := usage{}
	var record gjson.Result
	for _, r := range records {
		if v := gjson.Parse(view(r.Data)); v.Get("spans").IsArray() {
			record = v
		}
		for _, s := range spansOf(r) {
			in, _ := s.attributes.number("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens")
			out, _ := s.attributes.number("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens")
			u.add(in+out, s.attributes["gen_ai.request.model"].String())
		}
	}
	more := u.fields()
	more["session_id"], more["source_id"] = id, records[0].File
	more["harness"], more["benchmark"] = "unknown", "unknown"
	return Fields{Session: id, record: record, more: more}
}

// fields returns the fields of a trace, and the sums of its requests.
func (weka) fields(records []Record) Fields {
	v := gjson.Parse(view(records[0].Data))
	u := usage{}
	turns := 0
	count := func(_, r gjson.Result) bool {
		in, _ := tokens(r.Get("in"), "in")
		out, _ := tokens(r.Get("out"), "out")
		u.add(in+out, "")
		turns++
		return true
	}
	v.Get("requests").ForEach(func(i, r gjson.Result) bool {
		if inner := r.Get("requests"); inner.IsArray() {
			inner.ForEach(count)
			return true
		}
		return count(i, r)
	})
	more := map[string]any{"max_tokens": u.most, "total_tokens": u.total, "num_turns": turns}
	return Fields{Session: v.Get("id").String(), record: v, more: more, force: true}
}

// dict returns the fields as Starlark has them.
func (f Fields) dict() *starlark.Dict {
	d := new(starlark.Dict)
	f.record.ForEach(func(name, value gjson.Result) bool {
		_ = d.SetKey(starlark.String(name.Str), starlarkValue(value, 0))
		return true
	})
	for name, value := range f.more {
		key := starlark.String(name)
		if _, found, _ := d.Get(key); found && !f.force {
			continue
		}
		_ = d.SetKey(key, fieldValue(value))
	}
	return d
}

func fieldValue(value any) starlark.Value {
	switch value := value.(type) {
	case int:
		return starlark.MakeInt(value)
	case string:
		return starlark.String(value)
	case []string:
		list := make([]starlark.Value, len(value))
		for i, text := range value {
			list[i] = starlark.String(text)
		}
		return starlark.NewList(list)
	}
	return starlark.None
}

// starlarkValue returns a value of JSON as Starlark has it.
func starlarkValue(v gjson.Result, depth int) starlark.Value {
	switch {
	case depth > deepest:
		return starlark.None
	case v.IsObject():
		d := new(starlark.Dict)
		v.ForEach(func(name, value gjson.Result) bool {
			_ = d.SetKey(starlark.String(name.Str), starlarkValue(value, depth+1))
			return true
		})
		return d
	case v.IsArray():
		var list []starlark.Value
		v.ForEach(func(_, value gjson.Result) bool {
			list = append(list, starlarkValue(value, depth+1))
			return true
		})
		return starlark.NewList(list)
	case v.Type == gjson.String:
		return starlark.String(v.Str)
	case v.Type == gjson.Number && strings.ContainsAny(v.Raw, ".eE"):
		return starlark.Float(v.Num)
	case v.Type == gjson.Number:
		return starlark.MakeInt64(v.Int())
	case v.IsBool():
		return starlark.Bool(v.Bool())
	}
	return starlark.None
}
