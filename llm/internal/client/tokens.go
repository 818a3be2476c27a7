package client

// maxTokenBytes bounds a token, in bytes; servers accept no longer headers anyway.
const maxTokenBytes = 16 << 10

// Tokens keeps the newest token of each session, which a server sends in a response header and wants to see again. It
// may be used concurrently; the zero value is empty. It forgets a token that was not used while tokens of 65536 other
// sessions came.
type Tokens struct{ recent recent[string] }

// Put keeps a session's token. It ignores an empty token, one that no header can carry, and one over 16 KiB.
func (t *Tokens) Put(session, token string) {
	if token != "" && len(token) <= maxTokenBytes && validValue(token) {
		t.recent.put(session, token)
	}
}

// Get returns a session's token, "" if it has none.
func (t *Tokens) Get(session string) string {
	token, _ := t.recent.get(session)
	return token
}
