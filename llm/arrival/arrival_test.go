package arrival

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func flat(rate float64, d time.Duration) Stage { return Stage{From: rate, To: rate, Duration: d} }

func collect[T any](seq iter.Seq[T]) []T { return slices.Collect(seq) }

func due(p Process, seed int64, s Stage) []time.Duration {
	return collect(Plan{Stages: []Stage{s}, Process: p, Seed: seed}.Due(0))
}

func TestConstant(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, tt := range []struct {
		name string
		s    Stage
		want []time.Duration
	}{
		{"first at 0, none at the end", flat(4, time.Second), []time.Duration{0, 250 * ms, 500 * ms, 750 * ms}},
		{"a fraction", flat(1.5, 2*time.Second), []time.Duration{0, 666666667, 1333333333}},
		{"less than one", flat(0.3, 3*time.Second), nil},
		{"nothing", flat(0, time.Second), nil},
		{"ramp up", Stage{From: 0, To: 4, Duration: 2 * time.Second},
			[]time.Duration{0, time.Second, 1414213562, 1732050808}},
		{"ramp down", Stage{From: 4, To: 0, Duration: 2 * time.Second},
			[]time.Duration{0, 267949192, 585786438, time.Second}},
	} {
		if got := due(Constant{}, 1, tt.s); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The number of arrivals is floor(rate × duration) of the decimal numbers, whatever their product is in binary.
func TestConstantCountsDecimally(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rate float64
		d    time.Duration
		want int64
	}{
		{0.29, 100 * time.Second, 29}, {0.1, 30 * time.Second, 3}, {0.7, 10 * time.Second, 7},
		{1.1, 10 * time.Second, 11},
		{2.3, 999 * time.Millisecond, 2}, {33.3, 10 * time.Second, 333}, {0.57, 100 * time.Second, 57},
		{1000, 30 * time.Second, 30000},
	} {
		if got := Count(flat(tt.rate, tt.d).Area()); got != tt.want {
			t.Errorf("%v/s for %v: %d arrivals, want %d", tt.rate, tt.d, got, tt.want)
		}
	}
}

func TestScheduleIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	s := Stage{From: 50, To: 150, Duration: 60 * time.Second}
	for _, tt := range []struct {
		p    Process
		want uint64
	}{
		{Constant{}, 0x659f3aa2efba090}, {Poisson{}, 0x4809ade94da174bd}, {Gamma{Burstiness: 0.5}, 0xaab0321486f662f3},
		{Gamma{Burstiness: 3}, 0x4f9ec758003bb51d}, {Normalised{}, 0x743ef4fecef04d13},
		{BySecond{}, 0xcda576affc2c13c6},
	} {
		h := fnv.New64a()
		for _, at := range due(tt.p, 42, s) {
			_, _ = fmt.Fprintln(h, int64(at))
		}
		if got := h.Sum64(); got != tt.want {
			t.Errorf("%#v: the schedule's hash is %#x, want %#x: seeds must keep their meaning", tt.p, got, tt.want)
		}
	}
}

func TestSeedsAndStagesDiffer(t *testing.T) {
	t.Parallel()
	s := flat(100, 10*time.Second)
	p := Plan{Stages: []Stage{s, s}, Process: Poisson{}, Seed: 1}
	if slices.Equal(collect(p.Due(0)), collect(p.Due(1))) || slices.Equal(due(Poisson{}, 1, s), due(Poisson{}, 2, s)) {
		t.Error("two stages, or two seeds, have the same arrivals")
	}
	if !slices.Equal(collect(p.Due(1)), collect(p.Due(1))) {
		t.Error("the same stage has different arrivals")
	}
}

// ks returns the Kolmogorov–Smirnov distance of values from a distribution.
func ks(values []float64, cdf func(float64) float64) float64 {
	slices.Sort(values)
	n, worst := float64(len(values)), 0.0
	for i, v := range values {
		f := cdf(v)
		worst = max(worst, f-float64(i)/n, float64(i+1)/n-f)
	}
	return worst
}

func gapsOf(at []time.Duration) []float64 {
	gaps := make([]float64, len(at)-1)
	for i := range gaps {
		gaps[i] = (at[i+1] - at[i]).Seconds()
	}
	return gaps
}

func TestPoissonGapsAreExponential(t *testing.T) {
	t.Parallel()
	gaps := gapsOf(due(Poisson{}, 7, flat(200, 51*time.Second)))[:10000]
	// 1.63/√n is the critical distance at 1 %.
	if d := ks(gaps, func(x float64) float64 { return 1 - math.Exp(-200*x) }); d > 1.63/math.Sqrt(10000) {
		t.Errorf("distance %v from the exponential distribution", d)
	}
}

