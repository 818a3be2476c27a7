//go:build linux

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// Settings of these tests: LLM_TEST_TRUTH=all runs every case and the idle runs, about four minutes. LLM_TEST_TRUTH_BIN
// names a folder with the k6 and llmconv to try instead of those in bin. With -artifacts -outputdir=DIR the records and
// truths of each run are kept.
var (
	truthAll = os.Getenv("LLM_TEST_TRUTH") == "all"
	truthBin = os.Getenv("LLM_TEST_TRUTH_BIN")
)

// truthCase is a load, and what disturbs k6 meanwhile.
type truthCase struct {
	name     string
	long     bool // does not run by default
	stage    string
	executor string
	script   string // "" means internal/e2e/testdata/truth.js
	tokens   int
	burn     int           // ms of JavaScript before each request
	itl      time.Duration // of the server; 0 means 20 ms
	nice     int           // of k6
	hogs     int           // busy processes
	quota    float64       // share of a processor; 0 means no quota
	procs    int           // GOMAXPROCS of k6; 0 means that it is not set
	stop     bool          // stop k6 for 250 ms of each second, between the arrivals
	first    bool          // k6 has priority over all other processes, if the machine allows it
}

const (
	closed20 = `{"requests": 80, "concurrency": 20}`
	dueLoad  = "llm-arrival-rate"
	manyLoad = `{"requests": 4800, "concurrency": 2400, "rampUp": "3s"}`
	manyGap  = 60 * time.Millisecond // one processor of the server keeps up with this gap
)

var truthCases = []truthCase{
	{name: "none", stage: closed20, tokens: 50},
	{name: "hogs", stage: closed20, tokens: 50, hogs: 4, nice: 15},
	{
		name: "hogs, open loop", long: true,
		stage: `{"rate": 10, "duration": "8s"}`, executor: dueLoad, tokens: 50, hogs: 4, nice: 15,
	},
	{name: "quota 0.1", stage: `{"requests": 300, "concurrency": 100}`, tokens: 50, quota: 0.1},
	{name: "quota 0.15", long: true, stage: `{"requests": 600, "concurrency": 100}`, tokens: 50, quota: 0.15},
	{name: "quota 0.3", long: true, stage: `{"requests": 1200, "concurrency": 300}`, tokens: 50, quota: 0.3},
	{name: "stop", stage: `{"rate": 1, "duration": "6s"}`, executor: dueLoad, tokens: 200, stop: true},
	{name: "burn", stage: closed20, tokens: 50, burn: 30},
	{name: "many streams", long: true, stage: manyLoad, tokens: 60, itl: manyGap, procs: 1},
	{name: "many streams, hogs", long: true, stage: manyLoad, tokens: 60, itl: manyGap, procs: 1, hogs: 2},
}

// idleCases are short, because a verdict that doubts every second of them is as wrong as one that doubts none.
var idleCases = []truthCase{
	{name: "idle, 20 requests", stage: `{"requests": 20, "concurrency": 4}`, tokens: 20},
	{name: "idle, 5/s for 3 s", stage: `{"rate": 5, "duration": "3s"}`, tokens: 50},
	{name: "idle, 5/s for 3 s, own executor", stage: `{"rate": 5, "duration": "3s"}`, executor: dueLoad, tokens: 50},
	{name: "idle, 20/s for 2 s, own executor", stage: `{"rate": 20, "duration": "2s"}`, executor: dueLoad, tokens: 20},
	{name: "idle, closed loop 20", stage: closed20, tokens: 50},
}

// A figure that is off because k6 did not get its processor must not be called valid. The tests of this file do not run
// in parallel with others of the package, which would keep k6 from its processor, too.
func TestVerdictIsTrue(t *testing.T) {
	for _, c := range truthCases {
		if !c.long || truthAll {
			t.Run(c.name, func(t *testing.T) { c.try(t) })
		}
	}
}

