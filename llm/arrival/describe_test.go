package arrival

import (
	"strings"
	"testing"
	"time"
)

func TestPlanInWords(t *testing.T) {
	t.Parallel()
	flat := func(rate float64) Stage { return flat(rate, 30*time.Second) }
	for _, tt := range []struct {
		p    Plan
		want string
	}{
		{Plan{Stages: []Stage{flat(5)}}, "5/s for 30s"},
		{Plan{Stages: []Stage{flat(5), flat(10)}, Process: Poisson{}},
			"5/s for 30s, then 10/s for 30s, arrivals poisson"},
		{Plan{Stages: []Stage{flat(1), flat(2), flat(3), flat(4)}, Process: Constant{}},
			"1/s for 30s, then 2/s for 30s, then 3/s for 30s … 4 stages, 2m"},
		{Plan{Stages: []Stage{flat(1), flat(2), flat(3), {Requests: 9, Concurrency: 2}}, Process: Gamma{0.5}},
			"1/s for 30s, then 2/s for 30s, then 3/s for 30s … 4 stages, arrivals gamma (burstiness 0.5)"},
		{Plan{Stages: []Stage{{To: 2.5, Duration: time.Hour, Warmup: 90 * time.Second}}, Process: BySecond{}},
			"0/s to 2.5/s in 1h (warm-up 1m30s), arrivals inference-perf-poisson"},
		{Plan{Stages: []Stage{{Concurrency: 8, Duration: 90 * time.Minute}, {Requests: 40, Concurrency: 8}},
			Process: Poisson{}}, "8 at a time for 1h30m, then 40 requests, 8 at a time"},
		{Plan{Stages: []Stage{
			{Requests: 100, Concurrency: 8, Dispatch: 2, Timeout: 10 * time.Minute, Warmup: time.Minute},
			{Requests: 40, Concurrency: 40, Dispatch: 0.5}, {Requests: 4, Concurrency: 4, Timeout: time.Second}}},
			"100 requests, 8 at a time, at most 2/s, for 10m at most (warm-up 1m), then 40 requests, at most 0.5/s, " +
				"then 4 requests, 4 at a time, for 1s at most"},
		{Plan{Stages: []Stage{{Requests: 20, Concurrency: 4}}, Sessions: true}, "20 sessions, 4 at a time"},
	} {
		if got := tt.p.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// A load without any arrival is refused, and one with a stage that has one is not.
func TestCheckArrivals(t *testing.T) {
	t.Parallel()
	empty := flat(0.1, 5*time.Second)
	for _, tt := range []struct {
		stages []Stage
		want   string
	}{
		{[]Stage{empty}, "the load sends nothing: 0.1/s for 5s is less than one request"},
		{[]Stage{empty, flat(0, time.Hour)}, "the load sends nothing: 0.1/s for 5s, then 0/s for 1h is less than one"},
		{[]Stage{empty, flat(1, time.Second)}, ""}, {[]Stage{{Concurrency: 1, Duration: 1}}, ""},
	} {
		err := Plan{Stages: tt.stages, Process: Constant{}}.CheckArrivals()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.stages, err, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s    Stage
		want time.Duration
	}{
		{Stage{Concurrency: 8, Duration: time.Minute}, time.Minute},
		{Stage{Concurrency: 8, Requests: 8}, 10 * time.Minute},
		{Stage{Concurrency: 8, Requests: 801}, 1010 * time.Second},
		{Stage{Concurrency: 1, Requests: 1 << 50}, 24 * time.Hour},
		{Stage{Concurrency: 8, Requests: 801, Timeout: time.Hour}, 1010 * time.Second},
		{Stage{Concurrency: 8, Requests: 801, Timeout: time.Minute}, time.Minute},
		{Stage{Concurrency: 801, Requests: 801, Dispatch: 0.5}, 1612 * time.Second},
	} {
		if got := new(Load).Duration(Plan{Stages: []Stage{tt.s}}); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.s, got, tt.want)
		}
	}
}
