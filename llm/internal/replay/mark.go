package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// blockSize returns the size of blocks, which is 16 if none is wanted in the records.
func (r *Rules) blockSize() int {
	if r.BlockSize <= 0 {
		return DefaultRules().BlockSize
	}
	return r.BlockSize
}

// marks returns what goes before the first message of a session's prompts, and before each message of a call's own.
// What was made up is repeated as it is, as data sets of requests are: what its sessions share is there on purpose.
func (r *Rules) marks(t *Turn) (first, own string) {
	switch r.Mark {
	case MarkSession:
		first = "[" + r.digits(12, "session", t.Number) + "] "
	case MarkPass:
		first = "[" + r.digits(12, "pass", t.Pass) + "] "
	default:
		if r.RandomID || t.Session.Duplicate || t.Pass > 0 && t.Session.Origin != "" {
			return "", "[SESS:" + r.digits(16, "random id", t.Number) + "] "
		}
		return "", ""
	}
	if r.RandomID {
		own = "[SESS:" + r.digits(16, "random id", t.Number) + "] "
	}
	return first, own
}

// digits returns n hexadecimal digits that are the same in each run with the seed.
func (r *Rules) digits(n int, purpose string, number int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", r.Seed, purpose, number))
	return hex.EncodeToString(sum[:])[:n]
}
