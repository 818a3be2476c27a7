package validation

import (
	"math"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/convert/internal/benchreport"
)

// checkPartial checks a partial report by itself, and against the report of its stage if there is one.
func checkPartial(s scope, data []byte, stage gjson.Result) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		s.errorf("structure", "not YAML: %v", err)
		return
	}
	var n nulls
	if n.find(&doc); len(n.list) > 0 {
		s.errorf("nulls", "null in place of nothing: %s", strings.Join(n.list, ", "))
	}
	r, err := benchreport.ParseNode(&doc)
	if err != nil {
		s.errorf("schema", "%v", err)
		return
	}
	if r.Version != benchreport.Version {
		s.errorf("version", "%q is not %s", r.Version, benchreport.Version)
	}
	partialCounts(s, r.Aggregate().Requests)
	for _, named := range statistics(r.Aggregate()) {
		partialDistribution(s, named)
	}
	partialDuration(s, r.Run.Time)
	if stage.Exists() {
		agreement{s, r.Aggregate(), stage}.check()
	}
}

// nulls collects the places of nulls in a file.
type nulls struct {
	path, list []string
}

// mostNulls bounds the list of nulls: more of them would say nothing new about a broken file.
const mostNulls = 5

// find lists the nulls below a node. Aliases are not followed, since their anchors are visited where they stand.
func (n *nulls) find(node *yaml.Node) {
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" && len(n.list) < mostNulls {
			n.list = append(n.list, strings.Join(n.path, "."))
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			n.path = append(n.path, node.Content[i].Value)
			n.find(node.Content[i+1])
			n.path = n.path[:len(n.path)-1]
		}
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, child := range node.Content {
			n.find(child)
		}
	}
}

func partialCounts(s scope, r benchreport.Requests) {
	if r.Failures < 0 || r.Failures > r.Total {
		s.errorf("schema", "requests: %d failures of %d", r.Failures, r.Total)
	}
}

// named is a statistics block and its place in the file.
type named struct {
	path string
	*benchreport.Statistics
}

// statistics returns the statistics blocks that the report has.
func statistics(a *benchreport.Aggregate) []named {
	all := []named{{"requests.input_length", a.Requests.InputLength},
		{"requests.output_length", a.Requests.OutputLength}}
	for _, l := range latencies(a.Latency) {
		all = append(all, named{"latency." + l.path, l.Statistics})
	}
	for _, t := range throughputs(a.Throughput) {
		all = append(all, named{"throughput." + t.path, t.Statistics})
	}
	there := all[:0]
	for _, n := range all {
		if n.Statistics != nil {
			there = append(there, n)
		}
	}
	return there
}

// latencies returns the statistics of latencies by the names that both kinds of report use.
func latencies(l *benchreport.Latency) []named {
	if l == nil {
		l = new(benchreport.Latency)
	}
	return []named{
		{"time_to_first_token", l.TTFT}, {ntpot, l.NTPOT}, {"time_per_output_token", l.TPOT},
		{"inter_token_latency", l.ITL},
		{"request_latency", l.Request},
	}
}

const ntpot = "normalized_time_per_output_token"

func throughputs(t *benchreport.Throughput) []named {
	if t == nil {
		t = new(benchreport.Throughput)
	}
	return []named{
		{"input_token_rate", t.InputTokens}, {"output_token_rate", t.OutputTokens}, {"total_token_rate", t.TotalTokens},
		{"request_rate", t.Requests},
	}
}

func partialDistribution(s scope, n named) {
	figures := []float64{n.Mean}
	for _, f := range [...]*float64{n.StdDev, n.Min, n.Max} {
		if f != nil {
			figures = append(figures, *f)
		}
	}
	for _, q := range n.Percentiles {
		figures = append(figures, q.Value)
	}
	for _, f := range figures {
		if !(f >= 0 && f <= math.MaxFloat64) {
			s.errorf("distributions", "%s: %v is negative or not finite", n.path, f)
			return
		}
	}
	if d, whole := ofStatistics(n.Statistics); whole {
		d.sound(s, n.path)
	}
}

// partialDuration is the tolerance for a duration, which is rounded to milliseconds.
func partialDuration(s scope, w benchreport.Window) {
	switch span := w.End.Sub(w.Start); {
	case span < 0:
		s.errorf("run_time", "the end is %v before the start", -span)
	case (w.Duration - span).Abs() > time.Millisecond:
		s.errorf("run_time", "%v is not the %v between start and end", w.Duration, span)
	}
}
