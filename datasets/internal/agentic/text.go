package agentic

import (
	"math"
	"math/rand/v2"
	"strings"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// random returns the random numbers of a purpose at a call.
func (b *builder) random(call, purpose string) *rand.Rand { return b.dice.of(call, purpose) }

// render writes a template about the session's scene.
func (b *builder) render(t template, call string) string {
	return string(t.write(nil, b.theme, b.scene, b.random(call, "text"), nil))
}

// opening returns the messages that an agent begins with: the system prompt, and what it has to do. The user's agent
// gets a document with it.
func (b *builder) opening(a agent, task string) []workload.Message {
	if a.depth == 0 {
		document := b.theme.pick(b.theme.Documents, b.random(a.id, "document"))
		task = b.render(document, a.id) + "\n\n" + task
	}
	return b.withSystem(a.depth, b.padded(a.id, task))
}

// withSystem returns a message of the user behind the system prompt of an agent.
func (b *builder) withSystem(depth int, text string) []workload.Message {
	if b.options.SystemPrompt == 0 {
		return []workload.Message{user(text)}
	}
	return []workload.Message{{Role: "system", Text: b.systems[min(1, depth)]()}, user(text)}
}

// finalRequest asks an agent for its answer.
func (b *builder) finalRequest(a agent) template {
	texts := b.theme.shared.Final
	if a.depth > 0 {
		texts = b.theme.shared.Report
	}
	return b.theme.pick(texts, b.random(a.id, "final request"))
}

const contextBegin, contextEnd = "<context>\n", "\n</context>\n\n"

// padded returns a text behind a context that makes it as long as a message is drawn to be. A text that is longer
// stays alone.
func (b *builder) padded(id, text string) string {
	m := b.options.Measure
	missing := b.options.Input(b.random(id, "input")) - m.Prose(text) - m.Prose(contextBegin+contextEnd)
	if missing <= 0 {
		return text
	}
	return contextBegin + b.filler(nil, b.random(id, "context"), missing) + contextEnd + text
}

// summary returns a summary of the session so far, of about a number of tokens.
func (b *builder) summary(id string, tokens int) string {
	rng := b.random(id, "summary")
	begin := b.theme.pick(b.theme.Summaries, rng).write(nil, b.theme, b.scene, rng, nil)
	return b.filler(begin, rng, tokens)
}

// filler returns a text of about a number of tokens, which begins with the text given and goes on about the scene.
func (b *builder) filler(begin []byte, rng *rand.Rand, tokens int) string {
	p := &prose{text: begin}
	p.measure()
	return b.options.Measure.fit(p, tokens, func(dst []byte) []byte {
		return b.theme.pick(b.theme.Filler, rng).write(dst, b.theme, b.scene, rng, nil)
	})
}

// systemPrompt returns a system prompt of the length asked for: the text, cut short, or followed by guidelines.
func (g *Generator) systemPrompt(text string, guidelines []string) string {
	next := 0
	p := &prose{text: []byte(text)}
	p.measure()
	return g.options.Measure.fit(p, g.options.SystemPrompt, func(dst []byte) []byte {
		dst = append(dst, guidelines[next%len(guidelines)]...)
		next++
		return dst
	})
}

// prose is a text in which the ends of words are known.
type prose struct {
	text []byte
	ends []int // of each word, as offsets in text
}

// measure finds the ends of the words that were added.
func (p *prose) measure() {
	from := 0
	if n := len(p.ends); n > 0 {
		from = p.ends[n-1]
	}
	inWord := false
	for i := from; i < len(p.text); i++ {
		space := p.text[i] == ' ' || p.text[i] == '\n'
		if inWord && space {
			p.ends = append(p.ends, i)
		}
		inWord = !space
	}
	if inWord {
		p.ends = append(p.ends, len(p.text))
	}
}

// first returns the first n words, which it has more made for if there are not as many.
func (p *prose) first(n int, more func(dst []byte) []byte) string {
	const paragraph = 4 // sentences
	for sentences := 0; len(p.ends) < n; sentences++ {
		switch {
		case len(p.text) == 0:
		case sentences%paragraph == 0:
			p.text = append(p.text, "\n\n"...)
		default:
			p.text = append(p.text, ' ')
		}
		p.text = more(p.text)
		p.measure()
	}
	return string(p.text[:p.ends[n-1]])
}

// fitTries bounds how often a text is counted to fit it.
const fitTries = 6

// fit returns the beginning of a text, continued by more, that has about a number of tokens: the last word may have
// more tokens than are left.
func (m Measure) fit(p *prose, tokens int, more func(dst []byte) []byte) (text string) {
	words := max(1, int(math.Round(float64(tokens)/m.PerWord)))
	for range fitTries {
		text = strings.TrimRight(p.first(words, more), "\n ")
		n := m.Prose(text)
		step := int(math.Round(float64((tokens-n)*words) / float64(max(1, n))))
		if step == 0 || words+step < 1 {
			break
		}
		words += step
	}
	return text
}
