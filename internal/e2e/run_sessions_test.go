package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// replayed is what an instance left of its sessions.
type replayed struct {
	requests []*record.Request
	sessions []*record.Session
	truths   map[string]sim.Truth
}

// replay runs a script on one instance, with the simulator in its process.
func (p pod) replay(t *testing.T, server, script string, settings ...string) (all replayed) {
	t.Helper()
	dir := t.TempDir()
	records, truths := filepath.Join(dir, "run.jsonl"), filepath.Join(dir, "truth.jsonl")
	args := append([]string{"run", "--quiet", "--out", "llm=" + records}, p.segment()...)
	settings = append(settings, "BASE_URL="+server+"&truth="+truths, "SESSION_HEADER=X-Session-Id")
	for _, setting := range settings {
		args = append(args, "-e", setting)
	}
	mustSucceed(t, k6(t, append(args, script)...))
	lines := lines(t, records)
	return replayed{only[*record.Request](lines), only[*record.Session](lines), readTruth(t, truths)}
}

// sent returns what the server got, sorted: the hash of each prompt, its session and its limit.
func (r replayed) sent(t *testing.T) (list []string) {
	t.Helper()
	for _, q := range r.requests {
		truth, known := r.truths[q.ID]
		if !known {
			t.Errorf("the server does not know request %s of %s", q.ID, q.SessionID)
		}
		if truth.Session != q.SessionID {
			t.Errorf("the server got session %q of request %s, the record has %q", truth.Session, q.ID, q.SessionID)
		}
		list = append(list, fmt.Sprint(truth.PromptHash, truth.Session, q.MaxTokens, truth.Tool))
	}
	slices.Sort(list)
	return list
}

// inOrder checks that no call began before those that it waits for had ended, by the records and by the server.
func (r replayed) inOrder(t *testing.T) (checked int) {
	t.Helper()
	type place struct {
		session string
		number  int
	}
	calls := map[place]*record.Request{}
	for _, q := range r.requests {
		calls[place{q.SessionID, q.Call.Number}] = q
	}
	for at, q := range calls {
		for _, number := range q.Call.After {
			before := calls[place{at.session, number}]
			if before == nil {
				t.Fatalf("%s has no call %d, for which call %d waits", at.session, number, at.number)
			}
			if q.Start < before.End || r.truths[q.ID].Received < r.truths[before.ID].End {
				t.Errorf("%s: call %d went before call %d had ended", at.session, at.number, number)
			}
			checked++
		}
	}
	return checked
}

// However many instances and VUs share a load, without any seed, the server gets the same requests, each session whole
// from one instance, and each call after those that it waits for.
func TestSessionsOfSeveralInstances(t *testing.T) {
	t.Parallel()
	quick := []string{"SESSIONS=24", "CONCURRENCY=8", "TOOL_TIME=0.01", "THINK_TIME=0.02", "OUTPUT_LEN=20",
		"FANOUT=0.3"}
	var want []string
	for _, tt := range []struct {
		of   int
		exec string // "" is without JavaScript
	}{{1, ""}, {1, "default"}, {2, ""}, {4, "default"}} {
		of := tt.of
		all := make([]replayed, of)
		var instances sync.WaitGroup
		for i := range all {
			instances.Go(func() {
				all[i] = pod{index: i + 1, of: of}.replay(t, "sim:?ttft=2ms&itl=0s", "scripts/agentic.js",
					slices.Concat(quick, []string{"EXEC=" + tt.exec})...)
			})
		}
		instances.Wait()
		var got []string
		where := map[string]int{}
		for i, r := range all {
			got = append(got, r.sent(t)...)
			if n := r.inOrder(t); n < 20 {
				t.Errorf("instance %d of %d: %d edges of graphs", i, of, n)
			}
			for _, s := range r.sessions {
				if !s.Succeeded() {
					t.Errorf("instance %d of %d: session %+v", i, of, s)
				}
			}
			for _, q := range r.requests {
				if other, seen := where[q.SessionID]; seen && other != i {
					t.Errorf("of %d instances, %d and %d sent calls of %s", of, other, i, q.SessionID)
				}
				where[q.SessionID] = i
			}
		}
		slices.Sort(got)
		if want == nil {
			want = got
		}
		if len(where) != 24 || len(got) < 200 || !slices.Equal(got, want) {
			t.Errorf("%d instances sent %d requests of %d sessions, not the %d of one", of, len(got), len(where),
				len(want))
		}
	}
}

