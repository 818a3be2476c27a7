package sim

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/prefix"
)

// life is what a server has from its start until it goes away, and what another one that follows begins anew.
type life struct {
	open    context.Context // until its end
	end     context.CancelFunc
	queue   *queue
	metrics *serverMetrics
	cache   *prefix.Cache // of prompts; nil for none
	encoded *prefix.Cache // of media, each a block; nil for none

	mu       sync.Mutex
	answered map[string]int // tokens of the conversations that ended with these answers
}

// newLife begins a life with so many places.
func (s *Server) newLife(places int) *life {
	o := s.opts
	o.MaxNumSeqs = places
	l := &life{queue: newQueue(&o), metrics: newServerMetrics(&o), cache: o.newCache(), encoded: o.Media.newCache()}
	l.open, l.end = context.WithCancel(s.open)
	if len(o.Events) > 0 {
		l.queue.stopped = func() bool {
			_, yes := s.pace().stopped(time.Now())
			return yes
		}
	}
	return l
}

// over reports whether the server went away, or was closed.
func (l *life) over() bool { return l.open.Err() != nil }

// remember keeps how many tokens a conversation has that may go on from an answer.
func (l *life) remember(r *Truth) {
	if r.Error != "" || r.FinishReason == finishLength || r.Inputs > 0 || r.AudioSeconds > 0 || r.Outputs > 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered == nil || len(l.answered) >= maxTruths {
		l.answered = map[string]int{}
	}
	l.answered[r.ID] = r.PromptTokens + r.CompletionTokens
}

// conversation returns the tokens up to an answer, and reports whether the answer was completed; "" begins anew.
func (l *life) conversation(answer string) (tokens int, known bool) {
	if answer == "" {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tokens, known = l.answered[answer]
	return tokens, known
}

// course is how far a server's script is.
type course struct {
	pace  atomic.Pointer[pace] // nil until the first request came
	begun []Happening          // guarded by Server.mu, as what follows is
	acts  []act                // that are still to come
	work  sync.WaitGroup
}
