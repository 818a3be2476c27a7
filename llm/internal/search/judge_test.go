package search

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// parse returns the objectives of a text.
func parse(t *testing.T, text string) []slo.Objective {
	t.Helper()
	list, err := slo.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// ttft returns an answer.
func ttft(seconds float64) Answer {
	return Answer{TTFT: seconds, Latency: seconds, TPOT: math.NaN(), NTPOT: math.NaN(), ITL: math.NaN()}
}

// steady feeds a judge ten requests a second, one after the other, until it has seen enough.
func steady(j *Judge, answer func(n int) Answer) record.SearchProbe {
	for n := 0; ; n++ {
		due := time.Duration(n) * 100 * time.Millisecond
		end := due + 50*time.Millisecond
		j.Ended(j.Sent(due), end, answer(n))
		if j.Look(end) {
			return j.Outcome(end)
		}
	}
}

func TestClearLoads(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	uniform := func(most float64) func(int) Answer {
		return func(int) Answer { return ttft(most * rnd.Float64()) }
	}
	failing := func(int) Answer {
		a := ttft(0.1)
		a.Failed = rnd.Float64() < 0.3
		return a
	}
	for _, tt := range []struct {
		name, slo string
		answer    func(int) Answer
		want      string
		binding   string
		most      int
	}{
		{"far below", "p90(ttft)<500ms", uniform(0.4), Pass, "p90(ttft)<500ms", 350},
		{"far above", "p90(ttft)<500ms", uniform(50), Fail, "p90(ttft)<500ms", 120},
		{"failing", "p90(ttft)<500ms,failures<5%", failing, Fail, "failures<5%", 250},
		{"kept by a part only", "p90(ttft)<500ms,p90(latency)<1ms", uniform(0.4), Fail, "p90(latency)<1ms", 120},
	} {
		p := steady(judgeOf(time.Minute, parse(t, tt.slo)...), tt.answer)
		if p.Outcome != tt.want || p.Tiers["only"] != tt.want || !p.Certain || p.Requests > tt.most || p.Unstable {
			t.Errorf("%s: got %s, certain %t, %d requests; want %s with at most %d", tt.name, p.Outcome, p.Certain,
				p.Requests, tt.want, tt.most)
		}
		if p.Binding != tt.binding {
			t.Errorf("%s: got %s as what decides, want %s", tt.name, p.Binding, tt.binding)
		}
	}
}

// Users who leave neither keep an objective nor break it, and a probe does not wait for what became of them.
func TestUsersWhoLeaveDecideNothing(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	leaving := func(share, seconds float64) func(int) Answer {
		return func(n int) Answer {
			a := ttft(seconds)
			a.Left = n >= firstRequests && rnd.Float64() < share
			a.Unfinished = a.Left
			return a
		}
	}
	for _, tt := range []struct {
		share, seconds float64
		want           string
	}{{0.3, 0.1, Pass}, {0.3, 0.9, Fail}, {0.9, 0.1, Pass}} {
		p := steady(judgeOf(time.Minute, parse(t, "p90(ttft)<500ms,failures<5%")...), leaving(tt.share, tt.seconds))
		if p.Outcome != tt.want || !p.Certain && tt.share < 0.5 || p.Failed > 0 {
			t.Errorf("%v leave, TTFT %v s: got %s, certain %t, %d failed of %d; want %s", tt.share, tt.seconds,
				p.Outcome, p.Certain, p.Failed, p.Requests, tt.want)
		}
	}
	if p := steady(judgeOf(time.Minute, parse(t, "p90(ttft)<500ms")...), leaving(1, 0.1)); p.Requests > firstRequests {
		t.Errorf("everybody leaves: %+v", p)
	}
}

// TestClusterIsNotCertain has a share below the one needed, all of whose bad answers came at the beginning.
func TestClusterIsNotCertain(t *testing.T) {
	t.Parallel()
	p := steady(judgeOf(time.Minute, parse(t, "p95(ttft)<500ms")...), func(n int) Answer {
		if n > 20 && n < 80 {
			return ttft(1)
		}
		return ttft(0.1)
	})
	if p.Outcome != Fail || p.Certain || p.Requests < 500 || p.Shares[0].Effective > 50 {
		t.Errorf("got %s, certain %t, after %d requests, worth %.0f; want an uncertain failure at the end", p.Outcome,
			p.Certain, p.Requests, p.Shares[0].Effective)
	}
}

func TestTransient(t *testing.T) {
	t.Parallel()
	j := judgeOf(time.Minute, parse(t, "p50(ttft)<500ms")...)
	cold := 2 * time.Second // all that come before wait for it
	for n := range 100 {
		due := time.Duration(n) * 100 * time.Millisecond
		if over, want := j.Settled(due), due >= 2*cold; over != want {
			t.Fatalf("got a transient that is over at %v: %t, want %t", due, over, want)
		}
		end := max(due+10*time.Millisecond, cold)
		j.Ended(j.Sent(due), end, ttft((end - due).Seconds()))
	}
	if j.Settled(time.Second) {
		t.Error("got a request of the transient that counts")
	}
	p := j.Outcome(10 * time.Second)
	if p.Transient != 4 || p.Requests != 60 || *p.Share != 1 || *p.Shares[0].Latency != 0.01 {
		t.Errorf("got %+v, want 60 requests from 4 s on, all of which keep the objective", p)
	}
}

// TestNoAnswer has a server that takes requests and is silent.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	j := judgeOf(20*time.Second, parse(t, "p99(ttft)<500ms")...)
	var now time.Duration
	for n := 0; !j.Look(now); n++ {
		now = time.Duration(n) * 50 * time.Millisecond
		if j.Sent(now); now > time.Minute {
			t.Fatal("the probe never ends")
		}
	}
	for n := range 2000 {
		j.Ended(n, now, Answer{Unfinished: true})
	}
	if p := j.Outcome(now); p.Outcome != Fail || !p.Certain || !p.Unstable || p.Share != nil || p.Requests != 0 {
		t.Errorf("got %+v, want an unstable load without a request to judge by", p)
	}
}

