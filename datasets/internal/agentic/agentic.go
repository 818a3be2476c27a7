// Package agentic makes up sessions of agents that call tools: rounds of a user's requests, loops of tool calls, and
// sub-agents whose reports come back one by one. The graphs are those of inference-perf's synthetic_agentic; what is
// said in them is this package's own.
//
// A session depends on the options and its number alone. Each draw has random numbers of its own, found by the call and
// the purpose, so that an option that changes one of them leaves the others as they were.
package agentic

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// Draw draws a number from a distribution.
type Draw func(*rand.Rand) int

// Options are the options of made-up sessions. All draws must be set.
type Options struct {
	Seed   int64
	Themes []Weight // what the sessions are about; one of the weights is above 0

	Rounds       Draw    // requests of the user in a session
	Input        Draw    // tokens of a message that opens a round, or a sub-agent's work
	Output       Draw    // limit of an answer, in tokens
	SystemPrompt int     // tokens; 0 sends none
	Loop         Draw    // answers of an agent that call tools, before its last one
	Tools        Draw    // tools of a session's agents; without any there are no loops
	Parallel     Draw    // tool calls of an answer
	Fanout       float64 // the probability that an agent hands work to sub-agents, from 0 to 1
	SubAgents    Draw    // that it hands work to
	MaxDepth     int     // sub-agents in sub-agents; 0 means none at all
	MaxCalls     int     // of a session
	ToolTime     Draw    // milliseconds that tools run
	ThinkTime    Draw    // milliseconds between the answer of a round and the next round
	Compaction   *Compaction
	Measure      Measure
}

// Weight is a theme with its weight in the choice of a session's theme.
type Weight struct {
	Theme  string
	Weight float64
}

// Compaction begins a round with a summary in place of the transcript, once that has grown to Trigger tokens. Target is
// the length of the summary in tokens.
type Compaction struct{ Trigger, Target Draw }

// Measure counts tokens. Its functions may be called concurrently.
type Measure struct {
	Prose   func(text string) int
	JSON    func(text string) int // of definitions and arguments
	PerWord float64               // the tokens of a word of prose, about
}

// Generator makes sessions. It holds no state between them, and may be used concurrently.
type Generator struct {
	options Options
	themes  []*theme    // as Options.Themes
	systems []*[2]texts // likewise: the system prompts of agents and sub-agents
}

// texts makes a text when it is first needed.
type texts func() string

// New returns a generator of sessions.
func New(o Options) (*Generator, error) {
	g := &Generator{options: o}
	var sum float64
	for _, w := range o.Themes {
		t, err := loadTheme(w.Theme)
		if err != nil {
			return nil, err
		}
		if !(w.Weight >= 0) {
			return nil, fmt.Errorf("the weight of theme %q must not be negative, got %v", w.Theme, w.Weight)
		}
		sum += w.Weight
		g.themes = append(g.themes, t)
		g.systems = append(g.systems, &[2]texts{
			sync.OnceValue(func() string { return g.systemPrompt(t.Root, t.guidelines()) }),
			sync.OnceValue(func() string { return g.systemPrompt(t.Sub, t.guidelines()) }),
		})
	}
	if !(sum > 0) {
		return nil, fmt.Errorf("a theme needs a weight above 0, known are %s", knownThemes)
	}
	return g, nil
}

// Session returns session number i.
func (g *Generator) Session(i int64) *workload.Session {
	d := dice{seed: uint64(g.options.Seed), number: uint64(i)}
	b := &builder{options: &g.options, dice: d, session: &workload.Session{ID: fmt.Sprintf("synthN%d", i)}}
	theme := g.chooseTheme(d)
	b.theme, b.systems = g.themes[theme], g.systems[theme]
	b.scene = b.theme.scene(d.of("", "scene"))
	b.setTools(max(0, g.options.Tools(d.of("", "tools"))))
	b.rounds()
	return b.session
}

// chooseTheme returns the place of the session's theme.
func (g *Generator) chooseTheme(d dice) (chosen int) {
	var sum float64
	for _, w := range g.options.Themes {
		sum += w.Weight
	}
	x := unit(d.of("", "theme")) * sum
	for i, w := range g.options.Themes {
		if w.Weight == 0 {
			continue
		}
		chosen = i
		if x -= w.Weight; x < 0 {
			break
		}
	}
	return chosen
}

// dice returns the random numbers of a session's draws.
type dice struct{ seed, number uint64 }

// of returns the random numbers of a purpose at a call.
func (d dice) of(call, purpose string) *rand.Rand {
	const prime = 0x100000001b3 // FNV-1a, written out because it must never change
	h := uint64(0xcbf29ce484222325)
	for _, text := range [...]string{"synthetic_agentic\x00", purpose, "\x00", call} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * prime
		}
	}
	return rand.New(rand.NewPCG(d.seed^h, d.number*0x9e3779b97f4a7c15)) // the numbers must be reproducible
}

// unit returns a uniform number in [0, 1).
func unit(rng *rand.Rand) float64 { return float64(rng.Uint64()>>11) / (1 << 53) }

// below returns a whole number from 0 to n-1. The standard library's function may change between versions.
func below(rng *rand.Rand, n int) int { return int(rng.Uint64() % uint64(n)) }
