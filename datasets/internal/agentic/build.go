package agentic

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

const (
	// noteTokens limits the answers of an agent that waits for its sub-agents.
	noteTokens = 48
	// callRoom is added to the tokens of the tool calls that an answer should have.
	callRoom = 64
)

// builder makes one session.
type builder struct {
	options *Options
	dice    dice
	session *workload.Session
	theme   *theme
	systems *[2]texts
	scene   scene

	tools         int             // of the theme, which are offered to the agents
	catalog       json.RawMessage // their definitions
	withDispatch  json.RawMessage // those, and the tool that hands work to a sub-agent
	catalogTokens int             // counted only if contexts are compacted
	// held is the length of the transcript of each call in tokens, with its answer; kept only if contexts are compacted
	held []int
}

// agent is one run of an agent, from the message that tells it what to do to its answer.
type agent struct {
	id    string // begins the ids of its calls
	depth int    // 0 for the user's agent, then 1 for its sub-agents, and so on
	// opening is its first call, without its answer
	opening workload.Call
}

// setTools offers the first n tools of the theme to the agents.
func (b *builder) setTools(n int) {
	b.tools = n
	b.catalog, b.withDispatch = b.theme.catalog(n), b.theme.catalogWithDispatch(n)
	if b.options.Compaction != nil {
		b.catalogTokens = b.options.Measure.JSON(string(b.catalog))
	}
}

// rounds makes the rounds of the session, one run of the user's agent each, while calls are left.
func (b *builder) rounds() {
	rounds := max(1, b.options.Rounds(b.dice.of("", "rounds")))
	for r := 0; r < rounds && len(b.session.Calls) < b.options.MaxCalls; r++ {
		a := agent{id: b.session.ID + ":r" + strconv.Itoa(r)}
		if r == 0 {
			objective := b.theme.pick(b.theme.Objectives, b.random(a.id, "objective"))
			a.opening.Prompt = own(b.opening(a, b.render(objective, a.id))...)
		} else {
			a.opening = b.followUp(a.id, len(b.session.Calls)-1)
		}
		b.run(a, b.options.MaxCalls-len(b.session.Calls))
	}
}

// followUp returns the opening call of a round after the first: it continues the transcript, or its summary.
func (b *builder) followUp(id string, last int) workload.Call {
	c := workload.Call{
		After: []workload.Edge{{Call: last}}, Pause: workload.PauseThink,
		Wait: milliseconds(b.options.ThinkTime(b.random(id, "think"))),
	}
	request := b.render(b.theme.pick(b.theme.FollowUps, b.random(id, "follow-up")), id)
	if k := b.options.Compaction; k != nil && b.held[last]+b.catalogTokens >= k.Trigger(b.random(id, "trigger")) {
		summary := b.summary(id, k.Target(b.random(id, "target")))
		c.Prompt = own(b.withSystem(0, b.padded(id, summary+"\n\n"+request))...)
		return c
	}
	c.Prompt = []workload.Part{sent(last), answered(last)}
	c.Prompt = append(c.Prompt, own(user(b.padded(id, request)))...)
	return c
}

// run makes the calls of an agent, at most budget, and returns their number. The last call of the session is then the
// agent's answer.
func (b *builder) run(a agent, budget int) int {
	first := len(b.session.Calls)
	loop := 0
	if b.tools > 0 {
		loop = max(0, b.options.Loop(b.random(a.id, "loop")))
	}
	children, steps := 0, loop+1
	spawns := a.depth < b.options.MaxDepth && unit(b.random(a.id, "fan-out")) < b.options.Fanout
	if spawns {
		// The answers that call tools come first. An agent that never calls any still has its opening.
		steps = max(1, loop)
		children = b.children(a, budget-min(steps, budget))
	}
	for j := range min(steps, budget) {
		last := j == min(steps, budget)-1 && children == 0
		c := b.step(a, j)
		switch {
		case spawns && loop == 0: // its answer is not used
		case last:
			if !spawns && j == steps-1 && (b.tools > 0 || a.depth > 0) {
				b.ask(&c, b.finalRequest(a))
			}
			c.MaxTokens = b.options.Output(b.random(c.ID, "output"))
		default:
			b.callTools(&c, j)
		}
		b.add(c)
	}
	if children > 0 {
		b.spawn(a, children, budget-(len(b.session.Calls)-first), loop > 0)
	}
	return len(b.session.Calls) - first
}

// children returns the number of sub-agents that an agent hands work to. It hands work to all of those that were drawn,
// or to none: budget calls must be enough for one call of each, one with each report, and two to hand it over.
func (b *builder) children(a agent, budget int) int {
	n := b.options.SubAgents(b.random(a.id, "sub-agents"))
	if n < 1 || n > (budget-2)/2 {
		return 0
	}
	return n
}

