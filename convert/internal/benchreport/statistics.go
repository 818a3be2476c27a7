package benchreport

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// The schema's units.
const (
	Count            = "count"
	Seconds          = "s"
	SecondsPerToken  = "s/token"
	TokensPerSecond  = "tokens/s"
	QueriesPerSecond = "queries/s"
	Fraction         = "fraction"
	Bytes            = "bytes"
	Watts            = "Watts"
)

// Statistics sums up a sample. Figures that are nil are unknown and are left out of the file.
type Statistics struct {
	Units       string
	Mean        float64
	StdDev      *float64 // of a sample: the squares are divided by n-1, so a single number has no deviation
	Min, Max    *float64
	Percentiles []Percentile // of [stats.DefaultPercentiles]; the schema has no place for others
}

// Percentile is one percentile and its value.
type Percentile struct{ P, Value float64 }

// NewStatistics sums up a sample; the result is nil if the sample is empty. The percentiles are the schema's, whatever
// other reports have.
func NewStatistics(sample stats.Ordered, units string) *Statistics {
	n := sample.Len()
	if n == 0 {
		return nil
	}
	s := &Statistics{Units: units, Mean: sample.Mean(), Min: new(sample.At(0)), Max: new(sample.At(n - 1))}
	if n > 1 {
		s.StdDev = new(sample.StdDev())
	}
	for _, p := range stats.DefaultPercentiles() {
		s.Percentiles = append(s.Percentiles, Percentile{p, stats.Percentile(n, sample.At, p)})
	}
	return s
}

// Rate returns a figure without a distribution, as the throughput block has them; nil if the value is NaN.
func Rate(value float64, units string) *Statistics {
	if math.IsNaN(value) {
		return nil
	}
	return &Statistics{Units: units, Mean: value}
}

// At returns the value of a percentile, and false if it is unknown.
func (s *Statistics) At(p float64) (float64, bool) {
	for _, q := range s.Percentiles {
		if q.P == p {
			return q.Value, true
		}
	}
	return 0, false
}

// key returns the schema's name of a percentile, such as p0p1 or p50.
func key(p float64) string {
	return "p" + strings.Replace(strconv.FormatFloat(p, 'g', -1, 64), ".", "p", 1)
}

// MarshalYAML writes the figures in the order of the schema.
func (s *Statistics) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key string, value yaml.Node) {
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &value)
	}
	addFloat := func(key string, value *float64) {
		if value != nil {
			add(key, yaml.Node{Kind: yaml.ScalarNode, Value: pythonFloat(*value)})
		}
	}
	add("units", yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.Units})
	addFloat("mean", &s.Mean)
	addFloat("stddev", s.StdDev)
	addFloat("min", s.Min)
	for _, p := range stats.DefaultPercentiles() {
		if value, known := s.At(p); known {
			addFloat(key(p), &value)
		}
	}
	addFloat("max", s.Max)
	return node, nil
}

// pythonFloat formats a float as Python's YAML library does: 10.0, 1.0e-05, .inf.
func pythonFloat(f float64) string {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "Inf", ".inf", 1), "+")
	case a != 0 && (a < 1e-4 || a >= 1e16):
		text := strconv.FormatFloat(f, 'e', -1, 64)
		if !strings.Contains(text, ".") { // YAML 1.1 takes 1e-05 for a string
			text = strings.Replace(text, "e", ".0e", 1)
		}
		return text
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// UnmarshalYAML reads the figures. Units and mean must be present, null means absent, and other keys are ignored.
func (s *Statistics) UnmarshalYAML(node *yaml.Node) error {
	var f figures
	if err := node.Decode(&f.nodes); err != nil {
		return err
	}
	mean, units := f.number("mean"), f.nodes["units"]
	out := Statistics{StdDev: f.number("stddev"), Min: f.number("min"), Max: f.number("max")}
	for _, p := range stats.DefaultPercentiles() {
		if value := f.number(key(p)); value != nil {
			out.Percentiles = append(out.Percentiles, Percentile{p, *value})
		}
	}
	if err := cmp.Or(f.err, units.Decode(&out.Units)); err != nil {
		return err
	}
	if mean == nil || out.Units == "" {
		return fmt.Errorf("line %d: units or mean is missing", node.Line)
	}
	out.Mean = *mean
	*s = out
	return nil
}

// figures holds the nodes of a statistics block and the first error met in decoding them.
type figures struct {
	nodes map[string]yaml.Node
	err   error
}

// number decodes a figure; nil means that it is absent or null.
func (f *figures) number(key string) (value *float64) {
	node := f.nodes[key]
	if err := node.Decode(&value); err != nil {
		f.err = cmp.Or(f.err, fmt.Errorf("%s: %w", key, err))
	}
	return value
}
