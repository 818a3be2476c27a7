package tokenizer

import (
	"encoding/json"
	"strings"
	"testing"
)

// The walker takes what encoding/json takes.
func FuzzWalk(f *testing.F) {
	for _, text := range []string{
		``, ` `, `{}`, ` [ ] `, `{"a":[1,-2.5e+3,0,"\u00e9\n\"",true,false,null]}`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a"}`,
		`{1:2}`, `01`, `-`, `1.`, `1e`, `+1`, `.5`, `-0`, `0e0`, `1E-`, `"\x"`, `"\u12"`, `"\u12g4"`, `"` + "\x01" + `"`,
		"\"\xff\"", `"`, `"\`, `"\"`, `tru`, `nul`, `truefalse`, `{}{}`, `[`, `{"a":`, "\ufeff1", "[1\v]",
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), strings.Repeat(`{"":`, 10_001),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := walker{text: text}
		_, ok := w.value()
		if ok = ok && w.next() == 0 && w.at == len(text); ok != json.Valid([]byte(text)) {
			t.Errorf("%.200q: got %t", text, ok)
		}
	})
}
