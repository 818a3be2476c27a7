package run

import (
	"encoding/binary"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// packCall appends the place of a request in its session's graph. Instants are distances from the request's start.
func packCall(dst []byte, c *record.Call, start int64) []byte {
	for _, n := range [...]int64{int64(c.Number), c.Ready - start, c.Wait, c.Held, int64(c.PromptTokens),
		int64(c.OutputTokens), int64(c.BlockSize), int64(c.SharedWith), int64(c.Shared)} {
		dst = binary.AppendVarint(dst, n)
	}
	dst = append(dst, flag(c.UserFacing)|flag(c.Primes)<<1)
	dst = packText(packText(dst, c.ID), c.Pause)
	dst = packText(dst, c.Blocks)
	dst = binary.AppendUvarint(dst, uint64(len(c.After)))
	for _, n := range c.After {
		dst = binary.AppendUvarint(dst, uint64(n)) // the reader refuses negative ones
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.Labels)))
	for name, label := range c.Labels {
		dst = packText(packText(dst, name), label)
	}
	return dst
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

func packText[T string | []byte](dst []byte, text T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// unpackCall reads what packCall wrote. The blocks share the memory of the packed form.
func (u *unpacker) unpackCall(start int64) *record.Call {
	c := &record.Call{Number: int(u.int64()), Ready: start + u.int64(), Wait: u.int64(), Held: u.int64(),
		PromptTokens: int(u.int64()), OutputTokens: int(u.int64()), BlockSize: int(u.int64()),
		SharedWith: int(u.int64()), Shared: int(u.int64())}
	flags := u.byte()
	c.UserFacing, c.Primes = flags&1 != 0, flags&2 != 0
	c.ID, c.Pause = string(u.text()), string(u.text())
	c.Blocks = u.text()
	for range u.uint64() {
		c.After = append(c.After, int(u.uint64()))
	}
	for range u.uint64() {
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		name := string(u.text())
		c.Labels[name] = string(u.text())
	}
	return c
}

// Call returns the place of a replayed request in its session's graph, and nil for other requests. The caller must not
// change its blocks.
func (q *Request) Call() *record.Call {
	if !q.Replayed {
		return nil
	}
	d := q.Details()
	u := unpacker{d.call}
	return u.unpackCall(q.Start)
}

// SessionID returns the ID of the request's session, "" if it has none.
func (q *Request) SessionID() string {
	d := q.Details()
	return d.SessionID()
}
