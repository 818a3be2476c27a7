package command

import (
	"errors"
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
// requests has to keep, become the SLO of the client or of its classes, and so do those of the SLO of the stages.
func thresholds(own config.Own, client dropin.Map) (string, error) {
	bounds := map[string]dropin.Map{} // by label
	add := func(o slo.Objective) {
		if bounds[o.Label] == nil {
			bounds[o.Label] = dropin.Map{}
		}
		addBounds(bounds[o.Label], o)
	}
	stages, err := parseObjectives(own.SLO)
	if err != nil {
		return "", err
	}
	for _, o := range stages {
		if o.Kind == slo.Each {
			add(o)
		}
	}
	gates, err := parseObjectives(own.Gate)
	if err != nil {
		return "", err
	}
	conditions := map[string][]string{}
	for _, g := range gates {
		if g.Kind == slo.Each || g.Kind == slo.Goodput {
			add(g)
		}
		metric, condition := thresholdFor(g)
		if g.Label != "" {
			metric = quoted(metric + "{label:" + g.Label + "}")
		}
		conditions[metric] = append(conditions[metric], quoted(condition))
	}
	if err := setBounds(client, bounds); err != nil || len(conditions) == 0 {
		return "", err
	}
	var lines strings.Builder
	for _, metric := range slices.Sorted(maps.Keys(conditions)) {
		fmt.Fprintf(&lines, "    %s: [%s],\n", metric, strings.Join(conditions[metric], ", "))
	}
	return "  thresholds: {\n" + lines.String() + "  },\n", nil
}

// thresholdFor returns the metric and the condition of a gate.
func thresholdFor(g slo.Objective) (metric, condition string) {
	less, least := "<=", ">="
	if g.Strict {
		less, least = "<", ">"
	}
	switch g.Kind {
	case slo.Percentile:
		b := g.Bounds[0]
		return trends[b.Latency], fmt.Sprintf("p(%s)<%s", number(100*g.Share), number(thresholdOf(b)))
	case slo.Failures:
		return "llm_request_failed", "rate" + less + number(g.Share)
	default:
		return "llm_good", "rate" + least + number(g.Share)
	}
}

// setBounds gives the client the bounds by label.
func setBounds(client dropin.Map, bounds map[string]dropin.Map) error {
	all, some := bounds[""]
	if some {
		client["slo"] = all
	}
	classes := dropin.Map{}
	for label, own := range bounds {
		if label != "" {
			both := dropin.Map{}
			maps.Copy(both, all)
			maps.Copy(both, own)
			classes[label] = dropin.Map{"slo": both}
		}
	}
	switch {
	case len(classes) == 0:
	case client["classes"] != nil:
		return errors.New("x-llm.client.classes: the bounds of labels in --slo or --gate belong there: write " +
			"{chat: {slo: {ttft: 500ms}}}")
	default:
		client["classes"] = classes
	}
	return nil
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
