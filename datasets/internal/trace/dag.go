package trace

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// dag reads AIPerf's files of branching conversations. A record is a conversation with its turns; turns name others
// that go on from them (forks) or begin anew beside them (spawns). A tree of conversations is one session.
type dag struct{ Options }

func newDAG(o Options) Format { return dag{o} }

func (dag) Name() string { return "dag" }

func (dag) Detects(record []byte) bool {
	f := pick(record, "session_id", "turns", "orchestrator")
	return f[0].Exists() && (f[1].IsArray() && f[1].Get("0.messages").IsArray() || f[2].Exists())
}

func (dag) Index(record []byte) (Entry, error) {
	f := pick(record, "session_id", "turns", "pre_session_spawns")
	if !given(f[0]) {
		return Entry{}, errors.New("no session_id")
	}
	e := Entry{Session: f[0].String(), Calls: len(f[1].Array())}
	link := func(value gjson.Result) bool {
		for _, b := range branches(value) {
			e.Links = append(e.Links, b.children...)
		}
		return true
	}
	link(f[2])
	f[1].ForEach(func(_, turn gjson.Result) bool { return link(turn.Get("forks")) && link(turn.Get("spawns")) })
	return e, nil
}

// branch is an entry of forks or spawns.
type branch struct {
	children   []string
	background bool
	joinAt     int // the turn that waits for the children; 0 without one
	unknown    string
}

// branches reads a list of conversations, which are texts, or objects with options.
func branches(list gjson.Result) (out []branch) {
	list.ForEach(func(_, value gjson.Result) bool {
		if !value.IsObject() {
			out = append(out, branch{children: []string{value.String()}, joinAt: -1})
			return true
		}
		var b branch
		value.ForEach(func(name, v gjson.Result) bool {
			switch name.Str {
			case "child":
				b.children = append(b.children, v.String())
			case "children":
				for _, child := range v.Array() {
					b.children = append(b.children, child.String())
				}
			case "background":
				b.background = v.Bool()
			case "join_at":
				b.joinAt = int(min(v.Int(), maxTokens))
				if b.joinAt < 0 {
					b.joinAt = -2 // which is no turn
				}
			default:
				b.unknown = name.Str
			}
			return true
		})
		out = append(out, b)
		return true
	})
	return out
}

func (g dag) Session(records []Record) (*workload.Session, error) {
	t := tree{byID: map[string]*dialogue{}, runs: map[string]int{}, idle: g.IdleGapCap}
	for _, r := range records {
		if err := t.add(r); err != nil {
			return nil, r.Fault(err)
		}
	}
	root, err := t.root(records)
	if err != nil {
		return nil, err
	}
	if _, err := t.run(root, begin{}); err != nil {
		return nil, err
	}
	return &workload.Session{ID: root, Calls: t.calls}, nil
}

// dialogue is a conversation of a tree.
type dialogue struct {
	id     string
	record Record
	turns  []gjson.Result
	before []branch
	alone  bool // each turn has all its messages
	begun  bool // it is being made
}

// tree makes the calls of a tree of conversations.
type tree struct {
	byID  map[string]*dialogue
	calls []workload.Call
	path  []string       // the conversations that are being made, each in the one before it
	runs  map[string]int // how often each was made
	idle  time.Duration  // the longest delay; 0 for any
}

// add reads a conversation.
func (t *tree) add(r Record) error {
	f := gjson.Parse(view(r.Data))
	d := &dialogue{id: f.Get("session_id").String(), record: r, turns: f.Get("turns").Array()}
	d.before = branches(f.Get("pre_session_spawns"))
	d.alone = f.Get("context_mode").String() == "message_array_with_responses"
	switch other := t.byID[d.id]; {
	case other != nil:
		return fmt.Errorf("session_id %q is in %s, too", d.id, other.record.Origin)
	case f.Get("orchestrator").Bool():
		return fmt.Errorf("conversation %q is an orchestrator, which is not supported", d.id)
	case len(d.turns) == 0:
		return fmt.Errorf("conversation %q has no turn", d.id)
	}
	t.byID[d.id] = d
	return nil
}

// root returns the conversation that no other leads to.
func (t *tree) root(records []Record) (string, error) {
	children := map[string]bool{}
	for _, r := range records {
		e, err := dag{}.Index(r.Data)
		if err != nil {
			return "", r.Fault(err)
		}
		for _, child := range e.Links {
			children[child] = true
		}
	}
	var roots []string
	for id := range t.byID {
		if !children[id] {
			roots = append(roots, id)
		}
	}
	slices.Sort(roots)
	switch len(roots) {
	case 0:
		return records[0].sessionID(), nil // and run finds the cycle
	case 1:
		return roots[0], nil
	}
	return "", fmt.Errorf("conversations %q and %q lead to the same ones: give each tree its own", roots[0], roots[1])
}

// sessionID returns the field of that name.
func (r Record) sessionID() string { return pick(r.Data, "session_id")[0].String() }

// begin is where a conversation begins.
type begin struct {
	after   []workload.Edge
	history []workload.Part
	wait    time.Duration
}

