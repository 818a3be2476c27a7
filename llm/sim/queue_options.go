package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// Which of the requests that wait is admitted next.
const (
	ScheduleFIFO     = "fifo"     // the first to come
	SchedulePriority = "priority" // of those with the best priority the first to come; none is interrupted
	ScheduleFair     = "fair"     // of the priority that has had least for its weight, the first to come
)

// Which priority is best.
const (
	OrderLow  = "low" // the smallest, as in vLLM
	OrderHigh = "high"
)

// Never, as Options.OnCancel, keeps a request's place until its answer is complete.
const Never = -1

func queueFlags() []Flag {
	return []Flag{
		{"scheduling", "which request that waits is next: fifo, priority (strict, by the body's priority or the " +
			"header X-Priority) or fair (by weights) (fifo)", text(func(o *Options) *string { return &o.Scheduling })},
		{"priority-order", "which priority goes first with scheduling=priority: low, as in vLLM, or high (low)",
			text(func(o *Options) *string { return &o.PriorityOrder })},
		{"weights", "shares of priorities with scheduling=fair, as PRIORITY=WEIGHT, separated by commas: 0=3,1=1 " +
			"(1 each)", setWeights},
		{"on-cancel", "what becomes of a request whose client goes away: free, never, or how long it keeps its place " +
			"(free)", setOnCancel},
		{"name", "name of this server, which its truths bear (its address); sim:?name=a and sim:?name=b are two",
			text(func(o *Options) *string { return &o.Name })},
	}
}

// setWeights reads 0=3,1=1.
func setWeights(o *Options, v string) error {
	o.Weights = map[int]float64{}
	for part := range strings.SplitSeq(v, ",") {
		name, value, _ := strings.Cut(part, "=")
		priority, err := strconv.Atoi(name)
		weight, weightErr := strconv.ParseFloat(value, 64)
		if err != nil || weightErr != nil {
			return fmt.Errorf("%q is no weight: expected PRIORITY=WEIGHT such as 0=3", part)
		}
		if _, twice := o.Weights[priority]; twice {
			return fmt.Errorf("priority %d has two weights", priority)
		}
		o.Weights[priority] = weight
	}
	return nil
}

func setOnCancel(o *Options, v string) (err error) {
	switch v {
	case "free":
		o.OnCancel = 0
	case "never":
		o.OnCancel = Never
	default:
		if o.OnCancel, err = timespan.Parse(v); err != nil || o.OnCancel < 0 {
			return errors.New("expected free, never, or a time such as 500ms")
		}
	}
	return nil
}

// maxWeight bounds weights, and the smallest is one over it.
const maxWeight = 1e6

func (o *Options) validateQueue() error {
	switch o.Scheduling {
	case ScheduleFIFO, SchedulePriority, ScheduleFair:
	default:
		return fmt.Errorf("simulator option scheduling must be fifo, priority or fair, got %q", o.Scheduling)
	}
	switch {
	case o.PriorityOrder != OrderLow && o.PriorityOrder != OrderHigh:
		return fmt.Errorf("simulator option priority-order must be low or high, got %q", o.PriorityOrder)
	case o.PriorityOrder == OrderHigh && o.Scheduling != SchedulePriority:
		return fmt.Errorf("simulator option priority-order needs scheduling=priority, which is %s", o.Scheduling)
	case len(o.Weights) > 0 && o.Scheduling != ScheduleFair:
		return fmt.Errorf("simulator option weights needs scheduling=fair, which is %s", o.Scheduling)
	case o.OnCancel < 0 && o.OnCancel != Never || o.OnCancel > maxTime:
		return fmt.Errorf("simulator option on-cancel must be free, never, or from 0s to %v, got %v", maxTime,
			o.OnCancel)
	}
	for priority, weight := range o.Weights {
		if !(weight >= 1/maxWeight && weight <= maxWeight) {
			return fmt.Errorf("simulator option weights: the weight of priority %d must be from %g to %g, got %v",
				priority, 1/maxWeight, maxWeight, weight)
		}
	}
	return o.Proxy.validate()
}
