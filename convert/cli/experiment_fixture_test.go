package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// server is what the cells of the tests measure: users who send one request after another to a server that answers so
// many at once. A token takes 10 ms, or 12 ms with the smaller batch; the noise of a token is a tenth.
type server struct {
	slots, batch, users int
	seconds             float64
	failing             int // one request in failing fails; 0 means none
	model               string
	rates               bool // two stages at rates of arrivals in place of users
}

const outputTokens = 20

func (s server) tokenTime() float64 {
	if s.batch < 512 {
		return 0.012
	}
	return 0.010
}

// records simulates the server.
func (s server) records(t testing.TB, seed uint64) []byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 11))
	const start = int64(1_700_000_000_000_000_000)
	if s.seconds == 0 {
		s.seconds = 20
	}
	scenario := record.Scenario{Name: "s", Executor: "constant-vus"}
	lines := []record.Line{&record.Client{SLO: &record.Bounds{TTFT: 1000},
		Options: map[string]any{"api": "chat", "baseURL": "http://host:8000/v1"}}}
	end := start
	free, due := make([]float64, s.slots), make([]float64, s.users)
	for n := 0; ; n++ {
		user := least(due)
		sent := due[user]
		if s.rates {
			sent = s.arrival(n)
		}
		if sent >= s.seconds {
			break
		}
		slot := least(free)
		begin := max(sent, free[slot])
		q := s.request(rng, n, start+int64(sent*1e9), begin-sent)
		if s.rates {
			scenario.Executor, q.Stage, q.Due = "constant-arrival-rate", int(sent/(s.seconds/2)), new(q.Start)
		}
		took := float64(q.End-q.Start) / 1e9
		free[slot], due[user], end = sent+took, sent+took, max(end, q.End)
		lines = append(lines, q)
	}
	scenario.Stages = []record.Stage{{Index: 0, Duration: new(s.seconds)}}
	if s.rates {
		half := s.seconds / 2
		scenario.Stages = []record.Stage{{Index: 0, Rate: new(2.), Duration: &half}, {Index: 1, Rate: new(4.),
			Duration: &half}}
	}
	lines = append([]record.Line{&record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1",
		Start: start, Versions: map[string]string{"k6": "v2.2.0"}, Scenarios: []record.Scenario{scenario}}}, lines...)
	lines = append(lines, &record.End{Status: "finished", Time: end,
		Requests: int64(len(lines) - 2)})
	var file []byte
	for _, line := range lines {
		var err error
		if file, err = record.Append(file, line); err != nil {
			t.Fatal(err)
		}
		file = append(file, '\n')
	}
	return file
}

// arrival returns when a request of the two stages is sent: at 2 and at 4 requests per second.
func (s server) arrival(n int) float64 {
	if first := int(s.seconds); n >= first {
		return s.seconds/2 + float64(n-first)/4
	}
	return float64(n) / 2
}

func least(list []float64) (at int) {
	for i, v := range list {
		if v < list[at] {
			at = i
		}
	}
	return at
}

func (s server) request(rng *rand.Rand, n int, start int64, wait float64) *record.Request {
	active := min(s.users, s.slots) // they slow each other down
	token := s.tokenTime() * (1 + 0.1*float64(active-1)) * math.Exp(0.1*rng.NormFloat64())
	q := &record.Request{ID: fmt.Sprint(n), Scenario: "s", Index: int64(n), API: "chat", Model: s.model,
		Streaming: true, Start: start, Status: 200, FinishReason: "length", SLO: &record.Bounds{TTFT: 1000},
		Usage: json.RawMessage(fmt.Sprintf(`{"prompt_tokens":30,"completion_tokens":%d}`, outputTokens))}
	if q.Model == "" {
		q.Model = "model"
	}
	at := wait + 0.05*math.Exp(0.1*rng.NormFloat64())
	for range outputTokens {
		q.Chunks = append(q.Chunks, int64(at*1e6))
		at += token
	}
	q.End = q.Start + q.Chunks[outputTokens-1]*1000 + 1000
	if s.failing > 0 && n%s.failing == 0 {
		q.ErrorType, q.Status, q.Error, q.Chunks, q.Usage, q.FinishReason = record.ErrorHTTP, 503, "overloaded",
			[]int64{}, nil, ""
	}
	return q
}

// reportCell writes the report of a cell.
func reportCell(t testing.TB, dir string, s server, seed uint64) {
	t.Helper()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(records, s.records(t, seed), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := newReport()
	cmd.SetArgs([]string{records, "-o", dir, "--slo", "p99(ttft)<1s"})
	cmd.SetOut(new(bytes.Buffer))
	var said bytes.Buffer
	cmd.SetErr(&said)
	if err := cmd.Execute(); err != nil && s.failing != 1 {
		t.Fatalf("%s: %v\n%s", dir, err, said.String())
	}
}

// flags is an experiment of 2 × 2 × 3 cells. With damage one of them has failed, and one has a damaged report.
func flags(t testing.TB, repeats int, damage bool) string {
	t.Helper()
	return flagsAt(t, []int{1, 4, 16}, repeats, damage)
}

// flagsAt is the experiment with so many users.
func flagsAt(t testing.TB, loads []int, repeats int, damage bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "flags")
	r := experiment.Results{Schema: experiment.Schema, Name: "flags"}
	seed := uint64(0)
	for _, slots := range []int{1, 4} {
		for _, batch := range []int{256, 512} {
			for _, users := range loads {
				for repeat := 1; repeat <= repeats; repeat++ {
					seed++
					name := fmt.Sprintf("server-slots-%d-batch-%d-c%d-%d", slots, batch, users, repeat)
					c := experiment.Cell{Name: name, Deployment: "server", Workload: "chat",
						Load: fmt.Sprintf("concurrency=%d", users), Repeat: repeat, Units: float64(slots) / 2,
						Price: "2 USD/h", Directory: "cells/" + name, Status: experiment.Done, Seconds: 20,
						Start: time.Date(2026, 11, 30, 12, int(seed), 0, 0, time.UTC), Digest: fmt.Sprint(seed),
						Parameters: []experiment.Parameter{{Name: "slots", Value: fmt.Sprint(slots)},
							{Name: "batch", Value: fmt.Sprint(batch)}}}
					reportCell(t, filepath.Join(dir, "cells", name), server{slots: slots, batch: batch, users: users,
						seconds: 20}, seed)
					r.Cells = append(r.Cells, c)
				}
			}
		}
	}
	if damage {
		last := &r.Cells[len(r.Cells)-1]
		last.Status, last.ExitCode, last.Error = experiment.Failed, 1, "the server exited: out of memory"
		broken := filepath.Join(dir, "cells", r.Cells[0].Name, "summary_lifecycle_metrics.json")
		if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	saveResults(t, dir, r)
	return dir
}

func saveResults(t testing.TB, dir string, r experiment.Results) {
	t.Helper()
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, experiment.FileName), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
