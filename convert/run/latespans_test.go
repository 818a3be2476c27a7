package run

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// TestReadLateWalks compares a walk along many instants with the lateness of each single instant. The walk must pass
// each span once.
func TestReadLateWalks(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	var spans []LateSpan
	for at := int64(0); len(spans) < 2000; {
		at += random.Int64N(8_000_000)
		s := LateSpan{at, at + ShortestLateness + random.Int64N(20_000_000)}
		spans, at = append(spans, s), s.To
	}
	left, steps, late := spans, 0, int64(0)
	for at := int64(0); at < spans[len(spans)-1].To+2*BeatPeriod; at += 1 + random.Int64N(2_000_000) {
		want := int64(0)
		for _, s := range spans {
			if s.From <= at && at <= s.readUntil() {
				want = max(want, at-s.From)
			}
		}
		before := len(left)
		if late, left = readLate(left, at); late != want {
			t.Fatalf("at %d: got %d, want %d", at, late, want)
		}
		steps += before - len(left)
	}
	if steps != len(spans) {
		t.Errorf("passed %d spans, want each of %d once", steps, len(spans))
	}
}

func TestLateSpansOfProcessesWithOneName(t *testing.T) {
	t.Parallel()
	r := newRun(Options{})
	for _, late := range [][][2]int64{{{0, 50_000}, {200_000, 3000}},
		{{10_000, 5000}, {40_000, 60_000}, {100_000, 1999}}} {
		r.add(&record.Heartbeat{Start: second, End: 2 * second, Late: late}, "i")
	}
	findLateSpans(r)
	want := []LateSpan{{second, second + 100_000_000}, {second + 200_000_000, second + 203_000_000}}
	if got := r.Late["i"]; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
