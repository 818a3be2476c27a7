package search

import (
	"testing"
	"time"

	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A probe is cut if it fails, not if nobody needs its certainty.
func TestFailing(t *testing.T) {
	t.Parallel()
	objectives, err := slo.Parse("p90(ttft)<1s,p90(ttft)<2s")
	if err != nil {
		t.Fatal(err)
	}
	passes, fails, open := interval{0.95, 1}, interval{0, 0.5}, interval{0, 1}
	for _, tt := range []struct {
		name          string
		first, second interval // bounds of the share that keeps the objective of a tier
		settled       bool     // the second tier
		want          bool
	}{
		{"one fails", fails, passes, false, false}, {"both fail", fails, fails, false, true},
		{"one fails, the other is settled", fails, passes, true, true}, {"none is certain", open, open, false, false},
		{"one passes, the other is settled", passes, open, true, false},
	} {
		j := newJudge(judging{objectives: objectives, tiers: []judgedTier{
			{name: "a", objectives: []int{0}}, {name: "b", objectives: []int{1}, settled: tt.settled},
		}})
		j.looks.bounds = []interval{tt.first, tt.second}
		if got := j.Failing(); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
		j.tiers[0].settled = true
		if got := j.Failing(); tt.first == passes && tt.settled && got {
			t.Errorf("%s, and the first settled: a probe that passes is cut", tt.name)
		}
		if j.looks.unstable = true; !j.Failing() {
			t.Errorf("%s, unstable: the probe is not cut", tt.name)
		}
	}
}

// A server that answers nothing fails, and nobody waits for it.
func TestSilenceFails(t *testing.T) {
	t.Parallel()
	j := judgeOf(time.Minute, waitWithin(0.9, time.Second))
	if j.Failing() {
		t.Error("before the first request")
	}
	number := j.Sent(0)
	j.Sent(time.Second)
	if !j.Failing() {
		t.Error("no answer: the requests in flight are waited for")
	}
	if j.Ended(number, time.Second, ttft(0.5)); j.Failing() {
		t.Error("one answer: the other request is cut")
	}
}

func TestTell(t *testing.T) {
	t.Parallel()
	s, err := New(arrival.SearchOptions{SLO: null.StringFrom("p99(ttft)<500ms")})
	if err != nil {
		t.Fatal(err)
	}
	p := record.SearchProbe{Value: 16, Outcome: Pass, Certain: true, Requests: 1412, Binding: "p99(ttft)<500ms",
		Shares: []record.SearchShare{{Objective: "p99(ttft)<500ms", Share: new(0.995), Latency: new(0.2121)}}}
	for _, tt := range []struct {
		change func()
		want   string
	}{
		{func() {}, "16/s passes (p99 TTFT 212 ms, 1,412 requests, certain)"},
		{func() { p.Outcome, p.Certain, p.Unstable = Fail, false, true },
			"16/s fails (p99 TTFT 212 ms, 1,412 requests, requests in flight grow without bound)"},
		{func() { p.Outcome, p.Reasons = Refused, []string{"late", "busy"} },
			"16/s is refused, for the load generator did not keep up: late; busy"},
	} {
		tt.change()
		if got := s.Tell(p); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
