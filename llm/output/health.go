package output

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// health measures the process from start to stop.
type health struct {
	at        time.Time
	cpu       time.Duration
	steal     host.Steal
	pressure  host.Pressure
	scheduler *host.Scheduler
	heartbeat *host.Heartbeat
	last      reading
}

// reading holds the figures that are read once a second.
type reading struct {
	cpu      time.Duration
	pressure host.Pressure
}

func startHealth() *health {
	host.CountCollections() // repeated when the load begins
	h := &health{at: time.Now(), steal: host.ReadSteal(), scheduler: host.NewScheduler()}
	h.last = h.read()
	h.cpu, h.pressure = h.last.cpu, h.last.pressure
	h.heartbeat = host.StartHeartbeat()
	return h
}

func (h *health) read() reading { return reading{host.CPUTime(), h.scheduler.Read()} }

// beat describes the process since the last call; it returns nil if no timer was due since then.
func (h *health) beat() *record.Heartbeat {
	b, now := h.heartbeat.Take(), h.read()
	before := h.last
	h.last = now
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

// stop returns the figures since the start, with the collections since the load began. delays are the lateness of the
// starts, where it is known.
func (h *health) stop(delays []time.Duration) record.Health {
	h.heartbeat.Stop()
	cycles, paused := host.Collections()
	out := record.Health{
		GoMaxProcs: runtime.GOMAXPROCS(0), Processors: host.Processors(), GCPause: int64(paused), GCCycles: cycles,
		LatenessOf: int64(len(delays)), Pressure: pressure(h.scheduler.Read().Since(h.pressure)),
	}
	if elapsed := time.Since(h.at); elapsed > 0 {
		out.CPUShare = float64(host.CPUTime()-h.cpu) / float64(elapsed) / out.Processors
	}
	if steal := host.ReadSteal(); steal != (host.Steal{}) {
		out.Steal = new(steal.Since(h.steal))
	}
	if len(delays) > 0 {
		slices.Sort(delays)
		at := func(p float64) *int64 { return new(int64(rank.Nearest(delays, p))) }
		out.LatenessP50, out.LatenessP99, out.LatenessMax = at(0.5), at(0.99), at(1)
	}
	return out
}

// spareProcessors returns advice on the GOMAXPROCS that would have sufficed if the load left most processors idle, and
// "" if there is no advice. Whenever a token wakes a goroutine, Go looks for work on each processor that it may use,
// which costs more than the idle processors contribute.
func spareProcessors(h record.Health, set bool) string {
	used := h.CPUShare * h.Processors
	enough := max(2, int(math.Ceil(2*used)))
	if set || used < 0.25 || 2*enough > h.GoMaxProcs {
		return ""
	}
	return fmt.Sprintf("this load took %.1f of %d processors, and idle ones add to what a token costs: "+
		"GOMAXPROCS=%d suffices", used, h.GoMaxProcs, enough)
}
