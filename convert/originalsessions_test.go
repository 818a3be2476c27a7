package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// originalSessions holds reports on sessions that inference-perf 0.7.0 wrote.
var originalSessions = filepath.Join("testdata", "inference-perf", "sessions")

// sessionLines returns records of sessions with the figures of an element of inference-perf's file: all tokens are of
// the first request.
func sessionLines(e perSession, index int64) (lines []record.Line) {
	at := func(seconds Float) int64 { return int64(math.Round(float64(seconds) * 1e9)) }
	s := &record.Session{Scenario: "s", Stage: e.Stage, Index: index, ID: e.ID, Origin: e.File, Start: at(e.Start),
		End: at(e.Start) + at(e.Duration), Calls: e.Calls, Completed: e.Completed, Sent: e.Completed,
		UserFacing: e.UserFacing, Structured: e.Structured}
	request := func(n int) *record.Request {
		r := &record.Request{ID: fmt.Sprint(e.ID, n), Scenario: "s", Stage: e.Stage, Index: index, Seq: n,
			Start: s.Start, End: s.End, Streaming: true, Chunks: []int64{},
			Call: &record.Call{Number: n, ID: fmt.Sprint(n), Ready: s.Start}}
		if n == 0 {
			r.Retries = e.Retries
		}
		lines = append(lines, r)
		return r
	}
	for n := range e.Completed {
		r := request(n)
		r.Usage = []byte(`{"prompt_tokens":0,"completion_tokens":0}`)
		if n == 0 && e.Cached != nil {
			r.Usage = fmt.Appendf(nil,
				`{"prompt_tokens":%d,"completion_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d}}`,
				*e.Input, *e.Output, *e.Cached)
		}
		if n == 0 && e.TFUT != nil {
			r.Call.UserFacing = true
			r.Chunks = []int64{int64(math.Round(float64(*e.TFUT) * 1e6))}
		}
	}
	if !e.Success {
		r := request(e.Completed)
		r.ErrorType, r.Error = record.ErrorHTTP, e.Error.Message
		if e.TFUTNone != nil && *e.TFUTNone == notStreamed { // which a failed request is for inference-perf
			r.Call.UserFacing, r.Streaming = true, false
		}
		s.ErrorType, s.Error, s.Sent = e.Error.Type, e.Error.Message, e.Completed+1
	}
	return append(lines, s)
}

// On the same sessions the reports have the keys of inference-perf, in its order, and its figures.
func TestSessionReportsAreThoseOfInferencePerf(t *testing.T) {
	t.Parallel()
	var elements []perSession
	text, err := os.ReadFile(filepath.Join(originalSessions, reportdir.PerSession))
	if err == nil {
		err = json.Unmarshal(text, &elements)
	}
	if err != nil || len(elements) < 8 {
		t.Fatalf("%d sessions, %v", len(elements), err)
	}
	lines := []record.Line{
		&record.Run{Schema: record.Schema, ID: "r", Scenarios: []record.Scenario{{Name: "s", Stages: []record.Stage{
			{Index: 0, Requests: new(int64(4)), Concurrency: new(int64(2))},
			{Index: 1, Requests: new(int64(4)), Concurrency: new(int64(3)), Rate: new(2.0)}}}}},
	}
	for i, e := range elements {
		lines = append(lines, sessionLines(e, int64(i))...)
	}
	r, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: lines})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := Files{Sessions: true, SessionStages: true, PerSession: true}
	if _, err := NewReport(r, Options{Percentiles: []float64{50, 90, 99}}).Write(dir, files); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{reportdir.SessionSummary, reportdir.SessionStage(0), reportdir.SessionStage(1),
		reportdir.PerSession} {
		got, want := flatten(t, filepath.Join(dir, name)), flatten(t, filepath.Join(originalSessions, name))
		sameMembers(t, name, got, want)
	}
}

// member is a value of a JSON document at its path.
type member struct {
	path  string
	value any
}

// flatten returns the values of a document in their order, without the additions of this program.
func flatten(t *testing.T, path string) (list []member) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var walk func(path string)
	walk = func(path string) {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		open, nested := token.(json.Delim)
		if !nested {
			list = append(list, member{path, token})
			return
		}
		for i := 0; d.More(); i++ {
			name := fmt.Sprint(i)
			if open == '{' {
				key, _ := d.Token()
				name, _ = key.(string)
			}
			walk(path + "/" + name)
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
	walk("")
	return slices.DeleteFunc(list, func(m member) bool { return len(m.path) > 8 && m.path[:9] == "/xk6_llm/" })
}

// ofTheLoad are figures that the sessions alone do not tell.
var ofTheLoad = []string{"/stage_metadata/actual_duration", "/stage_metadata/teardown_duration",
	"/stage_metadata/timeout_configured"}

func sameMembers(t *testing.T, name string, got, want []member) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i].path != want[i].path {
			t.Errorf("%s: key %d is another: got %+v, want %+v", name, i, got[min(i, len(got)-1)],
				want[min(i, len(want)-1)])
			return
		}
		a, number := got[i].value.(float64)
		b, both := want[i].value.(float64)
		switch {
		case slices.Contains(ofTheLoad, want[i].path):
		case number && both && math.Abs(a-b) <= 2e-6+1e-9*math.Abs(b): // times are rounded to microseconds
		case got[i].value != want[i].value:
			t.Errorf("%s%s: got %v, want %v", name, want[i].path, got[i].value, want[i].value)
		}
	}
}
