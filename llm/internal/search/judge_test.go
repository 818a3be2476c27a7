package search

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// judgeOf returns a judge of one tier.
func judgeOf(t *testing.T, text string, longest time.Duration) *Judge {
	t.Helper()
	list, err := slo.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	tier := judgedTier{name: "only"}
	for i := range list {
		tier.objectives = append(tier.objectives, i)
	}
	return newJudge(judging{objectives: list, tiers: []judgedTier{tier}, alpha: 0.05, longest: longest})
}

// steady feeds a judge ten requests a second until it has enough.
func steady(j *Judge, answer func(*rand.Rand) Answer) record.SearchProbe {
	rnd := rand.New(rand.NewPCG(1, 2))
	for now := time.Duration(0); ; now += 100 * time.Millisecond {
		n := j.Sent(now)
		a := answer(rnd)
		end := now + 50*time.Millisecond
		j.Ended(n, end, a)
		if j.Look(end) {
			return j.Outcome(end)
		}
	}
}

func TestClearLoads(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	latency := func(seconds float64) func(*rand.Rand) Answer {
		return func(rnd *rand.Rand) Answer {
			return Answer{TTFT: seconds * rnd.Float64(), Latency: seconds, TPOT: none, NTPOT: none, ITL: none}
		}
	}
	failing := func(rnd *rand.Rand) Answer { return Answer{Failed: rnd.Float64() < 0.3} }
	for _, tt := range []struct {
		name, slo string
		answer    func(*rand.Rand) Answer
		want      string
		most      int
	}{
		{"far below", "p95(ttft)<500ms", latency(0.4), Pass, 600},
		{"far above", "p95(ttft)<500ms", latency(5), Fail, 50},
		{"failures", "p95(ttft)<500ms,failures<5%", failing, Fail, 100},
	} {
		p := steady(judgeOf(t, tt.slo, time.Hour), tt.answer)
		if p.Outcome != tt.want || !p.Certain || p.Requests > tt.most || p.Tiers["only"] != tt.want {
			t.Errorf("%s: got %s, certain %t, %d requests; want %s with at most %d", tt.name, p.Outcome, p.Certain,
				p.Requests, tt.want, tt.most)
		}
	}
}
