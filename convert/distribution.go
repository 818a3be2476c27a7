package convert

import (
	"bytes"
	"math"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// Distribution sums up a list of figures: mean, extremes and exact percentiles of the list.
type Distribution struct {
	Mean, Min, Max float64
	Percentiles    []Percentile

	inTables  []Percentile // those of tablePercentiles that Percentiles lacks
	certainty *Certainty   // nil if nobody asked
	tells     bool         // the JSON has the certainty, which inference-perf's figures have not
}

// tablePercentiles are the percentiles that tables show.
var tablePercentiles = []float64{50, 90, 99}

// Percentile is one percentile and its value.
type Percentile struct{ P, Value float64 }

// NewDistribution sums values up, and returns nil if there are none. It sorts values in place.
func NewDistribution(values []float64, percentiles []float64) *Distribution {
	return newDistribution(stats.NewList(values), percentiles)
}

// newDistribution sums a sample up, and returns nil if the sample is empty.
func newDistribution(sample stats.Ordered, percentiles []float64) *Distribution {
	n := sample.Len()
	if n == 0 {
		return nil
	}
	d := &Distribution{Mean: sample.Mean(), Min: sample.At(0), Max: sample.At(n - 1)}
	for _, p := range percentiles {
		d.Percentiles = append(d.Percentiles, Percentile{P: p, Value: stats.Percentile(n, sample.At, p)})
	}
	for _, p := range tablePercentiles {
		if _, there := d.At(p); !there {
			d.inTables = append(d.inTables, Percentile{P: p, Value: stats.Percentile(n, sample.At, p)})
		}
	}
	return d
}

// At returns the value of a percentile, and false if p is neither a requested percentile nor one that tables show. A
// nil Distribution has no percentiles.
func (d *Distribution) At(p float64) (float64, bool) {
	if d == nil {
		return 0, false
	}
	for _, list := range [...][]Percentile{d.Percentiles, d.inTables} {
		for _, q := range list {
			if q.P == p {
				return q.Value, true
			}
		}
	}
	return 0, false
}

// MarshalJSON writes mean, min, max, the percentiles in their order, and how well they are known if that is told.
func (d *Distribution) MarshalJSON() ([]byte, error) {
	out := append([]byte("{"), d.members()...)
	if d.tells && d.certainty != nil {
		certainty, err := d.certainty.MarshalJSON()
		if err != nil {
			return nil, err
		}
		out = append(append(out, `,"certainty":`...), certainty...)
	}
	return append(out, '}'), nil
}

// members returns the members of the JSON object without its braces, so that a larger object can include them.
func (d *Distribution) members() []byte {
	var buf bytes.Buffer
	for _, m := range []struct {
		key   string
		value float64
	}{{"mean", d.Mean}, {"min", d.Min}, {"max", d.Max}} {
		writeMember(&buf, m.key, m.value)
	}
	for _, q := range d.Percentiles {
		writeMember(&buf, percentileKey(q.P), q.Value)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte(","))
}

func writeMember(buf *bytes.Buffer, key string, value float64) {
	buf.WriteString(strconv.Quote(key))
	buf.WriteByte(':')
	buf.WriteString(pythonFloat(value))
	buf.WriteByte(',')
}

// percentileKey returns the JSON key of a percentile: median, or p and the number with at most six digits.
func percentileKey(p float64) string {
	if p == 50 {
		return "median"
	}
	return "p" + strconv.FormatFloat(mustParse(strconv.FormatFloat(p, 'g', 6, 64)), 'f', -1, 64)
}

func mustParse(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64) // just formatted
	return v
}

// Float is a number that JSON writes as Python does, 184.0 rather than 184, so that programs that look at types see the
// same type as in inference-perf's files.
type Float float64

// MarshalJSON writes the shortest text that reads back as the same number. NaN and infinities become null.
func (f Float) MarshalJSON() ([]byte, error) { return []byte(pythonFloat(float64(f))), nil }

// Maybe is a Float that may be unknown: then it is NaN, which JSON writes as null.
type Maybe float64

// MarshalJSON writes the number as Float does.
func (m Maybe) MarshalJSON() ([]byte, error) { return Float(m).MarshalJSON() }

func pythonFloat(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "null"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !bytes.ContainsRune([]byte(text), '.') {
		text += ".0"
	}
	return text
}
