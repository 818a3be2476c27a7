package sim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"
)

// piece is a part of an answer, to be sent at an instant.
type piece struct {
	due  time.Time
	data []byte
	err  error // why it is the last; io.EOF at the end of an answer
}

// copy sends an answer. It reads on while pieces wait for their time.
func (p *Proxy) copy(ctx context.Context, w http.ResponseWriter, answer *http.Response) error {
	s := sender{w: w, flush: http.NewResponseController(w), answer: answer, keep: p.opts.Keep}
	if p.opts.Delay == 0 {
		return p.read(answer.Body, s.send)
	}
	clock := p.clock()
	defer clock.Close()
	belt := newConveyor()
	belt.add(piece{due: time.Now().Add(p.opts.Delay)})
	var reading sync.WaitGroup
	reading.Go(func() {
		_ = p.read(answer.Body, func(part piece) error { // which the last piece has
			part.data = slices.Clone(part.data)
			belt.add(part)
			return nil
		})
	})
	defer reading.Wait()
	defer func() { _ = answer.Body.Close() }()
	for {
		part, came := belt.take(ctx)
		if !came || !clock.Until(ctx, part.due.Add(-p.early)) {
			return ctx.Err()
		}
		for p.early > 0 && time.Now().Before(part.due) {
			runtime.Gosched()
		}
		if err := s.send(part); err != nil || part.err != nil {
			return err
		}
	}
}

// read reads a body and hands over its pieces, of which the last has the error that ended it. It returns that error, or
// nil at the end of an answer. The bytes of a piece are valid until emit returns.
func (p *Proxy) read(body io.Reader, emit func(piece) error) error {
	buf, held := make([]byte, 32<<10), 0
	events := eventCounter{}
	for {
		if held == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
		n, err := body.Read(buf[held:])
		events.add(buf[held : held+n])
		held += n
		if err == nil && (held == 0 || p.opts.Merge > 1 && events.count < p.opts.Merge) {
			continue
		}
		emitted := emit(piece{time.Now().Add(p.opts.Delay), buf[:held], err})
		held, events.count = 0, 0
		switch {
		case errors.Is(err, io.EOF) || emitted != nil:
			return emitted
		case err != nil:
			return err
		}
	}
}

// eventCounter counts the events of a stream, each of which an empty line ends.
type eventCounter struct {
	count int
	last  byte // before the bytes to come, without CR
}

func (c *eventCounter) add(data []byte) {
	for _, b := range data {
		if b == '\r' {
			continue
		}
		if b == '\n' && c.last == '\n' {
			c.count++
		}
		c.last = b
	}
}

// sender writes the pieces of an answer.
type sender struct {
	w      http.ResponseWriter
	flush  *http.ResponseController
	answer *http.Response
	begun  bool
	keep   bool // goes on when nobody is there
	gone   bool
}

// send writes a piece; the head goes with the first.
func (s *sender) send(part piece) error {
	if !s.begun {
		s.begun = true
		dropHopHeaders(s.answer.Header)
		for name, values := range s.answer.Header {
			s.w.Header()[name] = values
		}
		s.w.WriteHeader(s.answer.StatusCode)
	}
	if !s.gone && (part.err == nil || len(part.data) > 0) {
		_, err := s.w.Write(part.data)
		if part.err == nil && err == nil {
			err = s.flush.Flush()
		}
		if s.gone = err != nil; s.gone && !s.keep {
			return err
		}
	}
	if errors.Is(part.err, io.EOF) {
		return nil
	}
	return part.err
}

// conveyor is a line of pieces without a bound, because an answer may come faster than its delay passes.
type conveyor struct {
	mu   sync.Mutex
	list []piece
	more chan struct{} // holds a signal while the list may have pieces
}

func newConveyor() *conveyor { return &conveyor{more: make(chan struct{}, 1)} }

func (l *conveyor) add(p piece) {
	l.mu.Lock()
	l.list = append(l.list, p)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// take waits for the next piece, and reports whether it came before ctx ended.
func (l *conveyor) take(ctx context.Context) (p piece, came bool) {
	for {
		l.mu.Lock()
		if len(l.list) > 0 {
			p, l.list = l.list[0], l.list[1:]
			l.mu.Unlock()
			return p, true
		}
		l.mu.Unlock()
		select {
		case <-l.more:
		case <-ctx.Done():
			return p, false
		}
	}
}
