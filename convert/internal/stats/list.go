package stats

import (
	"math"
)

// Ordered is a sample whose numbers are known by their rank.
type Ordered interface {
	Len() int
	At(rank int) float64 // from 0, the smallest
	Mean() float64       // NaN if there is no number
	StdDev() float64     // of a sample: the squares are divided by n−1; NaN if there are fewer than two numbers
}

// List is a sample that is kept as a sorted list.
type List struct {
	values []float64
	mean   float64
}

// NewList sorts values with [Sort] and keeps them. The mean is taken before, in the order given.
func NewList(values []float64) List {
	l := List{values, Sum(values) / float64(len(values))}
	Sort(values)
	return l
}

// Len returns how many numbers there are.
func (l List) Len() int { return len(l.values) }

// At returns the number of a rank.
func (l List) At(rank int) float64 { return l.values[rank] }

// Mean returns the mean.
func (l List) Mean() float64 { return l.mean }

// StdDev returns the standard deviation of a sample.
func (l List) StdDev() float64 {
	if len(l.values) < 2 {
		return math.NaN()
	}
	squares := make([]float64, len(l.values))
	for i, v := range l.values {
		squares[i] = (v - l.mean) * (v - l.mean)
	}
	return math.Sqrt(Sum(squares) / float64(len(l.values)-1))
}
