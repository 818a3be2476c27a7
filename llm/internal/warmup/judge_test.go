package warmup

import (
	"math"
	"math/rand/v2"
	"sort"
	"testing"
	"time"
)

// server is a simulated one whose TTFT falls, with noise whose neighbours resemble each other.
type server struct {
	excess  func(t float64) float64 // share of the steady TTFT, over it
	base    float64                 // steady TTFT, seconds
	noise   float64                 // of the logarithm
	memory  float64                 // seconds over which the noise resembles itself
	rate    float64
	poisson bool
	decode  float64 // seconds after the first token
}

// endsAt returns when a warm-up of the server ends, and false if it does not within the bound.
func (s server) endsAt(seed uint64, bound float64) (float64, bool) {
	rng := rand.New(rand.NewPCG(seed*0x9e3779b97f4a7c15, seed^0xd1b54a32d192ed03))
	type event struct {
		at, due float64
		number  int
		ttft    float64
	}
	var ends []event
	j := NewJudge()
	z, last := rng.NormFloat64(), 0.0
	look := 0.2
	duration := func(x float64) time.Duration { return time.Duration(x * 1e9) }
	step := func(until float64) bool {
		for len(ends) > 0 && ends[0].at <= until || look <= until {
			if len(ends) > 0 && ends[0].at <= look {
				e := ends[0]
				ends = ends[1:]
				j.Ended(e.number, duration(e.due), duration(e.at), Answer{TTFT: e.ttft, TPOT: s.decode / 32})
				continue
			}
			if j.Look(duration(look)) {
				return true
			}
			look += 0.2
		}
		return false
	}
	for t := 0.0; t < bound; {
		if step(t) {
			return look, true
		}
		number := j.Sent(duration(t))
		r := math.Exp(-(t - last) / s.memory)
		z = r*z + math.Sqrt(1-r*r)*rng.NormFloat64()
		last = t
		ttft := s.base * (1 + s.excess(t)) * math.Exp(s.noise*z-s.noise*s.noise/2)
		e := event{t + ttft + s.decode, t, number, ttft}
		at := sort.Search(len(ends), func(i int) bool { return ends[i].at > e.at })
		ends = append(ends, event{})
		copy(ends[at+1:], ends[at:])
		ends[at] = e
		if gap := 1 / s.rate; s.poisson {
			t += rng.ExpFloat64() * gap
		} else {
			t += gap
		}
	}
	return bound, false
}

func decay(times, tau float64) func(float64) float64 {
	return func(t float64) float64 { return times * math.Exp(-t/tau) }
}

// overHalf returns by how much the logarithm of the TTFT truly changes over the half that ends at an instant.
func (s server) overHalf(t float64) float64 {
	return math.Abs(math.Log((1 + s.excess(t)) / (1 + s.excess(t/2))))
}

// What the judge rules out is true: over seeds, hardly any warm-up ends while the TTFT still changes by more than the
// tolerance, and one whose server is steady ends soon after it became so.
func TestJudge(t *testing.T) {
	const runs, bound = 100, 300
	type load struct{ rate, noise, memory float64 }
	regular, varied, wandering := load{2, 0.1, 0.01}, load{10, 0.3, 0.01}, load{10, 0.3, 2}
	for _, tt := range []struct {
		name   string
		excess func(float64) float64
		load   load
		median float64 // by which half of the warm-ups end; 0: nearly none may end
	}{
		{"steady", decay(0, 1), regular, 30},
		{"steady, varied", decay(0, 1), varied, 35},
		{"five times as slow at first, over in 15 s", decay(4, 5), regular, 55},
		{"the same, varied", decay(4, 5), varied, 60},
		{"the same, wandering", decay(4, 5), wandering, bound},
		{"nine times as slow at first, over in 30 s", decay(8, 10), varied, 130},
		{"five times as slow at first, over in 70 s", decay(4, 20), regular, 220},
		{"the same, varied", decay(4, 20), varied, 220},
		{"overloaded", func(t float64) float64 { return t / 20 }, varied, 0},
		{"overloaded, wandering", func(t float64) float64 { return t / 20 }, wandering, 0},
	} {
		s := server{excess: tt.excess, base: 0.2, noise: tt.load.noise, memory: tt.load.memory, rate: tt.load.rate,
			poisson: true, decode: 1}
		var ends []float64
		early := 0
		for seed := range uint64(runs) {
			at, stable := s.endsAt(seed+1, bound)
			if stable && s.overHalf(at) > tolerance {
				early++
			}
			ends = append(ends, at)
		}
		sort.Float64s(ends)
		t.Logf("%s: 10, 50 and 90 %% end by %.0f, %.0f and %.0f s, %d of %d early", tt.name, ends[runs/10],
			ends[runs/2],
			ends[runs*9/10], early, runs)
		if early > runs/20 || tt.median > 0 && ends[runs/2] > tt.median || tt.median == 0 && ends[runs/10] < bound {
			t.Errorf("%s: %d of %d warm-ups end while the TTFT still changes, half of them by %.0f s, want %.0f",
				tt.name,
				early, runs, ends[runs/2], tt.median)
		}
	}
}

