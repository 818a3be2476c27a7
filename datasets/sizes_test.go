package datasets

import (
	"fmt"
	"testing"
)

// Sizes are drawn by their weights, the same for item k of the same seed, and an item's own size stays.
func TestSizesAreDrawn(t *testing.T) {
	t.Parallel()
	sizes, err := ParseSizes("512x512:1, 1024x768:3")
	if err != nil {
		t.Fatal(err)
	}
	a, b := NewSized(Mock{}, sizes, 7), NewSized(Mock{}, sizes, 8)
	counts, others := map[string]int{}, 0
	for i := range int64(4000) {
		item, err := a.At(i)
		again, _ := a.At(i)
		other, _ := b.At(i)
		if err != nil || string(item.Params) != string(again.Params) {
			t.Fatalf("item %d: %s, then %s, %v", i, item.Params, again.Params, err)
		}
		counts[string(item.Params)]++
		if string(item.Params) != string(other.Params) {
			others++
		}
	}
	if n := counts[`{"size":"1024x768"}`]; n < 2900 || n > 3100 || len(counts) != 2 || others == 0 {
		t.Errorf("got %v, %d others with another seed", counts, others)
	}
	item, err := NewSized(onlyParams(`{"size":"1x1","n":2}`), sizes, 7).At(0)
	if err != nil || string(item.Params) != `{"size":"1x1","n":2}` {
		t.Errorf("got %s, %v", item.Params, err)
	}
	item, err = NewSized(onlyParams(`{"n":2}`), sizes[:1], 7).At(0)
	if err != nil || string(item.Params) != `{"n":2,"size":"512x512"}` {
		t.Errorf("got %s, %v", item.Params, err)
	}
}

// onlyParams is a set of one item with these fields.
type onlyParams string

func (p onlyParams) At(int64) (Item, error) { return Item{Prompt: "a", Params: []byte(p)}, nil }
func (onlyParams) Len() (int64, bool)       { return 1, true }

func TestWrongSizes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0x512", "512", "512x512:0", "512x512:-1", "512x512:NaN", "512x512:",
		"512x512:1e10"} {
		want := fmt.Sprintf("must be sizes with weights such as '512x512:1,1024x1024:3', got %q", text)
		if _, err := ParseSizes(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
