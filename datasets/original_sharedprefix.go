package datasets

import (
	"fmt"
	"sync"
	"unicode"
	"unicode/utf8"
)

// OriginalSharedPrefix makes the prompts of inference-perf's type shared_prefix, all of them completions: the decoded
// ids of a group's prefix and of one of its questions. Prefix and question each have their exact length by themselves,
// including special tokens. Together they have the special tokens only once, and their tokens may merge where they
// meet.
type OriginalSharedPrefix struct {
	options  SharedPrefix
	original *original
	starts   []int32                   // ids whose text begins with white space, or all ids
	prefixes []func() ([]int32, error) // the prefix of each group, made at its first use
}

// NewOriginalSharedPrefix checks the options. It ignores Form and Tokenizer. It decodes each id once.
func NewOriginalSharedPrefix(v Vocabulary, s SharedPrefix) (*OriginalSharedPrefix, error) {
	o, err := newOriginal(v)
	if err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	for name, d := range map[string]Distribution{"system prompt": s.System, "question": s.Question} {
		if n := d.shortestOriginal(); n > 0 {
			if err := o.checkLength(n); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	s.lengthSalt = s.Salt
	s.shuffle("inference-perf shared_prefix order")
	p := &OriginalSharedPrefix{options: s, original: o, starts: o.spaceStarts()}
	p.openGroups()
	return p, nil
}

// openGroups prepares the prefixes of all groups.
func (s *OriginalSharedPrefix) openGroups() {
	s.prefixes = make([]func() ([]int32, error), s.options.Groups)
	for group := range s.prefixes {
		s.prefixes[group] = sync.OnceValues(func() ([]int32, error) { return s.prefix(group) })
	}
}

// spaceStarts returns the ids whose text begins with white space, so that they do not merge with the text before them.
// It returns all ids if there are none.
func (o *original) spaceStarts() (starts []int32) {
	for i, id := range o.plain {
		r, size := utf8.DecodeRuneInString(o.vocabulary.Decode(o.plain[i:i+1], true))
		if size > 0 && unicode.IsSpace(r) {
			starts = append(starts, id)
		}
	}
	if len(starts) == 0 {
		return o.plain
	}
	return starts
}

func (s *OriginalSharedPrefix) prefix(group int) ([]int32, error) {
	lengths, texts := s.options.streams("inference-perf shared_prefix group", group)
	length := s.options.System.drawOriginal(lengths, false)
	if length == 0 {
		return nil, nil
	}
	_, ids, err := s.original.randomText(texts, length)
	return ids, err
}

// At returns item number i; past the last question it begins again. PromptTokens of the item is counted from the
// prompt.
func (s *OriginalSharedPrefix) At(i int64) (Item, error) {
	_, ids, item, err := s.draw(i)
	if err != nil {
		return Item{}, err
	}
	item.Prompt = s.original.vocabulary.Decode(ids, true)
	item.PromptTokens = s.original.count(item.Prompt)
	return item, nil
}

// draw returns the group of item number i, the ids of its prompt, and the item without its text.
func (s *OriginalSharedPrefix) draw(i int64) (group int, ids []int32, item Item, err error) {
	entry := s.options.order[i%int64(len(s.options.order))]
	group = entry / s.options.Questions
	prefix, err := s.prefixes[group]()
	if err != nil {
		return group, nil, Item{}, err
	}
	lengths, texts := s.options.streams("inference-perf shared_prefix question", entry)
	length, output := s.options.Question.drawOriginal(lengths, false), s.options.Output.drawOriginal(lengths, false)
	ids = append(ids, prefix...) // the group shares prefix
	if length > 0 {
		_, question, err := s.original.exactText(length, func() ([]int32, mender) {
			first := s.starts[below(texts, len(s.starts))]
			return s.original.appendRandom([]int32{first}, texts, length-1), s.original.newMender(texts, 1)
		})
		if err != nil {
			return group, nil, Item{}, err
		}
		ids = append(ids, question...)
	}
	return group, ids, Item{MaxTokens: output}, nil
}

// split returns item number i in its pieces. inference-perf takes what follows the prefix and one more character, the
// space, for the question.
func (s *OriginalSharedPrefix) split(i int64) (prefixed, error) {
	group, ids, item, err := s.draw(i)
	if err != nil {
		return prefixed{}, err
	}
	prefix, err := s.prefixes[group]()
	if err != nil {
		return prefixed{}, err
	}
	p := prefixed{group: group, item: item, prefix: s.original.vocabulary.Decode(prefix, true)}
	p.prompt = s.original.vocabulary.Decode(ids, true)
	p.question = p.prompt
	if n := utf8.RuneCountInString(p.prefix); n > 0 {
		p.question = p.prompt[characters(p.prompt, min(n+1, utf8.RuneCountInString(p.prompt))):]
	}
	p.item.PromptTokens = s.original.count(p.prompt)
	return p, nil
}

// Len returns the number of questions.
func (s *OriginalSharedPrefix) Len() (int64, bool) { return s.options.Len() }

func (s *OriginalSharedPrefix) groups() int { return s.options.Groups }
