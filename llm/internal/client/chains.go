package client

import (
	"bytes"
	"encoding/json"
	"hash/crc32"

	"github.com/tidwall/gjson"
)

// Chains keeps, of each session, the newest answer that a further request can continue, so that it sends only what is
// new. It may be used concurrently; the zero value is empty. It is bounded as [Tokens] is.
type Chains struct{ recent recent[link] }

// link is a completed answer.
type link struct {
	id   string
	size int    // bytes of the messages that it answers, without their closing bracket
	sum  uint32 // checksum of those bytes
}

// follow returns the id of the session's answer, and the messages that are new after it: those behind the answer's own
// message. It returns all messages and "" if the session has no answer, or one to other messages.
func (c *Chains) follow(session string, messages json.RawMessage) (previous string, rest json.RawMessage) {
	l, found := c.recent.get(session)
	if !found || len(messages) <= l.size || messages[l.size] != ',' ||
		crc32.ChecksumIEEE(messages[:l.size]) != l.sum {
		return "", messages
	}
	behind := append([]byte{'['}, messages[l.size+1:]...)
	answer := gjson.GetBytes(behind, "0")
	if answer.Get("role").Str != "assistant" {
		return "", messages
	}
	behind = bytes.TrimLeft(behind[1+len(answer.Raw):], ", ")
	if len(behind) < len("{}]") {
		return "", messages
	}
	return l.id, append(json.RawMessage{'['}, behind...)
}

// keep keeps the answer to the messages of a session; "" means that it cannot be continued.
func (c *Chains) keep(session, id string, messages json.RawMessage) {
	size := len(messages) - 1
	if id == "" || size < 1 || messages[size] != ']' {
		c.recent.drop(session)
		return
	}
	c.recent.put(session, link{id, size, crc32.ChecksumIEEE(messages[:size])})
}
