package executor

import "go.k6.io/k6/v2/lib"

// stripes are the numbers of the arrivals that belong to an instance: those at its offsets in each cycle of the segment
// sequence.
type stripes struct {
	next    int64
	offsets []int64 // from each number to the next; their sum is the length of the cycle
	at      int
	cycle   int64
}

func newStripes(et *lib.ExecutionTuple) *stripes {
	first, offsets, cycle := et.GetStripedOffsets()
	return &stripes{next: first, offsets: offsets, cycle: cycle}
}

// has reports whether a number belongs to the instance. It must be called with ascending numbers.
func (s *stripes) has(k int64) bool {
	if k > s.next {
		s.next += (k - s.next) / s.cycle * s.cycle
	}
	for k > s.next {
		s.step()
	}
	if k != s.next {
		return false
	}
	s.step()
	return true
}

func (s *stripes) step() {
	s.next += s.offsets[s.at]
	s.at = (s.at + 1) % len(s.offsets)
}

// alone reports whether all numbers belong to the instance.
func (s *stripes) alone() bool { return s.cycle == 1 }
