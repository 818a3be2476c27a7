package compare

import (
	"slices"
	"testing"
)

func TestViolationsInWords(t *testing.T) {
	t.Parallel()
	v := &Violations{New: &Violated{Seconds: 7, Of: 120, Longest: 5, Marks: []Mark{
		{41.3, "pod killed", "recovered", new(5.7)}, {60, "pod back", "no violation", new(0.0)}}}}
	want := []string{"SLO violated: BASE unknown; NEW in 7 of 120 s, longest 5 s",
		"NEW mark at 41.3 s: pod killed: recovered after 5.7 s", "NEW mark at 60.0 s: pod back: no violation"}
	if got := v.sentences(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	v = &Violations{Base: &Violated{Of: 30, Marks: make([]Mark, mostMarks+2)}, New: &Violated{Of: 30}}
	const none = "SLO violated: BASE in none of 30 s; NEW in none of 30 s"
	if got := v.sentences(); len(got) != mostMarks+2 || got[0] != none {
		t.Errorf("got %q", got)
	}
	if got := (*Violations)(nil).sentences(); got != nil {
		t.Errorf("without an SLO: got %q", got)
	}
}
