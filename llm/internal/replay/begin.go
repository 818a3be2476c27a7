package replay

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// beginning is the place inside a session at which its replay begins. The zero value is its very beginning.
type beginning struct {
	at     time.Duration   // in the time of the trace
	ends   []time.Duration // of the calls that are skipped, likewise, -1 for the others; nil if none is
	primes []int           // the calls that are sent first, for one token
	open   int             // primes that have not ended
}

// skips reports whether a call lies before the place.
func (b *beginning) skips(i int) bool { return b.ends != nil && b.ends[i] >= 0 }

// waitedFor returns the numbers of the replayed calls that one waits for.
func (b *beginning) waitedFor(c *workload.Call) (numbers []int) {
	for _, e := range c.After {
		if !b.skips(e.Call) {
			numbers = append(numbers, e.Call)
		}
	}
	return numbers
}

// recordedKin returns the kin of a call whose record has its blocks, -1 if there is none.
func (b *beginning) recordedKin(c *workload.Call) int {
	k := kin(c)
	if k >= 0 && b.skips(k) && !b.isPrime(k) {
		return -1
	}
	return k
}

// skipped returns the end of the last call that one waits for and that is skipped.
func (b *beginning) skipped(c *workload.Call) (end time.Duration) {
	for _, e := range c.After {
		if b.skips(e.Call) {
			end = max(end, b.ends[e.Call])
		}
	}
	return end
}

// skip finds the place at which the session begins. What was recorded stands for the calls before it.
func (r *run) skip() error {
	if !r.turn.Begins {
		return nil
	}
	b := &r.begins
	starts, ends := r.Rules.traceTimes(r.calls)
	rng := rand.New(rand.NewPCG(uint64(r.Rules.Seed), uint64(r.turn.Number)))
	share := r.Rules.BeginFrom + rng.Float64()*(r.Rules.BeginTo-r.Rules.BeginFrom)
	b.at = min(time.Duration(share*float64(slices.Max(ends))), slices.Max(starts)) // a call is left to replay
	b.ends = ends
	for i := range r.calls {
		if starts[i] >= b.at {
			b.ends[i] = -1
			continue
		}
		if err := r.prompts.keep(i); err != nil {
			return r.turn.name(i, err)
		}
		for _, next := range r.places[i].next {
			r.places[next].missing--
		}
	}
	b.primes = b.lastOf(r.calls)
	b.open = len(b.primes)
	return nil
}

// traceTimes returns when each call starts and ends if all go as early as they can, with waits that are bounded as in
// the replay, and take as long as was recorded, or one second each in a trace that has no times at all.
func (r *Rules) traceTimes(calls []workload.Call) (starts, ends []time.Duration) {
	starts, ends = make([]time.Duration, len(calls)), make([]time.Duration, len(calls))
	limit := time.Duration(math.MaxInt64)
	if r.MaxWait > 0 {
		limit = time.Duration(float64(r.MaxWait) * r.speed())
	}
	times := func(unknown time.Duration) (span time.Duration) {
		for i := range calls {
			c := &calls[i]
			var from time.Duration
			for _, e := range c.After {
				from = max(from, ends[e.Call])
			}
			wait := c.Wait
			if c.Clocked {
				wait = max(0, c.Wait-from)
			}
			starts[i] = from + min(wait, limit)
			ends[i] = starts[i] + max(unknown, c.Answer.Took)
			span = max(span, ends[i])
		}
		return span
	}
	if times(0) == 0 {
		times(time.Second)
	}
	return starts, ends
}

// lastOf returns the last skipped call of each stream of calls that goes on after the place.
func (b *beginning) lastOf(calls []workload.Call) (list []int) {
	for i := range calls {
		if b.skips(i) {
			continue
		}
		if last := kin(&calls[i]); last >= 0 && b.skips(last) {
			list = append(list, last)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// prime sends a call that is skipped, for one token. After the last of them the session's clock starts.
func (r *run) prime(i int) {
	ask, err := r.askPrime(i)
	if err != nil {
		r.fail(causeOf(err), r.turn.name(i, err))
		return
	}
	got := r.send(r.ctx, ask)
	r.primed(i, &got)
	if got.Then != nil {
		got.Then()
	}
}

func (r *run) primed(i int, got *Got) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed(i, got, "the request for one token before it: ") {
		return
	}
	if r.begins.open--; r.begins.open == 0 {
		r.start()
	}
}

// isPrime reports whether a skipped call is sent first, for one token.
func (b *beginning) isPrime(i int) bool {
	_, found := slices.BinarySearch(b.primes, i)
	return found
}
