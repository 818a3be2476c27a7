package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// recorded is a call as it was recorded. A graph is made of all of a session.
type recorded struct {
	call     workload.Call // without what the graph finds: its place, its prompt and when it goes
	order    int64         // by which calls are sorted, before their ids
	start    int64         // in milliseconds
	end      int64
	messages []remark
	answer   *answer // nil if none was recorded
}

// remark is a message of a recorded prompt.
type remark struct {
	role, text string             // messages are the same if these are
	ids        []string           // of the tool calls in it
	sent       []workload.Message // what is sent for it
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

// link is how the answer of a call was found in the prompt of another. All except temporal are causal.
type link string

const (
	temporal      link = "temporal"                      // not at all: the call just came before
	wholeText     link = "full_match"                    // a message has the text
	toolIDs       link = "tool_call_ids_matched"         // messages have the ids of the tool calls
	splitParts    link = "split_parts_matched"           // a message for each part
	textWithTools link = "content_and_split_tools_match" // a message for each tool call, each with the text
	toolsOnly     link = "drop_content_split_parts"      // a message for each tool call, and none for the text
)

// graph finds out which calls of a session follow from which.
type graph struct {
	calls     []recorded
	numbers   [][]int // of each call's messages; equal messages have equal numbers
	prefixes  [][]int // of each call's messages up to each; equal beginnings have equal numbers
	links     [][]edge
	ancestors []set // of each call, over all links
	causal    []set // of each call, over causal links
	exact     map[[2]int]int
	known     map[string]int
}

// edge leads to an earlier call.
type edge struct {
	call int
	link link
}

// newGraph sorts the calls and finds their links.
func newGraph(calls []recorded) *graph {
	slices.SortStableFunc(calls, func(a, b recorded) int {
		return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.call.ID, b.call.ID))
	})
	g := &graph{calls: calls, known: map[string]int{}, exact: map[[2]int]int{}}
	g.number()
	for i := range calls {
		g.link(i)
	}
	return g
}

// number numbers the messages, so that they are compared as texts only once.
func (g *graph) number() {
	chains := map[[2]int]int{}
	for _, c := range g.calls {
		numbers := make([]int, len(c.messages))
		prefixes := make([]int, len(c.messages))
		before := 0
		for k, m := range c.messages {
			numbers[k] = g.numberOf(m.role, m.text)
			chain := [2]int{before, numbers[k]}
			if chains[chain] == 0 {
				chains[chain] = len(chains) + 1
			}
			before = chains[chain]
			prefixes[k] = before
		}
		g.numbers, g.prefixes = append(g.numbers, numbers), append(g.prefixes, prefixes)
	}
}

func (g *graph) numberOf(role, text string) int {
	key := role + "\x00" + text
	n, ok := g.known[key]
	if !ok {
		n = len(g.known) + 1
		g.known[key] = n
	}
	return n
}

// link finds the calls that call i follows from, from the latest to the first.
func (g *graph) link(i int) {
	prompt := g.promptOf(i)
	g.links = append(g.links, nil)
	g.ancestors = append(g.ancestors, newSet(len(g.calls)))
	g.causal = append(g.causal, newSet(len(g.calls)))
	for j := i - 1; j >= 0; j-- {
		if g.causal[i].has(j) {
			continue
		}
		if how, ok := prompt.find(j); ok {
			g.add(i, edge{j, how})
		}
	}
	for j := i - 1; j >= 0; j-- {
		if g.calls[j].end <= g.calls[i].start {
			if !slices.ContainsFunc(g.links[i], func(e edge) bool { return e.call == j }) {
				g.add(i, edge{j, temporal})
			}
			break
		}
	}
}

func (g *graph) add(i int, e edge) {
	g.links[i] = append(g.links[i], e)
	g.ancestors[i].add(e.call, g.ancestors[e.call])
	if e.link != temporal {
		g.causal[i].add(e.call, g.causal[e.call])
	}
}

// prompt is the prompt of a call, in which answers are looked for.
type prompt struct {
	*graph
	place   int
	said    map[int]int // the first message of the assistant by its number
	begin   map[int]int // where that message begins in all
	all     string      // all texts of the assistant, each behind a mark
	toolIDs map[string]bool
}

// mark is before each text, and in none.
const mark = "\x00"

func (g *graph) promptOf(i int) *prompt {
	p := &prompt{graph: g, place: i, said: map[int]int{}, begin: map[int]int{}, toolIDs: map[string]bool{}}
	var all strings.Builder
	for k, m := range g.calls[i].messages {
		if m.role != "assistant" {
			continue
		}
		n := g.numbers[i][k]
		if _, ok := p.said[n]; !ok {
			p.said[n], p.begin[n] = k, all.Len()
		}
		all.WriteString(mark)
		all.WriteString(m.text)
		for _, id := range m.ids {
			p.toolIDs[id] = true
		}
	}
	p.all = all.String()
	return p
}

// find looks for the answer of call j.
func (p *prompt) find(j int) (link, bool) {
	a := p.calls[j].answer
	if a == nil || p.all == "" {
		return "", false
	}
	if found := strings.Index(p.all, a.text); found >= 0 {
		// the first message counts that has the text, whether it has nothing else or not
		n := p.known["assistant\x00"+a.text]
		if at, ok := p.said[n]; ok && found >= p.begin[n] {
			p.exact[[2]int{p.place, j}] = at
		}
		return wholeText, true
	}
	if len(a.ids) > 0 && !slices.ContainsFunc(a.ids, func(id string) bool { return !p.toolIDs[id] }) {
		return toolIDs, true
	}
	return p.split(a.parts)
}

