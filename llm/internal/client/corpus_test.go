package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// corpus is a folder of testdata with answers of an API, which README.md there describes, and the Python package of the
// client that is the API's own.
type corpus struct {
	folder, module string
	dialect        api.Dialect
	form           string            // how the other client is to ask, behind "#"
	unlike         map[string]string // answers that the other client reads in another way, and why
	simulated      []simulation
}

// simulation is what the API's own client is to read of a simulator.
type simulation struct {
	options, form string
	want          reading
}

const simulatedText = "Simulated quick model answers with"

func corpora() []corpus {
	return []corpus{
		{"messages", "anthropic", api.Messages, "", map[string]string{
			"tool-without-arguments.txt": "a call is output from its first argument on",
			"without-names.txt":          "the other client goes by the names of events alone",
		}, []simulation{
			{"", "", reading{Text: simulatedText, Finish: "max_tokens", Prompt: 3, Completion: 5}},
			{"", "tools", called("tool_use")}, {"", "tools whole", called("tool_use")},
			{"pings=2", "", reading{Text: simulatedText, Finish: "max_tokens", Prompt: 3, Completion: 5}},
			{"output-tokens=3", "",
				reading{Text: "Simulated quick model", Finish: "end_turn", Prompt: 3, Completion: 3}},
			{"failure-rate=1&failure-kind=stream_error", "", reading{Error: "APIStatusError"}},
			{"failure-rate=1", "", reading{Error: "InternalServerError"}},
		}},
		{"chats", "openai", api.Chat, "chat", nil, []simulation{
			{"output-tokens=3", "chat",
				reading{Text: "Simulated quick model", Finish: "stop", Prompt: 3, Completion: 3}},
			{"", "chat tools", called("tool_calls")}, {"", "chat tools whole", called("tool_calls")},
		}},
		{"responses", "openai", api.Responses, "", nil, []simulation{
			{"", "tools", called("completed")}, {"", "tools whole", called("completed")},
			{"pings=2", "", reading{Text: simulatedText, Finish: "max_output_tokens", Prompt: 3, Completion: 5}},
			{"output-tokens=3", "",
				reading{Text: "Simulated quick model", Finish: "completed", Prompt: 3, Completion: 3}},
			{"failure-rate=1&failure-kind=stream_error", "",
				reading{Text: "Simulated quick", Error: "injected failure"}},
			{"failure-rate=1", "", reading{Error: "InternalServerError"}},
		}},
	}
}

// called is the reading of a simulator's call of a tool.
func called(finish string) reading {
	return reading{Finish: finish, Calls: true, Tools: []string{`call f {"city":"simulated","days":1}`}, Prompt: 3,
		Completion: 4}
}

// answers lists the files of the answers.
func (c *corpus) answers(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", c.folder, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no answers of %s: %v", c.folder, err)
	}
	return paths
}

// read reads one of the answers.
func (c *corpus) read(t *testing.T, path string) Answer {
	t.Helper()
	client := newClient(t, func(o *Options) { o.API, o.Streaming = c.dialect, !strings.Contains(path, "whole") })
	resp, body := replay(t, path)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return do(t, t.Context(), client, roundTrip(func(*http.Request) (*http.Response, error) { return resp, nil }))
}

