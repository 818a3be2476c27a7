package input

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// agenticOptions returns valid options of made-up sessions, changed by edit.
func agenticOptions(edit func(*Agentic)) *Agentic {
	a := DefaultAgentic()
	input, output := datasets.Constant(500), datasets.Constant(100)
	a.Sessions, a.Input, a.Output = 10, &input, &output
	edit(&a)
	return &a
}

func TestAgenticOptions(t *testing.T) {
	turns, parallel := datasets.Constant(3), datasets.Constant(2)
	for _, c := range []struct {
		name string
		edit func(*Agentic)
		want string // the error; "" for none
	}{
		{"defaults", func(*Agentic) {}, ""},
		// 1000 of the system prompt, 8 tools, a turn of 500 and 2 loops of 100 and 100, an answer of 100
		{"enough room", func(a *Agentic) { a.MaxModelLen = 1000 + 8*380 + 500 + 2*200 + 100 }, ""},
		{"not enough", func(a *Agentic) { a.MaxModelLen = 5039 }, "maxModelLen must be at least 5040"},
		{"more turns", func(a *Agentic) { a.Turns, a.MaxModelLen = &turns, 6840-1 }, "at least 6840"},
		{"more calls", func(a *Agentic) { a.Parallel, a.MaxModelLen = &parallel, 5240-1 }, "at least 5240"},
		{"half a compaction", func(a *Agentic) { a.CompactAt = &turns }, "needs triggerTokens and targetTokens"},
	} {
		err := agenticOptions(c.edit).check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestAgenticThemesAreInOrder(t *testing.T) {
	a := agenticOptions(func(a *Agentic) { a.Themes = map[string]float64{"research_rag": 2, "generic": 1} })
	got := a.options().Themes
	if len(got) != 2 || got[0].Name != "generic" || got[1].Weight != 2 {
		t.Errorf("got themes %v, want generic and research_rag", got)
	}
	if n := len(agenticOptions(func(*Agentic) {}).options().Themes); n != 4 {
		t.Errorf("got %d themes by default, want 4", n)
	}
}
