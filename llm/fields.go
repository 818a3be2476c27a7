package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// fields reads an options object. It holds a reader for each key that the object may have.
type fields map[string]func(sobek.Value) error

// read reads each key of the object. An unknown key and a value of the wrong type are errors that name the key.
func (f fields) read(rt *sobek.Runtime, what string, value sobek.Value) error {
	if absent(value) {
		return nil
	}
	obj, ok := value.(*sobek.Object)
	if _, isFunc := sobek.AssertFunction(value); !ok || isFunc || obj.ClassName() == "Array" {
		return fmt.Errorf("%s options must be an object, got %s", what, describe(value))
	}
	for _, key := range obj.Keys() {
		set, known := f[key]
		if !known {
			return fmt.Errorf("unknown %s option %q%s", what, key, f.nearest(key))
		}
		v := obj.Get(key)
		if sobek.IsUndefined(v) {
			continue // as if the key were absent, so that scripts can pass an unset variable on
		}
		if err := set(v); err != nil {
			return invalid(what, key, err)
		}
	}
	return nil
}

// invalid adds the name of the option to an error.
func invalid(what, key string, err error) error {
	return fmt.Errorf("%s option %q: %w", what, key, err)
}

func absent(v sobek.Value) bool { return v == nil || sobek.IsUndefined(v) || sobek.IsNull(v) }

// nearest returns a hint that names the key that was probably meant, or all keys.
func (f fields) nearest(key string) string {
	names := slices.Sorted(maps.Keys(f))
	if near, ok := spelling.Nearest(key, names); ok {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ", known are " + strings.Join(names, ", ")
}

// describe describes a value in a message: the value itself if it is short and cannot be a secret, or else its type.
func describe(v sobek.Value) string {
	switch {
	case v == nil || sobek.IsUndefined(v):
		return "undefined"
	case sobek.IsNull(v):
		return "null"
	}
	switch x := v.Export().(type) {
	case bool, int64, float64:
		return fmt.Sprint(x)
	case string:
		return "a string"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "a " + v.ExportType().String()
}

// export returns the Go value. It returns nil for an argument that was left out.
func export(v sobek.Value) any {
	if v == nil {
		return nil
	}
	return v.Export()
}

func text(dst *string) func(sobek.Value) error {
	return func(v sobek.Value) error {
		s, ok := export(v).(string)
		if !ok {
			return fmt.Errorf("must be a string, got %s", describe(v))
		}
		*dst = s
		return nil
	}
}

func boolean(dst *bool) func(sobek.Value) error {
	return func(v sobek.Value) error {
		b, ok := export(v).(bool)
		if !ok {
			return fmt.Errorf("must be true or false, got %s", describe(v))
		}
		*dst = b
		return nil
	}
}

// number reads a finite number.
func number(dst *float64) func(sobek.Value) error {
	return func(v sobek.Value) error {
		switch x := export(v).(type) {
		case int64:
			*dst = float64(x)
		case float64:
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("must be a finite number, got %v", x)
			}
			*dst = x
		default:
			return fmt.Errorf("must be a number, got %s", describe(v))
		}
		return nil
	}
}

// numbers reads an array of finite numbers.
func numbers(dst *[]float64) func(sobek.Value) error {
	return func(v sobek.Value) error {
		obj, ok := v.(*sobek.Object)
		if !ok || obj.ClassName() != "Array" {
			return fmt.Errorf("must be an array of numbers, got %s", describe(v))
		}
		*dst = []float64{}
		for i := range int(obj.Get("length").ToInteger()) {
			var x float64
			if err := number(&x)(obj.Get(strconv.Itoa(i))); err != nil {
				return fmt.Errorf("number %d %w", i, err)
			}
			*dst = append(*dst, x)
		}
		return nil
	}
}

// integer reads a whole number of at least min.
func integer(dst *int64, min int64) func(sobek.Value) error {
	return func(v sobek.Value) error {
		var x float64
		if err := number(&x)(v); err != nil {
			return err
		}
		if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return fmt.Errorf("must be a whole number, got %v", x)
		}
		if int64(x) < min {
			return fmt.Errorf("must be at least %d, got %v", min, x)
		}
		*dst = int64(x)
		return nil
	}
}

