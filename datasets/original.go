package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Vocabulary is a tokenizer that shows its ids. It may be used concurrently.
type Vocabulary interface {
	Tokenizer
	// Plain are the ids of the model's own vocabulary but for special tokens.
	Plain() []int32
	// EncodeSpecial is the ids of a text, with special tokens around them.
	EncodeSpecial(text string) []int32
	// Decode is the text of ids; skipSpecial leaves special tokens out.
	Decode(ids []int32, skipSpecial bool) string
}

// original makes texts as inference-perf 0.7.0 does: of ids that are drawn and decoded, then mended until the text has
// the tokens asked for. Decoded ids are rarely the ids of their text, so that a count comes about by trial.
type original struct {
	vocabulary Vocabulary
	plain      []int32
	count      func(text string) int
	around     int    // tokens of no text at all
	frame      string // says whose they are, before their number
}

func newOriginal(v Vocabulary) (*original, error) {
	if v == nil {
		return nil, errors.New("a tokenizer is needed: prompts are made of its ids")
	}
	plain := v.Plain()
	if len(plain) == 0 {
		return nil, errors.New("the tokenizer has special tokens only")
	}
	return &original{v, plain, v.CountSpecial, v.CountSpecial(""), "special tokens alone are"}, nil
}

// reaches reports why no text of a length can be made, nil if one can.
func (o *original) reaches(length int) error {
	if length <= o.around {
		return fmt.Errorf("a prompt of %d tokens cannot be made: %s %d", length, o.frame, o.around)
	}
	return nil
}

// A mender makes ids longer or, if missing is negative, shorter. It may write into ids.
type mender func(ids []int32, missing int) []int32

// draws is how many beginnings are mended before a length is given up. inference-perf gives up after the first, and the
// request is lost.
const draws = 100

// exact is a text of length tokens and the ids it was decoded from.
func (o *original) exact(length int, begin func() ([]int32, mender)) (string, []int32, error) {
	if err := o.reaches(length); err != nil {
		return "", nil, err
	}
	for range draws {
		ids, mend := begin()
		for range tries {
			text := o.vocabulary.Decode(ids, true)
			n := o.count(text)
			if n == length {
				return text, ids, nil
			}
			ids = mend(ids, length-n)
		}
	}
	return "", nil, fmt.Errorf("no prompt of %d tokens came about in %d draws of ids", length, draws)
}

// draw appends n random ids.
func (o *original) draw(ids []int32, rng *rand.Rand, n int) []int32 {
	for range n {
		ids = append(ids, o.plain[below(rng, len(o.plain))])
	}
	return ids
}

// mender appends random ids, or drops the last but for so many.
func (o *original) mender(rng *rand.Rand, keep int) mender {
	return func(ids []int32, missing int) []int32 {
		if missing > 0 {
			return o.draw(ids, rng, missing)
		}
		return ids[:max(keep, len(ids)+missing)]
	}
}

// random is a text of random ids.
func (o *original) random(rng *rand.Rand, length int) (string, []int32, error) {
	return o.exact(length, func() ([]int32, mender) { return o.draw(nil, rng, length), o.mender(rng, 0) })
}

// original draws a length as inference-perf does; unshared is how it does so for random and synthetic prompts, else it
// is as for shared prefixes. Whole numbers come of rounding half to even between two cuts to Min and Max.
//
//   - uniform: real numbers from Min, to Max if unshared and to Max+1 if not, so that the ends have other weights than the rest.
//   - lognormal: moments as given, of the number itself or, if unshared, of what it is above Min, to which Min is added.
//   - skew_normal: Mean and StdDev are location and scale, not the moments.
//   - fixed: what is before the point of Mean, whatever Min and Max.
func (d Distribution) original(rng *rand.Rand, unshared bool) int {
	if d.Type == Fixed {
		return int(d.Mean)
	}
	low, high := float64(d.Min), float64(d.Max)
	x := math.RoundToEven(min(max(d.originalReal(rng, unshared), low), high))
	return int(min(max(x, low), high))
}

// unshared draws a length as inference-perf does for random and synthetic prompts.
func (d Distribution) unshared(rng *rand.Rand) int { return d.original(rng, true) }

