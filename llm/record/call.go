package record

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// blockBytes is the length of a hash in Call.Blocks.
const blockBytes = 8

// validate returns an error for a place in a graph that no replay writes.
func (c *Call) validate() error {
	if c == nil {
		return nil
	}
	for _, n := range [...]count{
		{"number", int64(c.Number)}, {"prompt_tokens", int64(c.PromptTokens)},
		{"output_tokens", int64(c.OutputTokens)}, {"block_size", int64(c.BlockSize)}, {"shared", int64(c.Shared)},
	} {
		if n.n < 0 || n.n > math.MaxInt32 {
			return fmt.Errorf("call: %w", outOfRange(n.name, n.n))
		}
	}
	for _, us := range [...]count{{"wait_us", c.Wait}, {"held_us", c.Held}} {
		if us.n < 0 || us.n > maxLate/1000 {
			return fmt.Errorf("call: %w", outOfRange(us.name, us.n))
		}
	}
	if c.Ready <= 0 || c.Ready > maxTime {
		return fmt.Errorf("call: ready_ns out of range at %d", c.Ready)
	}
	return c.validateGraph()
}

// validateGraph requires that a call refers to earlier ones only.
func (c *Call) validateGraph() error {
	last := -1
	for _, n := range c.After {
		if n <= last || n >= c.Number {
			return fmt.Errorf("call %d: after is not in order, or names a later call, at %d", c.Number, n)
		}
		last = n
	}
	switch {
	case len(c.Blocks)%blockBytes != 0:
		return fmt.Errorf("call %d: blocks have %d bytes, not a multiple of %d", c.Number, len(c.Blocks), blockBytes)
	case c.BlockSize == 0 && (len(c.Blocks) > 0 || c.Shared > 0):
		return fmt.Errorf("call %d: blocks without block_size", c.Number)
	case c.Shared > 0 && (c.SharedWith < 0 || c.SharedWith >= c.Number):
		return fmt.Errorf("call %d: shared_with names no earlier call, but %d", c.Number, c.SharedWith)
	}
	return nil
}

// call appends the place of a request in its session's graph. Names stand here in the order of the fields of Call.
func (e *encoder) call(c *Call) {
	e.name("call")
	e.dst = append(e.dst, `{"number":`...)
	e.dst = strconv.AppendInt(e.dst, int64(c.Number), 10)
	e.text("id", c.ID)
	appendSome(e, "after", c.After)
	e.number("ready_ns", c.Ready)
	e.number("wait_us", c.Wait)
	e.someText("pause", c.Pause)
	e.some("held_us", c.Held)
	e.some("prompt_tokens", int64(c.PromptTokens))
	e.some("output_tokens", int64(c.OutputTokens))
	e.set("user_facing", c.UserFacing)
	e.set("primes", c.Primes)
	e.some("block_size", int64(c.BlockSize))
	e.some("shared_with", int64(c.SharedWith))
	e.some("shared", int64(c.Shared))
	if len(c.Blocks) > 0 {
		e.name("blocks")
		e.dst = append(e.dst, '"')
		e.dst = base64.StdEncoding.AppendEncode(e.dst, c.Blocks)
		e.dst = append(e.dst, '"')
	}
	if len(c.Labels) > 0 {
		e.value("labels", c.Labels)
	}
	e.dst = append(e.dst, '}')
}

// call reads the place of a request in its session's graph.
func (s *scan) call(k *kept) bool {
	if k.request.Call != nil || !s.is('{') {
		return false
	}
	k.call = Call{}
	k.request.Call = &k.call
	for {
		if !s.callField(k) {
			return false
		}
		if s.is('}') {
			return true
		}
		if !s.is(',') {
			return false
		}
	}
}

func (s *scan) callField(k *kept) bool {
	key, ok := s.quoted()
	if !ok || !s.is(':') {
		return false
	}
	c := &k.call
	switch string(key) {
	case "number":
		return s.int(&c.Number)
	case "id":
		return s.fresh(&c.ID)
	case "after":
		return list(s, &k.after, &c.After)
	case "ready_ns":
		return s.int64(&c.Ready)
	case "wait_us":
		return s.int64(&c.Wait)
	case "pause":
		return s.name(&c.Pause)
	case "held_us":
		return s.int64(&c.Held)
	case "prompt_tokens":
		return s.int(&c.PromptTokens)
	case "output_tokens":
		return s.int(&c.OutputTokens)
	case "user_facing":
		return s.bool(&c.UserFacing)
	case "primes":
		return s.bool(&c.Primes)
	case "labels":
		return s.labels(&c.Labels)
	}
	return s.blocks(key, k)
}

// blocks reads a field on the blocks of the prompt.
func (s *scan) blocks(key []byte, k *kept) bool {
	c := &k.call
	switch string(key) {
	case "block_size":
		return s.int(&c.BlockSize)
	case "shared_with":
		return s.int(&c.SharedWith)
	case "shared":
		return s.int(&c.Shared)
	case "blocks":
		text, ok := s.quoted()
		if !ok || len(text) == 0 {
			return false
		}
		var err error
		k.blocks, err = base64.StdEncoding.AppendDecode(k.blocks[:0], text)
		c.Blocks = k.blocks
		return err == nil
	}
	return false
}

// labels reads an object of texts, once.
func (s *scan) labels(dst *map[string]string) bool {
	raw, ok := s.object()
	return ok && *dst == nil && json.Unmarshal(raw, dst) == nil
}