// TestSlowAnswers has answers that take longer than the probe measures: the requests in flight grow, but not without
// bound.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	j := judgeOf(30*time.Second, parse(t, "p99(ttft)<500ms")...)
	const takes = 40 * time.Second
	sent := 0
	var now time.Duration
	for ; !j.Look(now); now += 100 * time.Millisecond {
		j.Sent(now)
		sent++
		if n := int((now - takes) / (100 * time.Millisecond)); now >= takes {
			j.Ended(n, now, ttft(0.1))
		}
	}
	for n := range sent {
		j.Ended(n, time.Duration(n)*100*time.Millisecond+takes, ttft(0.1))
	}
	if p := j.Outcome(now + takes); p.Unstable || p.Outcome != Pass {
		t.Errorf("got %s, unstable %t; want a load that passes", p.Outcome, p.Unstable)
	}
}

// TestUnknownFates has every tenth request still in flight when it would be judged.
func TestUnknownFates(t *testing.T) {
	t.Parallel()
	o := parse(t, "p90(ttft)<500ms")[0]
	w := window{horizon: time.Hour}
	for n := range 1000 {
		q := request{due: time.Duration(n) * time.Second, fate: answered, answer: ttft(0.1)}
		if n%10 == 0 {
			q = request{due: q.due}
		}
		w.all = append(w.all, q)
	}
	s := w.sample(o)
	if b := s.bounds(0.9, 0.01); s.unknown != 100 || b.lower > 0.9 || b.upper != 1 {
		t.Errorf("got %d unknown and %v, want bounds below and above the share that is needed", s.unknown, b)
	}
}

func TestBriefProbe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		seconds float64
		want    string
	}{{0.1, Pass}, {1, Fail}} {
		j := judgeOf(time.Minute, parse(t, "p99(ttft)<500ms,failures<1%")...)
		j.brief = true
		p := steady(j, func(int) Answer { return ttft(tt.seconds) })
		if p.Outcome != tt.want || p.Requests < firstLook || p.Requests > 60 {
			t.Errorf("TTFT of %v s: got %s after %d requests, want %s after a few seconds", tt.seconds, p.Outcome,
				p.Requests, tt.want)
		}
	}
}