// On a ramp the areas under the rate, not the times, have exponential gaps.
func TestPoissonOnARamp(t *testing.T) {
	t.Parallel()
	s := Stage{From: 10, To: 390, Duration: 100 * time.Second}
	at := due(Poisson{}, 3, s)
	if n := float64(len(at)); math.Abs(n-20000) > 4*math.Sqrt(20000) {
		t.Errorf("%v arrivals, want about 20000", n)
	}
	areas := make([]float64, len(at))
	for i, d := range at {
		sec := d.Seconds()
		areas[i] = (10*sec + 1.9*sec*sec) / 20000
	}
	if d := ks(areas, func(x float64) float64 { return x }); d > 1.63/math.Sqrt(float64(len(at))) {
		t.Errorf("distance %v from the distribution that the rate prescribes", d)
	}
}

func TestGammaMoments(t *testing.T) {
	t.Parallel()
	for _, b := range []float64{0.25, 1, 4} {
		gaps := gapsOf(due(Gamma{Burstiness: b}, 5, flat(100, 400*time.Second)))
		mean, variance := 0.0, 0.0
		for _, g := range gaps {
			mean += g / float64(len(gaps))
		}
		for _, g := range gaps {
			variance += (g - mean) * (g - mean) / float64(len(gaps))
		}
		// The squared coefficient of variation of a gamma distribution with shape b is 1/b.
		if cv2 := variance / mean / mean; math.Abs(mean-0.01) > 0.0004 || math.Abs(cv2*b-1) > 0.1 {
			t.Errorf("burstiness %v: mean gap %v, squared variation %v; want 0.01 and %v", b, mean, cv2, 1/b)
		}
	}
}

func TestNormalisedEndsWithTheStage(t *testing.T) {
	t.Parallel()
	at := due(Normalised{}, 9, flat(10, 8*time.Second))
	if len(at) != 80 || at[79] != 8*time.Second || at[0] <= 0 || !slices.IsSorted(at) {
		t.Errorf("%d arrivals, the last at %v: want the last at the stage's end", len(at), at[len(at)-1])
	}
}

// Each second that the number asked for does not cut off ends with an arrival, unless it has none. The numbers vary as
// those of a Poisson process do, and the stage ends with its last arrival.
func TestBySecond(t *testing.T) {
	t.Parallel()
	const rate, seconds = 20, 400
	p := Plan{Stages: []Stage{flat(rate, seconds*time.Second)}, Process: BySecond{}, Seed: 3}
	at := collect(p.Due(0))
	if len(at) != rate*seconds || !slices.IsSorted(at) {
		t.Fatalf("%d arrivals, want %d in order", len(at), rate*seconds)
	}
	counts := map[time.Duration]int{}
	for _, due := range at {
		counts[(due-1)/time.Second]++ // an arrival on a second's end belongs to that second
	}
	last := at[len(at)-1]
	var square float64
	for second, n := range counts {
		if end := (second + 1) * time.Second; end < last && !slices.Contains(at, end) {
			t.Errorf("second %d has %d arrivals and none at its end", second, n)
		}
		square += float64((n - rate) * (n - rate))
	}
	// The variance of a Poisson number is its mean; over 400 numbers it lies within 4 standard deviations, each 1/√200
	// of it.
	if v := square / float64(len(counts)) / rate; math.Abs(v-1) > 4/math.Sqrt(seconds/2) {
		t.Errorf("the numbers of arrivals per second vary %v times as those of a Poisson process", v)
	}
	if got := p.Length(0, last); got != last || (Plan{Stages: p.Stages, Process: Poisson{}}).Length(0,
		last) != seconds*time.Second {
		t.Errorf("the stage lasts %v, its last arrival is at %v", got, last)
	}
}

func TestClosedLoopsFallDueWithinASecond(t *testing.T) {
	t.Parallel()
	loop := Stage{Requests: 50, Concurrency: 4}
	for _, p := range []Process{Normalised{}, BySecond{}} {
		if at := due(p, 1, loop); len(at) != 50 || at[49] != time.Second || !slices.IsSorted(at) {
			t.Errorf("%T: %v", p, at)
		}
	}
	for _, p := range []Process{Constant{}, Poisson{}, Gamma{Burstiness: 2}} {
		if at := due(p, 1, loop); at != nil {
			t.Errorf("%T: %v, want none", p, at)
		}
	}
}

