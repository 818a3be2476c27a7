package trace

import (
	"testing"

	"github.com/tidwall/gjson"
)

// FuzzGlance compares what the index sees of a record with what gjson reads.
func FuzzGlance(f *testing.F) {
	for _, seed := range []string{
		"5", `""`, `"\""`, "[]", "{}", ` { "a" : [ 1 , "x\\" ] , "b":{"c":"\\\"]}"},"d":-1.5e3 } `, `[[],{},"",0 , null]`,
		`{"name":"chat m","attributes":[{"key":"gen_ai.input.messages","value":{"arrayValue":{"values":[{}]}}}]}`,
		`{"attributes":{"gen_ai.operation.name":"chat"},"events":[{"name":"gen_ai.client.inference.operation.details"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !gjson.Valid(text) {
			return
		}
		v := gjson.Parse(text)
		var got, want []string
		for name, value := range members(v.Raw) {
			got = append(got, name, value)
		}
		for value := range items(v.Raw) {
			got = append(got, value)
		}
		v.ForEach(func(name, value gjson.Result) bool {
			if v.IsObject() {
				want = append(want, name.Raw[1:len(name.Raw)-1])
			}
			if v.IsObject() || v.IsArray() {
				want = append(want, value.Raw)
			}
			return true
		})
		if len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		a, b := glance(v.Raw), readSpan(v)
		same := a.isCall() == b.isCall() && a.id == b.id && a.started == b.started && a.failed == b.failed
		if v.IsObject() && !same {
			t.Errorf("got %+v, want %+v", a, b)
		}
	})
}
