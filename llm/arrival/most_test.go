package arrival

import (
	"testing"
	"time"
)

// No stage draws more arrivals than Most returns, and exactly as many if the number does not vary.
func TestMost(t *testing.T) {
	t.Parallel()
	stages := []Stage{
		{From: 0.1, To: 0.1, Duration: 5 * time.Second}, {From: 1000, To: 1000, Duration: time.Millisecond},
		{From: 0, To: 30, Duration: 10 * time.Second}, {From: 100, To: 100, Duration: 10 * time.Second},
	}
	for _, process := range []Process{Constant{}, Normalised{}, BySecond{}, Poisson{}, Gamma{Burstiness: 0.2},
		Gamma{Burstiness: 5}} {
		_, exact := process.(Constant)
		for seed := range int64(50) {
			p := Plan{Stages: stages, Process: process, Seed: seed}
			for i, s := range stages {
				n := int64(0)
				for range p.Due(i) {
					n++
				}
				if most := p.Most(i); n > most || exact && n != most || p.HasArrival(i) != (n > 0) {
					t.Errorf("%T, seed %d, %+v: %d arrivals, Most returns %d, HasArrival %t", process, seed, s, n, most,
						p.HasArrival(i))
				}
			}
		}
	}
	if got := (Plan{Stages: []Stage{{Requests: 7, Concurrency: 2}}, Process: Poisson{}}).Most(0); got != 7 {
		t.Errorf("a closed loop of 7 requests: got %d", got)
	}
	for _, tt := range []struct {
		s    Stage
		want int64
	}{
		{Stage{Concurrency: 2, Duration: 3 * time.Second}, 60_000},
		{Stage{Concurrency: 1, Duration: time.Millisecond}, 10_000},
		{Stage{Concurrency: 1 << 40, Duration: 1e6 * time.Hour}, 1 << 36},
	} {
		if got := (Plan{Stages: []Stage{tt.s}, Process: Poisson{}}).Most(0); got != tt.want {
			t.Errorf("%+v: got %d, want %d", tt.s, got, tt.want)
		}
	}
}

// A draw that would take hours before its first arrival ends when stopped returns true.
func TestInterruptible(t *testing.T) {
	t.Parallel()
	p := Plan{Stages: []Stage{{From: 1000, To: 1000, Duration: 1e6 * time.Hour}}}
	asked := 0
	p.Process = Interruptible(Normalised{}, func() bool { asked++; return asked == 3 })
	for due := range p.Due(0) {
		t.Fatalf("an arrival at %v", due)
	}
	if asked != 3 {
		t.Errorf("stopped was called %d times", asked)
	}
	if got := Interruptible(Poisson{}, nil); got != (Poisson{}) {
		t.Errorf("got %v", got)
	}
}
