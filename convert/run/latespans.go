package run

import (
	"cmp"
	"slices"
	"sort"
)

// LateSpan is a period in which an instance was not scheduled, in ticks.
type LateSpan struct{ From, To int64 }

// LateBound is the lateness, in seconds, from which on a figure may be off by too much. A stall between two heartbeats
// goes unnoticed, so the bound is a fifth below 10 ms, the largest error of a valid figure.
const LateBound = 0.008

// BeatPeriod is the time between two heartbeats, in ticks. A stall that delays a heartbeat may have begun that long
// before the heartbeat was due.
const BeatPeriod = 5_000_000

// ShortestLateness is the smallest lateness, in ticks, that can matter: twice this lateness stays well below the
// smallest bound of a verdict.
const ShortestLateness = 2_000_000

// readUntil returns the latest instant at which the instance may have read data that arrived in the span. The instance
// processes what waited together with the heartbeat after it. A process that is idle half of the time needs half of the
// wait for that; a backlog that takes longer than a period delays the next heartbeat.
func (s LateSpan) readUntil() int64 { return s.To + min((s.To-s.From)/2, BeatPeriod) }

// findLateSpans collects the late spans of the heartbeats in order, without those that are too short to matter.
// Overlapping spans come from processes that share a name, and are merged.
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

// LateBetween returns an instance's late spans that may affect what happened between two instants.
func (r *Run) LateBetween(instance string, from, to int64) []LateSpan {
	spans := r.Late[instance]
	first := sort.Search(len(spans), func(i int) bool { return spans[i].To >= from-BeatPeriod })
	end := sort.Search(len(spans), func(i int) bool { return spans[i].From >= to+BeatPeriod })
	return spans[first:max(first, end)]
}

// readLate returns how late data that was read at an instant may have been read, and the spans that remain for later
// instants.
func readLate(spans []LateSpan, at int64) (late int64, left []LateSpan) {
	for len(spans) > 0 && spans[0].readUntil() < at {
		spans = spans[1:]
	}
	if len(spans) == 0 || at < spans[0].From {
		return 0, spans
	}
	return at - spans[0].From, spans
}

// begunLate returns how much later than planned an action may have begun.
func begunLate(spans []LateSpan, at int64) (late int64) {
	for _, s := range spans {
		if at < s.From-BeatPeriod {
			break
		}
		late = max(late, s.To-at)
	}
	return late
}

// Lateness bounds how late a request was handled because the instance was not scheduled, in ticks.
type Lateness struct {
	Write  int64
	Chunks []int64 // how late each chunk was read
	End    int64
}

func (l *Lateness) max() int64 {
	latest := max(l.Write, l.End)
	for _, late := range l.Chunks {
		latest = max(latest, late)
	}
	return latest
}

// FillLateness computes the lateness of a request into l, and reuses the memory of l.
func (r *Run) FillLateness(q *Request, chunks []int64, l *Lateness) {
	spans := r.LateBetween(q.Instance, q.Start, q.End)
	l.Write = max(begunLate(spans, q.Start), q.Details().WriteDelay)
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
	return q.slowWrite || len(r.LateBetween(q.Instance, q.Start, q.End)) > 0
}