func (d Distribution) originalReal(rng *rand.Rand, unshared bool) float64 {
	low := float64(d.Min)
	switch d.Type {
	case Uniform:
		width := float64(d.Max - d.Min)
		if !unshared {
			width++
		}
		return low + width*unit(rng)
	case Lognormal:
		if !unshared {
			return d.real(rng)
		}
		mean := d.Mean - low
		if mean <= 0 {
			mean = 1
		}
		return low + Distribution{Type: Lognormal, Mean: mean, StdDev: d.StdDev}.real(rng)
	case SkewNormal:
		delta := d.Skew / math.Sqrt(1+d.Skew*d.Skew)
		u, v := gauss(rng), gauss(rng)
		z := delta*u + math.Sqrt(1-delta*delta)*v
		if u < 0 {
			z = -z
		}
		return d.Mean + d.StdDev*z
	case Poisson:
		if d.Mean <= 0 {
			return float64(poisson(rng, 1))
		}
	}
	return d.real(rng)
}

// drawable names a distribution that inference-perf knows for shared prefixes only.
func (g Generated) drawable() error {
	for name, d := range map[string]Distribution{"input": g.Input, "output": g.Output} {
		if d.Type == SkewNormal || d.Type == Poisson {
			return fmt.Errorf("%s distribution: inference-perf draws no %s lengths for these prompts: use normal, "+
				"lognormal, uniform or fixed", name, d.Type)
		}
	}
	return nil
}

// OriginalRandom makes the prompts of inference-perf's type random: random ids, decoded. Item i is a completion of a
// length drawn, exact. It is endless unless Trace is set.
type OriginalRandom struct {
	Random
	original *original
}

// NewOriginalRandom checks the options, of which Form and Tokenizer are not used.
func NewOriginalRandom(v Vocabulary, r Random) (*OriginalRandom, error) {
	o, err := newOriginal(v)
	if err != nil {
		return nil, err
	}
	r.Form = AsCompletion
	if r.framed() {
		o.count = func(text string) int { return v.Count(r.Before + text + r.After) }
		o.around, o.frame = o.count(""), "the chat template alone has"
	}
	if r.Trace == nil {
		if err := errors.Join(r.validate(), r.drawable()); err != nil {
			return nil, err
		}
		if err := o.reaches(r.Input.shortest()); err != nil {
			return nil, fmt.Errorf("input distribution: %w", err)
		}
	}
	for _, l := range r.Trace {
		if err := o.reaches(int(l.Prompt)); err != nil {
			return nil, fmt.Errorf("line %d of the trace: %w", l.Line, err)
		}
	}
	return &OriginalRandom{r, o}, nil
}

// shortest is the smallest length that original draws.
func (d Distribution) shortest() int {
	if d.Type == Fixed {
		return int(d.Mean)
	}
	return d.Min
}

// At is item number i; past the end of a trace it begins again.
func (r *OriginalRandom) At(i int64) (Item, error) {
	if r.Trace != nil {
		i %= int64(len(r.Trace))
	}
	length, output, rng := r.lengths("inference-perf random", i, Distribution.unshared)
	text, _, err := r.original.random(rng, length)
	item := r.item(r.Before+text+r.After, length, output)
	item.Bare = r.framed()
	return item, err
}

// originalLead is the line before the text that synthetic prompts are pieces of. Any of about a dozen words is alike.
const originalLead = "Go on with what you read here, in as many words as you like:\n"

// OriginalSynthetic makes the prompts of inference-perf's type synthetic: pieces of a text from a random token on. Item
// i is a completion of a length drawn, exact. It is endless.
type OriginalSynthetic struct {
	Generated
	original *original
	corpus   []int32
}

// NewOriginalSynthetic checks the options, of which Form and Tokenizer are not used. The corpus is tokenized once, as
// it is.
func NewOriginalSynthetic(v Vocabulary, g Generated, corpus string) (*OriginalSynthetic, error) {
	o, err := newOriginal(v)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(g.validate(), g.drawable()); err != nil {
		return nil, err
	}
	if err := o.reaches(g.Input.shortest()); err != nil {
		return nil, fmt.Errorf("input distribution: %w", err)
	}
	g.Form = AsCompletion
	s := &OriginalSynthetic{g, o, v.EncodeSpecial(originalLead + corpus)}
	if len(s.corpus) <= g.Input.Max {
		return nil, fmt.Errorf("the corpus has %d tokens, too few for the longest prompt of %d", len(s.corpus),
			g.Input.Max)
	}
	return s, nil
}

