package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// conversation makes the messages of the requests of a stream from their blocks.
type conversation struct {
	size     int    // tokens of a block
	name     string // unique in the trace
	segments []segment
}

// segment is a message: whole blocks, and perhaps a last one with fewer tokens.
type segment struct {
	role   string
	blocks []workload.Block
	remark *remark // nil if it has to be made anew
}

// next returns the messages of request number k. What it shares with the request before stays as it was. Of the new
// blocks, as many are the answer to that as it had tokens, and the rest is the user's.
func (c *conversation) next(s stream, k int) []*remark {
	r := s.requests[k]
	fresh := r.hashes
	if k == 0 {
		fresh = fresh[:min(len(fresh), r.in/c.size)]
		fresh = c.add("system", fresh, s.system)
		c.add("user", fresh, len(fresh)*c.size)
		c.addTail(k, r.in-min(len(r.hashes), r.in/c.size)*c.size, len(fresh) > 0)
		return c.messages()
	}
	before := s.requests[k-1]
	common := 0
	for common < min(len(before.hashes), len(fresh)) && before.hashes[common] == fresh[common] {
		common++
	}
	c.cut(common)
	fresh = c.add("assistant", fresh[common:], before.out)
	c.add("user", fresh, len(fresh)*c.size)
	c.addTail(k, r.in-len(r.hashes)*c.size, len(fresh) > 0)
	return c.messages()
}

// add adds a message of as many blocks as have some tokens, and returns the rest of the blocks.
func (c *conversation) add(role string, hashes []uint64, tokens int) []uint64 {
	n := min(len(hashes), (tokens+c.size-1)/c.size)
	if n == 0 {
		return hashes
	}
	s := segment{role: role}
	for _, hash := range hashes[:n] {
		s.blocks = append(s.blocks, workload.Block{Hash: hash, Tokens: c.size})
	}
	c.segments = append(c.segments, s)
	return hashes[n:]
}

// addTail adds the tokens that are not in blocks with hashes to the user's message, or as one.
func (c *conversation) addTail(k, tokens int, toLast bool) {
	if tokens <= 0 {
		return
	}
	tail := workload.Block{Hash: hashOf(fmt.Sprintf("%s:%d:%d", c.name, k, tokens)), Tokens: tokens}
	if !toLast {
		c.segments = append(c.segments, segment{role: "user"})
	}
	last := &c.segments[len(c.segments)-1]
	last.blocks, last.remark = append(last.blocks, tail), nil
}

// cut leaves a number of blocks, and a tail only if it is before their end.
func (c *conversation) cut(blocks int) {
	for i := range c.segments {
		s := &c.segments[i]
		keep := 0
		for keep < len(s.blocks) && blocks > 0 {
			if s.blocks[keep].Tokens == c.size {
				blocks--
			}
			keep++
		}
		if keep < len(s.blocks) {
			s.blocks, s.remark = slices.Clone(s.blocks[:keep]), nil // those of earlier requests stay
		}
	}
	c.segments = slices.DeleteFunc(c.segments, func(s segment) bool { return len(s.blocks) == 0 })
}

// answered returns the last answer in the messages, which is taken for that to the request before.
func (c *conversation) answered() string {
	for _, s := range slices.Backward(c.segments) {
		if s.role == "assistant" {
			return rendering(s.blocks)
		}
	}
	return ""
}

// messages returns the messages as they stand.
func (c *conversation) messages() []*remark {
	list := make([]*remark, len(c.segments))
	for i := range c.segments {
		s := &c.segments[i]
		if s.remark == nil {
			s.remark = &remark{
				role: s.role, text: rendering(s.blocks),
				sent: []workload.Message{{Role: s.role, Blocks: slices.Clone(s.blocks)}},
			}
		}
		list[i] = s.remark
	}
	return list
}

// rendering returns blocks as text that has another in it just if its blocks are among them in this order.
func rendering(blocks []workload.Block) string {
	var out strings.Builder
	for _, b := range blocks {
		fmt.Fprintf(&out, "%x/%d;", b.Hash, b.Tokens)
	}
	return out.String()
}
