package host

import (
	"runtime"
	"time"
)

// Pressure holds what kept the process from the processors since it began; a value is nil where the system does not
// tell it.
type Pressure struct {
	Waited    *time.Duration // threads that could have run waited for a processor, added up
	Throttled *time.Duration // the control group had used up its quota
	Stalled   *time.Duration // any process of the group, or of the system, waited for a processor
}

// Since returns the difference between two readings.
func (p Pressure) Since(before Pressure) Pressure {
	return Pressure{elapsed(p.Waited, before.Waited), elapsed(p.Throttled, before.Throttled),
		elapsed(p.Stalled, before.Stalled)}
}

func elapsed(now, before *time.Duration) *time.Duration {
	if now == nil || before == nil {
		return nil
	}
	return new(max(0, *now-*before))
}

// Processors returns how many processors the process may use: GOMAXPROCS, or less where a control group's quota is
// less.
func Processors() float64 {
	procs := float64(runtime.GOMAXPROCS(0))
	if quota := cgroupQuota(); quota > 0 {
		return min(procs, quota)
	}
	return procs
}