// duration reads 1500 (milliseconds) or "1.5s". A string needs a unit, because some users would take "500" of a bound,
// or "60" of a stage, for seconds.
func duration(dst *time.Duration) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if text, isText := export(v).(string); isText {
			if x, err := strconv.ParseFloat(text, 64); err == nil && x > 0 && x < 1e15 {
				return fmt.Errorf("%q has no unit: write %sms or %ss", text, text, text)
			}
		}
		d, err := timespan.Value(export(v))
		switch {
		case errors.Is(err, timespan.ErrNone):
			return fmt.Errorf("must be a duration such as '1.5s' or a number of milliseconds, got %s", describe(v))
		case err != nil:
			return err
		case d < 0:
			return fmt.Errorf("must not be negative, got %v", d)
		}
		*dst = d
		return nil
	}
}

// texts reads an object of strings.
func texts(dst *map[string]string) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if given, ok := export(v).(map[string]string); ok { // as in the tags that scenarios() returns
			*dst = maps.Clone(given)
			return nil
		}
		m, ok := export(v).(map[string]any)
		if !ok {
			return fmt.Errorf("must be an object of strings, got %s", describe(v))
		}
		*dst = make(map[string]string, len(m))
		for key, value := range m {
			s, ok := value.(string)
			if !ok {
				return fmt.Errorf("%q must be a string", key)
			}
			(*dst)[key] = s
		}
		return nil
	}
}

// object reads any object.
func object(dst *map[string]any) func(sobek.Value) error {
	return func(v sobek.Value) error {
		m, ok := export(v).(map[string]any)
		if !ok {
			return fmt.Errorf("must be an object, got %s", describe(v))
		}
		*dst = m
		return nil
	}
}

// jsonArray reads a non-empty array as JSON. Keys keep the script's order.
func jsonArray(dst *json.RawMessage) func(sobek.Value) error {
	return func(v sobek.Value) error {
		obj, ok := v.(*sobek.Object)
		if list, isList := export(v).([]any); !ok || !isList || len(list) == 0 {
			return fmt.Errorf("must be a non-empty array, got %s", describe(v))
		}
		text, err := obj.MarshalJSON()
		if err != nil {
			return err
		}
		*dst = text
		return nil
	}
}

// jsonObject reads an object as JSON, with keys in the script's order. It also accepts JSON text, such as a file's.
func jsonObject(dst *json.RawMessage) func(sobek.Value) error {
	return func(v sobek.Value) (err error) {
		switch x := export(v).(type) {
		case string:
			*dst = json.RawMessage(x)
		case map[string]any:
			obj, _ := v.(*sobek.Object) // only objects export a map
			*dst, err = obj.MarshalJSON()
		default:
			return fmt.Errorf("must be an object or the text of one, got %s", describe(v))
		}
		return err
	}
}

// dialect reads the name of an API.
func dialect(dst *api.Dialect) func(sobek.Value) error {
	return func(v sobek.Value) (err error) {
		var name string
		if err := text(&name)(v); err != nil {
			return err
		}
		*dst, err = api.ByName(name)
		return err
	}
}

// extraBody reads further fields of a request's body. Keys keep the script's order.
func extraBody(dst *api.Extra) func(sobek.Value) error {
	return func(v sobek.Value) (err error) {
		obj, ok := v.(*sobek.Object)
		if _, isFunc := sobek.AssertFunction(v); !ok || isFunc || obj.ClassName() == "Array" {
			return fmt.Errorf("must be an object, got %s", describe(v))
		}
		given := map[string]any{}
		for _, name := range obj.Keys() {
			switch field := obj.Get(name).(type) {
			case *sobek.Object:
				text, err := field.MarshalJSON()
				if err != nil {
					return fmt.Errorf("field %q: %w", name, err)
				}
				given[name] = json.RawMessage(text)
			default:
				if !sobek.IsUndefined(field) {
					given[name] = field.Export()
				}
			}
		}
		*dst, err = api.ParseExtra(given)
		return err
	}
}
