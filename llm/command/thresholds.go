package command

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/dropin"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// trends are k6's metrics of the latencies that have bounds.
var trends = map[string]string{
	"ttft": "llm_ttft", "tpot": "llm_tpot", "ntpot": "llm_ntpot", "itl": "llm_itl",
	"request_latency": "llm_request_duration", "first_audio": record.MetricFirstAudio,
	"rtf": record.MetricRealTimeFactor,
}

// thresholds returns the gates as a line of thresholds of a script. The bounds on each request, which a share of the
// requests has to keep, become the client's SLO, and so do those of the SLO of the stages.
func thresholds(own config.Own, client dropin.Map) (string, error) {
	bounds := dropin.Map{}
	stages, err := parseObjectives(own.SLO)
	if err != nil {
		return "", err
	}
	for _, o := range stages {
		if o.Kind == slo.Each {
			addBounds(bounds, o)
		}
	}
	gates, err := parseObjectives(own.Gate)
	if err != nil {
		return "", err
	}
	conditions := map[string][]string{}
	add := func(metric, condition string) { conditions[metric] = append(conditions[metric], quoted(condition)) }
	for _, g := range gates {
		less, least := "<=", ">="
		if g.Strict {
			less, least = "<", ">"
		}
		switch g.Kind {
		case slo.Percentile:
			add(trends[g.Bounds[0].Latency], fmt.Sprintf("p(%s)<%s", number(100*g.Share),
				number(thresholdOf(g.Bounds[0]))))
		case slo.Failures:
			add("llm_request_failed", "rate"+less+number(g.Share))
		default:
			addBounds(bounds, g)
			add("llm_good", "rate"+least+number(g.Share))
		}
	}
	if len(bounds) > 0 {
		client["slo"] = bounds
	}
	if len(conditions) == 0 {
		return "", nil
	}
	var lines strings.Builder
	for _, metric := range slices.Sorted(maps.Keys(conditions)) {
		fmt.Fprintf(&lines, "    %s: [%s],\n", metric, strings.Join(conditions[metric], ", "))
	}
	return "  thresholds: {\n" + lines.String() + "  },\n", nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 10, 64) }

// thresholdOf returns a limit as k6's metric has it: in milliseconds, or a factor.
func thresholdOf(b slo.Bound) float64 {
	if slo.IsFactor(b.Latency) {
		return b.Limit.Seconds()
	}
	return float64(b.Limit.Microseconds()) / 1000
}

func addBounds(bounds dropin.Map, o slo.Objective) {
	for _, b := range o.Bounds {
		if bounds[b.Latency] = b.Limit.String(); slo.IsFactor(b.Latency) {
			bounds[b.Latency] = b.Limit.Seconds()
		}
	}
}

// parseObjectives returns the objectives of a text, none of an empty one.
func parseObjectives(text string) ([]slo.Objective, error) {
	if text == "" {
		return nil, nil
	}
	return slo.Parse(text)
}
