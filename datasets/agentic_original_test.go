package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/agentic"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// agenticCase is a configuration of inference-perf's synthetic_agentic, with what original.py tells of its sessions.
type agenticCase struct {
	Theme    string
	Session  int64
	Sessions int64 // 0 compares one session call by call, and otherwise the draws of so many
	Config   struct {
		Input     *originalDistribution `json:"input_tokens_per_turn"`
		Output    *originalDistribution `json:"output_tokens_per_turn"`
		Turns     *originalDistribution `json:"turns_per_session"`
		Loop      *originalDistribution `json:"tool_loop_depth"`
		SubAgents *originalDistribution `json:"sub_agents_per_spawn"`
		Tools     *originalDistribution `json:"tool_catalog_size_per_agent"`
		Parallel  *originalDistribution `json:"parallel_tool_calls_per_step"`
		ToolTime  *originalDistribution `json:"tool_call_latency_sec"`
		ThinkTime *originalDistribution `json:"user_think_time_sec"`
		Fanout    *float64              `json:"fanout_probability"`
		System    *int                  `json:"shared_system_prompt_len"`
		Depth     *int                  `json:"max_depth"`
		Calls     *int                  `json:"max_events_per_session"`

		Compaction *struct {
			Trigger *originalDistribution `json:"trigger_tokens"`
			Target  *originalDistribution `json:"target_tokens"`
		} `json:"context_compaction"`
	}
}

// originalDistribution has the keys of a configuration.
type originalDistribution struct {
	Type     string
	Mean     float64
	StdDev   float64 `json:"std_dev"`
	Min, Max int
}

// of returns a distribution in units of the configuration's.
func (d *originalDistribution) of(units int, otherwise Distribution) Distribution {
	if d == nil {
		return otherwise
	}
	u := float64(units)
	return Distribution{Type: d.Type, Mean: u * d.Mean, StdDev: u * d.StdDev, Min: units * d.Min, Max: units * d.Max}
}

// options returns the options of a case.
func (c *agenticCase) options() AgenticOptions {
	k := c.Config
	o := DefaultAgenticOptions()
	o.Sessions, o.TokensPerWord, o.Themes = 1, 1, []AgenticTheme{{c.Theme, 1}}
	o.Input, o.Output, o.Rounds = k.Input.of(1, o.Input), k.Output.of(1, o.Output), k.Turns.of(1, o.Rounds)
	o.Loop, o.SubAgents, o.Tools = k.Loop.of(1, o.Loop), k.SubAgents.of(1, o.SubAgents), k.Tools.of(1, o.Tools)
	o.Parallel = k.Parallel.of(1, o.Parallel)
	o.ToolTime, o.ThinkTime = k.ToolTime.of(1000, o.ToolTime), k.ThinkTime.of(1000, o.ThinkTime)
	set(&o.Fanout, k.Fanout)
	set(&o.SystemPrompt, k.System)
	set(&o.MaxDepth, k.Depth)
	set(&o.MaxCalls, k.Calls)
	if k.Compaction != nil {
		trigger := k.Compaction.Trigger.of(1, Distribution{})
		o.Trigger, o.Target = &trigger, k.Compaction.Target.of(1, Distribution{})
	}
	return o
}

func set[T any](dst, value *T) {
	if value != nil {
		*dst = *value
	}
}

