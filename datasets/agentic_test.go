package datasets

import (
	"runtime"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// agenticOptions returns options of ten sessions, changed by edit.
func agenticOptions(edit func(*AgenticOptions)) AgenticOptions {
	o := DefaultAgenticOptions()
	o.Sessions, o.Input, o.Output, o.TokensPerWord = 10, Constant(500), Constant(100), 1.3
	edit(&o)
	return o
}

func TestAgenticOptionsAreChecked(t *testing.T) {
	wrong := Distribution{Type: Uniform, Min: 3, Max: 2}
	for _, c := range []struct {
		want string
		edit func(*AgenticOptions)
	}{
		{"number of sessions must be positive, got 0", func(o *AgenticOptions) { o.Sessions = 0 }},
		{"from 1 to 100000 calls, got 0", func(o *AgenticOptions) { o.MaxCalls = 0 }},
		{"at most 1000 tools, got 1001", func(o *AgenticOptions) { o.Tools = Constant(1001) }},
		{"call at most 1000 tools, got 5000", func(o *AgenticOptions) { o.Parallel = Constant(5000) }},
		{"from 0 to 1, got 1.5", func(o *AgenticOptions) { o.Fanout = 1.5 }},
		{"must not be negative", func(o *AgenticOptions) { o.MaxDepth = -1 }},
		{"a tokenizer is needed", func(o *AgenticOptions) { o.TokensPerWord = 0 }},
		{"above 0 and at most 64, got 65", func(o *AgenticOptions) { o.TokensPerWord = 65 }},
		{"tool loop: min 3 is above max 2", func(o *AgenticOptions) { o.Loop = wrong }},
		{"compaction trigger: min 3 is above max 2", func(o *AgenticOptions) { o.Trigger = &wrong }},
		{`unknown theme "cooking", known are generic,`, func(o *AgenticOptions) { o.Themes[1].Name = "cooking" }},
		{"a theme needs a weight above 0", func(o *AgenticOptions) { o.Themes = o.Themes[:0] }},
		{`theme "generic" must not be negative, got -1`, func(o *AgenticOptions) { o.Themes[0].Weight = -1 }},
	} {
		_, err := NewAgentic(agenticOptions(c.edit))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func newAgentic(t testing.TB, edit func(*AgenticOptions)) workload.Source {
	t.Helper()
	source, err := NewAgentic(agenticOptions(edit))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestAgenticThemesHaveTheirShares(t *testing.T) {
	source := newAgentic(t, func(o *AgenticOptions) {
		o.Themes = []AgenticTheme{{"generic", 3}, {"research_rag", 0}, {"code_change_task", 1}}
	})
	begins := map[string]int{}
	for i := range int64(400) {
		s, err := source.Session(i)
		if err != nil {
			t.Fatal(err)
		}
		begins[s.Calls[0].Prompt[0].Messages[0].Text[:20]]++
	}
	generic, code := begins["You are the assistan"], begins["You are a software e"]
	if generic+code != 400 || generic < 270 || generic > 330 {
		t.Errorf("got %d sessions of generic and %d of code_change_task in %v, want about 300 and 100", generic, code,
			begins)
	}
}

// halves is a tokenizer that has a token for every two bytes, so that words have several.
type halves struct{ wordCounter }

func (halves) Count(text string) int { return (len(text) + 1) / 2 }

func TestAgenticMessagesHaveTheirLengths(t *testing.T) {
	const tokens = 3000
	source := newAgentic(t, func(o *AgenticOptions) {
		o.Tokenizer, o.Input, o.SystemPrompt, o.Fanout = halves{}, Constant(tokens), tokens, 1
	})
	for i := range int64(10) {
		s, err := source.Session(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Calls {
			if !strings.HasSuffix(c.ID, ":principal") {
				continue
			}
			for _, m := range c.Prompt[0].Messages[:2] {
				// The last word decides, such as a path with a line number.
				if n := (halves{}).Count(m.Text); n < tokens-20 || n > tokens+20 {
					t.Errorf("%s: the message of the %s has %d tokens, want about %d", c.ID, m.Role, n, tokens)
				}
			}
		}
	}
}

func TestAgenticMemoryIsFlat(t *testing.T) {
	source := newAgentic(t, func(o *AgenticOptions) { o.Fanout, o.Sessions = 0.5, 1<<40 })
	inUse := func(from, to int64) uint64 {
		for i := from; i < to; i++ {
			if _, err := source.Session(i * 1e6); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse(0, 50)
	if after := inUse(50, 1000); after > before+2<<20 {
		t.Errorf("got %d bytes in use after 1000 sessions, want about the %d of 50", after, before)
	}
}

func FuzzAgentic(f *testing.F) {
	f.Add(int64(1), int64(0), byte(3), byte(2), byte(8), byte(1), byte(128), byte(3), byte(2), byte(64), 500, 9000)
	f.Add(int64(-1), int64(1<<60), byte(0), byte(0), byte(0), byte(0), byte(255), byte(0), byte(9), byte(0), 0, 1)
	f.Fuzz(func(t *testing.T, seed, number int64, rounds, loop, tools, parallel, fanout, children, depth, calls byte,
		input, trigger int) {
		upTo := func(n byte) Distribution { return Distribution{Type: Uniform, Max: int(n % 32)} }
		compacted := Constant(trigger & 0xffff)
		source, err := NewAgentic(agenticOptions(func(o *AgenticOptions) {
			o.Seed, o.Rounds, o.Loop, o.Tools, o.Parallel = seed, upTo(rounds), upTo(loop), upTo(tools), upTo(parallel)
			o.Fanout, o.SubAgents = float64(fanout)/255, upTo(children)
			o.MaxDepth, o.MaxCalls = int(depth), 1+int(calls)
			o.Input, o.SystemPrompt, o.Trigger, o.Target = Constant(input&0x3ff), trigger&0xff, &compacted, upTo(tools)
		}))
		if err != nil {
			t.Fatal(err)
		}
		s, err := source.Session(number)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		if len(s.Calls) > 1+int(calls) {
			t.Errorf("got %d calls, want at most %d", len(s.Calls), 1+int(calls))
		}
	})
}

func BenchmarkAgenticSession(b *testing.B) {
	source := newAgentic(b, func(o *AgenticOptions) { o.Fanout, o.Rounds = 0.5, Constant(3) })
	calls := 0
	for i := int64(0); b.Loop(); i++ {
		s, err := source.Session(i)
		if err != nil {
			b.Fatal(err)
		}
		calls += len(s.Calls)
	}
	b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
}
