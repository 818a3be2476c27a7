package page

import (
	"slices"
	"testing"

	"github.com/tidwall/gjson"
)

// What is not steady is grey in the charts over time of a single run, at the times of the report's requests.
func TestCutsAreGrey(t *testing.T) {
	t.Parallel()
	steady := func(begin string) Run {
		return Run{summary: gjson.Parse(`{"xk6_llm":{"steady":{"begin_seconds":` + begin + `,"stages":[{"cut":[
			{"from_seconds":0,"to_seconds":12.5},{"from_seconds":50,"to_seconds":60}]},{"cut":[]}]}}}`)}
	}
	for _, tt := range []struct {
		begin string
		want  []band
	}{
		{"0", []band{{From: 0, To: 12.5, Weak: true, Grey: true}, {From: 50, To: 60, Weak: true, Grey: true}}},
		{"12.5", []band{{From: 37.5, To: 47.5, Weak: true, Grey: true}}},
	} {
		if got := cutBands([]Run{steady(tt.begin)}); !slices.Equal(got, tt.want) {
			t.Errorf("of figures that begin at %s s got %v, want %v", tt.begin, got, tt.want)
		}
	}
	if got := cutBands([]Run{steady("0"), steady("0")}); got != nil {
		t.Errorf("of two runs got %v", got)
	}
	if charts := overTime([]Run{steady("0")}).charts; len(charts[0].Bands) != 2 {
		t.Errorf("a chart over time has the bands %v", charts[0].Bands)
	}
}
