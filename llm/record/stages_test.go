package record

import (
	"math"
	"reflect"
	"testing"
	"time"
)

// rampStages are the stages of a scenario as k6's ramping-arrival-rate runs them: 5 to 15 per second within 2 s, which
// are 20 arrivals, then 10 per second for 1 s.
func rampStages() Scenario {
	return Scenario{Name: "s", Stages: []Stage{
		{Index: 3, From: new(5.0), Rate: new(15.0), Duration: new(2.0)},
		{Index: 4, Rate: new(10.0), Duration: new(1.0)},
	}}
}

// The last arrival of a ramp is due at the very end of its stage, and belongs to it.
func TestLastArrivalBelongsToItsStage(t *testing.T) {
	t.Parallel()
	s := rampStages()
	ramp, ok := s.Stages[0].Ramp()
	if !ok || ramp.Area() != 20 {
		t.Fatalf("got %v, %v", ramp, ok)
	}
	if due := ramp.At(20); s.StageAt(due) != 3 {
		t.Errorf("arrival 20 is due after %v s: got stage %d, want 3", due, s.StageAt(due))
	}
	if due := 2 + 1/10.0; s.StageAt(due) != 4 {
		t.Errorf("arrival 21: got stage %d, want 4", s.StageAt(due))
	}
}

func TestStageAt(t *testing.T) {
	t.Parallel()
	plan := []Scenario{rampStages(), {Name: "closed", Stages: []Stage{{Index: 5, Requests: new(int64(9))}, {Index: 6}}},
		{Name: "empty"}}
	for _, tt := range []struct {
		scenario string
		elapsed  time.Duration
		want     int
	}{
		{"s", -time.Second, 3}, {"s", 0, 3}, {"s", 2 * time.Second, 3}, {"s", 2*time.Second + time.Microsecond, 4},
		{"s", time.Hour, 4}, {"closed", time.Hour, 5}, {"empty", 0, -1}, {"none", 0, -1},
	} {
		if got := StageAt(plan, tt.scenario, tt.elapsed); got != tt.want {
			t.Errorf("%s after %v: got %d, want %d", tt.scenario, tt.elapsed, got, tt.want)
		}
	}
	if got := StageNumber(plan, "closed", 1); got != 6 {
		t.Errorf("stage 1 of closed: got %d, want 6", got)
	}
	if got := StageNumber(plan, "s", 2); got != -1 {
		t.Errorf("stage 2 of s: got %d, want -1", got)
	}
}

func TestRamp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ramp        Ramp
		area, first float64 // the area, and that of the first half of the time
	}{
		{Ramp{0.29, 0.29, 100}, 29, 14.5},
		{Ramp{0, 10, 2}, 10, 2.5},
		{Ramp{10, 0, 2}, 10, 7.5},
		{Ramp{1.1, 1.1, 3}, 3.3, 1.65},
		{Ramp{}, 0, 0},
	} {
		r := tt.ramp
		if got := r.Area(); got != tt.area {
			t.Errorf("%v: got area %v, want %v", r, got, tt.area)
		}
		if got := r.Between(-1, r.Seconds/2); math.Abs(got-tt.first) > 1e-12 {
			t.Errorf("%v: got %v in the first half, want %v", r, got, tt.first)
		}
		if got := r.Between(0, 2*r.Seconds); math.Abs(got-tt.area) > 1e-12 {
			t.Errorf("%v: got %v in all, want %v", r, got, tt.area)
		}
		if got := r.At(tt.first); tt.area > 0 && math.Abs(got-r.Seconds/2) > 1e-12 {
			t.Errorf("%v: got %v s to the first half of the time, want %v", r, got, r.Seconds/2)
		}
	}
	if _, ok := (Stage{Requests: new(int64(3))}).Ramp(); ok {
		t.Error("a closed loop has a rate")
	}
}

// Figures are about the part of a stage after its warm-up.
func TestMeasured(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ s, want Stage }{
		{Stage{Rate: new(5.0), Duration: new(30.0)}, Stage{Rate: new(5.0), Duration: new(30.0)}},
		{Stage{Rate: new(5.0), Duration: new(30.0), Warmup: new(10.0)}, Stage{Rate: new(5.0), Duration: new(20.0)}},
		{Stage{From: new(0.0), Rate: new(6.0), Duration: new(30.0), Warmup: new(10.0)},
			Stage{From: new(2.0), Rate: new(6.0), Duration: new(20.0)}},
		{Stage{Concurrency: new(int64(4)), Duration: new(30.0), Warmup: new(10.0)},
			Stage{Concurrency: new(int64(4)), Duration: new(20.0)}},
		{Stage{Concurrency: new(int64(4)), Requests: new(int64(9)), Warmup: new(10.0)},
			Stage{Concurrency: new(int64(4)), Requests: new(int64(9))}},
	} {
		if got := tt.s.Measured(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%+v: got %+v, want %+v", tt.s, got, tt.want)
		}
	}
}
