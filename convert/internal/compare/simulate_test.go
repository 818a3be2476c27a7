package compare

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// process makes requests of a simulated server.
type process struct {
	n           int
	phi         float64 // how much of the logarithm of a latency is that of the request before: an AR(1) process
	spread      float64 // standard deviation of the logarithm
	slower      float64 // factor on all latencies
	rate        float64 // requests per second
	poisson     bool    // else evenly spaced
	failureRate float64
}

// usual is a run at 10 requests per second with little dependence.
func usual(n int) process { return process{n: n, phi: 0, spread: 0.3, slower: 1, rate: 10} }

// seeded returns random numbers that have nothing to do with those of neighbouring seeds: generators that are seeded by
// neighbours are correlated.
func seeded(a, b uint64) *rand.Rand {
	return rand.New(rand.NewPCG(a*0x9e3779b97f4a7c15^b, b*0xbf58476d1ce4e5b9^a^0xd1b54a32d192ed03))
}

func (p process) run(seed uint64) Side {
	rng := seeded(seed, 4)
	s := Side{Name: "run", Requests: make([]Request, p.n), Seconds: float64(p.n) / p.rate}
	z, at := rng.NormFloat64(), 0.0
	for i := range s.Requests {
		z = p.phi*z + math.Sqrt(1-p.phi*p.phi)*rng.NormFloat64()
		latency := 0.5 * p.slower * math.Exp(p.spread*z)
		q := Request{Start: at, End: at + latency, Latency: latency, TTFT: latency / 5, ITL: latency / 100,
			TPOT: latency / 100, NTPOT: latency / 80,
			ScheduleDelay: math.NaN(), Input: 100, Output: 80}
		if rng.Float64() < p.failureRate {
			q.Failed = true
		}
		s.Requests[i] = q
		if at += 1 / p.rate; p.poisson {
			at += (rng.ExpFloat64() - 1) / p.rate
		}
	}
	s.Seconds = max(s.Seconds, at)
	return s
}

// chance returns how often what has a probability happens in n trials, in all but one of a thousand series of them.
func chance(n int, p float64) int {
	b, k := distuv.Binomial{N: float64(n), P: p}, 0
	for b.CDF(float64(k)) < 0.999 {
		k++
	}
	return k
}
