package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/internal/schematest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"--slo p99(ttft)<500ms,failures<1% --rate 10", []string{
			"objective        interval  ±5 %    requests\n" +
				"p99(ttft)<500ms  368       21995   21995\n" +
				"failures<1%      368       2589 *  2589\n",
			"10/s  21995     36m40s\n", "* certain if half as many requests miss it as may\n",
			"coefficient of variation of 1 (--spread), which without --from RUN is a guess: if they spread more, more",
			"next: k6 x llm bench URL --rate 10 --duration 2200s --slo 'p99(ttft)<500ms,failures<1%'\n"}},
		{"--slo p99(ttft)<500ms --rate 10 --change 10%", []string{"±10 %  +10 % found  requests\n", "total of 2 runs"}},
		{"--slo p99(ttft)<500ms --rate 10 --change 50% --precision 5%", []string{"±5 %   +50 % found  requests\n",
			"368       21995  923          21995\n"}},
		{"--slo p99(ttft)<500ms,failures<1% --rate 10 --runs 2", []string{
			"objective        interval  ±5 %    +5 % found  requests\n" +
				"p99(ttft)<500ms  368       21995   63705       63705\n" +
				"failures<1%      368       2589 *  4671 *      4671\n",
			"10/s             63705     1h46m11s\n", "total of 2 runs  127410    3h32m22s\n",
			"miss it as may, and a rise from half to all of it found\n",
			"assumption: requests do not depend on one another",
			"next: k6 x llm bench URL --rate 10 --duration 6371s --slo 'p99(ttft)<500ms,failures<1%'\n"}},
		{"--slo p99(ttft)<500ms --rate 2,4 --runs 1 --precision 10% --spread 0.5", []string{"±10 %  requests",
			"2594   2594\n", "4/s    2594      10m49s\n", "total  5188", "--rate 2,4 --requests 2594 "}},
		{"--slo p50(latency)<5s --concurrency 16 --latency 2s", []string{"16 at a time",
			"--concurrency 16 --requests "}},
		{"--slo p99.99(ttft)<1s --rate 0.001 --precision 0.01%", []string{"> 1000000000", " days\n"}},
	} {
		code, out, remarks := executed(newPlan(), strings.Fields(tt.args)...)
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("plan %s: lacks %q\n%s%s", tt.args, want, out, remarks)
			}
		}
		if code != 0 {
			t.Errorf("plan %s: exit code %d", tt.args, code)
		}
	}
}

func TestPlanMisuse(t *testing.T) {
	t.Parallel()
	records := queueFile(t, 40, 0.5)
	for _, tt := range []struct{ args, want string }{
		{"", "what is to be decided?"},
		{"--slo p99(ttft)<500ms", "at what load?"},
		{"--slo p99(ttft)<500 --rate 1", "has no unit"},
		{"--slo p99(ttft)<500ms --rate 0", `"0" is no rate above 0`},
		{"--slo p99(ttft)<500ms --rate 1,x", `"x" is no rate above 0`},
		{"--slo p99(ttft)<500ms --rate 1 --concurrency 1", "give one of them"},
		{"--slo p99(ttft)<500ms --concurrency 4", "how long does a request take?"},
		{"--slo p99(ttft)<500ms --concurrency 0 --latency 1s", `"0" is no number of requests`},
		{"--slo p99(ttft)<500ms --rate 1 --precision 0", "--precision: must be from 0.01% to 100%"},
		{"--slo p99(ttft)<500ms --rate 1 --precision 5", `got "5": write 5%`},
		{"--slo p99(ttft)<500ms --rate 1 --confidence 95", `got "95": write 95%`},
		{"--slo p99(ttft)<500ms --rate 1 --change 0%", "--change: must be from 0.01% to 100%"},
		{"--slo p99(ttft)<500ms --rate 1 --change 5% --runs 1", "--change is between runs: give --runs 2"},
		{"--slo p99(ttft)<500ms --rate 1 --precision 101%", "--precision: must be from 0.01% to 100%"},
		{"--slo p99(ttft)<500ms --rate 1 --power 100%", "--power: must be from 50% to 99.9%"},
		{"--slo p99(ttft)<500ms --rate 1 --confidence x", "--confidence: must be from 50% to 99.9%"},
		{"--slo p99(ttft)<500ms --rate 1 --spread 0", "--spread: must be above 0"},
		{"--slo p99(ttft)<500ms --rate 1 --runs 3", "--runs: must be 1, or an even number"},
		{"--slo p99(ttft)<500ms --rate 1 run.jsonl", "a run is given by --from"},
		{"--slo failures<0% --rate 1", "failures<0% cannot be met"},
		{"--slo goodput(ttft<1s)>100% --rate 1", "cannot be met"},
		{"--slo p100(ttft)<1s --rate 1", "no number of requests shows that none misses it"},
		{"--slo failures<=100% --rate 1", "is always met"},
		{"--slo chat:p99(ttft)<1s --rate 1", "which share of the requests has the label?"},
		{"--slo p99(ttft)<1s --rate 1 --from missing.jsonl", "missing.jsonl"},
		{"--slo chat:p99(ttft)<1s --rate 1 --from " + records, "has too few requests to plan by: 0"},
	} {
		code, out, _ := executed(newPlan(), strings.Fields(tt.args)...)
		if err := newPlanError(tt.args); code != Misuse || out != "" || !strings.Contains(err, tt.want) {
			t.Errorf("plan %s: got %d, %q, %s; want misuse and %q", tt.args, code, out, err, tt.want)
		}
	}
}

