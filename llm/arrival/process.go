package arrival

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// Process is a way to spread the arrivals of a stage. Most processes speak in areas: arrival k comes when the area
// under the stage's rate, which is the number of arrivals expected until then, reaches the k-th value. One process
// therefore serves constant rates and ramps alike.
type Process interface {
	// Due yields the due times of a stage's arrivals, after the stage's start, in ascending order. The same source of
	// randomness yields the same instants on every machine. No list of them is kept.
	Due(s Stage, src *rand.PCG) iter.Seq[time.Duration]
}

// under yields the instants at which the area under a stage's rate reaches the values.
func (s Stage) under(areas iter.Seq[float64]) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for area := range areas {
			if !yield(s.At(area)) {
				return
			}
		}
	}
}

// ByName returns the process with the given name; the empty name means constant. Only gamma uses burstiness.
func ByName(name string, burstiness float64) (Process, error) {
	switch name {
	case "constant", "":
		return Constant{}, nil
	case "poisson":
		return Poisson{}, nil
	case "gamma":
		if !(burstiness > 0) || math.IsInf(burstiness, 0) {
			return nil, fmt.Errorf("burstiness must be a positive number, got %v", burstiness)
		}
		return Gamma{Burstiness: burstiness}, nil
	case "inference-perf":
		return Normalised{}, nil
	case "inference-perf-poisson":
		return BySecond{}, nil
	}
	return nil, fmt.Errorf("unknown arrival %q, known are constant, poisson, gamma, inference-perf, "+
		"inference-perf-poisson, trace", name)
}

// Constant spaces arrivals evenly, the first at once.
type Constant struct{}

// Due yields the instants of the areas 0, 1, 2 … below the stage's.
func (Constant) Due(s Stage, _ *rand.PCG) iter.Seq[time.Duration] {
	n := Count(s.Area())
	return func(yield func(time.Duration) bool) {
		for k := int64(0); k < n; k++ {
			if !yield(s.At(float64(k))) {
				return
			}
		}
	}
}

// Count returns the number of arrivals of a constant stage from its area. An area that misses a whole number only by
// the last bits of a product counts as whole.
func Count(total float64) int64 { return int64(math.Floor(total + 1e-9*math.Max(1, total))) }

// Poisson draws independent exponential gaps with mean 1.
type Poisson struct{}

// Due yields the instants of sums of exponential gaps up to the stage's area; their number varies about it.
func (Poisson) Due(s Stage, src *rand.PCG) iter.Seq[time.Duration] {
	return s.under(sums(s.Area(), func() float64 { return exponential(src) }))
}

// Gamma draws independent gamma gaps with mean 1 and shape Burstiness: 1 is Poisson, below 1 bunches arrivals, above 1
// spreads them more evenly. vLLM's benchmark calls it so.
type Gamma struct{ Burstiness float64 }

// Due yields the instants of sums of gamma gaps up to the stage's area.
func (g Gamma) Due(s Stage, src *rand.PCG) iter.Seq[time.Duration] {
	return s.under(sums(s.Area(), func() float64 { return gamma(g.Burstiness, src) / g.Burstiness }))
}

// sums yields the running sum of gaps while it is below the total.
func sums(total float64, gap func() float64) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		for at := gap(); at < total; at += gap() {
			if !yield(at) {
				return
			}
		}
	}
}

// uniform draws a number strictly between 0 and 1.
func uniform(src *rand.PCG) float64 { return (float64(src.Uint64()>>11) + 0.5) / (1 << 53) }

// exponential draws an exponentially distributed number with mean 1, by inversion.
func exponential(src *rand.PCG) float64 { return -ln(uniform(src)) }

// normal draws a standard normal number, by Marsaglia's polar method.
func normal(src *rand.PCG) float64 {
	for {
		u, v := float64(2*uniform(src))-1, float64(2*uniform(src))-1
		s := float64(u*u) + float64(v*v)
		if s > 0 && s < 1 {
			return float64(u * math.Sqrt(float64(-2*ln(s))/s))
		}
	}
}

// gamma draws a gamma-distributed number with the given shape and scale 1, by the method of Marsaglia and Tsang (2000);
// for shapes below 1 it uses their boost.
func gamma(shape float64, src *rand.PCG) float64 {
	if shape < 1 {
		u := uniform(src)
		return float64(gamma(shape+1, src) * exp(ln(u)/shape))
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(float64(9*d))
	for {
		x := normal(src)
		t := 1 + float64(c*x)
		if t <= 0 {
			continue
		}
		v := float64(float64(t*t) * t)
		x2 := float64(x * x)
		if ln(uniform(src)) < float64(x2/2)+d-float64(d*v)+float64(d*ln(v)) {
			return float64(d * v)
		}
	}
}

// Trace is a process of given instants on a flat rate. Its areas are the instants expressed in terms of that rate.
type Trace struct{ seconds []float64 }

// NewTrace returns the trace of instants in seconds. There must be at least one; none may be negative or earlier than
// the one before it.
func NewTrace(seconds []float64) (Trace, error) {
	if len(seconds) == 0 {
		return Trace{}, errors.New("trace: no instant in it")
	}
	last := 0.0
	for i, at := range seconds {
		if !(at >= last) || math.IsInf(at, 0) {
			return Trace{}, fmt.Errorf("trace: arrival %d at %v s comes before the one ahead of it at %v s", i, at,
				last)
		}
		if _, err := timespan.Seconds(at); err != nil {
			return Trace{}, fmt.Errorf("trace: arrival %d: %w", i, err)
		}
		last = at
	}
	return Trace{seconds}, nil
}

// Stage returns the one stage of a trace: flat, and a millisecond longer than the last instant. The zero Trace has no
// stage, and Stage panics on it.
func (t Trace) Stage() Stage {
	end := t.end()
	rate := float64(len(t.seconds)) / end
	return Stage{From: rate, To: rate, Duration: time.Duration(math.Round(end * 1e9))}
}

func (t Trace) end() float64 { return t.seconds[len(t.seconds)-1] + 0.001 }

// Due yields each instant as a share of the duration of Stage.
func (t Trace) Due(s Stage, _ *rand.PCG) iter.Seq[time.Duration] {
	end, total := t.end(), s.Area()
	return func(yield func(time.Duration) bool) {
		for _, at := range t.seconds {
			if !yield(s.At(at / end * total)) {
				return
			}
		}
	}
}
