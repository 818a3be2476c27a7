package convert

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Where the load generator read late at times, it may be what put chunks together.
func TestChunksTogetherNameTheClient(t *testing.T) {
	t.Parallel()
	r := runOf(t, &record.Request{Start: second, End: 2 * second, Streaming: true, Chunks: []int64{100, 100, 300}})
	g := newSubset(r, r.Requests, Options{}, nil)
	for _, tt := range []struct {
		beats *Heartbeats
		want  string
	}{
		{nil, "the network holds them, or this load generator read late, which records alone tell; "},
		{&Heartbeats{}, "the network holds them; "},
		{&Heartbeats{Seconds: []LateSecond{{}}}, "or this load generator read late, as in 1 of its seconds; "},
	} {
		w := &warner{}
		w.warnOfChunks(g, countTokens(g), ClientHealth{Heartbeats: tt.beats})
		if !strings.Contains(strings.Join(w.list, "\n"), tt.want) {
			t.Errorf("%q lacks %q", w.list, tt.want)
		}
	}
}

// The first doubtful stage has its reason, the others are named.
func TestDoubts(t *testing.T) {
	t.Parallel()
	valid := Doubt{Stage: "stage 0", Verdict: Valid}
	late := Doubt{"stage 1", Suspect, []string{"late", "and lost"}}
	lost := Doubt{"stage 2", Invalid, []string{"lost"}}
	for _, tt := range []struct {
		stages []Doubt
		want   []string
	}{
		{[]Doubt{valid, valid}, nil},
		{[]Doubt{valid, late}, []string{"stage 1 is SUSPECT: late"}},
		{[]Doubt{valid, late, lost}, []string{"stage 1 is SUSPECT: late", "1 more stage is doubtful, too: stage 2"}},
		{[]Doubt{late, lost, lost}, []string{"stage 1 is SUSPECT: late",
			"2 more stages are doubtful, too: stage 2, stage 2"}},
	} {
		if got := Doubts(tt.stages); !slices.Equal(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
