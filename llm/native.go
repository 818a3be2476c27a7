package llm

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// native turns a Go value into values that a script could have written: objects, arrays, strings, numbers, booleans and
// null. So every reader of options accepts them, even if the script spreads them, recombines them or sends them through
// JSON. JSON text keeps the order of its keys. Only lists of floats stay Go values, which scripts see as arrays,
// because each VU may have a trace of a million floats.
func native(rt *sobek.Runtime, value any) (sobek.Value, error) {
	switch x := value.(type) {
	case nil:
		return sobek.Null(), nil
	case json.RawMessage:
		parse, _ := sobek.AssertFunction(rt.Get("JSON").(*sobek.Object).Get("parse"))
		return parse(sobek.Undefined(), rt.ToValue(string(x)))
	case []float64:
		return rt.ToValue(x), nil
	case arrival.StageOptions:
		return nativeStage(rt, x)
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.String:
		return rt.ToValue(v.String()), nil
	case reflect.Bool:
		return rt.ToValue(v.Bool()), nil
	case reflect.Int, reflect.Int64:
		return rt.ToValue(v.Int()), nil
	case reflect.Float64:
		return rt.ToValue(v.Float()), nil
	case reflect.Map:
		return nativeObject(rt, v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			item, err := native(rt, v.Index(i).Interface())
			if err != nil {
				return nil, fmt.Errorf("%d: %w", i, err)
			}
			list[i] = item
		}
		return rt.NewArray(list...), nil
	}
	return nil, fmt.Errorf("a %T is no value of JavaScript", value)
}

// nativeObject returns an object with the sorted keys of a map.
func nativeObject(rt *sobek.Runtime, m reflect.Value) (sobek.Value, error) {
	members := map[string]any{}
	for key, value := range m.Seq2() {
		members[key.String()] = value.Interface()
	}
	obj := rt.NewObject()
	for _, key := range slices.Sorted(maps.Keys(members)) {
		value, err := native(rt, members[key])
		if err == nil {
			err = obj.Set(key, value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return obj, nil
}
