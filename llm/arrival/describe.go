package arrival

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// mostTold is how many stages a description tells one by one.
const mostTold = 3

// String describes a plan in a line, such as "5/s for 30s, then 10/s for 30s, arrivals poisson".
func (p Plan) String() string {
	var stages []string
	var whole time.Duration
	rates, counted := false, false
	for i, s := range p.Stages {
		if i < mostTold {
			stages = append(stages, s.describe(p.Unit()))
		}
		whole += s.Duration
		rates, counted = rates || !s.Closed(), counted || s.Counted()
	}
	text := strings.Join(stages, ", then ")
	if n := len(p.Stages); n > mostTold {
		text += fmt.Sprintf(" … %d stages", n)
		if !counted {
			text += ", " + short(whole)
		}
	}
	if name := processName(p.Process); rates && name != "" {
		text += ", arrivals " + name
	}
	return text
}

// Unit returns what the arrivals of the plan are, in the plural.
func (p Plan) Unit() string {
	if p.Sessions {
		return "sessions"
	}
	return "requests"
}

// String describes a stage of requests, such as "5/s for 30s".
func (s Stage) String() string { return s.describe("requests") }

// describe describes a stage of arrivals that are called by a name.
func (s Stage) describe(unit string) string {
	var text string
	switch {
	case s.Counted():
		text = s.counted(unit)
	case s.Closed():
		text = fmt.Sprintf("%d at a time for %s", s.Concurrency, short(s.Duration))
	case s.From == s.To:
		text = fmt.Sprintf("%.4g/s for %s", s.To, short(s.Duration))
	default:
		text = fmt.Sprintf("%.4g/s to %.4g/s in %s", s.From, s.To, short(s.Duration))
	}
	switch {
	case s.Kind == record.WarmupUntilStable:
		text += " at most (warm-up until stable)"
	case s.Warming():
		text += " (all of it warm-up)"
	case s.Warmup > 0:
		text += fmt.Sprintf(" (warm-up %s)", short(s.Warmup))
	}
	return text
}

// counted describes a closed loop of a number of requests, such as "100 requests, 8 at a time, at most 2/s, for 10m at
// most".
func (s Stage) counted(unit string) string {
	text := fmt.Sprintf("%d %s", s.Requests, unit)
	if s.Concurrency < s.Requests || s.Dispatch == 0 {
		text += fmt.Sprintf(", %d at a time", s.Concurrency)
	}
	if s.Dispatch > 0 {
		text += fmt.Sprintf(", at most %.4g/s", s.Dispatch)
	}
	if s.Timeout > 0 {
		text += fmt.Sprintf(", for %s at most", short(s.Timeout))
	}
	return text
}

// short writes a duration without units that are 0: 2m for 2m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// processName returns the name of a process, and "" for even arrivals.
func processName(p Process) string {
	switch p := p.(type) {
	case Poisson:
		return "poisson"
	case Gamma:
		return fmt.Sprintf("gamma (burstiness %.4g)", p.Burstiness)
	case Normalised:
		return "inference-perf"
	case BySecond:
		return "inference-perf-poisson"
	case Trace:
		return "trace"
	}
	return ""
}
