package arrival

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// StockStage is a stage in the terms of k6's ramping-arrival-rate, which knows whole rates only.
type StockStage struct {
	Start    time.Duration // after the test's start
	Duration time.Duration
	From, To int64 // rates at the start and at the end, per Unit
	Unit     time.Duration

	FirstArrival            int64 // number of the stage's first arrival, counted over all stages
	PreAllocatedVUs, MaxVUs int64
}

// StockStages returns the stages of a load of rates and ramps, each with its start, because k6's executor has no pause
// between stages. The first stage begins at start. The stages must pass [Load.CheckStages].
func (l *Load) StockStages(start time.Duration) []StockStage {
	list := make([]StockStage, 0, len(l.Stages))
	arrivals, from := int64(0), 0.0
	for _, o := range l.Stages {
		to := o.Target.Float64
		if o.Rate.Valid {
			from, to = o.Rate.Float64, o.Rate.Float64
		}
		if o.Duration.Duration == 0 { // a jump to another rate
			from = to
			continue
		}
		s := StockStage{Start: start, Duration: o.Duration.TimeDuration(), FirstArrival: arrivals}
		s.Unit, s.From, s.To = wholeRates(from, to)
		n := int64(math.Floor((from+to)/2*s.Duration.Seconds() + 1e-9))
		s.PreAllocatedVUs, s.MaxVUs = l.rateVUs(max(from, to), n)
		list = append(list, s)
		arrivals += n
		start += s.Duration + l.Interval.TimeDuration()
		from = to
	}
	return list
}

// wholeRates returns a time unit in which two rates per second are whole numbers, and the two rates in that unit: 1.5
// and 2 per second are 15 and 20 per 10 s. It takes the rates as the decimal numbers they were written as, to a
// millionth.
func wholeRates(from, to float64) (unit time.Duration, wholeFrom, wholeTo int64) {
	digits := 0
	for _, rate := range [...]float64{from, to} {
		_, fraction, _ := strings.Cut(strconv.FormatFloat(math.Round(rate*1e6)/1e6, 'f', -1, 64), ".")
		digits = max(digits, len(fraction))
	}
	scale := math.Pow10(digits)
	return time.Duration(scale) * time.Second, int64(math.Round(from * scale)), int64(math.Round(to * scale))
}

// StockFault returns why k6's own executors cannot send the load, and nil if they can. It does not look at drain.
func (l *Load) StockFault() error {
	isClosed := func(o StageOptions) bool { return o.Closed() }
	switch {
	case l.Arrival.Valid && l.Arrival.String != "constant" || l.Trace != nil:
		return fmt.Errorf("arrival %q needs the executor %q", l.Arrival.String, record.ExecutorName)
	case slices.ContainsFunc(l.Stages, func(o StageOptions) bool { return o.RampUp.Duration > 0 }):
		return fmt.Errorf("rampUp needs the executor %q", record.ExecutorName)
	case hasWarmup(l):
		return fmt.Errorf("warmup needs the executor %q: k6's own do not tell which requests belong to it",
			record.ExecutorName)
	case slices.ContainsFunc(l.Stages, func(o StageOptions) bool { return o.Closed() && !o.Requests.Valid }):
		return fmt.Errorf("stages of {concurrency, duration} need the executor %q", record.ExecutorName)
	case slices.ContainsFunc(l.Stages, func(o StageOptions) bool { return o.Closed() && o.Rate.Valid }):
		return fmt.Errorf("the rate of {requests, concurrency, rate} needs the executor %q", record.ExecutorName)
	case slices.ContainsFunc(l.Stages, func(o StageOptions) bool { return o.Timeout.Duration > 0 }):
		return fmt.Errorf("timeout needs the executor %q", record.ExecutorName)
	case len(l.Stages) > 1 && slices.ContainsFunc(l.Stages, isClosed):
		return fmt.Errorf("stages of {requests, concurrency} beside others need the executor %q: nobody knows when "+
			"they end", record.ExecutorName)
	}
	return nil
}

// hasWarmup reports whether any stage warms up.
func hasWarmup(l *Load) bool {
	warms := func(w Warmup) bool { return w.Duration > 0 || w.Kind != "" }
	return warms(l.Warmup) || slices.ContainsFunc(l.Stages, func(o StageOptions) bool { return warms(o.Warmup) })
}
