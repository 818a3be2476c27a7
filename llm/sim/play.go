package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Happening is an event that has begun: the truth about it. Its instants are those of Truth.
type Happening struct {
	Event string `json:"event"` // as Options.Events spells it
	At    int64  `json:"at_ns"`
	Until int64  `json:"until_ns,omitempty"` // 0 of what lasts from then on
}

// Events returns what has happened to the server, in order.
func (s *Server) Events() []Happening {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Happening{}, s.course.begun...)
}

// act is what the server does itself at an instant of its script, with its lock held.
type act struct {
	at time.Duration
	do func(zero time.Time)
}

// actsOf returns what is to be done for the events, in order.
func actsOf(s *Server) (list []act) {
	for _, e := range s.opts.Events {
		list = append(list, act{e.At, func(zero time.Time) { note(s, zero, e) }})
		switch e.Kind {
		case EventPlaces:
			list = append(list, act{e.At, func(time.Time) {
				s.places = e.Places
				if l := s.life.Load(); l != nil {
					l.resize(e.Places)
				}
			}})
		case EventStop:
			list = append(list, act{e.end(), func(time.Time) { s.life.Load().queue.resume() }})
		case EventGone:
			list = append(list, act{e.At, func(time.Time) { leave(s) }},
				act{e.end(), func(time.Time) { comeBack(s) }})
		}
	}
	slices.SortStableFunc(list, func(a, b act) int { return cmp.Compare(a.at, b.at) })
	return list
}

// begin starts the script at the arrival of the first request. The caller holds the lock.
func (s *Server) begin(zero time.Time) {
	if len(s.opts.Events) == 0 || s.open.Err() != nil {
		return
	}
	c := &s.course
	c.pace.Store(newPace(zero, s.opts.Events))
	c.acts = actsOf(s)
	advance(s)
	if len(c.acts) == 0 {
		return
	}
	timer := time.NewTimer(time.Until(zero.Add(c.acts[0].at)))
	c.work.Go(func() {
		defer timer.Stop()
		for more := true; more; {
			select {
			case <-timer.C:
				more = follow(s, timer)
			case <-s.open.Done():
				return
			}
		}
	})
}

// follow does what is due, and sets a timer for what is next, if there is more.
func follow(s *Server, timer *time.Timer) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	advance(s)
	if len(s.course.acts) == 0 {
		return false
	}
	timer.Reset(time.Until(s.pace().zero.Add(s.course.acts[0].at)))
	return true
}

// catchUp does what is due when a request comes, lest one that comes at the instant of an event finds the server as it
// was before.
func (s *Server) catchUp() {
	if s.pace() == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	advance(s)
}

// advance does what is due. The caller holds the lock.
func advance(s *Server) {
	c, zero := &s.course, s.pace().zero
	for len(c.acts) > 0 && s.open.Err() == nil && !zero.Add(c.acts[0].at).After(time.Now()) {
		next := c.acts[0]
		c.acts = c.acts[1:]
		next.do(zero)
	}
}

// pace returns how fast the server works; nil means that nothing has happened yet.
func (s *Server) pace() *pace { return s.course.pace.Load() }

// note keeps the truth about an event that begins.
func note(s *Server, zero time.Time, e Event) {
	h := Happening{Event: e.String(), At: record.UnixNano(zero.Add(e.At))}
	if e.For > 0 {
		h.Until = record.UnixNano(zero.Add(e.end()))
	}
	s.course.begun = append(s.course.begun, h)
	s.append(h)
}

// resize changes the number of requests that are processed at once. Those that are being processed stay.
func (l *life) resize(places int) {
	l.metrics.load.resize(places)
	l.queue.resize(places)
}

// leave ends the server's life: it cuts the requests in progress and those that wait, and resets all connections.
func leave(s *Server) {
	s.life.Swap(nil).end()
	s.service.slam()
}

// comeBack begins another life.
func comeBack(s *Server) {
	s.life.Store(s.newLife(s.places))
	s.service.unlock()
}

// awake waits while the server is stopped, and reports whether somebody still waits for its answer then.
func (s *Server) awake(r *http.Request) bool {
	for {
		until, stopped := s.pace().stopped(time.Now())
		if !stopped {
			return true
		}
		timer := time.NewTimer(time.Until(until))
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return false
		case <-s.open.Done():
			timer.Stop()
			return false
		}
	}
}

// append writes a line of the truth file. The caller holds the lock.
func (s *Server) append(of any) {
	if s.file == nil {
		return
	}
	line, err := json.Marshal(of)
	if err == nil {
		_, err = s.file.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "simulator's truth file: %v\n", err)
		_ = s.file.Close()
		s.file = nil
	}
}
