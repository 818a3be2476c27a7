package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// script writes a script with the given load and client, whose requests are short. Its iterations need no JavaScript,
// unless the load names an executor of k6's own, or EXEC the default function.
func script(t *testing.T, load, client string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.js")
	text := fmt.Sprintf(`import { Client, Dataset, scenarios } from 'k6/x/llm';
const load = %s;
const client = new Client(%[2]s);
const data = new Dataset({ type: 'mock', api: %[2]s.api, maxTokens: Number(__ENV.TOKENS || 3) });
if (load.executor !== 'ramping-arrival-rate') load.exec = __ENV.EXEC || { client, data };
export const options = { scenarios: scenarios(load) };
export default function () { client.send(data.next()); }
`, load, client)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadLines reads the lines of a record file that concern the load.
func loadLines(t *testing.T,
	path string) (requests []*record.Request, dropped []*record.Dropped, stages []*record.Stage) {
	t.Helper()
	all := lines(t, path)
	return only[*record.Request](all), only[*record.Dropped](all), only[*record.Stage](all)
}

// bothWays runs a test with iterations that need no JavaScript, and with the default function on VUs. exec is the
// setting of k6 run for it.
func bothWays(t *testing.T, test func(t *testing.T, exec string)) {
	t.Helper()
	for name, exec := range map[string]string{"native": "EXEC=", "VUs": "EXEC=default"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, exec)
		})
	}
}

func TestOwnExecutorMixesStages(t *testing.T) {
	t.Parallel()
	bothWays(t, mixStages)
}

func mixStages(t *testing.T, exec string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run.jsonl")
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+out, "-e", exec,
		script(t, `{stages: [{rate: 20, duration: '1s'}, {requests: 12, concurrency: 4, rampUp: '400ms'}, {target: `+
			`40, duration: '1s'}], interval: '200ms'}`, `{baseURL: 'sim:?ttft=20ms&itl=5ms'}`)))
	requests, dropped, stages := loadLines(t, out)
	slices.SortFunc(requests, func(a, b *record.Request) int { return int(a.Index - b.Index) })
	if len(requests) != 52 || len(dropped) != 0 || len(stages) != 3 {
		t.Fatalf("%d requests, %d drops, %d stage lines; want 20+12+20, 0 and 3", len(requests), len(dropped),
			len(stages))
	}
	for i, q := range requests {
		stage := map[bool]int{true: 0, false: 1}[i < 20]
		if i >= 32 {
			stage = 2
		}
		if q.Index != int64(i) || q.Stage != stage || (q.Due == nil) != (stage == 1) {
			t.Errorf("request %d: index %d in stage %d, due known %t", i, q.Index, q.Stage, q.Due != nil)
		}
		if delay, known := q.ScheduleDelay(); known && (delay < 0 || delay > 500*time.Millisecond) {
			t.Errorf("request %d went %v after it was due", i, delay)
		}
	}
	for _, q := range requests[20:32] {
		busy := 0
		for _, other := range requests[20:32] {
			if other.Start <= q.Start && other.End > q.Start {
				busy++
			}
		}
		after := time.Duration(q.Start - stages[1].Start)
		if busy > 1+int(after/(100*time.Millisecond)) {
			t.Errorf("%d requests at a time %v after the beginning, want one more each 100 ms", busy, after)
		}
	}
	if gap := stages[1].Start - stages[0].End; gap < 200e6 {
		t.Errorf("%d ns between stages, want the interval of 200 ms at least", gap)
	}
}

// A closed loop for a time sends until the time is over. Requests of warm-ups are recorded, but are in no metric of k6
// and in no report.
func TestLoopsForATimeAndWarmups(t *testing.T) {
	t.Parallel()
	bothWays(t, warmUp)
}