// Ten million arrivals must cost no more memory than ten.
func TestScheduleKeepsNoList(t *testing.T) {
	var before, after runtime.MemStats
	for _, p := range []Process{Constant{}, Poisson{}, Normalised{}, BySecond{}} {
		runtime.ReadMemStats(&before)
		n := 0
		for range (Plan{Stages: []Stage{flat(1e5, 10*time.Second)}, Process: p}).Due(0) {
			n++
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; n < 900_000 || grown > 1<<16 {
			t.Errorf("%#v: %d bytes allocated for %d arrivals", p, grown, n)
		}
	}
}

func TestDeterministicFunctionsAreAccurate(t *testing.T) {
	t.Parallel()
	src := rand.NewPCG(1, 1)
	for range 100_000 {
		x := uniform(src)
		if got, want := ln(x), math.Log(x); math.Abs(got-want) > 4e-16*math.Max(1, math.Abs(want)) {
			t.Fatalf("ln %v: got %v, want %v", x, got, want)
		}
		y := (x - 0.5) * 1400
		if got, want := exp(y), math.Exp(y); math.Abs(got-want) > 4e-16*want {
			t.Fatalf("exp %v: got %v, want %v", y, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s    Stage
		want string
	}{
		{flat(1, time.Second), ""}, {Stage{Requests: 5, Concurrency: 2}, ""}, {flat(0, time.Second), ""},
		{flat(-1, time.Second), "rate must be a number from 0 to 1e+07, got -1"},
		{flat(math.NaN(), time.Second), "got NaN"}, {flat(1e9, time.Second), "got 1e+09"},
		{flat(1, 0), "duration must be positive, got 0s"}, {Stage{Requests: 5}, "requests need a concurrency"},
		{Stage{Concurrency: 5}, "concurrency needs requests"},
		{Stage{Requests: 5, Concurrency: 1, Duration: 1}, "requests and duration do not go together"},
		{Stage{Requests: 5, Concurrency: 1, From: 1, To: 1}, "takes no rate"},
		{Stage{Requests: -1}, "must be positive, got -1"},
		{Stage{Concurrency: 5, Duration: time.Second, RampUp: time.Second}, ""},
		{Stage{Concurrency: 5, Duration: time.Second, RampUp: 2 * time.Second}, "rampUp (2s) must not be longer than"},
		{Stage{Concurrency: 5, Duration: -time.Second}, "duration must be positive, got -1s"},
		{Stage{From: 1, To: 1, Duration: time.Minute, Warmup: 10 * time.Second}, ""},
		{Stage{From: 1, To: 1, Duration: 10 * time.Second, Warmup: 10 * time.Second}, "warmup (10s) must be shorter"},
		{Stage{Concurrency: 5, Duration: time.Second, Warmup: time.Minute}, "warmup (1m0s) must be shorter"},
		{Stage{Requests: 5, Concurrency: 1, Warmup: time.Second}, ""},
		{Stage{Requests: 5, Concurrency: 1, Warmup: -1}, "warmup must not be negative, got -1ns"},
		{Stage{Requests: 5, Concurrency: 1, Dispatch: 0.1, Timeout: time.Second}, ""},
		{Stage{Requests: 5, Concurrency: 1, Dispatch: -1}, "rate must be a number from 0 to 1e+07, got -1"},
		{Stage{Requests: 5, Concurrency: 1, Dispatch: math.NaN()}, "got NaN"},
		{Stage{Requests: 5, Concurrency: 1, Timeout: -1}, "timeout must not be negative, got -1ns"},
		{Stage{Requests: 5, Concurrency: 1, Timeout: time.Second, Warmup: time.Second},
			"warmup (1s) must be shorter than the timeout (1s)"},
		{Stage{Concurrency: 1, Duration: time.Second, Timeout: time.Second}, "timeout is for stages of {requests, "},
		{Stage{From: 1, To: 1, Duration: time.Second, Timeout: time.Second}, "timeout is for stages of {requests, "},
		{Stage{Concurrency: 1, Duration: time.Second, Dispatch: 1}, "takes no rate, unless it is one of {requests, "},
	} {
		err := tt.s.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.s, err, tt.want)
		}
	}
	for name, want := range map[string]string{"possion": `unknown arrival "possion", known are constant`,
		"gamma": "burstiness must be a positive number, got 0"} {
		if _, err := ByName(name, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	if _, known := FromContext(context.Background()); known {
		t.Error("a context without a slot returned an arrival")
	}
	slot := new(Arrival)
	ctx := NewContext(context.Background(), slot)
	slot.Index = 7
	if a, known := FromContext(ctx); !known || a.Index != 7 {
		t.Errorf("got %+v, %t", a, known)
	}
}

func BenchmarkDue(b *testing.B) {
	for _, p := range []Process{Constant{}, Poisson{}, Gamma{Burstiness: 0.5}} {
		b.Run(fmt.Sprintf("%T", p), func(b *testing.B) {
			for b.Loop() {
				for range (Plan{Stages: []Stage{flat(1000, time.Second)}, Process: p}).Due(0) {
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/arrival")
		})
	}
}

func ExamplePlan() {
	plan := Plan{Stages: []Stage{{From: 2, To: 2, Duration: 2 * time.Second}}, Process: Constant{}}
	for at := range plan.Due(0) {
		fmt.Println(at)
	}
	// Output:
	// 0s
	// 500ms
	// 1s
	// 1.5s
}
