package config

import (
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Drawn says which prompts are drawn: those of the section data, made as Behaviour says, or those of a mix.
type Drawn struct {
	Behaviour Behaviour
	Parts     []ScriptOptions // of the mix, in place of data; nil without one
}

// mixForm is how a mix is written.
const mixForm = "{parts: [{share: 0.7, label: chat, type: prompts, path: chat.jsonl}, …]}"

// Decode reads the value of a key.
func (w *Drawn) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind != tagged.ObjectKind {
		if v.Kind != tagged.TextKind || !slices.Contains(w.Behaviour.Choices(), v.Text) {
			d.Faults.Add(v, path, "must be %s, or %s", InferencePerf, mixForm)
		}
		w.Behaviour = Behaviour(v.Text)
		return
	}
	list := v.Member("parts")
	for _, m := range v.Members {
		if m.Key != "parts" {
			d.Faults.AddAt(m.Position, path+"."+m.Key, "unknown key%s", tagged.Suggest(m.Key, []string{"parts"}))
		}
	}
	switch {
	case list == nil:
		d.Faults.Add(v, path+".parts", "is required: "+mixForm)
	case list.Kind != tagged.ListKind || len(list.Items) == 0:
		d.Faults.AddType(list, path+".parts", "a list of parts", true)
	default:
		w.Parts = make([]ScriptOptions, len(list.Items))
		for i, item := range list.Items {
			w.Parts[i].Decode(d, item, fmt.Sprintf("%s.parts[%d]", path, i))
		}
	}
}

// Encode returns the value to write.
func (w Drawn) Encode(writer *tagged.Writer) *tagged.Value {
	if w.Parts == nil {
		return tagged.TextValue(string(w.Behaviour))
	}
	list := &tagged.Value{Kind: tagged.ListKind}
	for _, part := range w.Parts {
		list.Items = append(list.Items, part.Encode(writer))
	}
	return &tagged.Value{Kind: tagged.ObjectKind, Members: []tagged.Member{{Key: "parts", Value: list}}}
}

// TypeText names the type in the list of keys.
func (Drawn) TypeText() string { return "inference-perf, or map with parts" }
