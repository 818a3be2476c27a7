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
	random := rand.New(rand.NewPCG(1, 2))
	last := 0
	for us := uint64(0); us < 1<<32; us += 1 + us/1000 {
		i := bucket(us)
		if i < last || i > last+1 {
			t.Fatalf("%d µs is in bucket %d, after bucket %d", us, i, last)
		}
		last = i
		d := time.Duration(us)*time.Microsecond + time.Duration(random.IntN(1000))
		off := math.Abs(float64(middle(i) - d))
		if off > 500 && off/float64(d) > 1.0/256 {
			t.Errorf("%v counts as %v, wrong by %.2f %%", d, middle(i), 100*off/float64(d))
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
		for _, q := range []float64{0, 0.5, 0.99, 1} {
			want := all[max(1, int(math.Ceil(q*float64(n)-1e-9)))-1]
			got, ok := h.quantile(q)
			if off := math.Abs(float64(got-want)) / float64(want); !ok || off > 1.0/256 {
				t.Errorf("quantile %v of %d: got %v, want %v", q, n, got, want)
			}
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
