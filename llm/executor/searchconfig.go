package executor

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/search"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// errInstances refuses a search that is to run on several instances: what a probe shows decides the next load, and no
// instance sees what the others do.
var errInstances = errors.New("a search runs in one process: send stages of a ladder on several instances and merge " +
	"their records")

// checkSearch returns the faults of a search.
func checkSearch(c *Config) []error {
	o, err := search.Check(*c.Search)
	if err != nil {
		return []error{plain.Error(err)}
	}
	if _, most := c.vus(); o.Over == record.OverConcurrency && float64(most) < o.Max {
		return []error{fmt.Errorf("search.max is %.0f requests at a time, which take a VU each, and maxVUs is %d: "+
			"raise maxVUs", o.Max, most)}
	}
	return nil
}

// MostProbes returns how many probes the search may have, and 0 for a load that is none.
func (c *Config) MostProbes() int {
	if c.Search == nil {
		return 0
	}
	o, _ := search.Check(*c.Search) // validated by now
	return o.MostProbes()
}

// longest returns how long the search may last.
func longest(c *Config) time.Duration {
	o, _ := search.Check(*c.Search) // validated by now
	return o.Longest() + time.Duration(o.MostProbes())*c.Interval.TimeDuration()
}

// describeSearch describes the search.
func describeSearch(c *Config) string {
	o, _ := search.Check(*c.Search) // validated by now
	if name := process(c); name != "" {
		return o.String() + ", arrivals " + name
	}
	return o.String()
}

// process returns the name of a search's arrival process, and "" of one over concurrencies.
func process(c *Config) string {
	if c.Search.Over.String == record.OverConcurrency {
		return ""
	}
	return cmp.Or(c.Arrival.String, "poisson")
}

// newSearch returns the search of a scenario, which its run completes, and nil for a load that is none.
func newSearch(c *Config, es *lib.ExecutionState) (*searching, error) {
	if c.Search == nil {
		return nil, nil
	}
	if !whole(es.ExecutionTuple) {
		return nil, errInstances
	}
	chooses, err := search.New(*c.Search)
	return &searching{chooses: chooses, first: samples.FirstProbe(es.Test.Options.Scenarios, c.Name)}, err
}
