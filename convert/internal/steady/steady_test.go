package steady_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/steady"
)

// The table of docs/statistics.md is that of -first 200001 -seeds 100 -v: of runs that nobody looked at when the method
// and its thresholds were chosen, which were those from 1 on.
var (
	seeds = flag.Int("seeds", 30, "simulated runs of each kind")
	first = flag.Uint64("first", 1, "seed of the first of them")
)

// expected is what has to be found in the runs of a kind.
type expected struct {
	scenario
	kept  float64 // at least so much of what is steady in truth is kept in half of the runs
	wrong float64 // at most so much of the stage is kept in half of the runs without being steady
	none  float64 // in so many of the runs nothing is found
}

func kinds() []expected {
	ramp := func(at float64) float64 { return min(max(at, 1)/60, 1) }
	jump := func(at float64) float64 {
		if at > 200 {
			return 2
		}
		return 1
	}
	outage := [2]float64{120, 125}
	return []expected{
		{scenario{name: "50 %", load: 0.5, seconds: 300, to: 300}, 0.98, 0, 0},
		{scenario{name: "80 %", load: 0.8, seconds: 300, to: 300}, 0.98, 0, 0},
		{scenario{name: "95 %", load: 0.95, seconds: 300, to: 300}, 0.98, 0, 0},
		{scenario{name: "50 %, for 60 s", load: 0.5, seconds: 60, to: 60}, 0.95, 0, 0},
		{scenario{name: "80 %, for 60 s", load: 0.8, seconds: 60, to: 60}, 0.95, 0, 0},
		{scenario{name: "95 %, for 60 s", load: 0.95, seconds: 60, to: 60}, 0.95, 0, 0},
		{scenario{name: "80 %, for 1,800 s", load: 0.8, seconds: 1800, to: 1800}, 0.98, 0, 0},
		{scenario{name: "95 %, for 1,800 s", load: 0.95, seconds: 1800, to: 1800}, 0.98, 0, 0},
		{scenario{name: "closed loop of 8", closed: 8, seconds: 300, to: 300}, 0.95, 0, 0},
		{scenario{name: "closed loop of 32", closed: 32, seconds: 300, to: 300}, 0.95, 0, 0},
		{scenario{name: "80 %, empty at first", load: 0.8, seconds: 300, empty: true, from: 4, to: 300}, 0.95, 0.02, 0},
		{scenario{name: "50 %, cold for 5 s", load: 0.5, seconds: 300, cold: 5, from: 19.5, to: 300}, 0.95, 0.02, 0},
		{scenario{name: "50 %, cold for 20 s", load: 0.5, seconds: 300, cold: 20, from: 78, to: 300}, 0.9, 0.05, 0},
		{scenario{name: "80 %, cold for 20 s", load: 0.8, seconds: 300, cold: 20, from: 78, to: 300}, 0.9, 0.27, 0},
		{scenario{name: "closed loop of 8, cold for 20 s", closed: 8, seconds: 300, cold: 20, from: 78, to: 300}, 0.9,
			0.05, 0},
		{scenario{name: "ramp of 60 s to 80 %", load: 0.8, seconds: 300, empty: true, from: 60, to: 300, rate: ramp},
			0.9, 0.12, 0},
		{scenario{name: "50 %, stopped for 5 s", load: 0.5, seconds: 300, outage: outage, also: [2]float64{0, 118},
			from: 130, to: 300}, 0.9, 0.05, 0},
		{scenario{name: "80 %, stopped for 5 s", load: 0.8, seconds: 300, outage: outage, also: [2]float64{0, 118},
			from: 140, to: 300}, 0.9, 0.06, 0},
		{scenario{name: "60 %, then 120 %", load: 0.6, seconds: 300, to: 200, rate: jump}, 0.9, 0.03, 0},
		{scenario{name: "110 %", load: 1.1, seconds: 300, empty: true}, 0, 0, 0.8},
		{scenario{name: "110 %, for 600 s", load: 1.1, seconds: 600, empty: true}, 0, 0, 0.8},
		{scenario{name: "130 %", load: 1.3, seconds: 300, empty: true}, 0, 0, 0.95},
	}
}

