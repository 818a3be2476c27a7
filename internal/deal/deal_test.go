package deal_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/deal"
)

func TestSharesAreExactOverTenThousand(t *testing.T) {
	for _, shares := range [][]float64{
		{1}, {0.7, 0.3}, {0.05, 0.95}, {0.0001, 0.9999}, {0.12, 0.34, 0.54}, {0.25, 0.25, 0.25, 0.25},
		{0.333333, 0.333333, 0.333334}, {0.123456, 0.876544},
	} {
		t.Run(fmt.Sprint(shares), func(t *testing.T) {
			d, err := deal.New(7, shares...)
			if err != nil {
				t.Fatal(err)
			}
			next := make([]int64, len(shares))
			for k := range int64(10_000) {
				part, number := d.At(k)
				if number != next[part] {
					t.Fatalf("thing %d is number %d of part %d, want %d", k, number, part, next[part])
				}
				next[part]++
			}
			for i, share := range shares {
				if math.Abs(float64(next[i])-share*10_000) >= 1 {
					t.Errorf("part %d has %d of 10,000, its share is %v", i, next[i], share)
				}
			}
		})
	}
}

func TestAPartFollowsFromTheNumberAlone(t *testing.T) {
	inOrder, _ := deal.New(3, 0.2, 0.8)
	jumping, _ := deal.New(3, 0.2, 0.8)
	other, _ := deal.New(4, 0.2, 0.8)
	differ := 0
	for k := range int64(100) {
		part, number := inOrder.At(99 - k)
		if p, n := jumping.At((99 - k) % 1000); p != part || n != number {
			t.Errorf("thing %d: %d %d and %d %d", 99-k, part, number, p, n)
		}
		if p, _ := other.At(99 - k); p != part {
			differ++
		}
	}
	if differ == 0 {
		t.Error("the seed changes nothing")
	}
}

func TestSharesThatCannotBeDealt(t *testing.T) {
	for _, c := range []struct {
		shares []float64
		want   string
	}{
		{[]float64{0.7, 0.2}, "must add up to 1, got 0.9"},
		{[]float64{0.7, 0.3, 0.2}, "must add up to 1, got 1.2"},
		{[]float64{1, 0}, "number 1 must be above 0 and at most 1, got 0"},
		{[]float64{-0.5, 1.5}, "number 0 must be above 0 and at most 1, got -0.5"},
		{[]float64{math.NaN(), 1}, "number 0 must be above 0 and at most 1, got NaN"},
		{[]float64{1e-5, 1 - 1e-5}, "number 0 is below 1 in 10000: 1e-05"},
		{nil, "must add up to 1, got 0"},
	} {
		if _, err := deal.New(1, c.shares...); err == nil || err.Error() != c.want {
			t.Errorf("%v: got %v, want %q", c.shares, err, c.want)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	d, err := deal.New(1, 0.7, 0.3)
	if err != nil {
		b.Fatal(err)
	}
	for k := int64(0); b.Loop(); k++ {
		d.At(k)
	}
}
