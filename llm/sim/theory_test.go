package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crowd is a class of requests that arrive at random: the arrivals are a Poisson process.
type crowd struct {
	priority int
	rate     float64                  // arrivals per second
	tokens   func(rng *rand.Rand) int // of a request, each of which takes a tick
	within   time.Duration            // bound of the wait of a good request
}

const tick = ms

func constant(tokens int) func(*rand.Rand) int { return func(*rand.Rand) int { return tokens } }

// exponential returns an exponential number of tokens, rounded up.
func exponential(mean float64) func(*rand.Rand) int {
	return func(rng *rand.Rand) int { return 1 + int(rng.ExpFloat64()*mean) }
}

// came is a request of a crowd.
type came struct {
	class  int
	tokens int
	at     time.Duration
}

// arrivals draws the requests of some crowds for so long, in order.
func arrivals(seed uint64, crowds []crowd, span time.Duration) (list []came) {
	for i, c := range crowds {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		for t := rng.ExpFloat64() / c.rate; t < span.Seconds(); t += rng.ExpFloat64() / c.rate {
			list = append(list, came{i, c.tokens(rng), time.Duration(t * 1e9)})
		}
	}
	slices.SortFunc(list, func(a, b came) int { return int(a.at - b.at) })
	return list
}

// observed is the traffic of a crowd as it was drawn, of which theory tells what must become, and what became of it.
// Times are seconds.
type observed struct {
	rate                   float64
	every, square, inverse float64 // means of the service, of its square, and of one over it
	wait, slowdown, good   float64 // means; good is a share
	asked, served          float64 // tokens per second
}

// attend sends the crowds' requests for so long, and then goes away.
func attend(t *testing.T, query string, crowds []crowd, span time.Duration) []observed {
	t.Helper()
	s := newFrom(t, fmt.Sprintf("ttft=%v&itl=%v&%s", tick, tick, query))
	list, out := arrivals(1, crowds, span), make([]observed, len(crowds))
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	start := time.Now()
	var group sync.WaitGroup
	for _, c := range list {
		time.Sleep(time.Until(start.Add(c.at)))
		group.Go(func() {
			r := post(t, "/v1/completions", fmt.Sprintf(`{"model":"sim","prompt":"","max_tokens":%d,"priority":%d}`,
				c.tokens, crowds[c.class].priority))
			s.ServeHTTP(&sink{header: http.Header{}}, r.WithContext(ctx))
		})
	}
	group.Wait()
	done := make([]float64, len(crowds))
	for _, r := range s.Truths() {
		c, o := list[r.Number], &out[list[r.Number].class]
		service := (time.Duration(c.tokens) * tick).Seconds()
		o.rate, o.every, o.square, o.inverse = o.rate+1, o.every+service, o.square+service*service, o.inverse+1/service
		if r.Error != "" {
			continue
		}
		wait := time.Duration(r.Admitted - r.Received)
		done[c.class]++
		o.wait, o.slowdown = o.wait+wait.Seconds(), o.slowdown+(wait.Seconds()+service)/service
		o.served += float64(c.tokens)
		if wait <= crowds[c.class].within {
			o.good++
		}
	}
	for i, n := range done {
		o := &out[i]
		o.asked = o.every / tick.Seconds() / span.Seconds()
		o.every, o.square, o.inverse = o.every/o.rate, o.square/o.rate, o.inverse/o.rate
		o.wait, o.slowdown, o.good = o.wait/n, o.slowdown/n, o.good/n
		o.rate, o.served = o.rate/span.Seconds(), o.served/span.Seconds()
	}
	return out
}

// near reports a figure that is not within 5 % of what theory says.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	t.Logf("%s: %.4g, theory %.4g (%+.1f %%)", what, got, want, 100*(got/want-1))
	if !(math.Abs(got/want-1) <= 0.05) {
		t.Errorf("%s: got %v, want %v to within 5 %%", what, got, want)
	}
}