// drill is a run of a server that takes the same for each request, with what is steady in truth: one of some parts.
type drill struct {
	scenario
	parts   [][2]float64
	wrong   float64 // at most so much of the runs have another part, or none
	nothing float64
}

func drills() []drill {
	slow := scenario{name: "stopped, then slow", per: 10, fixed: 0.245, places: 6, seconds: 38,
		outage: [2]float64{10, 15}, slow: [2]float64{20, 25}}
	more, stopped := slow, slow
	more.name, more.more = "stopped, then slow, then with more places", 28
	random := more
	random.name, random.random = "as that, at random", true
	stopped.name, stopped.slow, stopped.seconds = "stopped", [2]float64{}, 120
	calm := scenario{name: "constant", per: 20, fixed: 0.05, seconds: 25}
	chance := calm
	chance.name, chance.random = "constant, at random", true
	begin, end := [2]float64{0, 9.5}, [2]float64{28.8, 38}
	return []drill{
		{slow, [][2]float64{begin, {30, 38}}, 0, 0},
		{more, [][2]float64{begin, end}, 0, 0},
		{random, [][2]float64{begin, end}, 0.1, 0.4}, // the parts are hardly long enough to be one
		{stopped, [][2]float64{{22.5, 120}}, 0, 0},
		{scenario{name: "cold", per: 8, fixed: 0.1, seconds: 38, cold: 12}, [][2]float64{{12, 38}}, 0, 0},
		{calm, [][2]float64{{0, 25}}, 0, 0},
		{chance, [][2]float64{{0, 25}}, 0, 0},
	}
}

// Of runs with little chance the truth is found within a block.
func TestDrills(t *testing.T) {
	t.Parallel()
	for _, d := range drills() {
		wrong, nothing := 0, 0
		for seed := range uint64(*seeds) {
			list := d.simulate(seed + 7_000_000)
			f, stage, _ := find(list, false)
			if !f.Found {
				nothing++
				continue
			}
			from, to := stage.At(f.From), stage.At(f.To)
			near := 1.5 * stage.Width // a request is of the block in which it was sent
			if !slices.ContainsFunc(d.parts, func(part [2]float64) bool {
				return math.Abs(from-part[0]) < near && math.Abs(to-part[1]) < near
			}) {
				wrong++
				t.Logf("%s: of seed %d got %.1f to %.1f s in blocks of %.2f s, want one of %v", d.name, seed, from, to,
					stage.Width, d.parts)
			}
		}
		t.Logf("%s: %d wrong, %d without", d.name, wrong, nothing)
		if n := float64(*seeds); float64(wrong) > d.wrong*n || float64(nothing) > d.nothing*n {
			t.Errorf("%s: %d of %d have another part and %d none, want %g and %g at most", d.name, wrong, *seeds,
				nothing, d.wrong*n, d.nothing*n)
		}
	}
}

// outcome is what was found in the runs of a kind.
type outcome struct {
	kept, wrong []float64 // shares, in ascending order
	none        int
}

func (s scenario) tally(runs int) (o outcome) {
	for seed := range uint64(runs) {
		list := s.simulate(*first + seed)
		f, stage, _ := find(list, s.closed > 0)
		if !f.Found {
			o.none++
			o.kept = append(o.kept, 0)
			continue
		}
		from, to := stage.At(f.From), stage.At(f.To)
		truth := [2]float64{s.from, s.to}
		if to < s.from {
			truth = s.also
		}
		inside := max(0, min(to, truth[1])-max(from, truth[0]))
		o.kept = append(o.kept, inside/max(truth[1]-truth[0], 1))
		o.wrong = append(o.wrong, (to-from-inside)/s.seconds)
	}
	slices.Sort(o.kept)
	slices.Sort(o.wrong)
	return o
}