// step returns call number j of an agent, without its answer.
func (b *builder) step(a agent, j int) workload.Call {
	if j == 0 {
		c := a.opening
		c.ID, c.Tools = a.id+":principal", b.catalog
		return c
	}
	before := len(b.session.Calls) - 1
	c := b.next(a.id+":t"+strconv.Itoa(j-1), before)
	c.Tools, c.Pause = b.catalog, workload.PauseTool
	c.Wait = milliseconds(b.options.ToolTime(b.random(c.ID, "tool time")))
	return c
}

// next returns a call that continues the transcript of an earlier one with the results of the tools that it called.
func (b *builder) next(id string, before int) workload.Call {
	return workload.Call{
		ID: id, After: []workload.Edge{{Call: before}},
		Prompt: append([]workload.Part{sent(before), answered(before)}, own(b.results(before)...)...),
	}
}

// spawn lets an agent hand work to sub-agents, which run at the same time, and read their reports in order.
func (b *builder) spawn(a agent, children, budget int, calledTools bool) {
	before := len(b.session.Calls) - 1
	prefix := a.id + ":d" + strconv.Itoa(a.depth)
	c := b.next(prefix+":spawn", before)
	if !calledTools {
		c.Prompt = []workload.Part{sent(before)}
	}
	b.ask(&c, b.theme.pick(b.theme.shared.Delegate, b.random(c.ID, "request")))
	c.Tools = b.withDispatch
	tasks := b.dispatch(&c, children)
	spawned := b.add(c)

	reports := make([]int, children)
	budget -= children + 2
	for k, task := range tasks {
		child := agent{id: a.id + ":d" + strconv.Itoa(a.depth+1) + ":sub" + strconv.Itoa(k), depth: a.depth + 1}
		child.opening.Prompt = own(b.opening(child, task)...)
		child.opening.After = []workload.Edge{{Call: spawned}}
		budget -= b.run(child, budget-(children-1-k))
		reports[k] = len(b.session.Calls) - 1
	}
	c = b.next(prefix+":dispatch_ack", spawned)
	c.Tools, c.MaxTokens = b.withDispatch, noteTokens
	b.notify(prefix, b.add(c), reports)
}

// notify hands the reports of sub-agents to their agent. With the last of them it is asked for its answer.
func (b *builder) notify(prefix string, before int, reports []int) {
	for k, report := range reports {
		c := workload.Call{
			ID: prefix + ":notify" + strconv.Itoa(k), Tools: b.withDispatch, MaxTokens: noteTokens,
			After: []workload.Edge{{Call: before}, {Call: report}},
			Prompt: []workload.Part{sent(before), {
				Kind: workload.Quoted, Call: report,
				Before: "<task-notification>\n<result>\n", After: "\n</result>\n</task-notification>",
			}},
		}
		slices.SortFunc(c.After, func(x, y workload.Edge) int { return x.Call - y.Call })
		if k == len(reports)-1 {
			b.ask(&c, b.theme.pick(b.theme.shared.Final, b.random(c.ID, "request")))
			c.MaxTokens = b.options.Output(b.random(c.ID, "output"))
		}
		before = b.add(c)
	}
}

// add adds a call to the session and returns its place.
func (b *builder) add(c workload.Call) int {
	for i := range c.After {
		c.After[i].Causal = slices.ContainsFunc(c.Prompt, func(p workload.Part) bool {
			return p.Call == c.After[i].Call && (p.Kind == workload.Answered || p.Kind == workload.Quoted)
		})
	}
	c.UserFacing = c.Answer.ToolCalls == nil
	if b.options.Compaction != nil {
		b.held = append(b.held, b.length(&c))
	}
	b.session.Calls = append(b.session.Calls, c)
	return len(b.session.Calls) - 1
}

// length returns the tokens of a call's transcript. Those of answers are bounded by their limits.
func (b *builder) length(c *workload.Call) (n int) {
	for _, p := range c.Prompt {
		switch p.Kind {
		case workload.Sent:
			n += b.held[p.Call] - b.session.Calls[p.Call].MaxTokens
		case workload.Answered, workload.Quoted:
			n += b.session.Calls[p.Call].MaxTokens
		case workload.Own:
			for _, m := range p.Messages {
				n += b.options.Measure.Prose(m.Text)
			}
		}
	}
	return n + c.MaxTokens
}

// ask adds a message of the user to a call's prompt.
func (b *builder) ask(c *workload.Call, t template) {
	message := user(b.render(t, c.ID))
	if last := len(c.Prompt) - 1; c.Prompt[last].Kind == workload.Own {
		c.Prompt[last].Messages = append(c.Prompt[last].Messages, message)
		return
	}
	c.Prompt = append(c.Prompt, own(message)...)
}

func own(messages ...workload.Message) []workload.Part {
	return []workload.Part{{Kind: workload.Own, Messages: messages}}
}

func sent(call int) workload.Part { return workload.Part{Kind: workload.Sent, Call: call, Count: -1} }

func answered(call int) workload.Part { return workload.Part{Kind: workload.Answered, Call: call} }

func user(text string) workload.Message { return workload.Message{Role: "user", Text: text} }

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
