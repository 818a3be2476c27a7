package trace

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

var update = flag.Bool("update", false, "ask inference-perf for the graphs of the cases")

// graphCase is a trace of which inference-perf makes a graph, too.
type graphCase struct {
	Name          string         `json:"name"`
	Format        string         `json:"format"`
	Trace         any            `json:"trace"`
	Options       map[string]any `json:"options,omitempty"`
	IncludeErrors bool           `json:"include_errors"`
	// Edges compares nothing but the events, their predecessors and waits, for the reason that is given.
	Edges string `json:"-"`
}

// event is what both say of a call.
type event struct {
	ID         string            `json:"id"`
	After      map[string]string `json:"after"`
	Wait       int64             `json:"wait_ms"`
	Segments   [][3]any          `json:"segments"`
	Roles      []string          `json:"roles"`
	Output     int               `json:"output_tokens"`
	Lengths    []int             `json:"lengths,omitempty"`
	UserFacing *bool             `json:"user_facing,omitempty"`
	Structured *bool             `json:"structured,omitempty"`
}

// graphOf returns the events of a case as this package makes them.
func graphOf(c graphCase) ([]event, error) {
	data, err := json.Marshal(c.Trace)
	if err != nil {
		return nil, err
	}
	v := gjson.ParseBytes(data)
	if c.Format == "weka" {
		limit := 60.0
		if o, ok := c.Options["trace_idle_gap_cap_seconds"]; ok {
			limit = o.(float64)
		}
		streams, err := readStreams(v)
		if err != nil {
			return nil, err
		}
		w := weka{Options{IdleGapCap: time.Duration(limit * float64(time.Second))}}
		return events(newGraph(w.calls("t", streams, int(v.Get("block_size").Int()))), true), nil
	}
	calls, err := otel{Options{IncludeErrors: c.IncludeErrors}}.calls(readSpans(v.Get("spans")))
	if err != nil {
		return nil, err
	}
	g := newGraph(calls)
	return events(g, c.Format == "weka"), nil
}

// events lists a graph as the script does.
func events(g *graph, blocks bool) []event {
	session := g.session()
	list := make([]event, len(session))
	for i, c := range session {
		e := event{ID: c.ID, After: map[string]string{}, Wait: c.Wait.Milliseconds(), Output: c.Answer.Tokens}
		for _, l := range g.links[i] {
			e.After[session[l.call].ID] = string(l.link)
		}
		for _, p := range c.Prompt {
			segment := [3]any{[]string{"unique", "shared", "output"}[p.Kind], len(p.Messages), ""}
			if p.Kind != workload.Own {
				segment[2] = session[p.Call].ID
			}
			e.Segments = append(e.Segments, segment)
			for _, m := range p.Messages {
				e.Roles = append(e.Roles, m.Role)
				if blocks {
					e.Lengths = append(e.Lengths, length(m.Blocks))
				}
			}
		}
		if !blocks {
			e.UserFacing, e.Structured = &c.UserFacing, &c.Structured
		}
		list[i] = e
	}
	return list
}

func length(blocks []workload.Block) (n int) {
	for _, b := range blocks {
		n += b.Tokens
	}
	return n
}

// compare compares a graph with that of inference-perf, a line of the script's output.
func compare(t *testing.T, c graphCase, line []byte) {
	t.Helper()
	var want struct {
		Name, Error string
		Events      []event
	}
	if err := json.Unmarshal(line, &want); err != nil || want.Name != c.Name || want.Error != "" {
		t.Fatalf("inference-perf says of %s: %s", c.Name, line)
	}
	got, err := graphOf(c)
	if err != nil {
		t.Errorf("%s: %v", c.Name, err)
		return
	}
	if len(got) != len(want.Events) {
		t.Errorf("%s: got %d calls, want %d", c.Name, len(got), len(want.Events))
		return
	}
	for i := range got {
		g, w := got[i], want.Events[i]
		if c.Edges != "" {
			g = event{ID: g.ID, After: g.After, Wait: g.Wait}
			w = event{ID: w.ID, After: w.After, Wait: w.Wait}
		}
		gotText, _ := json.Marshal(g)
		wantText, _ := json.Marshal(w)
		if !bytes.Equal(gotText, wantText) {
			trace, _ := json.Marshal(c.Trace)
			t.Errorf("%s:\n got %s\nwant %s\nin   %.3000s", c.Name, gotText, wantText, trace)
			return
		}
	}
}

// askInferencePerf returns the graphs that inference-perf makes of cases, a line each.
func askInferencePerf(t *testing.T, cases []graphCase) []byte {
	t.Helper()
	python := testenv.InferencePerf(t)
	var in bytes.Buffer
	for _, c := range cases {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command(python, filepath.Join("testdata", "inference-perf", "graphs.py"))
	cmd.Stdin = &in
	cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("inference-perf: %v\n%s", err, stderr.String())
	}
	return out
}

// TestGraphsEqualInferencePerf compares the graphs of traces of all shapes with those that inference-perf made.
func TestGraphsEqualInferencePerf(t *testing.T) {
	golden := filepath.Join("testdata", "inference-perf", "graphs.golden.jsonl")
	cases := append(spanCases(), blockCases()...)
	if *update {
		if err := os.WriteFile(golden, askInferencePerf(t, cases), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := bytes.Split(bytes.TrimSpace([]byte(testenv.ReadFile(t, golden))), []byte("\n"))
	if len(lines) != len(cases) {
		t.Fatalf("%s has %d graphs, want %d: write it anew with -update", golden, len(lines), len(cases))
	}
	for i, c := range cases {
		compare(t, c, lines[i])
	}
}

// TestRandomGraphsEqualInferencePerf compares the graphs of random traces with those that inference-perf makes now.
func TestRandomGraphsEqualInferencePerf(t *testing.T) {
	var cases []graphCase
	for seed := range 300 {
		cases = append(cases, randomSpans(uint64(seed)), randomBlocks(uint64(seed)))
	}
	lines := bytes.Split(bytes.TrimSpace(askInferencePerf(t, cases)), []byte("\n"))
	for i, c := range cases {
		compare(t, c, lines[i])
		if t.Failed() {
			t.Fatalf("%s failed first", fmt.Sprint(c.Name))
		}
	}
}
