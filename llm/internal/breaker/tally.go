package breaker

import (
	"fmt"
	"time"
)

// tally holds the counts of a stage, or of all stages.
type tally struct {
	reason  string // why the breaker is open, "" while it is closed
	row     int64  // hits since the last request that was not a hit
	windows []window
}

// count takes a request, and returns how many requests opened the breaker, or "" if it stays closed.
func (t *tally) count(triggers []Trigger, hit bool, now time.Time) string {
	t.row++
	if !hit {
		t.row = 0
	}
	why := ""
	for i, trigger := range triggers {
		switch w := &t.windows[i]; {
		case trigger.Window == 0:
			if t.row >= trigger.Consecutive && why == "" {
				why = fmt.Sprintf("%d requests in a row", t.row)
			}
		case w.add(trigger, hit, now) && why == "":
			why = fmt.Sprintf("%d of the last %d requests", w.hits, len(w.ended))
		}
	}
	return why
}

// forget drops outcomes that no later request can need.
func (t *tally) forget(triggers []Trigger, now time.Time) {
	for i, trigger := range triggers {
		t.windows[i].trim(now.Add(-trigger.Window))
	}
}

// window holds the latest requests that counted.
type window struct {
	ended []outcome
	hits  int // among ended
}

type outcome struct {
	at  int64 // Unix nanoseconds
	hit bool
}

// add takes a request and reports whether the trigger's condition holds.
func (w *window) add(t Trigger, hit bool, now time.Time) bool {
	w.ended = append(w.ended, outcome{now.UnixNano(), hit})
	if hit {
		w.hits++
	}
	w.trim(now.Add(-t.Window))
	return int64(len(w.ended)) >= t.MinSamples && float64(w.hits)/float64(len(w.ended)) >= t.Rate
}

// trim drops the requests that ended before an instant. Requests come in the order of their ends, except for
// microseconds, which do not matter.
func (w *window) trim(before time.Time) {
	limit := before.UnixNano()
	for len(w.ended) > 0 && w.ended[0].at < limit {
		if w.ended[0].hit {
			w.hits--
		}
		w.ended = w.ended[1:]
	}
	if len(w.ended) == 0 {
		w.ended = nil
	}
}