// The golden files with the outcome of each answer were checked line by line.
func TestAnswersOfCorpora(t *testing.T) {
	t.Parallel()
	for _, c := range corpora() {
		var got strings.Builder
		for _, path := range c.answers(t) {
			fmt.Fprintf(&got, "%s\n\t%s\n", filepath.Base(path), outline(c.read(t, path)))
		}
		golden := filepath.Join("testdata", c.folder, "outlines.golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		compareLines(t, got.String(), testenv.ReadFile(t, golden))
	}
}

// reading is what the API's own client reads of an answer.
type reading struct {
	Text, Finish       string
	Thinks, Calls      bool
	Tools              []string // id, name and arguments of each call
	Prompt, Completion int
	Error              string
}

// differs compares an answer with another reading of the same bytes. The other clients take a stream that broke off for
// an answer without a finish reason.
func (w reading) differs(a Answer, counts record.Counts) bool {
	r := a.Record
	if r.Failed() {
		return w.Error == "" && w.Finish != ""
	}
	got := reading{Text: a.Text, Finish: r.FinishReason, Thinks: len(r.Reasoning) > 0, Calls: len(r.ToolCalls) > 0,
		Prompt: counts.Prompt, Completion: counts.Completion}
	for _, call := range a.ToolCalls {
		var arguments bytes.Buffer
		if json.Compact(&arguments, []byte(call.Arguments)) != nil {
			arguments.WriteString(call.Arguments)
		}
		got.Tools = append(got.Tools, call.ID+" "+call.Name+" "+arguments.String())
	}
	if !r.Streaming { // such answers have no times
		got.Thinks, got.Calls = w.Thinks, w.Calls
	}
	if w.Finish == "" && w.Completion == 0 { // nothing ended it
		got.Finish, got.Prompt, got.Completion = "", 0, 0
	}
	return !got.equals(w)
}

func (w reading) equals(other reading) bool {
	tools := slices.Equal(w.Tools, other.Tools)
	w.Tools, other.Tools = nil, nil
	return tools && reflect.DeepEqual(w, other)
}

// otherReads lets the API's own client ask each of the base URLs.
func (c *corpus) otherReads(t *testing.T, urls []string) (list []reading) {
	t.Helper()
	for _, line := range officialClient(t, c.module, c.module+"_client.py", urls) {
		var r reading
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

// officialClient runs a script of testdata, which needs a module of Python, and returns its line for each of the base
// URLs.
func officialClient(t *testing.T, module, script string, urls []string) []string {
	t.Helper()
	python := testenv.Python(t, module)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, append([]string{"testdata/" + script}, urls...)...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problem.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(urls) {
		t.Fatalf("%d answers to %d URLs", len(lines), len(urls))
	}
	return lines
}

// The client reads what the API's own reads: the same text, usage and finish reason, of the same bytes. The simulator
// speaks what that client understands. One process of Python, which is slow to start, reads both.
func TestAgreesWithOfficialClients(t *testing.T) {
	t.Parallel()
	for _, c := range corpora() {
		t.Run(c.folder, func(t *testing.T) {
			t.Parallel()
			c.agrees(t)
		})
	}
}

func (c *corpus) agrees(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		resp, body := replay(t, filepath.Join("testdata", c.folder, name))
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	answers, urls := c.answers(t), []string(nil)
	for _, path := range answers {
		urls = append(urls, server.URL+"/"+filepath.Base(path)+"#"+c.form)
	}
	for _, s := range c.simulated {
		urls = append(urls, simulator(t, s.options)+"#"+s.form)
	}
	list := c.otherReads(t, urls)
	for i, path := range answers {
		want := list[i]
		if a := c.read(t, path); want.differs(a, a.Record.Counts()) && c.unlike[filepath.Base(path)] == "" {
			t.Errorf("%s: got %s\nwant %+v", path, outline(a), want)
		}
	}
	for i, s := range c.simulated {
		got := list[len(answers)+i]
		for i, tool := range got.Tools {
			got.Tools[i] = simulatedID.ReplaceAllString(tool, "call")
		}
		if got.Error, _, _ = strings.Cut(got.Error, ":"); !got.equals(s.want) {
			t.Errorf("%s: got %+v, want %+v", s.options, got, s.want)
		}
	}
}

// simulatedID is the id of a simulator's call, which it makes of the prompt.
var simulatedID = regexp.MustCompile("^call_[0-9a-f]{16}")

// simulator serves a simulator, and returns its URL.
func simulator(t *testing.T, options string) string {
	t.Helper()
	o, err := sim.ParseQuery(options)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.URL()
}
