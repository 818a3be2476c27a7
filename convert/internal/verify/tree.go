package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
)

// fromJSON parses a JSON document. Numbers stay as they are written.
func fromJSON(text []byte) (v any, err error) {
	if text, err = reportdir.JSON(text); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("there is something after the document")
		}
	}
	return v, err
}

// fromYAML parses a YAML document.
func fromYAML(text []byte) (v any, err error) {
	err = yaml.Unmarshal(text, &v)
	return plainKeys(v), err
}

// plainKeys returns a value of YAML, whose keys can be anything, with texts as keys.
func plainKeys(v any) any {
	switch t := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(t))
		for key, below := range t {
			m[fmt.Sprint(key)] = plainKeys(below)
		}
		return m
	case map[string]any:
		for key, below := range t {
			t[key] = plainKeys(below)
		}
	case []any:
		for i, below := range t {
			t[i] = plainKeys(below)
		}
	}
	return v
}

// tree compares two documents.
func (s *sink) tree(texts [2][]byte, parse func([]byte) (any, error), o Options) error {
	written, err := parse(texts[0])
	if err != nil {
		s.add("", "cannot be read: %v", err)
		return nil
	}
	again, err := parse(texts[1])
	if err != nil {
		return fmt.Errorf("%s, made again: %w", s.file, err)
	}
	walk{s, o}.compare("", written, again)
	return nil
}

// walk compares two trees of values.
type walk struct {
	*sink
	Options
}

func (w walk) compare(key string, written, again any) {
	if slices.Contains(w.Ignored, key) {
		return
	}
	switch a := written.(type) {
	case map[string]any:
		if b, ok := again.(map[string]any); ok {
			w.maps(key, a, b)
			return
		}
	case []any:
		if b, ok := again.([]any); ok {
			w.lists(key, a, b)
			return
		}
	default:
		w.Values++
		if w.same(written, again) {
			return
		}
	}
	w.add(key, "is %s, the records say %s", show(written), show(again))
}

func (w walk) maps(key string, written, again map[string]any) {
	all := maps.Clone(written)
	maps.Copy(all, again)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		below := name
		if key != "" {
			below = key + "." + name
		}
		a, inA := written[name]
		b, inB := again[name]
		switch {
		case inA && inB:
			w.compare(below, a, b)
		case slices.Contains(w.Ignored, below):
		case w.Lenient:
			w.Passed++
		case inA:
			w.add(below, "is %s, the records do not give it", show(a))
		default:
			w.add(below, "is missing, the records say %s", show(b))
		}
	}
}

func (w walk) lists(key string, written, again []any) {
	if len(written) != len(again) {
		w.add(key, "has %d elements, the records give %d", len(written), len(again))
	}
	for i := range min(len(written), len(again)) {
		w.compare(fmt.Sprintf("%s[%d]", key, i), written[i], again[i])
	}
}

// roundings is the share by which the last digits of a figure may differ where another processor computed it.
const roundings = 1e-9

// same reports whether two values without others below them are equal.
func (w walk) same(a, b any) bool {
	x, isA := number(a)
	y, isB := number(b)
	if isA && isB {
		return x == y || math.IsNaN(x) && math.IsNaN(y) ||
			math.Abs(x-y) <= w.Within+roundings*math.Max(math.Abs(x), math.Abs(y))
	}
	if at, ok := a.(time.Time); ok { // in different locations, too
		bt, ok := b.(time.Time)
		return ok && at.Equal(bt)
	}
	return isA == isB && reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	}
	return 0, false
}

// show returns a value for a message.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	const most = 80
	if s := string(text); len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "…"
}