// A warm-up takes a few blocks of a server that answers evenly, and no answer makes it steady that there is not.
func TestJudgeEvenly(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(i int) Answer
		want   bool
	}{
		{"even", func(int) Answer { return Answer{TTFT: 0.1, TPOT: 0.02} }, true},
		{"TTFT of 0", func(int) Answer { return Answer{TPOT: math.NaN()} }, true},
		{"failed", func(int) Answer { return Answer{Failed: true, TTFT: math.NaN(), TPOT: math.NaN()} }, false},
		{"a fifth failed", func(i int) Answer { return Answer{Failed: i%5 == 0, TTFT: 0.1, TPOT: 0.02} }, false},
		{"cut", func(int) Answer { return Answer{Ignored: true, TTFT: 0.1, TPOT: 0.02} }, false},
		{"ever slower tokens", func(i int) Answer { return Answer{TTFT: 0.1, TPOT: 0.02 + float64(i)/1e4} }, false},
	} {
		j := NewJudge()
		var at time.Duration
		stable := false
		for i := 0; i < 400 && !stable; i++ {
			at = time.Duration(i) * 100 * time.Millisecond
			j.Ended(j.Sent(at), at, at+90*time.Millisecond, tt.answer(i))
			stable = j.Look(at + 95*time.Millisecond)
		}
		if stable != tt.want || stable && at > 15*time.Second {
			t.Errorf("%s: steady %t after %v, want %t", tt.name, stable, at, tt.want)
		}
	}
}

// While one of the first requests is in flight, nothing is known.
func TestJudgeWaitsForTheFirst(t *testing.T) {
	j := NewJudge()
	slow := j.Sent(0)
	for i := range 600 {
		at := time.Duration(i) * 100 * time.Millisecond
		j.Ended(j.Sent(at), at, at+50*time.Millisecond, Answer{TTFT: 0.02, TPOT: math.NaN()})
		if i == 300 {
			j.Ended(slow, 0, at, Answer{TTFT: 30, TPOT: math.NaN()})
		}
		if j.Look(at+60*time.Millisecond) && i < 350 {
			t.Fatalf("steady after %v, and the first request took 30 s", at)
		}
	}
	if !j.Finding().Stable {
		t.Error("not steady within a minute")
	}
}

// The TTFT that is told in the end is that of all answers, as a report has it, and not that of the latest look.
func TestFinalTTFT(t *testing.T) {
	t.Parallel()
	j := NewJudge()
	for i, ttft := range []float64{0.9, 0.5, 0.4, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.3, 0.2} {
		at := time.Duration(i) * time.Second
		j.Ended(j.Sent(at), at, at+time.Second/2, Answer{TTFT: ttft, TPOT: math.NaN()})
	}
	at := 16 * time.Second
	j.Ended(j.Sent(at), at, at, Answer{Failed: true, TTFT: 7})
	j.Ended(j.Sent(at), at, at, Answer{Ignored: true, TTFT: 8})
	if f := j.Final(); f.First != 0.9 || f.Last != 0.3 {
		t.Errorf("got %v and %v, want 0.9 and 0.3", f.First, f.Last)
	}
}