func warmUp(t *testing.T, exec string) {
	t.Helper()
	dir := t.TempDir()
	out, report := filepath.Join(dir, "run.jsonl"), filepath.Join(dir, "report")
	summary := filepath.Join(dir, "summary.json")
	r := mustSucceed(t, k6(t, "run", "--out", "llm="+out, "--summary-export", summary, "-e", exec,
		script(t, `{warmup: '500ms', stages: [{concurrency: 4, duration: '1500ms'}, {rate: 20, duration: '1s'}, `+
			`{requests: 12, concurrency: 4, warmup: 0}]}`, `{baseURL: 'sim:?ttft=20ms&itl=5ms'}`)))
	requests, _, stages := loadLines(t, out)
	slices.SortFunc(requests, func(a, b *record.Request) int { return int(a.Index - b.Index) })
	count := map[int]map[bool]int{0: {}, 1: {}, 2: {}}
	for i, q := range requests {
		count[q.Stage][q.Warmup]++
		if after := time.Duration(q.Start - stages[q.Stage].Start); q.Stage == 0 && (after > 1600*time.Millisecond ||
			q.Warmup && after > 600*time.Millisecond || !q.Warmup && after < 500*time.Millisecond) {
			t.Errorf("request %d of the first stage: sent after %v, in its warm-up: %t", i, after, q.Warmup)
		}
		if q.Index != int64(i) {
			t.Errorf("request %d has number %d", i, q.Index)
		}
	}
	if count[0][true] < 4 || count[0][false] < 8 || count[1][true] != 10 || count[1][false] != 10 ||
		count[2][true] != 0 || count[2][false] != 12 {
		t.Errorf("requests by stage, of warm-ups and others: %v", count)
	}
	if *stages[0].Warmup != 0.5 || *stages[0].Duration != 1.5 || *stages[0].Concurrency != 4 {
		t.Errorf("stage 0 is recorded as %+v", stages[0])
	}
	measured := count[0][false] + 22
	want := fmt.Sprintf(`"count":%d`, measured)
	if text := strings.Join(strings.Fields(testenv.ReadFile(t, summary)), ""); !strings.Contains(text,
		`"llm_requests":{`+want) && !strings.Contains(text, want) {
		t.Errorf("k6 does not count %d requests: %s", measured, text)
	}
	for _, want := range []string{"load: 4 at a time for 1.5s (warm-up 500ms), then 20/s for 1s (warm-up 500ms), then ",
		"load ✓ [ 100% ] stage 3/3  12/12 requests"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("k6 does not print %q:\n%s", want, r.stdout)
		}
	}
	told := mustSucceed(t, run(t, 0, nil, "llmconv", "report", out, "-o", report))
	remark := fmt.Sprintf("%d requests of warm-ups are in no figure", len(requests)-measured)
	if !strings.Contains(told.stderr, remark) {
		t.Errorf("llmconv does not say %q:\n%s", remark, told.stderr)
	}
}

func TestDropsAreRecordedAndExplained(t *testing.T) {
	t.Parallel()
	bothWays(t, explainDrops)
}

func explainDrops(t *testing.T, exec string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run.jsonl")
	r := mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+out, "-e", "TOKENS=20", "-e", exec,
		script(t, `{stages: [{rate: 20, duration: '2s'}], executor: 'llm-arrival-rate', preAllocatedVUs: 2, maxVUs: 3}`,
			`{baseURL: 'sim:'}`)))
	requests, dropped, _ := loadLines(t, out)
	seen := map[int64]int{}
	for _, q := range requests {
		seen[q.Index]++
		if delay, known := q.ScheduleDelay(); !known || delay > 500*time.Millisecond {
			t.Errorf("request %d: delay %v, %t: it must stay exact after drops", q.Index, delay, known)
		}
	}
	for _, d := range dropped {
		seen[*d.Index]++
		if d.Due == nil || d.Count != 1 || d.Stage != 0 {
			t.Errorf("dropped %+v", d)
		}
	}
	if len(dropped) == 0 || len(seen) != 40 || len(requests)+len(dropped) != 40 {
		t.Errorf("%d sent and %d dropped, want 40 together, each once", len(requests), len(dropped))
	}
	if want := fmt.Sprintf(`%d arrivals of scenario \"load\" found no free VU`, len(dropped)); !strings.Contains(
		r.stderr, want) || !strings.Contains(r.stderr, "Raise maxVUs above 3") {
		t.Errorf("%q is not explained in\n%s", want, r.stderr)
	}
}

func TestGracefulStopCutsAndRecords(t *testing.T) {
	t.Parallel()
	bothWays(t, cutAtTheEnd)
}

func cutAtTheEnd(t *testing.T, exec string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run.jsonl")
	start := time.Now()
	r := k6(t, "run", "--quiet", "--out", "llm="+out, "-e", "TOKENS=1000", "-e", exec,
		script(t, `{stages: [{rate: 5, duration: '1s'}, {rate: 5, duration: '1s'}], executor: 'llm-arrival-rate', `+
			`gracefulStop: '500ms'}`, `{baseURL: 'sim:?itl=50ms'}`))
	if r.code != nothingMeasured {
		t.Errorf("exit code %d, want %d: no request was answered\n%s", r.code, nothingMeasured, r.stderr)
	}
	requests, dropped, _ := loadLines(t, out)
	for _, q := range requests {
		if q.ErrorType != record.ErrorCanceled || len(q.Chunks) == 0 {
			t.Errorf("request %d: %q with %d chunks", q.Index, q.ErrorType, len(q.Chunks))
		}
	}
	if len(requests) != 10 || len(dropped) != 0 || time.Since(start) > 20*time.Second {
		t.Errorf("%d requests, %d drops in %v; want 10 cut ones", len(requests), len(dropped), time.Since(start))
	}
}

func TestScriptAbortEndsTheRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "abort.js")
	text := `import { scenarios } from 'k6/x/llm';
import exec from 'k6/execution';
export const options = { scenarios: scenarios({ stages: [{ rate: 50, duration: '60s' }], executor: 'llm-arrival-rate' }) };
export default function () { if (exec.scenario.iterationInTest === 20) exec.test.abort('enough'); }
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if r := k6(t, "run", "--quiet", path); r.code != 108 || !strings.Contains(r.stderr, "enough") ||
		time.Since(start) > 20*time.Second {
		t.Errorf("exit code %d after %v\n%s", r.code, time.Since(start), r.stderr)
	}
}

// Each script runs unchanged, with its own settings.
func TestScriptsRun(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"poisson": {"STAGES=20@1s"}, "burst": {"RATE=20", "DURATION=1s", "BURSTINESS=0.5"},
		"saturation": {"FROM=10", "TO=30", "STEPS=2", "DURATION=1s"},
		"lora":       {"ADAPTERS=a:0.5,b:0.5", "RATE=20", "DURATION=1s"},
		"mock":       {"RATE=20", "DURATION=1s", "EXECUTOR=llm-arrival-rate"},
		"random":     {"RATE=20", "DURATION=1s", "INPUT_LEN=30-50"}, "synthetic": {"RATE=20", "DURATION=1s"},
		"shared-prefix": {"RATE=20", "DURATION=1s", "GROUPS=2"},
		"multi-turn":    {"RATE=20", "DURATION=1s", "SESSIONS=3"},
		"cnn-dailymail": {"RATE=20", "DURATION=1s"}, "billsum": {"RATE=20", "DURATION=1s", "API=completion"},
		"infinity-instruct": {"RATE=20", "DURATION=1s"},
		"visionarena":       {"RATE=20", "DURATION=1s", "MAX_IMAGES=2", "PLACE=0.5"},
		"search":            {"SEARCH_MIN=20", "SEARCH_MAX=40", "DURATION=1s"},
	} {
		out := filepath.Join(t.TempDir(), "run.jsonl")
		args := []string{"run", "--quiet", "--out", "llm=" + out, "-e", "MAX_TOKENS=5", "-e", "SEED=1"}
		for _, s := range settings {
			args = append(args, "-e", s)
		}
		mustSucceed(t, k6(t, append(args, "scripts/"+name+".js")...))
		requests, _, _ := loadLines(t, out)
		adapters := map[string]int{}
		for _, q := range requests {
			adapters[q.Adapter]++
			if q.Failed() || len(q.Chunks) != 5 {
				t.Errorf("%s: %q %q, %d chunks", name, q.ErrorType, q.Error, len(q.Chunks))
			}
		}
		if len(requests) < 8 || (name == "lora") != (len(adapters) == 2) {
			t.Errorf("%s: %d requests, adapters %v", name, len(requests), adapters)
		}
	}
}

func TestCircuitBreakerStopsTheLoad(t *testing.T) {
	t.Parallel()
	bothWays(t, breakCircuit)
}

func breakCircuit(t *testing.T, exec string) {
	t.Helper()
	for _, tt := range []struct {
		name, load, breaker string
		code                int
		most                int
	}{
		{"ours, the run",
			`{stages: [{rate: 50, duration: '20s'}, {rate: 50, duration: '20s'}], executor: 'llm-arrival-rate'}`,
			`{consecutive: 5}`, 108, 30},
		{"ours, each stage",
			`{stages: [{rate: 50, duration: '20s'}, {rate: 50, duration: '20s'}], executor: 'llm-arrival-rate'}`,
			`{consecutive: 5, stop: 'stage'}`, 110, 60}, // no request succeeds
		{"k6's own", `{stages: [{rate: 50, duration: '20s'}], executor: 'ramping-arrival-rate'}`, `{rate: 0.5, minSamples: 5}`, 108, 30},
	} {
		out := filepath.Join(t.TempDir(), "run.jsonl")
		start := time.Now()
		r := k6(t, "run", "--quiet", "--out", "llm="+out, "-e", exec,
			script(t, tt.load, `{baseURL: 'sim:?failure-rate=1', circuitBreaker: `+tt.breaker+`}`))
		requests, _, stages := loadLines(t, out)
		if r.code != tt.code || len(requests) < 5 || len(requests) > tt.most || time.Since(start) > 20*time.Second {
			t.Errorf("%s: exit code %d after %v with %d requests\n%s", tt.name, r.code, time.Since(start),
				len(requests), r.stderr)
		}
		if tt.code == 108 && !strings.Contains(r.stderr, "circuit breaker: ") {
			t.Errorf("%s: no reason in\n%s", tt.name, r.stderr)
		}
		if strings.HasPrefix(tt.name, "ours") && !strings.HasPrefix(stages[0].Status, "stopped: circuit breaker: 5 "+
			"requests in a row failed") {
			t.Errorf("%s: stage %+v", tt.name, stages[0])
		}
	}
}
