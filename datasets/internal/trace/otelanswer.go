package trace

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// remark is a message of a recorded prompt.
type remark struct {
	role, text string             // messages are the same if these are
	ids        []string           // of the tool calls in it
	sent       []workload.Message // what is sent for it

	// what a graph finds out, once for all prompts that have the message:
	number int   // equal messages have equal numbers; 0 before it is known
	has    []int // the texts of answers in it, if it is the assistant's
	called []int // ids, by their numbers
}

// answer is what a call answered, in the forms in which it may come back in a prompt.
type answer struct {
	text  string
	ids   []string // of its tool calls
	parts []piece  // empty unless it was recorded in parts
}

// piece is a part of an answer.
type piece struct {
	text string
	tool bool
}

// sought is an answer that is looked for in prompts, with numbers in place of texts and ids.
type sought struct {
	text   int
	said   int // the number of the message that has this text and nothing else; 0 if there is none
	called []int
	splits []split
}

// split is an answer in messages of their own for its parts, one after the other.
type split struct {
	how   link
	parts []seen
}

// seen is a part as it comes back. A tool call is followed by one message, its result.
type seen struct {
	text int
	tool bool
}

// numbered gives the messages of calls their numbers, and returns what the calls answered; nil for no answer.
func numbered(calls []recorded) []*sought {
	texts, ids := newFinder(), map[string]int{}
	answers := make([]*sought, len(calls))
	for i, c := range calls {
		if c.answer != nil {
			answers[i] = texts.seek(c.answer)
			answers[i].called = numbers(ids, c.answer.ids)
		}
	}
	type key struct{ role, text string }
	known := map[key]*remark{}
	for _, c := range calls {
		for _, m := range c.messages {
			if m.number > 0 {
				continue
			}
			m.called = numbers(ids, m.ids)
			if same := known[key{m.role, m.text}]; same != nil {
				m.number, m.has = same.number, same.has
				continue
			}
			known[key{m.role, m.text}] = m
			if m.number = len(known); m.role == "assistant" {
				m.has = texts.in(m.text)
			}
		}
	}
	for i, c := range calls {
		if c.answer == nil {
			continue
		}
		if m := known[key{"assistant", c.answer.text}]; m != nil {
			answers[i].said = m.number
		}
	}
	return answers
}

// numbers numbers texts, new ones by the order in which they come.
func numbers(known map[string]int, texts []string) []int {
	list := make([]int, len(texts))
	for i, text := range texts {
		n, ok := known[text]
		if !ok {
			n = len(known)
			known[text] = n
		}
		list[i] = n
	}
	return list
}

// finder finds texts in messages. It is told all of the texts first, so that a message is read once, however many they
// are.
type finder struct {
	known map[string]int   // texts by number
	texts []string         // the same
	short []int            // those of fewer than stemBytes bytes
	by    map[uint64][]int // the others, by their first bytes
	found []int            // by text: the number of the last message that has it
	read  int              // messages
}

// stemBytes is by how many of its first bytes a text is found.
const stemBytes = 8

func newFinder() *finder { return &finder{known: map[string]int{}, by: map[uint64][]int{}} }

// add adds a text, and returns its number.
func (f *finder) add(text string) int {
	n, ok := f.known[text]
	if ok {
		return n
	}
	n = len(f.texts)
	f.known[text], f.texts, f.found = n, append(f.texts, text), append(f.found, 0)
	if len(text) < stemBytes {
		f.short = append(f.short, n)
	} else {
		begin := binary.LittleEndian.Uint64([]byte(text[:stemBytes]))
		f.by[begin] = append(f.by[begin], n)
	}
	return n
}

// in returns the texts that a message has in it.
func (f *finder) in(message string) (has []int) {
	f.read++
	for _, n := range f.short {
		if strings.Contains(message, f.texts[n]) {
			has = append(has, n)
		}
	}
	begin := uint64(0) // the last stemBytes bytes
	for i := range len(message) {
		if begin = begin>>8 | uint64(message[i])<<(8*(stemBytes-1)); i < stemBytes-1 {
			continue
		}
		for _, n := range f.by[begin] {
			if f.found[n] != f.read && strings.HasPrefix(message[i+1-stemBytes:], f.texts[n]) {
				f.found[n] = f.read
				has = append(has, n)
			}
		}
	}
	return has
}

