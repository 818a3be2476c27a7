package run

import (
	"cmp"
	"slices"
	"sort"
)

// LateSpan is a time in which an instance did not get to run, in ticks.
type LateSpan struct{ From, To int64 }

// LateBound is the lateness, in seconds, from which on a figure may be off by too much. A stall between two
// heartbeats is not seen, so the bound is a fifth below the 10 ms that nothing valid is to be off by.
const LateBound = 0.008

// BeatPeriod is how far heartbeats lie apart. What holds one up may have begun so long before it was due.
const BeatPeriod = 5_000_000

// ShortestLateness is the lateness, in ticks, that can matter: two of them stay well below the smallest bound of a
// verdict.
const ShortestLateness = 2_000_000

// readUntil is until when the instance may have read what came in the span. Whatever waited with the heartbeat is
// worked off after it: a process that is idle half of the time needs half of the wait for that; what takes longer than
// a period delays the next beat.
func (s LateSpan) readUntil() int64 { return s.To + min((s.To-s.From)/2, BeatPeriod) }

// findLateSpans collects the late spans of the heartbeats, without those that are too short to matter, and puts them in
// order. Those that overlap are of processes that share a name, and become one.
func findLateSpans(r *Run) {
	r.Late = map[string][]LateSpan{}
	for _, b := range r.Beats {
		instance := r.from[b]
		for _, span := range b.Late {
			if from, length := b.Start+span[0]*1000, span[1]*1000; length >= ShortestLateness {
				r.Late[instance] = append(r.Late[instance], LateSpan{from, from + length})
			}
		}
	}
	for instance, spans := range r.Late {
		slices.SortFunc(spans, func(a, b LateSpan) int { return cmp.Compare(a.From, b.From) })
		apart := spans[:0]
		for _, s := range spans {
			if last := len(apart) - 1; last >= 0 && s.From < apart[last].To {
				apart[last].To = max(apart[last].To, s.To)
				continue
			}
			apart = append(apart, s)
		}
		r.Late[instance] = apart
	}
}

// LateBetween returns an instance's spans that may concern what happened between two instants.
func (r *Run) LateBetween(instance string, from, to int64) []LateSpan {
	spans := r.Late[instance]
	first := sort.Search(len(spans), func(i int) bool { return spans[i].To >= from-BeatPeriod })
	end := sort.Search(len(spans), func(i int) bool { return spans[i].From >= to+BeatPeriod })
	return spans[first:max(first, end)]
}

// readLate is by how much what was read at an instant may have been read late. It gives also the spans that are left
// for later instants.
func readLate(spans []LateSpan, at int64) (late int64, left []LateSpan) {
	for len(spans) > 0 && spans[0].readUntil() < at {
		spans = spans[1:]
	}
	if len(spans) == 0 || at < spans[0].From {
		return 0, spans
	}
	return at - spans[0].From, spans
}

// begunLate is by how much what was to happen at an instant may have happened later.
func begunLate(spans []LateSpan, at int64) (late int64) {
	for _, s := range spans {
		if at < s.From-BeatPeriod {
			break
		}
		late = max(late, s.To-at)
	}
	return late
}

// Lateness is by how much a request was handled later than it could have been, at most, in ticks.
type Lateness struct {
	Write  int64
	Chunks []int64 // the reading of each
	End    int64
}

func (l *Lateness) most() int64 {
	most := max(l.Write, l.End)
	for _, late := range l.Chunks {
		most = max(most, late)
	}
	return most
}

// FillLateness fills l, whose memory it uses again.
func (r *Run) FillLateness(q *Request, chunks []int64, l *Lateness) {
	spans := r.LateBetween(q.Instance, q.Start, q.End)
	l.Write = max(begunLate(spans, q.Start), q.WriteDelay)
	l.End, _ = readLate(spans, q.End)
	l.Chunks = l.Chunks[:0]
	for _, at := range chunks {
		var late int64
		late, spans = readLate(spans, q.Start+at*1000)
		l.Chunks = append(l.Chunks, late)
	}
}

// Touched reports whether lateness may have changed a figure of a request.
func (r *Run) Touched(q *Request) bool {
	return q.WriteDelay >= ShortestLateness || len(r.LateBetween(q.Instance, q.Start, q.End)) > 0
}