// split looks for the parts of an answer in messages of their own. A tool call is followed by one message, its result.
func (p *prompt) split(parts []piece) (link, bool) {
	if len(parts) < 2 {
		return "", false
	}
	if p.inTurn(parts) {
		return splitParts, true
	}
	tools := slices.DeleteFunc(slices.Clone(parts), func(p piece) bool { return !p.tool })
	if len(tools) == 0 || parts[0].tool {
		return "", false
	}
	if len(tools) == len(parts)-1 {
		whole := slices.Clone(tools)
		for k := range whole {
			whole[k].text = parts[0].text + "\n" + whole[k].text
		}
		if p.inTurn(whole) {
			return textWithTools, true
		}
	}
	return toolsOnly, p.inTurn(tools)
}

// inTurn reports whether the messages have the parts, one each, anywhere.
func (p *prompt) inTurn(parts []piece) bool {
	messages := p.calls[p.place].messages
	for from := range messages {
		k := from
		found := 0
		for _, part := range parts {
			if k >= len(messages) || messages[k].role != "assistant" || !strings.Contains(messages[k].text, part.text) {
				break
			}
			found++
			k++
			if part.tool {
				k++
			}
		}
		if found == len(parts) {
			return true
		}
	}
	return false
}

// parts puts together what a call sends: what an earlier call sent, answers of earlier calls, and messages of its own.
func (g *graph) parts(i int) (parts []workload.Part) {
	messages := g.calls[i].messages
	from, shared := g.shared(i)
	if shared > 0 {
		parts = append(parts, workload.Part{
			Kind: workload.Sent, Call: from, Count: len(wire(messages[:shared])), Messages: wire(messages[:shared]),
		})
	}
	own := shared
	flush := func(end int) {
		if own < end {
			parts = append(parts, workload.Part{Messages: wire(messages[own:end])})
		}
	}
	for k := shared; k < len(messages); k++ {
		if source, ok := g.answered(i, k); ok {
			flush(k)
			parts = append(parts, workload.Part{Kind: workload.Answered, Call: source, Messages: messages[k].sent})
			own = k + 1
		}
	}
	flush(len(messages))
	return parts
}

// shared returns the first of the ancestors that shares the most messages from the beginning, and how many.
func (g *graph) shared(i int) (source, count int) {
	own := g.prefixes[i]
	for j := range g.ancestors[i].all() {
		other := g.prefixes[j]
		for count < min(len(own), len(other)) && own[count] == other[count] {
			source = j
			count++
		}
	}
	return source, count
}

// answered returns the first ancestor whose answer message k of call i is.
func (g *graph) answered(i, k int) (int, bool) {
	if g.calls[i].messages[k].role != "assistant" {
		return 0, false
	}
	for j := range g.ancestors[i].all() {
		a := g.calls[j].answer
		if a == nil {
			continue
		}
		if at, ok := g.exact[[2]int{i, j}]; ok {
			if at == k {
				return j, true
			}
			continue
		}
		if g.known["assistant\x00"+a.text] == g.numbers[i][k] || contains(g.calls[i].messages[k].ids, a.ids) {
			return j, true
		}
	}
	return 0, false
}

// contains reports whether a list has all of some ids.
func contains(list, ids []string) bool {
	return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(list, id) })
}

// wire returns what is sent for messages.
func wire(turns []remark) (messages []workload.Message) {
	for _, t := range turns {
		messages = append(messages, t.sent...)
	}
	return messages
}

// wait returns the time from the end of the last call that call i follows from; 0 for one that follows from none.
func (g *graph) wait(i int) time.Duration {
	if len(g.links[i]) == 0 {
		return 0
	}
	last := int64(0)
	for k, e := range g.links[i] {
		if k == 0 || g.calls[e.call].end > last {
			last = g.calls[e.call].end
		}
	}
	return time.Duration(max(0, g.calls[i].start-last)) * time.Millisecond
}

// session returns the calls as a session has them.
func (g *graph) session() []workload.Call {
	calls := make([]workload.Call, len(g.calls))
	for i, c := range g.calls {
		calls[i] = c.call
		calls[i].ID = fmt.Sprintf("event_%03d_%s", i, c.call.ID)
		for _, e := range g.links[i] {
			calls[i].After = append(calls[i].After, workload.Edge{Call: e.call, Causal: e.link != temporal})
		}
		slices.SortFunc(calls[i].After, func(a, b workload.Edge) int { return cmp.Compare(a.Call, b.Call) })
		calls[i].Wait = g.wait(i)
		calls[i].Prompt = g.parts(i)
	}
	return calls
}

// pause tells what the time before call i was spent on, if its prompt ends with what followed an answer.
func (g *graph) pause(i int) workload.Pause {
	messages := wire(g.calls[i].messages)
	if !slices.ContainsFunc(g.links[i], func(e edge) bool { return e.link != temporal }) {
		return workload.PauseUnknown
	}
	switch messages[len(messages)-1].Role {
	case "tool":
		return workload.PauseTool
	case "user":
		return workload.PauseThink
	}
	return workload.PauseUnknown
}
