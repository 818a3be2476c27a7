package client

import "sync"

// Limits of Tokens.
const (
	maxSessions   = 1 << 16  // sessions whose tokens are certainly kept
	maxTokenBytes = 16 << 10 // bytes of a token; servers accept no longer headers anyway
)

// Tokens keeps the newest token of each session, which a server sends in a response header and wants to see again. It
// may be used concurrently; the zero value is empty. It forgets a token that was not used while tokens of 65536 other
// sessions came, so that a long run of short sessions needs no more memory than that.
type Tokens struct {
	mu         sync.Mutex
	young, old map[string]string // each session is in one of them
}

// Put keeps a session's token. It ignores an empty token, one that no header can carry, and one over 16 KiB.
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

// Get returns a session's token, "" if it has none.
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
