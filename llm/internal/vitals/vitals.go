// Package vitals measures how the load generator itself fares while it sends: the processors that it uses, the pauses
// of its collector, and how late it gets to do what it waits for.
package vitals

import (
	"runtime"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Vitals measures the process from Start to Stop. Several may measure it at once, each with a heartbeat of its own. It
// is for one goroutine.
type Vitals struct {
	at        time.Time
	cpu       time.Duration
	steal     host.Steal
	pressure  host.Pressure
	scheduler *host.Scheduler
	heartbeat *host.Heartbeat
	last      reading

	cycles int64 // collections counted before, and for how long they stopped the process
	paused time.Duration
}

// reading holds the figures that are read once a second.
type reading struct {
	cpu      time.Duration
	pressure host.Pressure
}

// Start begins to measure. It starts a goroutine, which Stop ends. If the load has not begun, the caller has called
// host.CountCollections.
func Start() *Vitals {
	v := &Vitals{at: time.Now(), steal: host.ReadSteal(), scheduler: host.NewScheduler()}
	v.last = v.read()
	v.cpu, v.pressure = v.last.cpu, v.last.pressure
	v.cycles, v.paused = host.Collections()
	v.heartbeat = host.StartHeartbeat()
	return v
}

func (v *Vitals) read() reading { return reading{host.CPUTime(), v.scheduler.Read()} }

// Beat describes the process since the last call; it returns nil if no timer was due since then.
func (v *Vitals) Beat() *record.Heartbeat {
	b, now := v.heartbeat.Take(), v.read()
	before := v.last
	v.last = now
	if b.N == 0 {
		return nil
	}
	line := &record.Heartbeat{
		Start: record.UnixNano(b.From), End: record.UnixNano(b.To), Beats: int64(b.N), P99: int64(b.P99),
		Max: int64(b.Max),
		CPU: int64(now.cpu - before.cpu), Pressure: pressure(now.pressure.Since(before.pressure)),
	}
	for _, span := range b.Late {
		line.Late = append(line.Late, [2]int64{span.From.Sub(b.From).Microseconds(), span.Length.Microseconds()})
	}
	return line
}

func pressure(p host.Pressure) record.Pressure {
	return record.Pressure{Waited: (*int64)(p.Waited), Throttled: (*int64)(p.Throttled), Stalled: (*int64)(p.Stalled)}
}

// Stop returns the figures since the start, or since the load began. delays are the lateness of the starts, where it
// is known. It must be called once.
func (v *Vitals) Stop(delays []time.Duration) record.Health {
	v.heartbeat.Stop()
	cycles, paused := host.Collections()
	out := record.Health{
		GoMaxProcs: runtime.GOMAXPROCS(0), Processors: host.Processors(),
		// the count may have begun anew since the start, with the load
		GCPause: max(0, int64(paused-v.paused)), GCCycles: max(0, cycles-v.cycles),
		LatenessOf: int64(len(delays)), Pressure: pressure(v.scheduler.Read().Since(v.pressure)),
	}
	if elapsed := time.Since(v.at); elapsed > 0 {
		out.CPUShare = float64(host.CPUTime()-v.cpu) / float64(elapsed) / out.Processors
	}
	if steal := host.ReadSteal(); steal != (host.Steal{}) {
		out.Steal = new(steal.Since(v.steal))
	}
	if len(delays) > 0 {
		slices.Sort(delays)
		at := func(p float64) *int64 { return new(int64(rank.Nearest(delays, p))) }
		out.LatenessP50, out.LatenessP99, out.LatenessMax = at(0.5), at(0.99), at(1)
	}
	return out
}
