package trace

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/instant"
)

// span is a span of OpenTelemetry, as far as the replay needs it.
type span struct {
	id, trace, parent, name string
	started, ended          string // as written
	attributes              attributes
	failed                  bool
}

// attributes are the attributes of a span by name. A nested value is JSON.
type attributes map[string]gjson.Result

// readSpan reads a span in any of the forms that exporters write: with snake_case names and times as text, as
// OpenTelemetry's Python SDK prints them, or in camelCase with times in nanoseconds, which is OTLP.
func readSpan(value gjson.Result) (s span) {
	value.ForEach(func(key, v gjson.Result) bool {
		switch key.Str {
		case "span_id", "spanId":
			s.id = v.String()
		case "trace_id", "traceId":
			s.trace = v.String()
		case "parent_span_id", "parentSpanId", "parent_id":
			s.parent = v.String()
		case "context":
			s.id, s.trace = v.Get("span_id").String(), v.Get("trace_id").String()
		case "name":
			s.name = v.String()
		case "start_time", "startTimeUnixNano", "start_time_unix_nano":
			s.started = v.String()
		case "end_time", "endTimeUnixNano", "end_time_unix_nano":
			s.ended = v.String()
		case "status":
			s.failed = failed(v)
		case "attributes":
			s.attributes = readAttributes(v)
		}
		return true
	})
	if _, ok := s.attributes[inputMessages]; !ok {
		s.readEvents(value)
	}
	return s
}

// failed reports whether a status is that of an error.
func failed(status gjson.Result) bool {
	for _, key := range []string{"code", "status_code"} {
		switch code := status.Get(key); code.String() {
		case "2", "ERROR", "STATUS_CODE_ERROR":
			return true
		}
	}
	return false
}

// readEvents takes messages from the event in which instrumentations may record them instead of on the span.
func (s *span) readEvents(value gjson.Result) {
	value.Get("events").ForEach(func(_, event gjson.Result) bool {
		if event.Get("name").Str != "gen_ai.client.inference.operation.details" {
			return true
		}
		for name, v := range readAttributes(event.Get("attributes")) {
			if _, ok := s.attributes[name]; !ok {
				if s.attributes == nil {
					s.attributes = attributes{}
				}
				s.attributes[name] = v
			}
		}
		return false
	})
}

// readAttributes reads attributes that are an object, or a list of keys and typed values.
func readAttributes(value gjson.Result) attributes {
	out := attributes{}
	if !value.IsArray() {
		value.ForEach(func(key, v gjson.Result) bool {
			out[key.Str] = v
			return true
		})
		return out
	}
	value.ForEach(func(_, pair gjson.Result) bool {
		out[pair.Get("key").Str] = untyped(pair.Get("value"), 0)
		return true
	})
	return out
}

// deepest is how deep values may be nested.
const deepest = 100

// untyped returns a typed value of OTLP as JSON.
func untyped(value gjson.Result, depth int) (out gjson.Result) {
	value.ForEach(func(kind, v gjson.Result) bool {
		switch kind.Str {
		case "intValue", "doubleValue":
			out = number(v)
		case "arrayValue", "kvlistValue":
			if depth < deepest {
				out = gjson.Parse(nested(kind.Str == "kvlistValue", v.Get("values"), depth+1))
			}
		default:
			out = v
		}
		return false
	})
	return out
}

// number returns a number that may be written as text, as OTLP writes whole ones.
func number(v gjson.Result) gjson.Result {
	if v.Type != gjson.String || !gjson.Valid(v.Str) { // as NaN is not
		return v
	}
	if n := gjson.Parse(strings.TrimSpace(v.Str)); n.Type == gjson.Number {
		return n
	}
	return v
}

// nested returns the values of a list, or of an object, as JSON.
func nested(object bool, values gjson.Result, depth int) string {
	open, shut := byte('['), byte(']')
	if object {
		open, shut = '{', '}'
	}
	out := []byte{open}
	values.ForEach(func(_, item gjson.Result) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		v := item
		if object {
			out = append(gjson.AppendJSONString(out, item.Get("key").Str), ':')
			v = item.Get("value")
		}
		if raw := untyped(v, depth).Raw; raw != "" {
			out = append(out, raw...)
		} else {
			out = append(out, "null"...)
		}
		return true
	})
	return string(append(out, shut))
}

// isCall reports whether the span is a call of a model whose messages were recorded.
func (s *span) isCall() bool {
	return s.isChat() && !empty(s.attributes[inputMessages])
}

// isChat reports whether the span is a call of a model.
func (s *span) isChat() bool {
	return s.attributes["gen_ai.operation.name"].Str == "chat" || strings.HasPrefix(s.name, "chat ")
}

// empty reports whether a value is missing, or has nothing in it.
func empty(v gjson.Result) bool {
	switch v.Raw {
	case "", "null", `""`, "[]", "{}", "false", "0":
		return true
	}
	return false
}

// number returns the first of the named attributes that is a number.
func (a attributes) number(names ...string) (int, bool) {
	for _, name := range names {
		v, ok := a[name]
		if !ok || v.Type == gjson.Null {
			continue
		}
		if n := number(v); n.Type == gjson.Number && n.Num >= 0 && n.Num <= maxTokens {
			return int(n.Num), true
		}
	}
	return 0, false
}

// times returns when the span began and ended, in microseconds since 1970.
func (s *span) times() (start, end int64, err error) {
	if s.started == "" {
		return 0, 0, errors.New("it has no start")
	}
	if start, err = micros(s.started); err != nil || s.ended == "" {
		return start, start, err
	}
	if end, err = micros(s.ended); err == nil && end < start {
		err = errors.New("it ends before it starts")
	}
	return start, end, err
}

// micros reads an instant as microseconds since 1970: a time, which is in UTC if it has no zone, or nanoseconds.
func micros(text string) (int64, error) {
	var clock instant.Clock
	at, err := clock.Learn(text, float64(time.Second))
	return at.At.Microseconds(), err
}

// millis returns the time from one instant in microseconds to another in whole milliseconds. It rounds what the
// difference of seconds is in floating point, as inference-perf does, because waits must equal.
func millis(from, to int64) int64 {
	const second = 1e6
	return int64(math.RoundToEven((float64(to)/second - float64(from)/second) * 1000))
}

// executes reports whether a span is the run of a tool.
func (s *span) executes() bool {
	return s.attributes["gen_ai.operation.name"].Str == "execute_tool" ||
		strings.Contains(s.name, "tool.execution") || strings.Contains(s.name, "tool_execution")
}

// inner returns the ids of the spans that are inside the execution of a tool, at any depth.
func inner(spans []span) (ids map[string]bool, err error) {
	parents := make(map[string]string, len(spans))
	executes := map[string]bool{}
	for _, s := range spans {
		parents[s.id] = s.parent
		if s.executes() {
			executes[s.id] = true
		}
	}
	ids = map[string]bool{}
	settled := map[string]bool{}
	for _, s := range spans {
		path := []string{}
		id := s.id
		for id != "" && !settled[id] {
			if len(path) > len(parents) {
				return nil, fmt.Errorf("span %q is inside itself", path[len(path)-1])
			}
			path = append(path, id)
			id = parents[id]
		}
		for _, id := range slices.Backward(path) {
			up := parents[id]
			ids[id] = ids[up] || executes[up]
			settled[id] = true
		}
	}
	return ids, nil
}
