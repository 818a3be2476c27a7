package run

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func searchRun(t *testing.T, lines []record.Line) *Run {
	t.Helper()
	r, err := FromLines(Options{}, Instance{"a", append(lines, &record.End{Status: "finished"})})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The last line of a search holds, and its stages have the loads that their own lines tell.
func TestSearch(t *testing.T) {
	t.Parallel()
	r := searchRun(t, runtest.SearchLines(1))
	if len(r.Searches) != 1 || r.Searches[0].StopReason != "converged" || r.Partial {
		t.Fatalf("%d searches, partial %v", len(r.Searches), r.Partial)
	}
	plan := r.StagePlan()
	if len(plan) != 9 || *plan[5].Rate != 22.6 || plan[5].Warmup != nil || plan[5].Start != 0 {
		t.Errorf("%d stages, of which stage 5 is planned as %+v", len(plan), plan[5])
	}
	for _, q := range r.Requests {
		if q.Warmup {
			t.Fatalf("request %d of a transient is in the run", q.Index)
		}
	}
	if p := r.ProbeOf(2); p == nil || p.Outcome != record.ProbeRefused || r.ProbeOf(9) != nil {
		t.Errorf("stage 2 is of probe %+v, stage 9 of %+v", p, r.ProbeOf(9))
	}
}

// A search survives k6's own JSON.
func TestSearchInK6JSON(t *testing.T) {
	t.Parallel()
	lines := runtest.SearchLines(1)
	want, got := searchRun(t, lines).Searches, readBytes(t, runtest.K6JSON(t, lines)).Searches
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSearchWithoutAnEnd(t *testing.T) {
	t.Parallel()
	lines := runtest.SearchLines(1)
	r := searchRun(t, lines[:len(lines)-1])
	if !r.Partial || len(r.Searches) != 1 || len(r.Searches[0].Probes) != 9 {
		t.Errorf("partial %v, searches %+v", r.Partial, r.Searches)
	}
	if want := `the search of scenario "load" did not end: its answer is what was known until then`; !slices.Contains(
		r.Remarks, want) {
		t.Errorf("remarks %q, want %q", r.Remarks, want)
	}
}

// Searches of several scenarios stand in the order of the scenarios.
func TestSeveralSearches(t *testing.T) {
	t.Parallel()
	search := func(scenario string) *record.Search {
		return &record.Search{Scenario: scenario, Over: record.OverRate, StopReason: "converged"}
	}
	last, broken := search("b"), search("b")
	last.Probes, broken.Confidence = []record.SearchProbe{{Value: 1}}, math.NaN()
	r := searchRun(t, []record.Line{
		&record.Run{Schema: record.Schema, Start: second, Scenarios: []record.Scenario{{Name: "b"}, {Name: "a"}}},
		search("a"), search("b"), last, broken,
	})
	if len(r.Searches) != 2 || r.Searches[0] != last || r.Searches[1].Scenario != "a" {
		t.Errorf("got %+v", r.Searches)
	}
	if last.Tiers == nil || last.Probes[0].Reasons == nil {
		t.Errorf("got lists of nil, which JSON writes as null: %+v", last)
	}
	if r.SearchOf("b") != last || r.SearchOf("c") != nil {
		t.Errorf("the search of b is %+v, of c %+v", r.SearchOf("b"), r.SearchOf("c"))
	}
}

// Two instances that each searched have no common answer.
func TestSearchOfSeveralInstances(t *testing.T) {
	t.Parallel()
	instances := func() (list []Instance) {
		for i, segment := range []string{"0:1/2", "1/2:1"} {
			list = append(list, Instance{segment, []record.Line{
				&record.Run{Schema: record.Schema, Instance: segment, Segment: segment, Start: second},
				&record.Request{Scenario: "s", Index: int64(i), Start: second, End: 2 * second, Chunks: []int64{}},
				&record.Search{Scenario: "s", Over: record.OverRate, StopReason: "converged"},
			}})
		}
		return list
	}
	_, err := FromLines(Options{}, instances()...)
	if want := `scenario "s" is a search, and of 2 instances each judged`; err == nil || !strings.Contains(err.Error(),
		want) {
		t.Errorf("got %v, want %q", err, want)
	}
	r, err := FromLines(Options{Force: true}, instances()...)
	if err != nil || !r.Partial || len(r.Searches) > 0 || len(r.Requests) != 2 {
		t.Errorf("forced: %v, searches %+v", err, r.Searches)
	}
}