// run makes the calls of a conversation, and returns those with which it ends.
func (t *tree) run(id string, b begin) (ends []int, err error) {
	d := t.byID[id]
	if d.begun {
		return nil, fmt.Errorf("conversation %q leads to itself: %s", id, strings.Join(t.path, ", "))
	}
	d.begun, t.path = true, append(t.path, id)
	defer func() { d.begun, t.path = false, t.path[:len(t.path)-1] }()
	const most = 1 << 16
	if t.runs[id]++; len(t.calls) > most {
		return nil, fmt.Errorf("the tree of %q has more than %d calls", t.path[0], most)
	}
	name := id
	if n := t.runs[id]; n > 1 {
		name = fmt.Sprintf("%s#%d", id, n)
	}
	last := -1
	joins := map[int][]int{}
	for k := range d.turns {
		if k > 0 {
			b = begin{after: t.follow(last, joins[k])}
		}
		if k == 0 {
			err = t.branch(d, k, d.before, b, joins, false)
		}
		if err == nil {
			last, err = t.turn(d, k, name, last, b)
		}
		if err == nil {
			ends, err = t.leave(d, k, last, joins)
		}
		if _, ok := err.(*turnError); err != nil && !ok {
			err = &turnError{id, k, err}
		}
		if err != nil {
			return nil, err
		}
	}
	return append(ends, last), nil
}

// turnError is the fault of a turn, which is told of that turn alone and not of those that lead to it.
type turnError struct {
	conversation string
	turn         int
	err          error
}

func (e *turnError) Error() string {
	return fmt.Sprintf("conversation %q, turn %d: %v", e.conversation, e.turn, e.err)
}

// follow returns the edges to a call, and to others that have to end.
func (t *tree) follow(last int, others []int) (edges []workload.Edge) {
	edges = append(edges, workload.Edge{Call: last, Causal: true})
	for _, call := range others {
		edges = append(edges, workload.Edge{Call: call})
	}
	slices.SortFunc(edges, func(a, b workload.Edge) int { return cmp.Compare(a.Call, b.Call) })
	return slices.CompactFunc(edges, func(a, b workload.Edge) bool { return a.Call == b.Call })
}

// turn makes the call of a turn.
func (t *tree) turn(d *dialogue, k int, name string, last int, b begin) (int, error) {
	turn := d.turns[k]
	for _, key := range turn.Get("@keys").Array() {
		switch key.Str {
		case "messages", "model", "max_tokens", "tools", "extra", "forks", "spawns", "delay":
		default:
			return 0, fmt.Errorf("unknown field %q: what the request has besides goes into extra", key.Str)
		}
	}
	c, err := readBody(turn, "forks", "spawns", "delay", "extra")
	if err != nil {
		return 0, err
	}
	if extra := turn.Get("extra"); extra.IsObject() && len(extra.Map()) > 0 {
		c.Params = json.RawMessage(extra.Raw)
	}
	if delay := turn.Get("delay"); given(delay) {
		ms, err := amount(delay, "delay")
		if err != nil {
			return 0, err
		}
		c.Wait = time.Duration(ms * float64(time.Millisecond))
		if t.idle > 0 {
			c.Wait = min(c.Wait, t.idle)
		}
	}
	c.ID = fmt.Sprintf("%s:%d", name, k)
	c.UserFacing = len(t.path) == 1
	c.After, c.Wait = b.after, c.Wait+b.wait
	switch {
	case d.alone:
	case k == 0:
		c.Prompt = append(slices.Clone(b.history), c.Prompt...)
	default:
		c.Prompt = extend(c.Prompt[0].Messages, last)
	}
	t.calls = append(t.calls, c)
	return len(t.calls) - 1, nil
}

// leave makes the conversations that a turn leads to. It returns the ends of those in which its own goes on.
func (t *tree) leave(d *dialogue, k, call int, joins map[int][]int) (ends []int, err error) {
	turn := d.turns[k]
	goesOn := []workload.Edge{{Call: call, Causal: true}}
	history := []workload.Part{{Kind: workload.Sent, Call: call, Count: -1}, {Kind: workload.Answered, Call: call}}
	for _, f := range branches(turn.Get("forks")) {
		if !f.background && k < len(d.turns)-1 {
			return nil, fmt.Errorf("it forks to %q, but is not the last: only a background fork lets turns follow",
				f.children)
		}
		for _, child := range f.children {
			last, err := t.child(child, f, begin{after: goesOn, history: history})
			if err != nil {
				return nil, err
			}
			if !f.background {
				ends = append(ends, last...)
			}
		}
	}
	return ends, t.branch(d, k, branches(turn.Get("spawns")), begin{after: []workload.Edge{{Call: call}}}, joins, true)
}

// branch makes conversations that begin anew, for which later turns may wait.
func (t *tree) branch(d *dialogue, k int, list []branch, b begin, joins map[int][]int, joined bool) error {
	for _, s := range list {
		at := s.joinAt
		if at == -1 {
			at = k + 1
		} else if joined && at != 0 && (at <= k || at >= len(d.turns)) {
			return fmt.Errorf("join_at must be a later turn of its %d, got %d", len(d.turns), at)
		}
		for _, child := range s.children {
			ends, err := t.child(child, s, b)
			if err != nil {
				return err
			}
			if joined {
				joins[at] = append(joins[at], ends...)
			}
		}
	}
	return nil
}

// child makes a conversation that another leads to.
func (t *tree) child(id string, entry branch, b begin) ([]int, error) {
	if entry.unknown != "" {
		return nil, fmt.Errorf("unknown field %q of the branch to %q", entry.unknown, id)
	}
	if t.byID[id] == nil {
		return nil, fmt.Errorf("it leads to %q, which is no conversation of the trace", id)
	}
	return t.run(id, b)
}
