package convert

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// instances divides a run among instances by their segments, as k6 does by the iteration's number.
func instances(t *testing.T, segments ...string) []run.Source {
	t.Helper()
	all := sampleLines()
	sources := make([]run.Source, len(segments))
	for i, segment := range segments {
		r := *all[0].(*record.Run)
		r.Instance, r.Segment, r.SegmentSequence = fmt.Sprint("pod-", i), segment, "0,1/3,2/3,1"
		lines := []record.Line{&r, all[1]}
		for _, line := range all[2:] {
			if q := line.(*record.Request); q.Stage >= 0 && int(q.Index)%len(segments) == i {
				lines = append(lines, q)
			}
		}
		sources[i] = run.Source{Name: r.Instance, Reader: bytes.NewReader(asRecords(t, lines))}
	}
	return sources
}

// The percentiles of a merged run equal those of all its records together, in whatever order the files come.
func TestMergingIsExact(t *testing.T) {
	t.Parallel()
	whole := Summarize(mustRead(t, asRecords(t, sampleLines())), Options{})
	var first string
	for _, order := range [][3]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
		parts := instances(t, "0:1/3", "1/3:2/3", "2/3:1")
		run, err := run.Read(run.Options{}, parts[order[0]], parts[order[1]], parts[order[2]])
		if err != nil {
			t.Fatal(err)
		}
		merged := Summarize(run, Options{})
		text, err := pythonJSON(merged, "")
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Errorf("order %v: another report", order)
		}
		a, b := merged.Successes.Latency, whole.Successes.Latency
		for name, pair := range map[string][2]*Distribution{"latency": {a.Request, b.Request}, "ttft": {a.TTFT, b.TTFT},
			"itl": {a.ITL, b.ITL}} {
			if !slices.Equal(pair[0].Percentiles, pair[1].Percentiles) || pair[0].Min != pair[1].Min ||
				pair[0].Max != pair[1].Max {
				t.Errorf("order %v: %s %+v, of the whole %+v", order, name, pair[0], pair[1])
			}
		}
		if len(merged.Additions.Health.Instances) != 3 {
			t.Errorf("health of %d instances", len(merged.Additions.Health.Instances))
		}
	}
}

func TestMergingRefuses(t *testing.T) {
	t.Parallel()
	otherScenario := func() []run.Source {
		parts := instances(t, "0:1/2", "1/2:1")
		lines := sampleLines()
		r := lines[0].(*record.Run)
		r.Segment, r.Instance = "1/2:1", "odd"
		r.Scenarios[0].Stages[0].Rate = new(9.0)
		return []run.Source{parts[0], {Name: "odd", Reader: bytes.NewReader(asRecords(t, lines[:1]))}}
	}
	for _, tt := range []struct {
		name    string
		sources []run.Source
		want    string
	}{
		{"the first is missing", instances(t, "1/3:2/3", "2/3:1"), "the instance of segment 0:1/3 is missing"},
		{"the second is missing", instances(t, "0:1/3", "2/3:1"), "the instance of segment 1/3:2/3 is missing"},
		{"the last is missing", instances(t, "0:1/3", "1/3:2/3"), "the instance of segment 2/3:1 is missing"},
		{"one twice", instances(t, "0:1/3", "0:1/3", "1/3:1"),
			`instance "pod-1" has segment 0:1/3, of which another has a part`},
		{"overlap", instances(t, "0:1/2", "1/3:1"), `instance "pod-1" has segment 1/3:1`},
		{"no segment", instances(t, "x"), `"x" is not a segment`},
		{"turned", instances(t, "1:0"), `"1:0" is not a segment`},
		{"other scenarios", otherScenario(), "had different scenarios"},
	} {
		_, err := run.Read(run.Options{}, tt.sources...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "--force") {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	run, err := run.Read(run.Options{Force: true}, instances(t, "0:1/3", "2/3:1")...)
	if err != nil || !run.Partial || !strings.Contains(strings.Join(run.Remarks, "\n"),
		"forced: the instance of segment 1/3:2/3 is missing") {
		t.Errorf("forced: %v, partial %t, %q", err, run.Partial, run.Remarks)
	}
}

// Overlapping request numbers are refused even if the segments do not show the overlap.
func TestSameRequestTwiceIsRefused(t *testing.T) {
	t.Parallel()
	lines := sampleLines()
	duplicate := *lines[5].(*record.Request)
	_, err := run.Read(run.Options{},
		run.Source{Name: "f", Reader: bytes.NewReader(asRecords(t, append(lines, &duplicate)))})
	if err == nil || !strings.Contains(err.Error(), `of scenario "stage_0" is there twice`) {
		t.Errorf("got %v", err)
	}
}
