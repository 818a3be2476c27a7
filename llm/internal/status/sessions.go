package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// SessionCounts counts replayed sessions.
type SessionCounts struct{ Done, Failed, InFlight int64 }

// String returns the counts as in sessions 12 done, 1 failed, 40 in flight.
func (c SessionCounts) String() string {
	return fmt.Sprintf("sessions %s done, %s failed, %s in flight", Grouped(c.Done), Grouped(c.Failed),
		Grouped(c.InFlight))
}

// sessions adds up replayed sessions.
type sessions struct {
	counts   SessionCounts
	begun    bool
	cut      int64 // by the end of the load
	left     int64 // whose users left
	duration histogram
	causes   map[string]int64 // of the failures
}

// SessionBegan counts a session that is about to be replayed. A call of SessionEnded must follow.
func (b *Board) SessionBegan() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions.begun = true
	b.sessions.counts.InFlight++
}

// SessionEnded counts a session that has ended. Those of warm-ups are in no figure.
func (b *Board) SessionEnded(line *record.Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.sessions
	s.counts.InFlight--
	switch {
	case line.Warmup:
	case line.ErrorType == record.ErrorAbandoned:
		s.left++
	case line.Unfinished():
		s.cut++
	case line.ErrorType != "":
		s.counts.Failed++
		if s.causes == nil {
			s.causes = map[string]int64{}
		}
		s.causes[line.ErrorType]++
	default:
		s.counts.Done++
		s.duration.add(line.Duration())
	}
}

// rows returns the rows of a summary.
func (s *sessions) rows() (list []row) {
	if !s.begun {
		return nil
	}
	c := s.counts
	list = append(list, row{"sessions", Grouped(c.Done + c.Failed + s.cut + s.left), "", ""})
	if c.Failed > 0 {
		list = append(list, row{"sessions failed", Grouped(c.Failed), percent(c.Failed, c.Done+c.Failed), s.reasons()})
	}
	if s.left > 0 {
		list = append(list, row{"sessions left", Grouped(s.left), "", "their users left one of their calls"})
	}
	if s.cut > 0 {
		list = append(list, row{"sessions cut", Grouped(s.cut), "",
			"by the end of the load, or by their stage's timeout"})
	}
	return list
}

// reasons returns why sessions failed, the most frequent reason first.
func (s *sessions) reasons() string {
	type reason struct {
		cause string
		n     int64
	}
	var list []reason
	for cause, n := range s.causes {
		list = append(list, reason{cause, n})
	}
	slices.SortFunc(list, func(a, b reason) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.cause, b.cause)) })
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = Grouped(r.n) + " " + r.cause
	}
	return strings.Join(texts, ", ")
}
