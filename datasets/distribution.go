package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// The types of a Distribution.
const (
	Normal     = "normal"
	SkewNormal = "skew_normal"
	Lognormal  = "lognormal"
	Uniform    = "uniform"
	Poisson    = "poisson"
	Fixed      = "fixed"
)

var distributionTypes = []string{Normal, SkewNormal, Lognormal, Uniform, Poisson, Fixed}

// Distribution is a distribution of lengths, in tokens. Drawn numbers are rounded to the nearest whole number, half to
// even, and limited to Min and Max.
//
//   - normal: has the mean and the standard deviation given.
//   - skew_normal: has them, too; Skew is the shape parameter α of the skew normal distribution, not its skewness.
//     Location and scale follow from δ = α/√(1+α²): scale = StdDev/√(1−2δ²/π), location = Mean − scale·δ·√(2/π).
//   - lognormal: its logarithm is normal with σ² = ln(1+(StdDev/Mean)²) and μ = ln Mean − σ²/2, so that mean and
//     standard deviation are as given.
//   - uniform: every whole number from Min to Max is equally likely.
//   - poisson: has the mean given.
//   - fixed: always Mean.
//
// Rounding and the bounds shift the moments of the drawn numbers where they cut much away.
type Distribution struct {
	Type     string
	Mean     float64
	StdDev   float64
	Skew     float64
	Min, Max int
	Step     int // what poisson counts, if it is not 1
}

// Constant returns the distribution that always draws n.
func Constant(n int) Distribution { return Distribution{Type: Fixed, Mean: float64(n), Min: n, Max: n} }

// maxLength limits a length, in tokens.
const maxLength = 1 << 24

// Validate returns an error that names the first fault of the distribution.
func (d Distribution) Validate() error {
	switch {
	case !slices.Contains(distributionTypes, d.Type):
		return fmt.Errorf("unknown type %q, known are %s", d.Type, strings.Join(distributionTypes, ", "))
	case d.Min > d.Max:
		return fmt.Errorf("min %d is above max %d", d.Min, d.Max)
	case d.Min < 0 || d.Max > maxLength:
		return fmt.Errorf("min and max must be from 0 to %d, got %d and %d", maxLength, d.Min, d.Max)
	case d.Type != Uniform && !(d.Mean >= float64(d.Min) && d.Mean <= float64(d.Max)):
		return fmt.Errorf("mean %v is outside of min %d and max %d", d.Mean, d.Min, d.Max)
	case !(d.StdDev >= 0) || math.IsInf(d.StdDev, 0):
		return fmt.Errorf("standard deviation must not be negative, got %v", d.StdDev)
	case math.IsNaN(d.Skew) || math.IsInf(d.Skew, 0):
		return fmt.Errorf("skew must be a number, got %v", d.Skew)
	case d.Type == Lognormal && d.Mean <= 0:
		return errors.New("the mean of a lognormal distribution must be positive")
	}
	return nil
}

// Draw draws a length.
func (d Distribution) Draw(rng *rand.Rand) int {
	if d.Type == Uniform {
		return d.Min + below(rng, d.Max-d.Min+1)
	}
	x := math.RoundToEven(d.drawReal(rng))
	return int(min(max(x, float64(d.Min)), float64(d.Max)))
}

// Least returns the smallest length that can be drawn.
func (d Distribution) Least() int {
	if d.Type == Fixed {
		return d.Draw(nil)
	}
	return d.Min
}

// Most returns the greatest length that can be drawn.
func (d Distribution) Most() int {
	if d.Type == Fixed {
		return d.Draw(nil)
	}
	return d.Max
}

func (d Distribution) drawReal(rng *rand.Rand) float64 {
	switch d.Type {
	case Normal:
		return d.Mean + d.StdDev*gauss(rng)
	case SkewNormal:
		delta := d.Skew / math.Sqrt(1+d.Skew*d.Skew)
		u, v := gauss(rng), gauss(rng)
		z := delta*math.Abs(u) + math.Sqrt(1-delta*delta)*v
		scale := d.StdDev / math.Sqrt(1-2*delta*delta/math.Pi)
		return d.Mean + scale*(z-delta*math.Sqrt(2/math.Pi))
	case Lognormal:
		variance := math.Log1p(d.StdDev * d.StdDev / (d.Mean * d.Mean))
		return math.Exp(math.Log(d.Mean) - variance/2 + math.Sqrt(variance)*gauss(rng))
	case Poisson:
		step := float64(max(1, d.Step))
		return step * float64(poisson(rng, d.Mean/step))
	}
	return d.Mean
}

// gauss returns a standard normal number, by the method of Box and Muller: the generator of the standard library may
// change between versions.
func gauss(rng *rand.Rand) float64 {
	return math.Sqrt(-2*math.Log(1-unit(rng))) * math.Cos(2*math.Pi*unit(rng))
}

// unit returns a uniform number in [0, 1).
func unit(rng *rand.Rand) float64 { return float64(rng.Uint64()>>11) / (1 << 53) }

// poisson counts the arrivals of a Poisson process. It divides the process into parts short enough for Knuth's product
// of uniform numbers, since a Poisson number is the sum of the parts' numbers. The cost grows with the mean.
func poisson(rng *rand.Rand, mean float64) (n int) {
	const part = 30
	for ; mean > 0; mean -= part {
		limit := math.Exp(-min(mean, part))
		for p := unit(rng); p > limit; p *= unit(rng) {
			n++
		}
	}
	return n
}

// stream returns the random numbers of one item. They depend on the seed, the salt, the purpose and the number only,
// and not on the machine.
func stream(seed int64, salt, purpose string, number int64) *rand.Rand {
	const prime = 0x100000001b3 // FNV-1a, written out because it must never change
	h := uint64(0xcbf29ce484222325)
	for _, text := range []string{salt, "\x00", purpose} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * prime
		}
	}
	return rand.New(rand.NewPCG(uint64(seed)^h, uint64(number)*0x9e3779b97f4a7c15)) // the numbers must be reproducible
}