// TestJudgeTiers has a tier that passes, one that fails, and one of which enough is known.
func TestJudgeTiers(t *testing.T) {
	t.Parallel()
	j := newJudge(judging{
		objectives: parse(t, "p90(ttft)<500ms,p90(ttft)<50ms,p99.9(ttft)<150ms"),
		tiers:      []judgedTier{{"loose", []int{0}, false}, {"tight", []int{0, 1}, false}, {"rare", []int{2}, true}},
		alpha:      0.05, longest: time.Minute})
	p := steady(j, func(int) Answer { return ttft(0.1) })
	if p.Tiers["loose"] != Pass || p.Tiers["tight"] != Fail || p.Tiers["rare"] != Pass || p.Requests > 200 {
		t.Errorf("got %v after %d requests", p.Tiers, p.Requests)
	}
	if p.Outcome != Pass || !p.Certain || p.Shares[2].Certain {
		t.Errorf("got %s, certain %t, want the outcome of the first tier", p.Outcome, p.Certain)
	}
}

func TestDroppedArrivals(t *testing.T) {
	t.Parallel()
	j := judgeOf(time.Minute, parse(t, "p90(ttft)<500ms,failures<1%")...)
	for n := 0; n < 500; n++ {
		due := time.Duration(n) * 100 * time.Millisecond
		if j.Settled(due) && n%4 == 0 {
			j.Dropped(due)
			continue
		}
		j.Ended(j.Sent(due), due+time.Millisecond, ttft(0.1))
	}
	p := j.Outcome(50 * time.Second)
	if *p.Shares[0].Share > 0.76 || p.Shares[0].Latency != nil || *p.Shares[1].Share != 1 || p.Failed != 122 {
		t.Errorf("got %+v, want a quarter over the bound, and none that failed of those sent", p)
	}
}

// TestOddities feeds what cannot be, or hardly ever is: a figure of the outcome is finite or missing all the same.
func TestOddities(t *testing.T) {
	t.Parallel()
	texts := []string{"p99(ttft)<500ms", "p100(itl)<1ms", "failures<=0", "goodput(ttft<1s,tpot<1ms)>=100%",
		"goodput(latency<1s)>0%", "p0.1(tpot)<1ns,failures<100%"}
	strange := []float64{0, 0.1, 0.5, 1, math.NaN(), math.Inf(1), -1, 1e300}
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		pick := func() float64 { return strange[rnd.IntN(len(strange))] }
		j := judgeOf(time.Duration(rnd.IntN(20))*time.Second, parse(t, texts[seed%uint64(len(texts))])...)
		j.closed, j.brief = rnd.IntN(2) == 0, rnd.IntN(2) == 0
		var now time.Duration
		for range []int{0, 1, 2, 30, 300}[rnd.IntN(5)] {
			now += time.Duration(rnd.IntN(1000)-100) * time.Millisecond
			j.Settled(now)
			switch n := j.Sent(now); rnd.IntN(5) {
			case 0:
				j.Dropped(now - time.Second)
			case 1:
				j.Ended(n-1, now-time.Minute, Answer{Unfinished: seed%2 == 0, Failed: seed%3 == 0})
			default:
				j.Ended(n, now+time.Duration(rnd.IntN(2000))*time.Millisecond, Answer{Failed: seed%5 == 0,
					TTFT: pick(), TPOT: pick(), NTPOT: pick(), ITL: pick(), Latency: pick()})
			}
			j.Ended(rnd.IntN(2000)-100, now, Answer{}) // a number that none has, or one that ended
			j.Look(now)
		}
		p := j.Outcome(now)
		if _, err := json.Marshal(p); err != nil || !slices.Contains([]string{Pass, Fail}, p.Outcome) {
			t.Fatalf("seed %d: got %+v, %v", seed, p, err)
		}
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	j := judgeOf(time.Minute, parse(t, "p90(ttft)<500ms,failures<1%")...)
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for n := range 500 {
				now := time.Duration(n) * 10 * time.Millisecond
				j.Settled(now)
				j.Ended(j.Sent(now), now, ttft(0.1))
				j.Look(now)
			}
		})
	}
	senders.Wait()
	if p := j.Outcome(5 * time.Second); p.Outcome != Pass || p.Requests == 0 {
		t.Errorf("got %s after %d requests, want pass", p.Outcome, p.Requests)
	}
}

func BenchmarkLook(b *testing.B) {
	j := judgeOf(time.Hour, waitWithin(0.99, time.Second))
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range 100_000 {
		now := time.Duration(n) * 10 * time.Millisecond
		j.Settled(now)
		j.Ended(j.Sent(now), now+time.Millisecond, ttft(rnd.ExpFloat64()))
	}
	for b.Loop() {
		j.looks = newSequence(1)
		j.Look(20 * time.Minute)
	}
}
