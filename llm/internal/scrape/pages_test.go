package scrape

import (
	"slices"
	"testing"
)

// However many clients and VUs name a page, one goroutine reads it.
func TestPagesAddEachOnce(t *testing.T) {
	t.Parallel()
	var p Pages
	if got := p.add([]string{"a", "b", "a"}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
	if got := p.add([]string{"b", "c"}); !slices.Equal(got, []string{"c"}) {
		t.Errorf("got %q", got)
	}
}
