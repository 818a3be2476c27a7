package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
)

// inWords rewrites an error of encoding/json so that it names the faulty field, where the field can be found.
func inWords(data []byte, err error) error {
	var other *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &other) && other.Field != "":
		return fmt.Errorf("field %q: want %s, got %s", other.Field, wanted(other.Type.Kind()), other.Value)
	case errors.As(err, &syntax) && syntax.Offset > 0 && syntax.Offset <= int64(len(data)):
		if at := lastKey.FindSubmatchIndex(data[:syntax.Offset-1]); at != nil {
			return fmt.Errorf("field %q: %q is no value in JSON", data[at[2]:at[3]], word.Find(data[at[4]:]))
		}
	}
	return err
}

// lastKey matches the key whose value comes next, and word matches what stands in place of the value.
var (
	lastKey = regexp.MustCompile(`"([^"\\]{1,64})"\s*:\s*(-?[a-z]*)$`)
	word    = regexp.MustCompile(`^[^\s,:{}\[\]]{0,32}`)
)

// wanted describes what a Go type holds.
func wanted(kind reflect.Kind) string {
	switch kind {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	}
	return "an object"
}