// missed counts the runs of which more than half is kept of what is not steady, and more than 1 % of the stage.
func (o outcome) missed(s scenario) int {
	unsteady := 1 - (s.to-s.from)/s.seconds
	return len(slices.DeleteFunc(slices.Clone(o.wrong), func(share float64) bool {
		return share <= max(unsteady/2, 0.01)
	}))
}

func quantile(list []float64, p float64) float64 {
	if len(list) == 0 {
		return 0
	}
	return list[int(p*float64(len(list)-1))]
}

// What is steady in simulated runs is kept, and what is not is cut.
func TestSimulatedRuns(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		t.Run(strings.ReplaceAll(k.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			o := k.tally(*seeds)
			kept, wrong := quantile(o.kept, 0.5), quantile(o.wrong, 0.5)
			t.Logf("| %s | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %d | %d |", k.name, 100*kept,
				100*quantile(o.kept, 0.1), 100*wrong, 100*quantile(o.wrong, 0.9), o.missed(k.scenario), o.none)
			if k.to > 0 && (kept < k.kept || wrong > k.wrong+1e-9) {
				t.Errorf("half of the runs keep %.3f of what is steady, and %.3f of what is not; want %g, %g", kept,
					wrong, k.kept, k.wrong)
			}
			if none := float64(o.none) / float64(*seeds); none < k.none {
				t.Errorf("nothing is found in %.2f of the runs, want %g", none, k.none)
			}
		})
	}
}

// biased are runs whose percentiles are off if all of them counts, and those that have the true ones.
func biased() [][2]scenario {
	half, most := scenario{load: 0.5, seconds: 300}, scenario{load: 0.8, seconds: 300}
	cold, stopped, busy := half, half, most
	cold.name, cold.cold = "50 %, cold for 20 s", 20
	stopped.name, stopped.outage = "50 %, stopped for 5 s", [2]float64{120, 125}
	busy.name, busy.outage = "80 %, stopped for 5 s", [2]float64{120, 125}
	half.name, most.name = "50 %", "80 %"
	return [][2]scenario{{half, half}, {most, most}, {cold, half}, {stopped, half}, {busy, most}}
}

// The percentiles of the steady part are nearer to the truth than those of all.
func TestBias(t *testing.T) {
	t.Parallel()
	percentiles := func(list []request, from, to float64) [2]float64 {
		var ttft []float64
		for _, q := range list {
			if q.start >= from && q.start <= to {
				ttft = append(ttft, q.ttft)
			}
		}
		slices.Sort(ttft)
		return [2]float64{quantile(ttft, 0.5), quantile(ttft, 0.99)}
	}
	for _, pair := range biased() {
		var pooled []request
		for seed := range uint64(*seeds) {
			pooled = append(pooled, pair[1].simulate(seed+1_000_000)...)
		}
		truth := percentiles(pooled, 0, math.Inf(1))
		var errs [2][2][]float64 // p50, p99; of all, of the steady part: relative errors
		for seed := range uint64(*seeds) {
			list := pair[0].simulate(*first + seed)
			f, stage, _ := find(list, false)
			from, to := 0.0, math.Inf(1)
			if f.Found {
				from, to = stage.At(f.From), stage.At(f.To)
			}
			all, part := percentiles(list, 0, math.Inf(1)), percentiles(list, from, to)
			for i := range errs {
				errs[i][0] = append(errs[i][0], all[i]/truth[i]-1)
				errs[i][1] = append(errs[i][1], part[i]/truth[i]-1)
			}
		}
		var off [2][2]float64
		for i := range errs {
			for k, list := range errs[i] {
				slices.Sort(list)
				off[i][k] = quantile(list, 0.5)
			}
		}
		t.Logf("| %s | %+.1f %% | %+.1f %% | %+.1f %% | %+.1f %% |", pair[0].name, 100*off[0][0], 100*off[0][1],
			100*off[1][0], 100*off[1][1])
		if all, part := math.Abs(off[1][0]), math.Abs(off[1][1]); pair[0].name != pair[1].name && part > all/2 {
			t.Errorf("%s: p99 is off by %.3f of all requests, by %.3f of the steady ones", pair[0].name, all, part)
		}
	}
}