// One place, two crowds. Under FIFO the mean wait of either is Pollaczek's and Khinchine's,
//
//	W = λ·E[S²] / 2(1 − ρ),
//
// and with strict priority, not preemptive, that of class k (1 is best) is Cobham's,
//
//	W_k = λ·E[S²] / 2(1 − σ_{k−1})(1 − σ_k), σ_k = ρ_1 + … + ρ_k.
//
// A wait does not depend on the request's own service S, so that the mean slowdown, (wait + S) / S, is 1 + W·E[1/S].
// Kleinrock, Queueing Systems, volume 1 (1975), 5.6, and volume 2 (1976), 3.6; Cobham, Operations Research 2 (1954).
func TestWaitsAreThoseOfTheory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		crowds []crowd
		span   time.Duration
	}{
		{"M/D/1", []crowd{{0, 30, constant(10), 0}, {1, 30, constant(10), 0}}, 300 * time.Second},
		{"M/G/1", []crowd{{0, 30, constant(5), 0}, {1, 10, exponential(30), 0}}, 400 * time.Second},
	} {
		for _, scheduling := range []string{ScheduleFIFO, SchedulePriority} {
			synctest.Test(t, func(t *testing.T) {
				got := attend(t, "max-num-seqs=1&scheduling="+scheduling, tt.crowds, tt.span)
				residual, rho, sigma := 0.0, 0.0, 0.0
				for _, o := range got {
					residual, rho = residual+o.rate*o.square/2, rho+o.rate*o.every
				}
				for i, o := range got {
					wait := residual / (1 - rho)
					if scheduling == SchedulePriority {
						wait = residual / (1 - sigma) / (1 - sigma - o.rate*o.every)
						sigma += o.rate * o.every
					}
					of := fmt.Sprintf("%s, %s: %%s of class %d", tt.name, scheduling, i)
					near(t, fmt.Sprintf(of, "wait"), o.wait, wait)
					near(t, fmt.Sprintf(of, "slowdown"), o.slowdown, 1+wait*o.inverse)
				}
			})
		}
	}
}

// Several places: with exponential service of rate μ, offered load a = λ/μ and c places, an arrival waits with
// Erlang's probability C(c, a), for
//
//	W_k = C(c, a) / cμ(1 − σ_{k−1})(1 − σ_k), σ_k = (λ_1 + … + λ_k) / cμ
//
// in the mean under strict priority, and C(c, a) / (cμ − λ) under FIFO (Cobham 1954; Kleinrock, volume 1, 3.5).
func TestWaitsForSeveralPlacesAreThoseOfTheory(t *testing.T) {
	t.Parallel()
	const places = 4
	crowds := []crowd{{0, 40, exponential(50), 0}, {1, 16, exponential(50), 0}}
	for _, scheduling := range []string{ScheduleFIFO, SchedulePriority} {
		synctest.Test(t, func(t *testing.T) {
			got := attend(t, fmt.Sprint("max-num-seqs=", places, "&scheduling=", scheduling), crowds,
				700*time.Second)
			lambda := got[0].rate + got[1].rate
			mu, sigma := lambda/(got[0].rate*got[0].every+got[1].rate*got[1].every), 0.0
			for i, o := range got {
				wait := erlangC(places, lambda/mu) / (places*mu - lambda)
				if scheduling == SchedulePriority {
					next := sigma + o.rate/(places*mu)
					wait = erlangC(places, lambda/mu) / (places * mu) / (1 - sigma) / (1 - next)
					sigma = next
				}
				near(t, fmt.Sprintf("%s: wait of class %d", scheduling, i), o.wait, wait)
			}
		})
	}
}

// erlangC returns the probability that an arrival waits, with the load a for c places.
func erlangC(c int, a float64) float64 {
	b := 1.0 // Erlang's B, by its recursion
	for n := 1; n <= c; n++ {
		b = a * b / (float64(n) + a*b)
	}
	return b / (1 - a/float64(c)*(1-b))
}

// jain returns Jain's index of some shares: 1 if all are equal, 1/n if one has everything.
func jain(shares ...float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range shares {
		sum += x
		squares += x * x
	}
	return sum * sum / float64(len(shares)) / squares
}