// The reuse of prefixes that is expected of a server is just what a server with room for all finds in its cache.
func TestExpectedReuseIsTheServers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, settings := range [][]string{
		{"scripts/agentic.js", "SESSIONS=16", "TOOL_TIME=0.01", "THINK_TIME=0.02", "OUTPUT_LEN=20", "FANOUT=0.3"},
		{"scripts/replay.js", "FORMAT=mooncake", "SPEED=1000"},
		{"scripts/replay.js", "FORMAT=weka", "SPEED=1000"},
		{"scripts/replay.js", "SPEED=1000"},
	} {
		records := filepath.Join(dir, fmt.Sprint(i, ".jsonl"))
		truths := filepath.Join(dir, fmt.Sprint(i, "-truth.jsonl"))
		args := []string{"run", "--quiet", "--out", "llm=" + records, "-e",
			"BASE_URL=sim:?ttft=2ms&itl=0s&prefix-cache-tokens=unlimited&truth=" + truths}
		for _, setting := range settings[1:] {
			args = append(args, "-e", setting)
		}
		mustSucceed(t, k6(t, append(args, settings[0])...))
		out := filepath.Join(dir, fmt.Sprint("report-", i))
		mustSucceed(t, run(t, 0, nil, "llmconv", "report", records, "-o", out))
		var report struct {
			Extension struct {
				Reuse *struct {
					Calls    int   `json:"calls"`
					Expected int64 `json:"expected_tokens"`
					Cached   int64 `json:"cached_tokens"`
				} `json:"prefix_reuse"`
			} `json:"xk6_llm"`
		}
		text := testenv.ReadFile(t, filepath.Join(out, "summary_session_lifecycle_metrics.json"))
		if err := json.Unmarshal([]byte(text), &report); err != nil {
			t.Fatal(err)
		}
		var cached int64
		all := readTruth(t, truths)
		for _, truth := range all {
			cached += int64(truth.CachedTokens)
		}
		reuse := report.Extension.Reuse
		if reuse == nil || reuse.Calls != len(all) || reuse.Expected != cached || reuse.Cached != cached ||
			cached == 0 {
			t.Errorf("%q: the report has %+v, the server found %d tokens of %d requests", settings, reuse, cached,
				len(all))
		}
	}
}

// A run that is cut in the middle leaves a line of each call that was sent, and of each session.
func TestWhatAnInterruptLeavesOfSessions(t *testing.T) {
	t.Parallel()
	for _, exec := range []string{"", "default"} {
		records := filepath.Join(t.TempDir(), "run.jsonl")
		r := run(t, 1500*time.Millisecond, os.Interrupt, "k6", "run", "--quiet", "--out", "llm="+records, "-e",
			"BASE_URL=sim:?ttft=300ms&itl=100ms", "-e", "SESSIONS=60", "-e", "CONCURRENCY=12", "-e", "TOOL_TIME=0",
			"-e", "EXEC="+exec, "-e", "GRACEFUL_STOP=0s", "scripts/agentic.js")
		if r.code != 105 {
			t.Errorf("exec %q: exit code %d, want k6's 105", exec, r.code)
		}
		all := lines(t, records)
		sessions, sent := only[*record.Session](all), map[int64]int{}
		canceled := 0
		for _, q := range only[*record.Request](all) {
			sent[q.Index]++
			if q.ErrorType == record.ErrorCanceled {
				canceled++
			}
		}
		cut := 0
		for _, s := range sessions {
			if s.Unfinished() {
				cut++
			}
			if s.Sent != sent[s.Index] {
				t.Errorf("exec %q: session %s sent %d calls, of which %d have lines", exec, s.ID, s.Sent, sent[s.Index])
			}
			delete(sent, s.Index)
		}
		if len(only[*record.End](all)) != 1 || len(sent) > 0 || cut < 12 || canceled < 5 {
			t.Errorf("exec %q: %d sessions, %d of them cut, %d calls cut, calls without sessions %v", exec,
				len(sessions), cut, canceled, sent)
		}
	}
}

// The pauses before calls are kept to 2 ms at p99 with 300 sessions at a time, on an idle machine. The sessions begin
// one after the other, because 300 that begin at once send 300 calls in the same instant.
func TestKeptGaps(t *testing.T) {
	if !truthAll {
		testenv.Skip(t, "an idle machine", "LLM_TEST_TRUTH=all make test")
	}
	dir := t.TempDir()
	records := filepath.Join(dir, "run.jsonl")
	port := simulator(t, "127.0.0.1", "--ttft", "20ms", "--itl", "5ms", "--max-num-seqs", "1000")
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, "-e",
		fmt.Sprintf("BASE_URL=http://127.0.0.1:%d", port), "-e", "SESSIONS=600", "-e", "CONCURRENCY=300", "-e",
		"RATE=100", "-e", "TOOL_TIME=0.8", "-e", "THINK_TIME=2", "-e", "FANOUT=0", "-e", "OUTPUT_LEN=40",
		"scripts/agentic.js"))
	requests, _ := readRecords(t, records)
	var off []float64
	for _, q := range requests {
		if len(q.Call.After) > 0 {
			off = append(off, float64(q.Start-q.Call.Ready)/1e6)
		}
	}
	slices.Sort(off)
	at := func(share float64) float64 { return off[int(share*float64(len(off)-1))] }
	t.Logf("%d gaps: off by %.3f at least, p50 %.3f, p90 %.3f, p99 %.3f, at most %.3f ms", len(off), at(0), at(0.5),
		at(0.9), at(0.99), at(1))
	if len(off) < 2000 || at(0) < 0 || at(0.99) > 2 {
		t.Errorf("%d gaps are off by %.3f to %.3f ms at p99, want at most 2", len(off), at(0), at(0.99))
	}
}
