package status

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The duration that a bucket stands for is within the stated error of every duration in the bucket.
func TestMiddlesOfBuckets(t *testing.T) {
	t.Parallel()
	last := 0
	for us := uint64(0); us < 1<<32; us += 1 + us/10_000 {
		i := bucket(us)
		if i < last || i > last+1 {
			t.Fatalf("%d µs is in bucket %d, after bucket %d", us, i, last)
		}
		last = i
		off := math.Abs(middle(i) - float64(us))
		if us < 2*page && off != 0 || off > float64(us)/(2*page) {
			t.Errorf("%d µs count as %v, wrong by %.3f %%", us, middle(i), 100*off/float64(us))
		}
	}
	if last != buckets-1 {
		t.Errorf("2^32 µs reach bucket %d, want the last of %d", last, buckets)
	}
	if got := bucket(math.MaxInt64); got != buckets-1 {
		t.Errorf("the longest duration is in bucket %d, want the last", got)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 50, 99, 100, 101, 5000} {
		random := rand.New(rand.NewPCG(3, uint64(n)))
		var h histogram
		var all []time.Duration
		for range n {
			d := time.Duration(math.Exp(random.Float64()*12) * float64(200*time.Microsecond))
			h.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		var merged histogram
		merged.merge(&h)
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			rank := q * float64(n-1)
			a, b := all[int(rank)], all[min(int(rank)+1, n-1)]
			want := float64(a) + float64(b-a)*(rank-math.Floor(rank))
			got, ok := h.quantile(q)
			// besides the histogram's error, the values were rounded to microseconds
			if off := math.Abs(float64(got)-want) - 1000; !ok || off/want > 1.0/(2*page) {
				t.Errorf("quantile %v of %d: got %v, want %v", q, n, got, time.Duration(want))
			}
			if again, _ := merged.quantile(q); again != got {
				t.Errorf("quantile %v of %d: got %v after a merge, want %v", q, n, again, got)
			}
		}
		h.reset()
		if _, ok := h.quantile(0.5); ok || h.n != 0 {
			t.Errorf("an emptied histogram has %d durations", h.n)
		}
	}
}

func TestQuantileOfNegativeOrNoDurations(t *testing.T) {
	t.Parallel()
	var h histogram
	if got, ok := h.quantile(0.5); ok {
		t.Errorf("median of an empty histogram: got %v, want none", got)
	}
	h.add(-time.Second)
	if got, ok := h.quantile(0.99); !ok || got > time.Microsecond {
		t.Errorf("sent a second early: got %v, %t, want about 0", got, ok)
	}
}
