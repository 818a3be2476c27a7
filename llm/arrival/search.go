package arrival

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// How many requests a search may have in flight unless the options say: nobody knows the loads beforehand. Iterations
// of a script take a VU each, of which few are made before the load; senders without JavaScript cost little.
const (
	searchVUs     = 20
	mostSearchVUs = 1_000
	searchStreams = 100
	mostStreams   = 20_000
)

// searchPlan returns the plan of a search: its process and its seed. Stages come as the search goes on.
func searchPlan(l *Load, p Plan) (Plan, error) {
	switch {
	case len(l.Stages) > 0:
		return p, errors.New("a search takes the place of stages: leave stages or search out")
	case l.Arrival.String == "trace" || l.Trace != nil:
		return p, errors.New("a search chooses the rates, and a trace has its own: leave trace or search out")
	case l.Warmup.Valid:
		return p, errors.New("a search finds the transient of each probe by itself: leave warmup out")
	case l.Drain.Valid && !l.Drain.Bool:
		return p, errors.New("a search waits after each probe until the server is drained: leave drain out")
	case l.StartRate.Valid || l.TimeUnit.Valid && l.TimeUnit.TimeDuration() != time.Second:
		return p, errors.New("the rates of a search are per second: leave startRate and timeUnit out")
	}
	name := l.Arrival.String
	if name == "" {
		name = "poisson"
	}
	process, err := ByName(name, l.Burstiness.Float64)
	switch process.(type) {
	case Normalised, BySecond:
		err = fmt.Errorf("arrival %q is for stages of a known length: a search takes poisson, constant or gamma", name)
	}
	p.Process = process
	return p, err
}

// SearchVUs returns how many VUs the search of a load starts with and how many it may have. native tells that its
// requests need no JavaScript. Over a concurrency, the highest one suffices.
func SearchVUs(l *Load, native bool) (preAllocated, most int64) {
	preAllocated, most = searchVUs, mostSearchVUs
	if native {
		preAllocated, most = searchStreams, mostStreams
	}
	highest := l.Search.Max.Float64
	if l.Search.Over.String != "concurrency" {
		highest *= l.Latency().Seconds()
	}
	most = max(most, int64(math.Ceil(min(highest, math.MaxInt32))))
	if l.PreAllocatedVUs.Valid {
		preAllocated = max(1, l.PreAllocatedVUs.Int64)
		most = max(most, preAllocated)
	}
	if l.MaxVUs.Valid {
		most = l.MaxVUs.Int64
	}
	return min(preAllocated, most), most
}