// Under a load that one place can bear, a request is good that waits no longer than its class's bound. In M/M/1 under
// FIFO, P(W ≤ t) = 1 − ρ·exp(−(μ − λ)t) for all; with strict priority it is 1 − ρ·exp(−(μ − λ₁)t) for the best class
// (Kleinrock, volume 1, 5.7, and volume 2, 3.6).
func TestGoodputIsThatOfTheory(t *testing.T) {
	t.Parallel()
	crowds := []crowd{{0, 10, exponential(20), 5 * ms}, {1, 20, exponential(20), 60 * ms}}
	for _, scheduling := range []string{ScheduleFIFO, SchedulePriority} {
		synctest.Test(t, func(t *testing.T) {
			got := attend(t, "max-num-seqs=1&scheduling="+scheduling, crowds, 300*time.Second)
			lambda, rho := got[0].rate+got[1].rate, got[0].rate*got[0].every+got[1].rate*got[1].every
			good := func(class int, lambda1 float64) float64 {
				return 1 - rho*math.Exp(-(lambda/rho-lambda1)*crowds[class].within.Seconds())
			}
			if scheduling == SchedulePriority {
				near(t, "good of class 0 with priority", got[0].good, good(0, got[0].rate))
				return
			}
			near(t, "good of class 0", got[0].good, good(0, lambda))
			near(t, "good of class 1", got[1].good, good(1, lambda))
			near(t, "Jain's index", jain(got[0].good, got[1].good), jain(good(0, lambda), good(1, lambda)))
		})
	}
}

// Above what the places can bear, FIFO serves all classes alike, strict priority serves the best first and the next
// with what is left, and fair scheduling serves by weights: with m tokens per second for classes that ask for d₁ and
// d₂, the shares served are m/(d₁+d₂) each; 1 and (m−d₁)/d₂; w₁m/d₁ and w₂m/d₂.
func TestSharesUnderOverload(t *testing.T) {
	t.Parallel()
	const places, m = 4, 4000.0
	crowds := []crowd{{0, 120, constant(25), 0}, {1, 60, exponential(80), 0}}
	for _, tt := range []struct {
		query string
		want  func(d0, d1 float64) (float64, float64)
	}{
		{"scheduling=fifo", func(d0, d1 float64) (float64, float64) { return m / (d0 + d1), m / (d0 + d1) }},
		{"scheduling=priority", func(d0, d1 float64) (float64, float64) { return 1, (m - d0) / d1 }},
		{"scheduling=priority&priority-order=high", func(_, d1 float64) (float64, float64) { return 0, m / d1 }},
		{"scheduling=fair", func(d0, d1 float64) (float64, float64) { return m / 2 / d0, m / 2 / d1 }},
		{"scheduling=fair&weights=0=1,1=3",
			func(d0, d1 float64) (float64, float64) { return m / 4 / d0, m * 3 / 4 / d1 }},
		{"scheduling=fair&weights=0=4,1=2",
			func(d0, d1 float64) (float64, float64) { return m * 2 / 3 / d0, m / 3 / d1 }},
		// a class that asks for less than its share has what it asks for
		{"scheduling=fair&weights=0=100", func(d0, d1 float64) (float64, float64) { return 1, (m - d0) / d1 }},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := attend(t, fmt.Sprint("max-num-seqs=", places, "&", tt.query), crowds, 30*time.Second)
			a, b := got[0].served/got[0].asked, got[1].served/got[1].asked
			wantA, wantB := tt.want(got[0].asked, got[1].asked)
			if wantA == 0 && a > 0.01 {
				t.Errorf("%s: got %v of class 0 served, want none", tt.query, a)
			} else if wantA > 0 {
				near(t, tt.query+": share of class 0", a, wantA)
			}
			near(t, tt.query+": share of class 1", b, wantB)
			near(t, tt.query+": Jain's index", jain(a, b), jain(wantA, wantB))
		})
	}
}