// At is item number i.
func (s *OriginalSynthetic) At(i int64) (Item, error) {
	length, output, rng := s.draw("inference-perf synthetic", i, Distribution.unshared)
	text, _, err := s.original.exact(length, func() ([]int32, mender) {
		return s.piece(below(rng, len(s.corpus)-length), length)
	})
	return s.item(text, length, output), err
}

// piece is n ids of the corpus from one on. It is mended at its end or, at the end of the corpus, at its beginning.
func (s *OriginalSynthetic) piece(from, n int) ([]int32, mender) {
	return s.corpus[from : from+n], func(_ []int32, missing int) []int32 {
		n = max(1, n+missing)
		size := min(n, len(s.corpus))
		begin := min(from, len(s.corpus)-size)
		return s.corpus[begin : begin+size]
	}
}

// Len says that there is no end.
func (s *OriginalSynthetic) Len() (int64, bool) { return 0, false }

// OriginalSharedPrefix makes the prompts of inference-perf's type shared_prefix, all of them completions: the decoded
// ids of a group's prefix and of one of its questions. Each has its exact length by itself, special tokens included;
// both together have those once, and what comes of their meeting.
type OriginalSharedPrefix struct {
	options  SharedPrefix
	original *original
	starts   []int32                   // ids whose text begins with white space, or all
	prefixes []func() ([]int32, error) // of each group, made at its first use
}

// NewOriginalSharedPrefix checks the options, of which Form and Tokenizer are not used. It decodes each id once.
func NewOriginalSharedPrefix(v Vocabulary, s SharedPrefix) (*OriginalSharedPrefix, error) {
	o, err := newOriginal(v)
	if err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	for name, d := range map[string]Distribution{"system prompt": s.System, "question": s.Question} {
		if n := d.shortest(); n > 0 {
			if err := o.reaches(n); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	s.shuffle("inference-perf shared_prefix order")
	p := &OriginalSharedPrefix{options: s, original: o, starts: o.starts()}
	for group := range s.Groups {
		p.prefixes = append(p.prefixes, sync.OnceValues(func() ([]int32, error) { return p.prefix(group) }))
	}
	return p, nil
}

// starts are the ids whose text begins with white space, so that they do not merge with what stands before them; all if
// there are none.
func (o *original) starts() (starts []int32) {
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
	rng := stream(s.options.Seed, s.options.Salt, "inference-perf shared_prefix group", int64(group))
	length := s.options.System.original(rng, false)
	if length == 0 {
		return nil, nil
	}
	_, ids, err := s.original.random(rng, length)
	return ids, err
}

// At is item number i; past the last question it begins again. Its PromptTokens are counted, not asked for.
func (s *OriginalSharedPrefix) At(i int64) (Item, error) {
	entry := s.options.order[i%int64(len(s.options.order))]
	prefix, err := s.prefixes[entry/s.options.Questions]()
	if err != nil {
		return Item{}, err
	}
	rng := stream(s.options.Seed, s.options.Salt, "inference-perf shared_prefix question", int64(entry))
	length, output := s.options.Question.original(rng, false), s.options.Output.original(rng, false)
	ids := append([]int32(nil), prefix...) // shared by the group
	if length > 0 {
		_, question, err := s.original.exact(length, func() ([]int32, mender) {
			first := s.starts[below(rng, len(s.starts))]
			return s.original.draw([]int32{first}, rng, length-1), s.original.mender(rng, 1)
		})
		if err != nil {
			return Item{}, err
		}
		ids = append(ids, question...)
	}
	prompt := s.original.vocabulary.Decode(ids, true)
	return Item{Prompt: prompt, PromptTokens: s.original.count(prompt), MaxTokens: output}, nil
}

// Len is the number of questions.
func (s *OriginalSharedPrefix) Len() (int64, bool) { return s.options.Len() }