// On an idle machine 19 of 20 runs are valid. A run during which other processes used the machine is not judged, and
// the k6 of the next run has priority over all others, if the machine allows it: to that k6 the machine is idle.
func TestVerdictIsValidOnAnIdleMachine(t *testing.T) {
	if !truthAll {
		testenv.Skip(t, "minutes on an idle machine", "LLM_TEST_TRUTH=all make test")
	}
	const want, attempts = 20, 30
	judged, valid, busy := 0, 0, false
	for i := 0; i < attempts && judged < want; i++ {
		c := idleCases[i%len(idleCases)]
		if i == want/2 {
			c = truthCase{name: "idle, sharegpt.js", script: "scripts/sharegpt.js"}
		}
		c.first = busy && goesFirst()
		t.Run(c.name, func(t *testing.T) {
			v := c.try(t)
			if busy = v.others > idleShare; busy && !c.first {
				return
			}
			judged++
			if v.Verdict == convert.Valid {
				valid++
			}
		})
	}
	t.Logf("VALID in %d of %d runs on an idle machine", valid, judged)
	switch {
	case valid < judged-1:
		t.Errorf("VALID in %d of %d runs on an idle machine, want all but one", valid, judged)
	case judged < want && !t.Failed():
		testenv.Skip(t, "an idle machine", "stop the other programs", fmt.Sprintf(
			"others used more than %.0f %% of a processor in all but %d of %d runs", 100*idleShare, judged, attempts))
	}
}

// idleShare is the share of one processor that other processes may use while the machine counts as idle.
const idleShare = 0.1

// truthResult holds the figures and the verdict of a case.
type truthResult struct {
	convert.ClientHealth
	report, server map[string]float64 // ms, by the names of truthFigures
	others         float64            // processors that other processes than k6 and the server used
}

// try runs a case, logs its line of the table, and fails if a figure is off and the verdict is VALID.
func (c *truthCase) try(t *testing.T) truthResult {
	t.Helper()
	dir := t.ArtifactDir()
	records, truths := filepath.Join(dir, "run.jsonl"), filepath.Join(dir, "truth.jsonl")
	busy := processorTime(t)
	began := time.Now()
	own := c.load(t, records, truths)
	var v truthResult
	v.others = (processorTime(t) - busy - own).Seconds() / time.Since(began).Seconds()
	v.report = c.convert(t, records, &v.ClientHealth)
	requests, _ := readRecords(t, records)
	server, delays := ownClock(t, requests, readTruth(t, truths))
	v.server = server
	worst, off := v.worst()
	t.Logf("%s\n  %s %q, others used %.2f processors\n%s  worst: %s%s",
		c.name, v.Verdict, v.Reasons, v.others, v.table(), worst, delays)
	switch {
	case !off || v.Verdict != convert.Valid:
	case !goesFirst() && v.server["TTFT p99"] > 1.05*float64(serverTTFT.Milliseconds()):
		testenv.Skip(t, "a simulator that is not kept from its processor",
			"run the tests as root, or stop the other programs",
			worst, ": what the server reads late counts against k6")
	default:
		t.Errorf("%s: %s, and the verdict is VALID", c.name, worst)
	}
	return v
}

// truthFigure is a figure of the report that is compared with the server's clock.
type truthFigure struct {
	name, key, member string
	p                 float64
}

var truthFigures = []truthFigure{
	{"TTFT p50", "time_to_first_token", "median", 50}, {"TTFT p99", "time_to_first_token", "p99", 99},
	{"ITL p50", "inter_token_latency", "median", 50}, {"ITL p90", "inter_token_latency", "p90", 90},
	{"ITL p99", "inter_token_latency", "p99", 99},
	{"TPOT p50", "time_per_output_token", "median", 50}, {"TPOT p99", "time_per_output_token", "p99", 99},
	{"latency p50", "request_latency", "median", 50}, {"latency p99", "request_latency", "p99", 99},
}

func (v *truthResult) table() string {
	var b strings.Builder
	for _, f := range truthFigures {
		fmt.Fprintf(&b, "  %s %.1f (server %.1f)", f.name, v.report[f.name], v.server[f.name])
	}
	return b.String() + "\n"
}