// seek adds the texts of an answer.
func (f *finder) seek(a *answer) *sought {
	s := &sought{text: f.add(a.text)}
	if len(a.parts) < 2 {
		return s
	}
	s.splits = append(s.splits, f.split(splitParts, "", a.parts))
	tools := slices.DeleteFunc(slices.Clone(a.parts), func(p piece) bool { return !p.tool })
	if len(tools) == 0 || a.parts[0].tool {
		return s
	}
	if len(tools) == len(a.parts)-1 {
		s.splits = append(s.splits, f.split(textWithTools, a.parts[0].text+"\n", tools))
	}
	s.splits = append(s.splits, f.split(toolsOnly, "", tools))
	return s
}

// split adds the parts of an answer, each with a text before it.
func (f *finder) split(how link, before string, parts []piece) split {
	s := split{how: how}
	for _, p := range parts {
		s.parts = append(s.parts, seen{f.add(before + p.text), p.tool})
	}
	return s
}

// prompt is the prompt of a call, in which answers are looked for.
type prompt struct {
	*graph
	messages []*remark
	has      occurrences // messages of the assistant, by the texts in them
	called   occurrences // messages of the assistant, by the ids of tool calls
	all      occurrences // messages of the assistant, by their numbers
}

// read begins with another prompt.
func (p *prompt) read(messages []*remark) {
	p.messages = messages
	p.has.reset()
	p.called.reset()
	p.all.reset()
	for k, m := range messages {
		if m.role != "assistant" {
			continue
		}
		p.all.add(m.number, k)
		for _, n := range m.has {
			p.has.add(n, k)
		}
		for _, n := range m.called {
			p.called.add(n, k)
		}
	}
}

// find looks for an answer. It returns how it was found, "" if it was not, and the message that is the answer, unless
// one before it has the text, too.
func (p *prompt) find(a *sought) (how link, at int) {
	if a == nil || len(p.all.used) == 0 {
		return "", none
	}
	if in := p.has.of(a.text); len(in) > 0 {
		if p.messages[in[0]].number == a.said {
			return wholeText, in[0]
		}
		return wholeText, none
	}
	missing := func(id int) bool { return len(p.called.of(id)) == 0 }
	if len(a.called) > 0 && !slices.ContainsFunc(a.called, missing) {
		return toolIDs, none
	}
	for _, s := range a.splits {
		if slices.ContainsFunc(p.has.of(s.parts[0].text), func(from int) bool { return p.follow(from, s.parts) }) {
			return s.how, none
		}
	}
	return "", none
}

// follow reports whether the messages from a place on have parts, one each.
func (p *prompt) follow(k int, parts []seen) bool {
	for _, part := range parts {
		if k >= len(p.messages) || !slices.Contains(p.messages[k].has, part.text) {
			return false
		}
		if k++; part.tool {
			k++
		}
	}
	return true
}

// sources returns the ancestor of call i whose answer each message is, the first if there are several.
func (p *prompt) sources(i int) []int {
	sources := slices.Repeat([]int{none}, len(p.messages))
	set := func(k, call int) {
		if sources[k] == none {
			sources[k] = call
		}
	}
	exact := map[int]int{}
	for _, e := range p.links[i] {
		if e.at != none {
			exact[e.call] = e.at
		}
	}
	done := map[int]bool{} // messages, by their numbers
	for j := range p.ancestors[i].all() {
		a := p.sought[j]
		if a == nil {
			continue
		}
		if at, ok := exact[j]; ok {
			set(at, j)
			continue
		}
		if !done[a.said] {
			done[a.said] = true
			for _, k := range p.all.of(a.said) {
				set(k, j)
			}
		}
		if len(a.called) == 0 {
			continue
		}
		for _, k := range p.called.of(a.called[0]) {
			if contains(p.messages[k].called, a.called) {
				set(k, j)
			}
		}
	}
	return sources
}

// contains reports whether a list has all of some numbers.
func contains(list, numbers []int) bool {
	return !slices.ContainsFunc(numbers, func(n int) bool { return !slices.Contains(list, n) })
}

// occurrences tells where things are in a prompt, by their numbers. The zero value is ready.
type occurrences struct {
	at   [][]int
	used []int
}

// add notes a thing at a place, behind those that it was at before.
func (o *occurrences) add(number, place int) {
	for len(o.at) <= number {
		o.at = append(o.at, nil)
	}
	if len(o.at[number]) == 0 {
		o.used = append(o.used, number)
	}
	o.at[number] = append(o.at[number], place)
}

// of returns the places of a thing in ascending order.
func (o *occurrences) of(number int) []int {
	if number < len(o.at) {
		return o.at[number]
	}
	return nil
}

func (o *occurrences) reset() {
	for _, number := range o.used {
		o.at[number] = o.at[number][:0]
	}
	o.used = o.used[:0]
}
