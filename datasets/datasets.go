// Package datasets reads and makes the prompts of a benchmark. An item is what one request asks; the same file, options
// and number give the same item on every machine. Counting tokens comes in as a func, so the package knows no
// tokenizer.
package datasets

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// Message is one message of a chat.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Item is what one request asks: a prompt or a chat.
type Item struct {
	Prompt    string
	Messages  []Message
	MaxTokens int // limit of the answer; 0 leaves it to the client

	// Chat is the messages of a chat as they stand in a file, a JSON array; Messages is nil then.
	Chat json.RawMessage
	// Params are further fields of the request's body as they stand in a file, such as tools: a JSON object, nil for
	// none.
	Params json.RawMessage

	// PromptTokens is what a generated prompt was made to have, as the tokenizer counts it with special tokens and, of
	// a chat, without the chat template; 0 if that was not asked for.
	PromptTokens int
	// Bare says that the prompt has its special tokens written in it: the server must add none.
	Bare bool
}

// Form says which of the two an item is to be.
type Form int

// The forms.
const (
	AsChat Form = iota
	AsCompletion
)

// Set gives items by number. It may be used concurrently.
type Set interface {
	// At is item number i, from 0; past the end a set of finite length begins again. It fails where a file cannot be
	// read on.
	At(i int64) (Item, error)
	// Len is the number of distinct items, and false if there is no end of them.
	Len() (int64, bool)
}

// Options are what all sets share.
type Options struct {
	Form Form
	// Seed shuffles the items of a file, the same seed the same way everywhere; nil keeps the file's order.
	Seed *int64
	// Count gives the tokens of a text; nil estimates them as a quarter of its bytes. It limits answers only: what is
	// reported is counted otherwise. The text may not be kept: its bytes are used again.
	Count func(text string) int
	// Input and Output, if set, are the lengths of the prompts and the answers to keep; only Min and Max count.
	Input, Output *Distribution
	// Seen, if set, is told what became of the records of a Stream when it has read 1,000 of them, 10,000 and so on,
	// and at their end.
	Seen func(c Counts, end bool)
}

// tokens is at least 1.
func (o Options) tokens(text string) int {
	if o.Count != nil {
		return max(1, o.Count(text))
	}
	return max(1, (len(text)+3)/4)
}

// List is a set held in memory.
type List struct {
	Counts Counts
	items  []Item
}

// At is item number i, from the front again past the end.
func (l *List) At(i int64) (Item, error) { return l.items[int(i%int64(len(l.items)))], nil }

// Len is the number of items.
func (l *List) Len() (int64, bool) { return int64(len(l.items)), true }

// shuffle is Fisher and Yates's.
func shuffle[T any](items []T, seed int64) {
	mix(items, rand.New(rand.NewPCG(uint64(seed), 0x73686172656770))) // reproducible is what is wanted
}

func mix[T any](items []T, rng *rand.Rand) {
	for i := len(items) - 1; i > 0; i-- {
		j := below(rng, i+1)
		items[i], items[j] = items[j], items[i]
	}
}

// below is a whole number from 0 to n-1, each as likely but for 1 in 2^40. Written out, and used instead of the
// standard library's, because its numbers must never change: PCG's own are fixed by its definition, what is made of
// them is not.
func below(rng *rand.Rand, n int) int {
	return int(rng.Uint64() % uint64(n)) // n is positive
}

// Mock is endless: item i asks `1 2 3 <i+1>` as a completion, and `mock prompt <i+1>` as a chat, as inference-perf's
// does.
type Mock struct{ Form Form }

// At is item number i.
func (m Mock) At(i int64) (Item, error) {
	if m.Form == AsCompletion {
		return Item{Prompt: fmt.Sprintf("1 2 3 %d", i+1)}, nil
	}
	return Item{Messages: []Message{{Role: "user", Content: fmt.Sprintf("mock prompt %d", i+1)}}}, nil
}

// Len says that there is no end.
func (m Mock) Len() (int64, bool) { return 0, false }
