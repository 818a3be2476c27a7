package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Multimodal adds pictures, videos and sounds to the items of a set of prompts or of chats, which become chats. The
// media of item i depend on the seed, the salt and i alone: they are the same on all machines. It makes files when they
// are needed first, and keeps those that come again; see Prepare.
type Multimodal struct {
	Set
	options      MediaOptions
	each, prefix *drawer
	store        *mediaStore
	ahead        *mediaAhead
}

// NewMultimodal checks the options. Media of prefixes need a set with shared prefixes.
func NewMultimodal(set Set, o MediaOptions) (*Multimodal, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if _, ok := set.(prefixedSet); o.Prefix != nil && !ok {
		return nil, errors.New("media of prefixes need a data set with shared prefixes")
	}
	if o.Pool.Reuse == 0 {
		o.Pool = MediaPool{} // whose files nobody would send
	}
	m := &Multimodal{Set: set, options: o}
	m.begin()
	return m, m.checkMemory()
}

// prefixedSet is a set of prompts with shared prefixes.
type prefixedSet interface {
	Set
	split(i int64) (prefixed, error)
	groups() int
}

// begin prepares the drawing by the options.
func (m *Multimodal) begin() {
	o := &m.options
	m.store = newMediaStore(o)
	m.each = newDrawer(o.Each, o, "media", o.Pool)
	m.prefix = newDrawer(o.Prefix, o, "media prefix", MediaPool{})
	m.ahead = newMediaAhead(m)
}

// WithSalt returns the set with a further salt, which all files have, those of the pool too.
func (m *Multimodal) WithSalt(salt string) (Set, error) {
	salted := &Multimodal{Set: m.Set, options: m.options}
	if set, ok := m.Set.(SaltedSet); ok {
		var err error
		if salted.Set, err = set.WithSalt(salt); err != nil {
			return nil, err
		}
	}
	salted.options.Salt = bothSalts(m.options.Salt, salt)
	salted.begin()
	return salted, nil
}

// Reuse returns the share of the media that are files of the pool; 0 without a pool.
func (m *Multimodal) Reuse() float64 { return m.options.Pool.Reuse }

// Hosted reports whether requests have addresses in place of the files.
func (m *Multimodal) Hosted() bool { return m.options.Host != nil }

// Describe says which media requests have, such as 1 image (png, 512 × 512).
func (m *Multimodal) Describe() string {
	var list []string
	for _, d := range []struct {
		*drawer
		where string
	}{{m.prefix, " in each prefix"}, {m.each, ""}} {
		for _, kind := range []MediaKind{Image, Video, Audio} {
			if text := d.describe(kind); text != "" {
				list = append(list, text+d.where)
			}
		}
	}
	return strings.Join(list, ", ")
}

// At returns item number i.
func (m *Multimodal) At(i int64) (Item, error) {
	m.ahead.passed(i)
	if set, ok := m.Set.(prefixedSet); ok {
		return m.withPrefix(set, i)
	}
	item, err := m.Set.At(i)
	if err != nil {
		return Item{}, err
	}
	if err := item.toChat(); err != nil {
		return Item{}, err
	}
	last := &item.Messages[len(item.Messages)-1]
	if m.options.Original {
		item.MaxTokens = 0 // inference-perf leaves the limit to the client
	}
	parts, err := m.parts(m.each, i, last.Content)
	if err == nil && hasMedia(parts) {
		item.Parts = parts
	}
	return item, err
}

// withPrefix returns item number i as one message: the prefix with the media of its group, and the question with its
// own.
func (m *Multimodal) withPrefix(set prefixedSet, i int64) (Item, error) {
	p, err := set.split(i)
	if err != nil {
		return Item{}, err
	}
	prefix, err := m.parts(m.prefix, int64(p.group), p.prefix)
	if err != nil {
		return Item{}, err
	}
	question, err := m.parts(m.each, i, p.question)
	if err != nil {
		return Item{}, err
	}
	item := p.item
	item.Messages = []Message{{Role: "user", Content: p.prompt}}
	if parts := join(prefix, question); hasMedia(parts) {
		item.Parts = parts
	}
	return item, nil
}

// parts returns a text with the media that a drawer draws for a number.
func (m *Multimodal) parts(d *drawer, number int64, text string) ([]Part, error) {
	var list []placed
	for _, each := range d.draw(number) {
		made, err := m.make(d, each)
		if err != nil {
			return nil, err
		}
		list = append(list, placed{made, each.place})
	}
	return weave(text, list), nil
}

// make returns a medium that was drawn.
func (m *Multimodal) make(d *drawer, each drawnMedium) (*Media, error) {
	if each.pooled || d == m.prefix {
		return m.store.get(each.file, true)
	}
	made, ahead, err := m.store.take(each.file)
	m.ahead.used(ahead)
	return made, err
}

func hasMedia(parts []Part) bool {
	for _, p := range parts {
		if p.Media != nil {
			return true
		}
	}
	return false
}

// toChat turns an item into a chat whose messages are texts.
func (item *Item) toChat() error {
	switch {
	case item.Inputs != nil:
		return errors.New("media go with prompts and chats, not with texts to embed or to rank")
	case item.Chat != nil:
		return item.readChat()
	case item.Messages == nil:
		item.Messages, item.Prompt, item.Bare = []Message{{Role: "user", Content: item.Prompt}}, "", false
	case len(item.Messages) == 0:
		return errNoMessage
	default:
		item.Messages = append([]Message(nil), item.Messages...) // the set has them, too
	}
	return nil
}

// readChat reads the messages of a chat as it stands in a file.
func (item *Item) readChat() error {
	var list []map[string]any
	if err := json.Unmarshal(item.Chat, &list); err != nil {
		return fmt.Errorf("a chat: %w", err)
	}
	for i, message := range list {
		role, isText := message["role"].(string)
		content, isAlso := message["content"].(string)
		if len(message) != 2 || !isText || !isAlso {
			return fmt.Errorf("media go into chats whose messages have a role and a text, and message %d of one has "+
				"other fields: leave media out", i+1)
		}
		item.Messages = append(item.Messages, Message{Role: role, Content: content})
	}
	if len(item.Messages) == 0 {
		return errNoMessage
	}
	item.Chat = nil
	return nil
}

var errNoMessage = errors.New("media go into the last message of a chat, and one has no messages")
