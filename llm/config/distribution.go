package config

import (
	"math"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Distribution is a distribution of lengths (tokens) or of times (seconds), depending on its key.
type Distribution struct {
	Min        int64            `key:"min" default:"10" check:"at least 0"`
	Max        int64            `key:"max" default:"1024" check:"at least 0"`
	Mean       float64          `key:"mean" default:"512" check:"at least 0"`
	StdDev     float64          `key:"std_dev" default:"200"`
	TotalCount *int64           `key:"total_count" default:"null" check:"at least 0"` // how many draws to prepare
	Type       DistributionType `key:"type" default:"normal"`

	// Variance is the square of the standard deviation and another way to give it. inference-perf refuses it unless
	// std_dev: 0 stands beside it, because the default of std_dev counts as given; here only a std_dev that was written
	// and contradicts the variance is refused.
	Variance *float64 `key:"variance" default:"null"`

	Skew float64 `key:"skew" default:"0.0"` // shape of skew_normal
}

// DistributionType is the shape of a distribution.
type DistributionType string

// The shapes.
const (
	Normal     DistributionType = "normal"
	SkewNormal DistributionType = "skew_normal"
	Lognormal  DistributionType = "lognormal"
	Uniform    DistributionType = "uniform"
	Poisson    DistributionType = "poisson"
	Fixed      DistributionType = "fixed"
)

// Choices returns the values that the key accepts.
func (DistributionType) Choices() []string {
	return []string{string(Normal), string(SkewNormal), string(Lognormal), string(Uniform), string(Poisson),
		string(Fixed)}
}

// Check applies the rules that hold between the keys.
func (s *Distribution) Check(at *tagged.Section) {
	if at.Valid("min", "max") && s.Min > s.Max {
		at.Fault("min", "must not be above max (%d), got %d", s.Max, s.Min)
	}
	if at.Valid("std_dev") && s.StdDev < 0 {
		at.Fault("std_dev", "must not be negative, got %v", s.StdDev)
	}
	if !at.Valid("std_dev", "variance") || s.Variance == nil {
		return
	}
	root := math.Sqrt(*s.Variance)
	switch {
	case *s.Variance < 0:
		at.Fault("variance", "must not be negative, got %v", *s.Variance)
	case at.Given("std_dev") && s.StdDev != 0 && math.Abs(s.StdDev-root) > 1e-9*root:
		at.Fault("variance", "is %v although std_dev is given as %v, which is not its root: leave one out", *s.Variance,
			s.StdDev)
	default:
		s.StdDev = root
	}
}

// Ceiling returns the greatest number that a draw can return: the mean of a fixed distribution, otherwise the maximum.
func (s *Distribution) Ceiling() float64 {
	if s.Type == Fixed {
		return s.Mean
	}
	return float64(s.Max)
}

// least returns the smallest number that a draw can return.
func (s *Distribution) least() int64 {
	if s.Type == Fixed {
		return int64(s.Mean)
	}
	return s.Min
}

// Length is a number of tokens, or a distribution of such numbers if Distribution is set.
type Length struct {
	N            int64
	Distribution *Distribution
}

func (l Length) orLegacy(old *Distribution) Length {
	if old != nil {
		return Length{Distribution: old}
	}
	return l
}

// Decode reads the value of a key.
func (l *Length) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind == tagged.ObjectKind {
		*l = Length{Distribution: new(Distribution)}
		d.Object(v, l.Distribution, path)
		return
	}
	n, ok := v.Int()
	if !ok {
		d.Faults.AddType(v, path, "a whole number or a distribution", false)
	}
	*l = Length{N: n}
	d.CheckBound(v, float64(n), "at least 0", path)
}

// Encode returns the value to write.
func (l Length) Encode(w *tagged.Writer) *tagged.Value {
	if l.Distribution != nil {
		return w.Object(l.Distribution)
	}
	return tagged.IntValue(l.N)
}

// TypeText names the type in the list of keys.
func (Length) TypeText() string { return "int or distribution" }

// Amount is a number, or a distribution of numbers if Distribution is set.
type Amount struct {
	X            float64
	Distribution *Distribution
}

// Decode reads the value of a key.
func (a *Amount) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind == tagged.ObjectKind {
		*a = Amount{Distribution: new(Distribution)}
		d.Object(v, a.Distribution, path)
		return
	}
	x, ok := v.Float()
	if !ok {
		d.Faults.AddType(v, path, "a number or a distribution", false)
	}
	*a = Amount{X: x}
}

// Encode returns the value to write.
func (a Amount) Encode(w *tagged.Writer) *tagged.Value {
	if a.Distribution != nil {
		return w.Object(a.Distribution)
	}
	return tagged.FloatValue(a.X)
}

// TypeText names the type in the list of keys.
func (Amount) TypeText() string { return "float or distribution" }