// The mean number in flight is that of a count at every moment.
func TestFlight(t *testing.T) {
	t.Parallel()
	f := steady.NewFlight([]float64{0, 10, 20, 30})
	for _, q := range [][2]float64{{-5, 5}, {0, 10}, {12, 28}, {25, 100}, {40, 50}} {
		f.Add(q[0], q[1])
	}
	flight, ended := f.Between([]float64{0, 10, 20, 30})
	if got, want := fmt.Sprint(flight, ended), "[1.5 0.8 1.3] [2 0 1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func series(n int, of func(i int) float64) steady.Series {
	s := steady.Series{Name: steady.TTFT, Values: make([]float64, n), Grows: true}
	for i := range s.Values {
		s.Values[i] = of(i)
	}
	return s
}

func TestFind(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(0x9e3779b97f4a7c15, 0xd1b54a32d192ed03))
	noise := func() float64 { return 0.02 * rng.NormFloat64() }
	for _, tt := range []struct {
		name     string
		series   steady.Series
		silences []steady.Stretch
		want     steady.Stretch
		found    bool
		growth   int
	}{
		{name: "too few blocks", series: series(steady.Least-1, func(int) float64 { return 1 }), growth: -1},
		{name: "constant", series: series(64, func(int) float64 { return 1 }), want: steady.Stretch{To: 64},
			found: true, growth: -1},
		{name: "without a value", series: series(64, func(int) float64 { return math.NaN() }),
			want: steady.Stretch{To: 64}, found: true, growth: -1},
		{name: "silence", series: series(64, func(int) float64 { return 1 }),
			silences: []steady.Stretch{{From: 20, To: 22}}, want: steady.Stretch{From: 22, To: 64},
			found: true, growth: -1},
		{name: "growth", series: series(64, func(i int) float64 { return float64(i)/10 + noise() }), growth: 0},
		{name: "level shift", series: series(64, func(i int) float64 {
			if i < 16 {
				return 2 + noise()
			}
			return 1 + noise()
		}), want: steady.Stretch{From: 16, To: 64}, found: true, growth: -1},
	} {
		f := steady.Find([]steady.Series{tt.series}, tt.silences)
		if f.Found != tt.found || f.Stretch != tt.want || f.Growth != tt.growth {
			t.Errorf("%s: got %+v, want %+v, found %t, growth %d", tt.name, f, tt.want, tt.found, tt.growth)
		}
	}
}

// Whatever the requests are, something is said, and it lies in the stage.
func FuzzFind(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 0, 255}, 100.0)
	f.Add([]byte{0}, 0.0)
	f.Fuzz(func(t *testing.T, data []byte, lasts float64) {
		stage := steady.NewStage(0, lasts, len(data), len(data)%2 == 0)
		flight := steady.NewFlight(stage.Edges())
		for i, b := range data {
			start, latency := lasts*float64(i)/float64(len(data)), float64(b)-3
			stage.Add(start, latency/2, latency, b%7 == 0)
			flight.Add(start, start+latency)
		}
		s := stage.Series(flight)
		found := steady.Find(s, stage.Silences())
		if blocks := len(stage.Edges()) - 1; found.From < 0 || found.To > blocks || found.From > found.To {
			t.Errorf("got %+v of %d blocks", found, blocks)
		}
		if found.Found {
			steady.Explain(s, steady.Stretch{From: 0, To: max(found.From, 1)}, found.Stretch)
		}
	})
}

// A stage costs the same, however many requests it has, once they are in blocks.
func BenchmarkFind(b *testing.B) {
	for _, s := range []scenario{{name: "stationary", load: 0.8, seconds: 300},
		{name: "overload", load: 1.1, seconds: 300, empty: true}} {
		list := s.simulate(1)
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				find(list, false)
			}
		})
	}
}
