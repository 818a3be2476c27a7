package stats

import (
	"math"
	"math/bits"
)

// Octaves is a histogram of whole numbers, from which percentiles come within 1.6 %. An octave, from a power of two to
// the next, has 32 parts, and takes memory only once a number is in it. The zero value is empty.
type Octaves struct {
	pages []*[octaveParts]uint32
	n     uint64
}

const (
	octaveBits  = 5
	octaveParts = 1 << octaveBits
)

// Add adds a number. A negative one counts as 0.
func (o *Octaves) Add(x int64) { o.AddTimes(x, 1) }

// AddTimes adds a number several times.
func (o *Octaves) AddTimes(x int64, times uint32) {
	if x < 0 {
		x = 0
	}
	page, part := 0, int(x)
	if length := bits.Len64(uint64(x)); length > octaveBits {
		page = length - octaveBits
		part = int(x>>(page-1)) & (octaveParts - 1)
	}
	if page >= len(o.pages) || o.pages[page] == nil {
		o.open(page)
	}
	o.pages[page][part] += times
	o.n += uint64(times)
}

// AddGaps adds the differences of numbers in a row, none of which is smaller than the one before.
func (o *Octaves) AddGaps(numbers []int64) {
	if len(numbers) < 2 {
		return
	}
	var parts *[octaveParts]uint32
	opened := -1 // the page of parts
	before := numbers[0]
	for _, at := range numbers[1:] {
		x := uint64(at - before)
		before = at
		page, part := 0, int(x)
		if length := bits.Len64(x); length > octaveBits {
			page = length - octaveBits
			part = int(x >> (page - 1))
		}
		if page != opened {
			if page >= len(o.pages) || o.pages[page] == nil {
				o.open(page)
			}
			parts, opened = o.pages[page], page
		}
		parts[part&(octaveParts-1)]++
	}
	o.n += uint64(len(numbers) - 1)
}

// open makes room for the numbers of a page.
func (o *Octaves) open(page int) {
	if page >= len(o.pages) {
		o.pages = append(o.pages, make([]*[octaveParts]uint32, page+1-len(o.pages))...)
	}
	o.pages[page] = new([octaveParts]uint32)
}

// Len returns how many numbers there are.
func (o *Octaves) Len() int { return int(o.n) }

// Percentiles returns the percentiles of the given ranks, from 0 to 100 and in ascending order: for each the middle of
// the part that holds the number with that rank. They are NaN if there are no numbers.
func (o *Octaves) Percentiles(ranks ...float64) []float64 {
	list := make([]float64, len(ranks))
	for i := range list {
		list[i] = math.NaN()
	}
	below, next := uint64(0), 0
	for page, parts := range o.pages {
		if parts == nil {
			continue
		}
		for part, count := range parts {
			below += uint64(count)
			for next < len(ranks) && float64(below) > ranks[next]/100*float64(o.n-1) {
				list[next] = middle(page, part)
				next++
			}
		}
	}
	return list
}

// middle returns the number in the middle of a part.
func middle(page, part int) float64 {
	if page == 0 {
		return float64(part)
	}
	width := math.Ldexp(1, page-1)
	return float64(octaveParts+part)*width + (width-1)/2
}