// generator draws numbers as inference-perf does.
func (c *agenticCase) generator(t *testing.T) *agentic.Generator {
	t.Helper()
	o := c.options()
	options := o.drawn(func(d Distribution) agentic.Draw {
		return func(rng *rand.Rand) int { return d.drawOriginal(rng, false) }
	})
	// It draws whole seconds.
	for draw, d := range map[*agentic.Draw]Distribution{
		&options.ToolTime:  c.Config.ToolTime.of(1, Constant(1)),
		&options.ThinkTime: c.Config.ThinkTime.of(1, Constant(10)),
	} {
		*draw = func(rng *rand.Rand) int { return 1000 * d.drawOriginal(rng, false) }
	}
	g, err := agentic.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const agenticFolder = "testdata/agentic/"

// agenticCases returns the cases and what inference-perf makes of them.
func agenticCases(t *testing.T) (cases map[string]*agenticCase, original map[string]json.RawMessage) {
	t.Helper()
	for name, dst := range map[string]any{"cases.json": &cases, "original.json": &original} {
		if err := json.Unmarshal([]byte(testenv.ReadFile(t, agenticFolder+name)), dst); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return cases, original
}

// agenticCall is what original.py tells of a call.
type agenticCall struct {
	ID    string   `json:"id"`
	After []string `json:"after"`
	Wait  int64    `json:"wait_ms"`
	Roles string   `json:"roles"` // the first letters of its messages' roles
	// System and User are the greatest numbers of words of such a message.
	System int  `json:"system"`
	User   int  `json:"user"`
	Tools  int  `json:"tools"`
	Calls  int  `json:"calls"` // of tools, by its answer
	Limit  *int `json:"limit"` // of its answer; nil if that calls tools
}

// described tells the same of the calls of a session.
func described(t *testing.T, s *workload.Session) (calls []agenticCall) {
	t.Helper()
	for _, c := range s.Calls {
		if c.Tools != nil && !gjson.ValidBytes(c.Tools) {
			t.Fatalf("call %s: its tools are no JSON: %s", c.ID, c.Tools)
		}
		tools := int(gjson.GetBytes(c.Tools, "#").Int())
		d := agenticCall{
			ID: c.ID, After: []string{}, Wait: c.Wait.Milliseconds(), Tools: tools, Calls: len(c.Answer.ToolCalls),
		}
		for _, p := range c.Prompt {
			d.addPart(p, calls)
		}
		for _, e := range c.After {
			d.After = append(d.After, s.Calls[e.Call].ID)
		}
		slices.Sort(d.After)
		if d.Calls == 0 {
			d.Limit = &c.MaxTokens
		}
		calls = append(calls, d)
	}
	return calls
}

// addPart adds a part of the call's prompt, which may repeat an earlier call.
func (d *agenticCall) addPart(p workload.Part, earlier []agenticCall) {
	switch p.Kind {
	case workload.Sent:
		of := earlier[p.Call]
		d.Roles, d.System, d.User = d.Roles+of.Roles, max(d.System, of.System), max(d.User, of.User)
	case workload.Answered:
		d.Roles += "a"
	case workload.Quoted:
		d.Roles += "u"
	}
	for _, m := range p.Messages {
		d.Roles += m.Role[:1]
		switch words := len(strings.Fields(m.Text)); m.Role {
		case "system":
			d.System = max(d.System, words)
		case "user":
			d.User = max(d.User, words)
		}
	}
}

func TestAgenticGraphsAreThoseOfInferencePerf(t *testing.T) {
	cases, original := agenticCases(t)
	compared := 0
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		if c.Sessions > 0 {
			continue
		}
		var want []agenticCall
		if err := json.Unmarshal(original[name], &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := c.generator(t).Session(c.Session)
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := described(t, s)
		if len(got) != len(want) {
			t.Errorf("%s: got %d calls, want %d", name, len(got), len(want))
			continue
		}
		for i := range want {
			g, _ := json.Marshal(got[i])
			w, _ := json.Marshal(want[i])
			if !bytes.Equal(g, w) {
				t.Errorf("%s: call %d:\ngot  %s\nwant %s", name, i, g, w)
			}
			compared++
		}
	}
	if compared < 400 {
		t.Errorf("got %d calls to compare, want at least 400", compared)
	}
}

// moments are those of a number that is drawn for sessions.
type moments struct {
	Mean, Deviation, Least, Most float64
	Count                        float64
}

// momentsOf returns the moments of a list.
func momentsOf(list []float64) (m moments) {
	m.Count, m.Least, m.Most = float64(len(list)), slices.Min(list), slices.Max(list)
	for _, x := range list {
		m.Mean += x / m.Count
	}
	for _, x := range list {
		m.Deviation += (x - m.Mean) * (x - m.Mean) / max(1, m.Count-1)
	}
	m.Deviation = math.Sqrt(m.Deviation)
	return m
}

// agenticDraws adds what was drawn for a session to the lists, under the names of original.py.
func agenticDraws(lists map[string][]float64, calls []agenticCall) {
	add := func(name string, x int) { lists[name] = append(lists[name], float64(x)) }
	rounds := map[string]bool{}
	for _, c := range calls {
		parts := strings.Split(c.ID, ":")
		rounds[parts[1]] = true
		last := parts[len(parts)-1]
		switch {
		case last == "spawn":
			add("sub-agents", c.Calls)
		case c.Calls > 0:
			add("parallel", c.Calls)
		}
		agent, opens := strings.CutSuffix(c.ID, "principal")
		switch {
		case opens:
			loop, spawns := 0, 0
			for _, other := range calls {
				of, in := strings.CutPrefix(other.ID, agent)
				if in && of[0] == 't' && !strings.Contains(of, ":") {
					loop++
				}
				if in && strings.HasSuffix(of, ":spawn") && strings.Count(of, ":") == 1 {
					spawns = 1
				}
			}
			add("loop", loop)
			add("spawns", spawns)
			if c.Wait > 0 {
				add("think ms", int(c.Wait))
			}
		case last[0] == 't':
			add("tool ms", int(c.Wait))
		}
		if c.Limit != nil && *c.Limit != 0 && *c.Limit != 48 {
			add("limit", *c.Limit)
		}
	}
	add("calls", len(calls))
	add("rounds", len(rounds))
}

// TestAgenticDrawsAreThoseOfInferencePerf compares the means of draws over many sessions of either. The seeds are
// fixed, so that the test cannot fail by chance.
func TestAgenticDrawsAreThoseOfInferencePerf(t *testing.T) {
	cases, original := agenticCases(t)
	for name, c := range cases {
		if c.Sessions == 0 {
			continue
		}
		want := map[string]moments{}
		if err := json.Unmarshal(original[name], &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		lists, g := map[string][]float64{}, c.generator(t)
		for i := range c.Sessions {
			agenticDraws(lists, described(t, g.Session(i)))
		}
		for draw, w := range want {
			g := momentsOf(lists[draw])
			bound := 4*math.Sqrt(g.Deviation*g.Deviation/g.Count+w.Deviation*w.Deviation/w.Count) + 1e-9
			if math.Abs(g.Mean-w.Mean) > bound {
				t.Errorf("%s: %s: got mean %.4g of %v, want %.4g ± %.2g", name, draw, g.Mean, g.Count, w.Mean, bound)
			}
		}
		most := float64(c.options().MaxCalls)
		if g := momentsOf(lists["calls"]); g.Most > most {
			t.Errorf("%s: got a session of %v calls, want at most %v", name, g.Most, most)
		}
	}
}

// TestInferencePerfMakesTheGraphsOfTheFile holds original.json against the program itself.
func TestInferencePerfMakesTheGraphsOfTheFile(t *testing.T) {
	python := testenv.InferencePerf(t)
	out, err := exec.Command(python, agenticFolder+"original.py", agenticFolder+"cases.json").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	if want := testenv.ReadFile(t, agenticFolder+"original.json"); string(out) != want {
		t.Error("inference-perf makes other sessions than original.json has: run original.py, and read the difference")
	}
}