func newPlanError(args string) string {
	cmd := newPlan()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(strings.Fields(args))
	return fmt.Sprint(cmd.Execute())
}

// queue returns the TTFTs in seconds of requests to a server of one place, at so much of what it can do: M/M/1.
func queue(rng *rand.Rand, n int, load float64) (starts, ttfts []float64) {
	at, free := 0.0, 0.0
	for range n {
		at += rng.ExpFloat64() / load
		free = max(at, free) + rng.ExpFloat64()
		starts, ttfts = append(starts, at), append(ttfts, free-at)
	}
	return starts, ttfts
}

// queueFile writes the records of such requests.
func queueFile(t *testing.T, n int, load float64) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 0x9e3779b97f4a7c15))
	lines := runtest.Lines()[:2]
	start := lines[0].(*record.Run).Start
	starts, ttfts := queue(rng, n, load)
	for i, at := range starts {
		q := runtest.Request(rng, start)
		q.ID, q.Scenario, q.Index = fmt.Sprint(i), "stage_0", int64(i)
		q.Start = start + int64(at*1e9)
		q.Chunks = []int64{int64(ttfts[i] * 1e6)}
		q.Connected, q.FirstByte, q.End = q.Start, q.Start+q.Chunks[0]*1000, q.Start+q.Chunks[0]*1000
		q.Usage = []byte(`{"prompt_tokens":10,"completion_tokens":1}`)
		lines = append(lines, q)
	}
	path := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(path, runtest.Records(t, lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Of so many requests as a run of a queue says are needed, the p99 is as near to the truth as was asked in nine runs of
// ten, though they depend on one another; of as many as independent requests would need it is not. The TTFT of M/M/1 is
// exponential, with a mean of 1/(1 − load).
func TestPlanFromAQueue(t *testing.T) {
	t.Parallel()
	const p, precision, runs = 0.9, 0.15, 150
	for _, load := range []float64{0.5, 0.8} {
		code, out, remarks := executed(newPlan(), "--slo", "p90(ttft)<9s", "--rate", "1", "--runs", "1", "--precision",
			"15%", "--json", "--from", queueFile(t, 20_000, load))
		var plan plan
		if err := json.Unmarshal([]byte(out), &plan); err != nil || code != 0 {
			t.Fatalf("%d, %v\n%s%s", code, err, out, remarks)
		}
		truth := -math.Log(1-p) / (1 - load)
		near := func(n int) (count int) {
			for i := range uint64(runs) {
				rng := rand.New(rand.NewPCG(i*0x9e3779b97f4a7c15, i^0xd1b54a32d192ed03))
				_, warm := queue(rng, n+2000, load) // the queue is empty at first
				ttfts := warm[2000:]
				slices.Sort(ttfts)
				if quotient := rank.Nearest(ttfts, p) / truth; math.Abs(quotient-1) <= precision {
					count++
				}
			}
			return count
		}
		o := plan.Objectives[0]
		n, alone := plan.Requests, int(float64(plan.Requests)/o.DesignEffect)
		enough, few := near(n), near(alone)
		t.Logf("load %v: design effect %.1f, spread %.2f: of %d requests %d of %d are near, of %d %d", load,
			o.DesignEffect, *o.Spread, n, enough, runs, alone, few)
		if enough < runs*9/10 || few > runs*85/100 || o.DesignEffect < 3 {
			t.Errorf("load %v: of %d requests %d of %d are near, of %d %d", load, n, enough, runs, alone, few)
		}
	}
}

// The JSON fits its schema, which accepts nothing else.
func TestPlanFitsItsSchema(t *testing.T) {
	t.Parallel()
	schema, err := schematest.Load("../../docs/schema/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"--slo p99(ttft)<500ms,failures<1% --rate 10 --json",
		"--slo p99(ttft)<500ms,failures<1% --rate 10 --change 10% --json",
		"--slo p90(ttft)<5s,goodput(ttft<5s)>=90% --concurrency 2,4 --json --from " + queueFile(t, 2000, 0.5)} {
		code, out, remarks := executed(newPlan(), strings.Fields(args)...)
		if err := schema.Validate([]byte(out)); err != nil || code != 0 {
			t.Errorf("plan %s: %d, %v\n%s%s", args, code, err, out, remarks)
			continue
		}
		accepted, err := schema.Accepted([]byte(out), schematest.Loose{Optional: []string{"from", "concurrency"}})
		if err != nil || len(accepted) > 0 {
			t.Errorf("plan %s: %v; the schema accepts %q", args, err, accepted)
		}
	}
}
