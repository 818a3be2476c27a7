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
	messages []*remark // one that several prompts have may be the same
	answer   *answer   // nil if none was recorded
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
	sought    []*sought // what each call answered
	prefixes  [][]int   // of each call's messages up to each; equal beginnings have equal numbers
	links     [][]edge
	sources   [][]int // of each call's messages: the call whose answer it is, or none
	ancestors []set   // of each call, over all links
	causal    []set   // of each call, over causal links
}

// edge leads to an earlier call.
type edge struct {
	call int
	link link
	at   int // the first message that has its answer if it is nothing else, or none
}

// none is no message and no call.
const none = -1

// newGraph sorts the calls and finds their links.
func newGraph(calls []recorded) *graph {
	slices.SortStableFunc(calls, func(a, b recorded) int {
		return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.call.ID, b.call.ID))
	})
	g := &graph{calls: calls}
	g.sought = numbered(calls)
	g.chain()
	p := prompt{graph: g}
	for i := range calls {
		p.read(calls[i].messages)
		g.link(i, &p)
		g.sources = append(g.sources, p.sources(i))
	}
	return g
}

// chain numbers the beginnings of prompts, so that two are compared by a number.
func (g *graph) chain() {
	chains := map[[2]int]int{}
	for _, c := range g.calls {
		prefixes := make([]int, len(c.messages))
		before := 0
		for k, m := range c.messages {
			at := [2]int{before, m.number}
			if before = chains[at]; before == 0 {
				before = len(chains) + 1
				chains[at] = before
			}
			prefixes[k] = before
		}
		g.prefixes = append(g.prefixes, prefixes)
	}
}

// link finds the calls that call i follows from, from the latest to the first.
func (g *graph) link(i int, p *prompt) {
	g.links = append(g.links, nil)
	g.ancestors = append(g.ancestors, newSet(i))
	g.causal = append(g.causal, newSet(i))
	for j := i - 1; j >= 0; j-- {
		if g.causal[i].has(j) {
			continue
		}
		if how, at := p.find(g.sought[j]); how != "" {
			g.add(i, edge{j, how, at})
		}
	}
	for j := i - 1; j >= 0; j-- {
		if g.calls[j].end <= g.calls[i].start {
			if !slices.ContainsFunc(g.links[i], func(e edge) bool { return e.call == j }) {
				g.add(i, edge{j, temporal, none})
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

// parts puts together what a call sends: what an earlier call sent, answers of earlier calls, and messages of its own.
func (g *graph) parts(i int) (parts []workload.Part) {
	messages := g.calls[i].messages
	all, ends := wire(messages)
	from, shared := g.shared(i)
	if shared > 0 {
		n := ends[shared-1]
		parts = append(parts, workload.Part{Kind: workload.Sent, Call: from, Count: n, Messages: all[:n:n]})
	}
	sent := func(begin, end int) []workload.Message {
		if begin > 0 {
			return all[ends[begin-1]:ends[end-1]:ends[end-1]]
		}
		return all[:ends[end-1]:ends[end-1]]
	}
	own := shared
	for k := shared; k <= len(messages); k++ {
		source := none
		if k < len(messages) {
			if source = g.sources[i][k]; source == none {
				continue
			}
		}
		if own < k {
			parts = append(parts, workload.Part{Messages: sent(own, k)})
		}
		if source != none {
			parts = append(parts, workload.Part{Kind: workload.Answered, Call: source, Messages: sent(k, k+1)})
		}
		own = k + 1
	}
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

// wire returns what is sent for messages, and how much of it is sent for those up to each.
func wire(messages []*remark) (sent []workload.Message, ends []int) {
	n := 0
	for _, m := range messages {
		n += len(m.sent)
	}
	sent, ends = make([]workload.Message, 0, n), make([]int, len(messages))
	for k, m := range messages {
		sent = append(sent, m.sent...)
		ends[k] = len(sent)
	}
	return sent, ends
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
	if !slices.ContainsFunc(g.links[i], func(e edge) bool { return e.link != temporal }) {
		return workload.PauseUnknown
	}
	messages := g.calls[i].messages
	sent := messages[len(messages)-1].sent
	switch sent[len(sent)-1].Role {
	case "tool":
		return workload.PauseTool
	case "user":
		return workload.PauseThink
	}
	return workload.PauseUnknown
}