// off returns a value above 1 if a figure is off by more than 10 ms and by more than 10 %.
func (v *truthResult) off(f truthFigure) float64 {
	by := math.Abs(v.report[f.name] - v.server[f.name])
	return min(by/10, by/(0.1*v.server[f.name]))
}

// worst names the figure that is off most.
func (v *truthResult) worst() (text string, off bool) {
	f := slices.MaxFunc(truthFigures, func(a, b truthFigure) int { return cmp.Compare(v.off(a), v.off(b)) })
	report, server := v.report[f.name], v.server[f.name]
	by := report - server
	return fmt.Sprintf("%s is off by %.1f ms (%.0f %%): %.1f ms by the report, %.1f ms by the server's clock",
		f.name, by, 100*by/server, report, server), v.off(f) > 1
}

// ownClock returns the figures by the server's own clock, for the requests that the report's figures cover, and how
// late the client read what the server wrote.
//
// A request begins when the server enters its handler: a client that stamps its start and writes late counts the delay
// itself, and that should show as an error. A chunk comes when the server writes it. A server that wakes up late makes
// no error, because it says when it truly wrote. A server that reads late would make one, which is why it has priority
// over all others on a processor.
func ownClock(
	t *testing.T, requests []*record.Request, truths map[string]sim.Truth,
) (figures map[string]float64, delays string) {
	t.Helper()
	lists := map[string][]float64{}
	add := func(key string, ns int64) { lists[key] = append(lists[key], float64(ns)/1e6) }
	for _, q := range requests {
		if q.Failed() {
			continue // the report has no figures of it either
		}
		s, known := truths[q.ID]
		n := len(s.Chunks)
		if !known || n != len(q.Chunks) || n == 0 {
			t.Fatalf("request %s: %d chunks, the server wrote %d", q.ID, len(q.Chunks), n)
		}
		add("time_to_first_token", s.Chunks[0]-s.Received)
		add("request_latency", s.End-s.Received)
		if n > 1 {
			add("time_per_output_token", (s.Chunks[n-1]-s.Chunks[0])/int64(s.CompletionTokens-1))
		}
		add("send", s.Received-q.Start)
		for i, at := range s.Chunks {
			add("read", q.Start+1000*q.Chunks[i]-at)
			if i > 0 {
				add("inter_token_latency", at-s.Chunks[i-1])
			}
		}
	}
	if len(lists) == 0 {
		t.Fatalf("none of %d requests succeeded", len(requests))
	}
	figures = map[string]float64{}
	at := func(key string, p float64) float64 {
		value, _ := convert.NewDistribution(lists[key], []float64{p}).At(p)
		return value
	}
	for _, f := range truthFigures {
		figures[f.name] = at(f.key, f.p)
	}
	for _, key := range []string{"send", "read"} {
		delays += "\n  " + key + " late, ms:"
		for _, p := range []float64{50, 90, 95, 99, 99.9, 100} {
			delays += fmt.Sprintf(" p%g %.1f", p, at(key, p))
		}
	}
	return figures, delays
}

// convert makes the report, and returns its figures in ms.
func (c *truthCase) convert(t *testing.T, records string, health *convert.ClientHealth) map[string]float64 {
	t.Helper()
	out := filepath.Join(filepath.Dir(records), "report")
	llmconv := exec.Command(truthProgram(t, "llmconv"), "report", records, "-o", out)
	if text, err := llmconv.CombinedOutput(); err != nil {
		t.Fatalf("llmconv report: %v\n%s", err, text)
	}
	text, err := os.ReadFile(filepath.Join(out, "summary_lifecycle_metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Successes struct{ Latency map[string]map[string]float64 }
		Extension struct {
			Health *convert.ClientHealth `json:"client_health"`
		} `json:"xk6_llm"`
	}
	r.Extension.Health = health
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, f := range truthFigures {
		value, there := r.Successes.Latency[f.key][f.member]
		if !there {
			t.Fatalf("the report has no %s of %s:\n%s", f.member, f.key, text)
		}
		figures[f.name] = 1000 * value
	}
	return figures
}
