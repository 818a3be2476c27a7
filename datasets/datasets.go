// Package datasets reads and makes the prompts of a benchmark. An item is the content of one request. The same file,
// options and number return the same item on every machine. The package has no tokenizer: a function or an interface
// that counts tokens is passed to it.
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

// Item is the content of one request: a prompt, a chat, texts to embed or to rank, or a sound to write down.
type Item struct {
	Prompt    string
	Messages  []Message
	MaxTokens int // limit of the answer; 0 leaves the limit to the client

	// Parts is the content of the last of Messages with its media: the message's text, cut where they stand, and they.
	// It is nil without media.
	Parts []Part

	// Chat holds the messages of a chat as they stand in a file, a JSON array. Messages is nil then.
	Chat json.RawMessage
	// Params holds further fields of the request's body as they stand in a file, such as tools: a JSON object, or nil
	// if there are no such fields.
	Params json.RawMessage

	// Inputs holds the texts to embed, or the documents to rank by Query; nil in prompts and chats.
	Inputs []string
	Query  string

	// Sound is a file of sound to write down; nil in all other items.
	Sound *SoundFile

	// PromptTokens is the number of tokens that a generated prompt was made to have, as the tokenizer counts it with
	// special tokens and, for a chat, without the chat template. It is 0 if no number was asked for, and without a
	// tokenizer, which meets the number on average.
	PromptTokens int
	// Part is the number of the part of a mix that the item comes from, from 1; 0 of other sets.
	Part int
	// Bare reports that the prompt contains its special tokens: the server must not add any.
	Bare bool
}

// Form is the form of an item: a chat or a completion.
type Form int

// The forms.
const (
	AsChat Form = iota
	AsCompletion
)

// Set returns items by number. It may be used concurrently.
type Set interface {
	// At returns item number i, from 0; past its end a finite set begins again. It fails where a file cannot be read
	// any further.
	At(i int64) (Item, error)
	// Len returns the number of distinct items, and false if the set is endless.
	Len() (int64, bool)
}

// Options are the options that all sets read from files share.
type Options struct {
	Form Form
	// Column is the field of records of the kind Prompts that has the prompt: a text, or a list of messages. "" means
	// "prompt" or "messages".
	Column string
	// Ranking reads records of the kind Prompts that have documents as a query with its documents.
	Ranking bool
	// Seed shuffles the items of a file, in the same way on every machine. Nil keeps the file's order.
	Seed *int64
	// Count returns the number of tokens of a text; nil estimates a quarter of its bytes. The number limits answers
	// only; reported numbers are counted elsewhere. Count must not keep the text, whose bytes are reused.
	Count func(text string) int
	// Input and Output, if set, are the lengths of the prompts and the answers to keep. Only Min and Max count.
	Input, Output *Distribution
	// Seen, if set, is called with the counts of the records of a Stream: after 1,000 records, after 10,000 and so on,
	// and at their end.
	Seen func(c Counts, end bool)
}

// tokens returns the number of tokens of a text, at least 1.
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

// At returns item number i; past the end it begins again.
func (l *List) At(i int64) (Item, error) { return l.items[int(i%int64(len(l.items)))], nil }

// Len returns the number of items.
func (l *List) Len() (int64, bool) { return int64(len(l.items)), true }

// shuffle shuffles by the algorithm of Fisher and Yates.
func shuffle[T any](items []T, seed int64) {
	shuffleWith(items, rand.New(rand.NewPCG(uint64(seed), 0x73686172656770))) // the order must be reproducible
}

func shuffleWith[T any](items []T, rng *rand.Rand) {
	for i := len(items) - 1; i > 0; i-- {
		j := below(rng, i+1)
		items[i], items[j] = items[j], items[i]
	}
}

// below returns a whole number from 0 to n-1, all equally likely up to 1 in 2^40. It replaces the function of the
// standard library because its numbers must never change: the definition of PCG fixes the generator's own numbers, but
// not how the library uses them.
func below(rng *rand.Rand, n int) int {
	return int(rng.Uint64() % uint64(n)) // n is always positive
}

// Mock is endless: item i asks `1 2 3 <i+1>` as a completion, and `mock prompt <i+1>` as a chat, like inference-perf's
// mock data.
type Mock struct{ Form Form }

// At returns item number i.
func (m Mock) At(i int64) (Item, error) {
	if m.Form == AsCompletion {
		return Item{Prompt: fmt.Sprintf("1 2 3 %d", i+1)}, nil
	}
	return Item{Messages: []Message{{Role: "user", Content: fmt.Sprintf("mock prompt %d", i+1)}}}, nil
}

// Len reports that the set is endless.
func (m Mock) Len() (int64, bool) { return 0, false }
