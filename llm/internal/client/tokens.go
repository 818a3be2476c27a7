package client

import "sync"

// Bounds of what Tokens keeps.
const (
	maxSessions   = 1 << 16  // whose tokens are kept for certain
	maxTokenBytes = 16 << 10 // of a token; servers accept no longer headers anyhow
)

// Tokens keeps the newest token of each session, which a server gives in a response header and wants to see again. It
// may be used concurrently; the zero value is empty. A token that was not used while those of 65536 other sessions came
// is forgotten, so that a long run of short sessions needs no more memory than that.
type Tokens struct {
	mu         sync.Mutex
	young, old map[string]string // a session is in one of them
}

// Put keeps a session's token. An empty one, one that no header can carry and one over 16 KiB are passed over.
func (t *Tokens) Put(session, token string) {
	if token == "" || len(token) > maxTokenBytes || !validValue(token) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(session, token)
}

func (t *Tokens) put(session, token string) {
	if t.young == nil || len(t.young) >= maxSessions && t.young[session] == "" {
		t.young, t.old = map[string]string{}, t.young
	}
	t.young[session] = token
	delete(t.old, session)
}

// Get gives a session's token, "" if it has none.
func (t *Tokens) Get(session string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if token := t.young[session]; token != "" {
		return token
	}
	token := t.old[session]
	if token != "" {
		t.put(session, token)
	}
	return token
}
