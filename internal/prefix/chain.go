package prefix

import "strings"

// Tokenizer turns texts into tokens.
type Tokenizer interface{ Encode(text string) []int32 }

// Chain is the beginning of a prompt. It is a value: a chain that goes on from another shares the blocks of that one,
// so the cost of a message is that of its own tokens. Chains may be used concurrently.
type Chain struct {
	size      int
	tokenizer Tokenizer
	state     uint64 // the hash of everything so far
	tokens    int
	last      *segment
}

// segment holds the blocks that one message completed.
type segment struct {
	before *segment
	from   int // the number of the first block
	hashes []Hash
}

// New returns the empty chain with blocks of a number of tokens. Without a tokenizer a word is a token.
func New(blockSize int, t Tokenizer) Chain {
	return Chain{size: max(1, blockSize), tokenizer: t, state: fnvOffset}
}

// BlockSize returns the number of tokens of a block.
func (c Chain) BlockSize() int { return c.size }

// Tokens returns the number of tokens.
func (c Chain) Tokens() int { return c.tokens }

// Len returns the number of full blocks.
func (c Chain) Len() int { return c.tokens / c.size }

// Hashes returns the hashes of all full blocks.
func (c Chain) Hashes() []Hash { return c.Beyond(0) }

// Beyond returns the hashes of the full blocks after the first n.
func (c Chain) Beyond(n int) []Hash {
	hashes := make([]Hash, max(0, c.Len()-n))
	for s := c.last; s != nil && s.from+len(s.hashes) > n; s = s.before {
		skip := max(0, n-s.from)
		copy(hashes[s.from+skip-n:], s.hashes[skip:])
	}
	return hashes
}

// Common returns how many of the first blocks two chains have in common. It takes the work of those blocks that the
// chains do not share.
func (c Chain) Common(d Chain) int {
	a, b := c.last, d.last
	for a != b {
		if b == nil || a != nil && a.from >= b.from {
			a = a.before
		} else {
			b = b.before
		}
	}
	n := 0
	if a != nil {
		n = a.from + len(a.hashes)
	}
	x, y := c.Beyond(n), d.Beyond(n)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return n + i
		}
	}
	return n + min(len(x), len(y))
}

// Append returns the chain with further messages.
func (c Chain) Append(messages ...Message) Chain {
	for _, m := range messages {
		c = c.append(m)
	}
	return c
}

func (c Chain) append(m Message) Chain {
	s := &segment{before: c.last, from: c.Len()}
	if m.Role != "" {
		c.state = mix(mixText(mix(c.state, roleMark), m.Role), roleMark)
	}
	for _, text := range m.Texts {
		c.add(s, text)
	}
	if len(s.hashes) > 0 {
		c.last = s
	}
	return c
}

// add adds the tokens of a text, and to s the blocks that they complete.
func (c *Chain) add(s *segment, text string) {
	if n, is := MediaTokens(text); is {
		c.state = mixText(c.state, text)
		for range n {
			c.state = mix(c.state, mediaMark[0])
			c.count(s)
		}
		return
	}
	if c.tokenizer == nil {
		for word := range strings.FieldsSeq(text) {
			c.state = mix(mixText(c.state, word), ' ')
			c.count(s)
		}
		return
	}
	for _, id := range c.tokenizer.Encode(text) {
		for shift := 0; shift < 32; shift += 8 {
			c.state = mix(c.state, byte(id>>shift))
		}
		c.count(s)
	}
}

// count counts a token.
func (c *Chain) count(s *segment) {
	if c.tokens++; c.tokens%c.size == 0 {
		s.hashes = append(s.hashes, Hash(c.state))
	}
}

// The hash is FNV-1a, of 64 bits, which is the same on all machines.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// roleMark is a byte of no text, before and after a role.
const roleMark = 0xff

func mix(state uint64, b byte) uint64 { return (state ^ uint64(b)) * fnvPrime }

func mixText(state uint64, text string) uint64 {
	for i := range len(text) {
		state = mix(state, text[i])
	}
	return state
}
