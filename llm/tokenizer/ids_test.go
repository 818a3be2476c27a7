package tokenizer

import (
	"fmt"
	"slices"
	"testing"
)

// Plain ids are the model's ids from which text can be made.
func TestPlain(t *testing.T) {
	t.Parallel()
	added := func(id int, content string, special bool) string {
		return fmt.Sprintf(`{"id": %d, "content": %q, "special": %t, "single_word": false, "lstrip": false, `+
			`"rstrip": false, "normalized": false}`, id, content, special)
	}
	tok, err := Parse(fmt.Appendf(nil,
		`{"model": {"type": "WordLevel", "vocab": {"<unk>": 0, "<s>": 1, "a": 2, "b": 3, "far": 9}, "unk_token": `+
			`"<unk>"}, "added_tokens": [%s, %s, %s, %s]}`,
		added(0, "<unk>", true), added(1, "<s>", true), added(3, "b", false), added(4, "<tool>", false)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tok.Plain(), []int32{2, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
