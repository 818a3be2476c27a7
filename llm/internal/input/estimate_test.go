package input

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// The tokens of a word take the place of a tokenizer, for the types that can use them.
func TestTokensPerWord(t *testing.T) {
	t.Parallel()
	lengths := func(o *DatasetOptions) {
		input, output := datasets.Constant(100), datasets.Constant(9)
		o.Input, o.Output = &input, &output
	}
	for _, tt := range []struct {
		kind   string
		change func(o *DatasetOptions)
		want   string // part of the error; "" for none
	}{
		{"random", func(*DatasetOptions) {}, ""},
		{"synthetic", func(*DatasetOptions) {}, ""},
		{"random", func(o *DatasetOptions) { o.TokensPerWord = 0 }, `"tokensPerWord": must be above 0`},
		{"random", func(o *DatasetOptions) { o.Tokenizer = "x" }, "leave one of the two out"},
		{"random", func(o *DatasetOptions) { o.Prompts, o.API = OriginalPrompts, api.Completion }, "need a tokenizer"},
		{"random", func(o *DatasetOptions) { o.Template, o.API = true, api.Completion }, "needs a tokenizer"},
		{"random", func(o *DatasetOptions) { o.Input = nil }, `"inputDistribution": is missing`},
		{"shared_prefix", func(*DatasetOptions) {}, "type shared_prefix does not use it"},
		{"jsonl", func(o *DatasetOptions) { o.Path = "x" }, "type jsonl does not use it"},
	} {
		o := DefaultDatasetOptions()
		o.Kind, o.TokensPerWord, o.Salt = tt.kind, 1.25, new(string)
		lengths(&o)
		tt.change(&o)
		err := o.Check(map[string]bool{"tokensPerWord": true})
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v: got %v, want %s", o, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", o, err)
			continue
		}
		set, err := (&Source{Shared: new(Shared)}).openGenerated(&o)
		if err != nil {
			t.Fatalf("%s: %v", tt.kind, err)
		}
		item, err := set.At(3)
		if err != nil {
			t.Fatalf("%s: %v", tt.kind, err)
		}
		if n := len(strings.Fields(item.Messages[0].Content)); n != 80 || item.MaxTokens != 9 {
			t.Errorf("%s: %d words and %d tokens of the answer, want 80 and 9", tt.kind, n, item.MaxTokens)
		}
	}
}
