package datasets

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// disk is a file on disk.
func disk(path string) File {
	return File{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

const samples = "internal/trace/testdata"

// describeWorkload writes a workload in lines.
func describeWorkload(w workload.Source) string {
	var b strings.Builder
	n, _ := w.Len()
	for i := range n {
		s, err := w.Session(i)
		if err != nil {
			fmt.Fprintf(&b, "%v\n", err)
			continue
		}
		fmt.Fprintf(&b, "%s", s.ID)
		if s.Timed {
			fmt.Fprintf(&b, " at %v", s.Start)
		}
		if s.Scope != "" {
			fmt.Fprintf(&b, ", blocks of the %s", s.Scope)
		}
		fmt.Fprintln(&b)
		for k := range s.Calls {
			fmt.Fprintf(&b, "  %s\n", describeCall(&s.Calls[k]))
		}
	}
	return b.String()
}

func describeCall(c *workload.Call) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", c.ID)
	for _, e := range c.After {
		fmt.Fprintf(&b, " after #%d%s", e.Call, map[bool]string{true: " causally"}[e.Causal])
	}
	switch {
	case c.Clocked:
		fmt.Fprintf(&b, " at +%v", c.Wait)
	case c.Wait > 0:
		fmt.Fprintf(&b, " by %v", c.Wait)
	}
	b.WriteString(":")
	for _, p := range c.Prompt {
		switch p.Kind {
		case workload.Sent:
			fmt.Fprintf(&b, " sent by #%d", p.Call)
			continue
		case workload.Answered:
			fmt.Fprintf(&b, " answer of #%d", p.Call)
			continue
		}
		for _, m := range p.Messages {
			fmt.Fprintf(&b, " %s%s", m.Role, describeContent(m))
		}
	}
	fmt.Fprintf(&b, "; prompt %d, most %d, answer %d", c.PromptTokens, c.MaxTokens, c.Answer.Tokens)
	for _, more := range [][2]string{
		{"model", c.Model}, {"tools", string(c.Tools)}, {"params", string(c.Params)},
		{"failed", map[bool]string{true: "yes"}[c.Answer.Failed]},
	} {
		if more[1] != "" {
			fmt.Fprintf(&b, ", %s %s", more[0], more[1])
		}
	}
	attributes := maps.Clone(c.Attributes)
	maps.DeleteFunc(attributes, func(name, _ string) bool { return strings.HasPrefix(name, "gen_ai.") })
	if len(attributes) > 0 {
		fmt.Fprintf(&b, ", %v", attributes)
	}
	return b.String()
}

func describeContent(m workload.Message) string {
	var b strings.Builder
	switch {
	case m.Blocks != nil:
		for _, block := range m.Blocks {
			if block.Hash > 1<<32 {
				fmt.Fprintf(&b, " own/%d", block.Tokens)
			} else {
				fmt.Fprintf(&b, " %d/%d", block.Hash, block.Tokens)
			}
		}
	case m.Content != nil:
		fmt.Fprintf(&b, " %s", m.Content)
	default:
		fmt.Fprintf(&b, " %q", m.Text)
	}
	for _, call := range m.ToolCalls {
		fmt.Fprintf(&b, " calls %s(%s)", call.Name, call.Arguments)
	}
	return b.String()
}

// Each format is recognized, and becomes these sessions.
func TestTraceFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, format string
		options      TraceOptions
		want         string
	}{
		{"azure-2024.csv", "azure", TraceOptions{}, `
azure-1 at 0s
  1: user own/2162; prompt 2162, most 5, answer 5
azure-2 at 7.405ms
  1: user own/2399; prompt 2399, most 6, answer 6
`},
		{"azure.csv", "azure", TraceOptions{}, `
azure-1 at 0s
  1: user own/4808; prompt 4808, most 10, answer 10
azure-2 at 52ms
  1: user own/3180; prompt 3180, most 8, answer 8
azure-3 at 98.164ms
  1: user own/110; prompt 110, most 1, answer 0
`},
		{"bailian.jsonl", "bailian", TraceOptions{}, `
159 at 0s
  159: user 1/16 2/16 3/5; prompt 37, most 12, answer 12, map[type:text]
  160 after #0 at +11.386s: user 1/16 2/16 4/16 5/5; prompt 53, most 80, answer 80, map[type:text]
  161 after #0 at +18.886s: user 1/16 2/16 7/16 8/2; prompt 50, most 8, answer 8, map[type:text]
  162 after #1 at +28.886s: user 1/16 2/16 4/16 5/16 6/6; prompt 70, most 5, answer 5, map[type:text]
200 at 386ms
  200: user 9/16; prompt 16, most 3, answer 3, map[type:search]
301 at 33.886s
  301: user 11/16 12/4; prompt 20, most 9, answer 9, map[type:file]
`},
		{"bodies.jsonl", "bodies", TraceOptions{}, `
u1 at 0s
  1: user "Hello"; prompt 0, most 20, answer 0, model m, params {"temperature":0}, map[x-tenant:a]
  2 after #0 causally at +9s: sent by #0 answer of #0 user "What now?"; prompt 0, most 9, answer 0, map[x-tenant:a]
bodies-3 at 4s
  1: user [{"type": "text", "text": "Look"}]; prompt 0, most 0, answer 0, params {"seed":3}
`},
		{"burstgpt-2.csv", "burstgpt", TraceOptions{}, `
6d0f at 0s
  1: user own/906; prompt 906, most 446, answer 446, model GPT-4
  2 after #0 by 39s: user own/1379; prompt 1379, most 123, answer 123, model GPT-4
  3 after #1: user own/1510; prompt 1510, most 178, answer 178, model GPT-4
burstgpt-2 at 51s
  1: user own/36; prompt 36, most 29, answer 29, model ChatGPT
`},
		{"burstgpt.csv", "burstgpt", TraceOptions{}, `
burstgpt-1 at 0s
  1: user own/472; prompt 472, most 18, answer 18, model ChatGPT
burstgpt-2 at 1m53s
  1: user own/417; prompt 417, most 276, answer 276, model GPT-4
`},
		{"dag.jsonl", "dag", TraceOptions{}, `
root
  root:0: system "Plan." user "Start"; prompt 0, most 128, answer 0, model m
  critic:0 after #0: user "Criticize"; prompt 0, most 0, answer 0
  critic:1 after #1 causally: sent by #1 answer of #1 user "More"; prompt 0, most 0, answer 0
  verifier:0 after #0: user "Verify"; prompt 0, most 9, answer 0
  root:1 after #0 causally after #2 by 250ms: sent by #0 answer of #0 user "Go on"; prompt 0, most 0, answer 0
  root:2 after #3 after #4 causally: sent by #4 answer of #4 user "End"; prompt 0, most 0, answer 0
  left:0 after #5 causally: sent by #5 answer of #5 user "Left"; prompt 0, most 0, answer 0
alone
  alone:0: user "Alone"; prompt 0, most 0, answer 0, params {"temperature":0.5}
`},
		{"log.csv", "log", TraceOptions{}, `
y at 0s
  1: user "A sentence, with a comma"; prompt 0, most 7, answer 7
x at 1s
  1: user "How do I sort a list?"; prompt 0, most 40, answer 40
  2 after #0 causally at +30.5s: sent by #0 answer of #0 user "And in reverse?"; prompt 0, most 12, answer 12
`},
		{"log.jsonl", "log", TraceOptions{Format: "log", Columns: map[string]string{
			"time": "ts_ms", "session": "thread", "input_tokens": "usage.in", "output_tokens": "usage.out",
		}}, `
t1 at 0s
  1: user own/120; prompt 120, most 30, answer 30
  2 after #0 at +3s: user own/170; prompt 170, most 10, answer 10
t2 at 250ms
  1: user own/8; prompt 8, most 3, answer 3
`},
		{"mooncake-turns.jsonl", "mooncake", TraceOptions{}, `
a at 0s
  1: user own/300; prompt 300, most 40, answer 40
  2 after #0 causally by 2.5s: sent by #0 answer of #0 user "And then?"; prompt 0, most 20, answer 20
b at 500ms
  1: user "What is the weather?"; prompt 0, most 50, answer 50, tools [{"type": "function", "function": {"name": "weather"}}]
  2 after #0 at +3s: user "What is the weather?" assistant "" calls weather({}) tool "sun"; prompt 0, most 30, answer 30
c at 3s
  1: system "Be brief." user "Hello"; prompt 0, most 512, answer 512
  2 after #0 causally by 2s: sent by #0 answer of #0 user "How are you?"; prompt 0, most 512, answer 512, params {"top_k": 3}
mooncake-7 at 4s
  1: user "Once upon a time"; prompt 0, most 7, answer 0, model m, params {"temperature":0.5}
`},
		{"otel.json", "otel", TraceOptions{IncludeErrors: true}, `
s1 at 0s
  event_000_a: user "Hi"; prompt 0, most 1, answer 1
  event_001_b after #0 causally by 2.5s: sent by #0 answer of #0 user "Bye"; prompt 0, most 4, answer 4, failed yes, map[t:x]
`},
		{"otlp.jsonl", "otel", TraceOptions{}, `
aa at 0s
  event_000_1: system "Brief." user "Time?"; prompt 9, most 7, answer 7, model m, tools [{"type":"function","function":{"name":"clock"}}]
  event_001_3 after #0 causally by 500ms: sent by #0 answer of #0 tool "12:00"; prompt 21, most 2, answer 2, model m
bb at 500ms
  event_000_9: user "Hello"; prompt 0, most 1, answer 1, model m
`},
		{"tracelab.jsonl", "tracelab", TraceOptions{}, `
claude:1 at 0s, blocks of the session
  0: user 1/64 2/64 3/64 4/8; prompt 200, most 30, answer 30, model m
  1 after #0 by 3.5s: user 1/64 2/64 3/64 5/64 6/24; prompt 280, most 12, answer 12, model m
  2 after #1 by 30s: user 1/64 7/64 8/22; prompt 150, most 3, answer 3, model m
codex:2 at 849ms, blocks of the session
  0: user 1/64 2/6; prompt 70, most 5, answer 5, model m
`},
		{"weka.jsonl", "weka", TraceOptions{IdleGapCap: 60e9}, `
w, blocks of the session
  event_000_parent_turn_0: system 1/4 user 2/4; prompt 8, most 7, answer 7, model m
  event_001_sa_x_s0_turn_0 after #0 by 1s: user 7/4; prompt 4, most 2, answer 2, model s
  event_002_parent_turn_1 after #0 causally after #1 by 6s: sent by #0 answer of #0; prompt 16, most 5, answer 5, model m
`},
		{"mooncake.jsonl", "mooncake", TraceOptions{}, `
mooncake-1 at 0s
  1: user 0/512 1/512 2/176; prompt 1200, most 52, answer 52
mooncake-3 at 2s
  1: user 0/512 1/512 own/576; prompt 1600, most 1, answer 1
mooncake-2 at 3s
  1: user 0/512 3/143; prompt 655, most 26, answer 26
`},
	} {
		w, err := OpenTrace([]File{disk(filepath.Join(samples, tt.file))}, tt.options)
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if w.Format() != tt.format {
			t.Errorf("%s: got format %s, want %s", tt.file, w.Format(), tt.format)
		}
		if got := "\n" + describeWorkload(w); got != tt.want {
			t.Errorf("%s: got%swant%s", tt.file, got, tt.want)
		}
	}
}

// Columns may be paths into a record, whose values may be JSON within a text, as in captures of SageMaker.
func TestTraceOfCaptures(t *testing.T) {
	t.Parallel()
	const capture = `{"captureData": {"endpointInput": {"data": "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],` +
		`\"max_tokens\":50}"}}, "eventMetadata": {"inferenceTime": "2026-04-29T00:03:18Z"}}`
	w, err := OpenTrace([]File{seekable("c.jsonl", capture)}, TraceOptions{Format: "bodies", Columns: map[string]string{
		"body": "captureData.endpointInput.data", "time": "eventMetadata.inferenceTime",
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "bodies-1 at 0s\n  1: user \"Hello\"; prompt 0, most 50, answer 0\n"
	if got := describeWorkload(w); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
