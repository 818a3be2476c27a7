package breaker

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// failures returns the definition of the plain form.
func failures(perStage bool, triggers ...Trigger) Definition {
	return Definition{Matches: []string{Every}, Rules: []string{Failures}, Triggers: triggers, PerStage: perStage}
}

func mustNew(tb testing.TB, def Definition) *Breaker {
	tb.Helper()
	b, err := New(def)
	if err != nil {
		tb.Fatalf("%+v: %v", def, err)
	}
	return b
}

// play feeds a story to a breaker, one request a second, and returns the number of the first request that finds the
// breaker open, or -1. In a story, s is a success, f a reset connection, 5 a status 503, t a timeout and c a request
// that the client cut; . is a second without a request, | begins the next stage and < goes back to the one before.
func play(b *Breaker, story string) (opened int, reason string) {
	stage, n := 0, 0
	now := time.Unix(1_000_000, 0)
	for _, c := range story {
		now = now.Add(time.Second)
		r := &record.Request{Stage: stage, Start: now.Add(-time.Second).UnixNano(), End: now.UnixNano(), Error: "why"}
		switch c {
		case '|':
			stage++
			continue
		case '<':
			stage--
			continue
		case '.':
			continue
		case 'f':
			r.ErrorType = record.ErrorReset
		case '5':
			r.ErrorType, r.Status = record.ErrorHTTP, 503
		case 't':
			r.ErrorType = record.ErrorTimeout
		case 'c':
			r.ErrorType = record.ErrorCanceled
		case 'l':
			r.ErrorType = record.ErrorAbandoned
		}
		if reason := b.Take(NewSample(r), now); reason != "" {
			return n, reason
		}
		n++
	}
	return -1, ""
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	three := Trigger{Consecutive: 3}
	half := Trigger{Rate: 0.5, Window: 10 * time.Second, MinSamples: 4}
	busy := Definition{Name: "busy", Matches: []string{Every}, Rules: []string{"error.error_type == 'HTTP Error 503'"},
		Triggers: []Trigger{three}}
	onlyErrors := Definition{Matches: []string{Failures}, Triggers: []Trigger{three}}
	for _, tt := range []struct {
		name   string
		def    Definition
		story  string
		want   int
		reason string
	}{
		{"three in a row", failures(false, three), "ffsfff", 5,
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"never three", failures(false, three), "ffsffsff", -1, ""},
		{"a row runs on into the next stage", failures(false, three), "ff|f", 2,
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"stages by themselves", failures(true, three), "ff|ff|fff", 6,
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"stages that overlap", failures(true, three), "ff|s<f", 3,
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"our own cuts do not count", failures(false, three), "ffccf", 4,
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"users who leave do not count", failures(false, three), "lfflllf", 6,
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"only cuts", failures(false, three), "ccccc", -1, ""},
		{"half of four", failures(false, half), "sfsf", 3,
			"circuit breaker: 2 of the last 4 requests failed, the last with reset: why"},
		{"half of four, opened by a success", failures(false, half), "fsfs", 3,
			"circuit breaker: 2 of the last 4 requests failed"},
		{"too few", failures(false, half), "fff", -1, ""},
		{"less than half", failures(false, half), "ssfsfsfssf", -1, ""},
		{"the window moves on", failures(false, half), "ssssssssssssffffff", 17,
			"circuit breaker: 6 of the last 11 requests failed, the last with reset: why"},
		{"too few within the window", failures(false, half), "fff............f", -1, ""},
		{"no minimum", failures(false, Trigger{Rate: 1, Window: time.Second}), "sf", -1, ""},
		{"no minimum, alone in the window", failures(false, Trigger{Rate: 1, Window: time.Second}), "s..f", 1,
			"circuit breaker: 1 of the last 1 requests failed, the last with reset: why"},
		{"a share of none opens at once", failures(false, Trigger{Window: time.Second}), "s", 0,
			"circuit breaker: 0 of the last 1 requests failed"},
		{"the first of two triggers", failures(false, half, three), "fff", 2,
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"the second of two triggers", failures(false, three, half), "sfsf", 3,
			"circuit breaker: 2 of the last 4 requests failed, the last with reset: why"},
		{"no trigger", failures(false), "ffffffff", -1, ""},
		{"a rule", busy, "555", 2,
			`circuit breaker "busy": 3 requests in a row met its rules, the last with http: why`},
		{"other failures end the row", busy, "55f55t55", -1, ""},
		{"what does not match is passed over", onlyErrors, "fsfsssf", 6,
			"circuit breaker: 3 requests in a row matched, the last with reset: why"},
	} {
		opened, reason := play(mustNew(t, tt.def), tt.story)
		if opened != tt.want || reason != tt.reason {
			t.Errorf("%s: %q opens it at %d with %q, want %d with %q", tt.name, tt.story, opened, reason, tt.want,
				tt.reason)
		}
	}
}

// A breaker stays open with its first reason, unless the next stage counts by itself.
func TestOpenStaysOpen(t *testing.T) {
	t.Parallel()
	for _, perStage := range []bool{false, true} {
		b := mustNew(t, failures(perStage, Trigger{Consecutive: 2}))
		_, first := play(b, "ff")
		if opened, reason := play(b, "s"); opened != 0 || reason != first || first == "" {
			t.Errorf("per stage %t: after a success open since %d with %q, want 0 with %q", perStage, opened, reason,
				first)
		}
		want := 0
		if perStage {
			want = -1
		}
		if opened, _ := play(b, "|ss"); opened != want {
			t.Errorf("per stage %t: in the next stage open since %d, want %d", perStage, opened, want)
		}
	}
}

