// Package deal deals numbered things to parts by their shares. Each block of things is dealt exactly, in an order drawn
// from a seed, so the part of a thing follows from its number and the seed alone.
package deal

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
)

// Most is the largest number of things in a block. Shares are exact to one thing in so many.
const Most = 10_000

// Deal deals by shares. It may be used concurrently. Numbers that follow one another cost the same, whatever their
// size; others cost a shuffle of a block.
type Deal struct {
	seed   uint64
	counts []int // of a block, by part
	size   int64 // their sum
	newest atomic.Pointer[block]
}

// block is a block that was dealt.
type block struct {
	number int64
	parts  []int32 // of each thing
	ranks  []int32 // of each thing among those of its part in the block
}

// New returns a deal to parts with the given shares, which are positive and add up to 1.
func New(seed int64, shares ...float64) (*Deal, error) {
	sum := 0.0
	for i, share := range shares {
		if !(share > 0 && share <= 1) {
			return nil, fmt.Errorf("number %d must be above 0 and at most 1, got %v", i, share)
		}
		sum += share
	}
	if math.Abs(sum-1) > 1e-6 {
		return nil, fmt.Errorf("must add up to 1, got %v", math.Round(sum*1e9)/1e9)
	}
	d := &Deal{seed: uint64(seed), counts: countsOf(shares)}
	for i, n := range d.counts {
		if n == 0 {
			return nil, fmt.Errorf("number %d is below 1 in %d: %v", i, Most, shares[i])
		}
		d.size += int64(n)
	}
	return d, nil
}

// countsOf returns how many things of a block each part gets. It takes the smallest block that the shares divide to one
// billionth, or else one of the largest size, whose rest goes to the largest remainders.
func countsOf(shares []float64) []int {
	counts := make([]int, len(shares))
	for size := 1; size <= Most; size++ {
		sum, fits := 0, true
		for i, share := range shares {
			n := math.Round(share * float64(size))
			fits = fits && math.Abs(n-share*float64(size)) <= 1e-9*float64(size)
			counts[i] = int(n)
			sum += counts[i]
		}
		if fits && sum == size {
			return counts
		}
	}
	rest, order := Most, make([]int, len(shares))
	for i, share := range shares {
		counts[i], order[i] = int(share*Most), i
		rest -= counts[i]
	}
	left := func(i int) float64 { return shares[i]*Most - math.Floor(shares[i]*Most) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(left(b), left(a)) })
	for _, i := range order[:min(max(rest, 0), len(order))] {
		counts[i]++
	}
	return counts
}

// At returns the part that thing number k, from 0, is dealt to, and how many things were dealt to that part before.
func (d *Deal) At(k int64) (part int, number int64) {
	b := d.newest.Load()
	if b == nil || b.number != k/d.size {
		b = d.block(k / d.size)
		d.newest.Store(b)
	}
	at := k % d.size
	part = int(b.parts[at])
	return part, b.number*int64(d.counts[part]) + int64(b.ranks[at])
}

func (d *Deal) block(number int64) *block {
	b := &block{number: number, parts: make([]int32, 0, d.size), ranks: make([]int32, d.size)}
	for part, n := range d.counts {
		for range n {
			b.parts = append(b.parts, int32(part)) // few parts
		}
	}
	rng := rand.NewPCG(d.seed, uint64(number)*0x9e3779b97f4a7c15) // reproducible on purpose
	for i := len(b.parts) - 1; i > 0; i-- {
		j := int(rng.Uint64() % uint64(i+1))
		b.parts[i], b.parts[j] = b.parts[j], b.parts[i]
	}
	seen := make([]int32, len(d.counts))
	for i, part := range b.parts {
		b.ranks[i] = seen[part]
		seen[part]++
	}
	return b
}
