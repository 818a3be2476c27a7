package client

import "sync"

// maxSessions is of how many sessions the values are certainly kept.
const maxSessions = 1 << 16

// recent keeps a value of each session. It may be used concurrently; the zero value is empty. It forgets a value that
// was not used while values of 65536 other sessions came, so that a long run of short sessions needs no more memory
// than that.
type recent[V any] struct {
	mu         sync.Mutex
	young, old map[string]V // each session is in one of them
}

func (r *recent[V]) put(session string, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(session, value)
}

func (r *recent[V]) keep(session string, value V) {
	if _, known := r.young[session]; r.young == nil || len(r.young) >= maxSessions && !known {
		r.young, r.old = map[string]V{}, r.young
	}
	r.young[session] = value
	delete(r.old, session)
}

// get returns a session's value, and reports whether it has one.
func (r *recent[V]) get(session string) (value V, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if value, found = r.young[session]; found {
		return value, true
	}
	if value, found = r.old[session]; found {
		r.keep(session, value)
	}
	return value, found
}

// drop forgets a session's value.
func (r *recent[V]) drop(session string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, session)
	delete(r.old, session)
}