// Counts of earlier stages must not keep outcomes that no request can need any more.
func TestEndedStagesHoldNoMemory(t *testing.T) {
	t.Parallel()
	b := mustNew(t, failures(true, Trigger{Rate: 1, Window: 5 * time.Second}))
	play(b, "s|ssssssss|........s")
	for stage, want := range []int{0, 0, 1} {
		if got := len(b.stages[stage].windows[0].ended); got != want {
			t.Errorf("stage %d holds %d requests, want %d", stage, got, want)
		}
	}
}

func TestDefinitionsAreChecked(t *testing.T) {
	t.Parallel()
	all := []string{Every}
	with := func(triggers ...Trigger) Definition { return Definition{Matches: all, Triggers: triggers} }
	for _, tt := range []struct {
		def  Definition
		want string
	}{
		{Definition{}, `matches needs an expression: "@" matches every request`},
		{with(Trigger{Consecutive: 1}, Trigger{}),
			"triggers[1]: needs either consecutive, at least 1, or a window above 0"},
		{with(Trigger{Consecutive: 1, Window: 1}),
			"triggers[0]: needs either consecutive, at least 1, or a window above 0"},
		{with(Trigger{Consecutive: -1}), "triggers[0]: neither consecutive nor window may be negative, got -1 and 0s"},
		{with(Trigger{Window: 1, Rate: 1.5}), "triggers[0]: rate must be between 0 and 1, got 1.5"},
		{with(Trigger{Window: 1, MinSamples: -2}), "triggers[0]: minSamples must not be negative, got -2"},
		{Definition{Matches: []string{"a", "b ="}}, `matches[1]: expression "b =" at column 3: `},
		{Definition{Matches: all, Rules: []string{"a b"}}, `rules[0]: expression "a b" at column 3: `},
	} {
		if b, err := New(tt.def); b != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %s", tt.def, err, tt.want)
		}
	}
}

// The caller may change the definition after New.
func TestDefinitionIsCopied(t *testing.T) {
	t.Parallel()
	def := failures(false, Trigger{Consecutive: 2})
	b := mustNew(t, def)
	def.Triggers[0].Consecutive, def.Rules[0], def.Matches[0] = 1, "x", "x"
	if opened, reason := play(b, "ff"); opened != 1 || !strings.Contains(reason, "in a row failed") {
		t.Errorf("opened at %d: %q, want 1", opened, reason)
	}
}

// Requests end on many goroutines. sort_by sorts a literal in place, which all evaluations share.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 100
	b := mustNew(t, Definition{
		Matches:  []string{"sort_by(`[{\"a\": 3}, {\"a\": 1}, {\"a\": 2}]`, &a)[0].a == `1`"},
		Rules:    []string{"starts_with(error.error_type, 'HTTP Error 5')"},
		Triggers: []Trigger{{Consecutive: workers*each + 1}, {Rate: 1, Window: time.Hour, MinSamples: workers * each}},
	})
	var wg sync.WaitGroup
	var mu sync.Mutex
	opened := 0
	for range workers {
		wg.Go(func() {
			for i := range int64(each) {
				now := time.Unix(1000, i)
				r := &record.Request{Start: 1, End: now.UnixNano(), ErrorType: record.ErrorHTTP, Status: 503,
					Error: "busy"}
				if b.Observe(r, now) {
					mu.Lock()
					opened++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if opened != 1 {
		t.Errorf("%d requests found the breaker open, want only the last", opened)
	}
}

func ExampleBreaker() {
	b, err := New(Definition{
		Name:     "overloaded",
		Matches:  []string{Every},
		Rules:    []string{"error.error_type == 'HTTP Error 503'"},
		Triggers: []Trigger{{Consecutive: 5}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &record.Request{ErrorType: record.ErrorHTTP, Status: 503, Error: "queue is full"}
	for range 4 {
		fmt.Print(b.Observe(r, time.Unix(0, 0)), " ")
	}
	fmt.Println(b.Take(NewSample(r), time.Unix(0, 0)))
	// Output: false false false false circuit breaker "overloaded": 5 requests in a row met its rules, the last with http: queue is full
}

func BenchmarkTake(b *testing.B) {
	r := succeeded()
	for len(r.Chunks) < 256 {
		r.Chunks = append(r.Chunks, r.Chunks[len(r.Chunks)-1]+10)
		r.ChunkTokens = append(r.ChunkTokens, 1)
	}
	for _, bb := range []struct{ name, rule string }{{"plain", Failures},
		{"expression", "starts_with(error.error_type, 'HTTP Error 5')"}} {
		b.Run(bb.name, func(b *testing.B) {
			br := mustNew(b, Definition{Matches: []string{Every}, Rules: []string{bb.rule},
				Triggers: []Trigger{{Consecutive: 5}, {Rate: 1, Window: time.Second, MinSamples: 10}}})
			now := time.Unix(1000, 0)
			for b.Loop() {
				now = now.Add(time.Millisecond)
				br.Observe(r, now)
			}
		})
	}
}
