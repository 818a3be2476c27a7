package command

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/cmd/state"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// newTestBench returns the command, and where it prints.
func newTestBench(args ...string) (*cobra.Command, *bytes.Buffer) {
	cmd := newBench(&state.GlobalState{CmdArgs: append([]string{"k6", "x", "llm", "bench"}, args...)})
	out := new(bytes.Buffer)
	cmd.SetArgs(append([]string{}, args...)) // nil would be the arguments of the test
	cmd.SetOut(out)
	cmd.SetErr(io.Discard)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	return cmd, out
}

// What --print shows is held by files: a configuration and a script for each command line.
func TestPrintedLoads(t *testing.T) {
	for name, line := range map[string]string{
		"rates":  "http://localhost:8000 --rate 2,4,8 --duration 60s --input 512 --output 100-200 --tokenizer tok",
		"images": "localhost:8000 --rate 2 --duration 5s --dataset visionarena --data.visionarena.num_rows 20",
		"speech": "localhost:8000 --rate 2 --duration 5s --api speech --tokenizer tok",
		"sounds": "localhost:8000 --rate 2 --duration 5s --api transcription --prompts recordings",
		"sound":  "localhost:8000 --rate 2 --duration 5s --dataset sound",
		"closed": "localhost:8000/v1 --concurrency 4,16 --requests 20 --prompts my.jsonl --column q --output 64 " +
			"--api-key-env THE_KEY --api-key-header api-key --model m",
		"gates": "http://h:1/openai --endpoint /d/chat/completions?api-version=1 --rate 5 --arrival gamma --seed 7 " +
			"--gate failures<1%,p99(ttft)<500ms,goodput(ttft<500ms,tpot<50ms)>=0.95 --slo p95(itl)<50ms " +
			"--dataset sharegpt --prompts sg.json --server-metrics auto --text --timeout 30s --ignore-eos=false " +
			"--max-tokens-field max_completion_tokens",
		"search": "localhost:8000 --search rate --search-min 2 --search-max 100 --resolution 10% --duration 20s " +
			"--slo p99(ttft)<500ms,failures<1% --input 512 --output 128 --tokenizer tok",
		"merged": "localhost:8000 --search concurrency --search-min 8 --resolution 30% --duration 2s --dataset mock " +
			`--slo ttft=1s --x-llm.search {"confidence":0.9}`,
		"keyed": `localhost:8000 --x-llm.search {"over":"rate"} --slo ttft=1s --duration 5s --search-max 9 --dataset mock`,
		"mix": "localhost:8000 --rate 2 --duration 5s --prompts a/chat.json@0.7,rag.jsonl.gz@30% --output 20 " +
			"--column q",
		"cancel": "localhost:8000 --rate 2 --duration 5s --dataset mock --cancel 5%@20tokens",
		"labels": "localhost:8000 --rate 2 --duration 5s --prompts chat.jsonl@0.7,rag.jsonl@0.3 --output 20 " +
			"--slo tpot=50ms;chat:ttft=300ms --slo rag:ttft=2s,p99(itl)<90ms " +
			"--gate chat:p99(ttft)<300ms,failures<1% --gate failures<2%",
		"tiers":  "localhost:8000 --search concurrency --tier fast:p99(ttft)<500ms --tier slow:ttft=5s --dataset mock",
		"ladder": "localhost:8000 --stages testdata/search.json --dataset mock",
		"secrets": `http://u:password1@h:1 --rate 1 --dataset mock -H Authorization:aSecret123 ` +
			`--body {"api_key":"aSecret123","temperature":0}`,
		"keys": `sim: --data.type random --data.input_distribution {"mean":5,"min":1,"max":9} ` +
			`--load.stages [{"rate":1,"duration":1}] --tokenizer tok`,
	} {
		for _, form := range []string{"config", "script"} {
			cmd, out := newTestBench(append(strings.Fields(line), "--print", form, "--no-probe")...)
			if err := cmd.Execute(); err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			got := withoutDirectory(t, out.String())
			path := filepath.Join("testdata", "print", name+"."+form)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s --print %s (go test -update writes it anew)\n%s\nwant\n%s", line, form, got, want)
			}
			if strings.Contains(got, "aSecret123") || strings.Contains(got, "password1") {
				t.Errorf("%s --print %s shows a secret\n%s", line, form, got)
			}
			if form == "config" && name != "secrets" {
				checkSameLoad(t, line, got)
			}
		}
	}
}

// withoutDirectory replaces the working directory, which scripts have in their paths.
func withoutDirectory(t *testing.T, text string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text, dir, "/here")
}

// checkSameLoad checks that a printed configuration means what the flags mean.
func checkSameLoad(t *testing.T, line, printed string) {
	t.Helper()
	c, err := config.Parse([]byte(printed))
	if err != nil {
		t.Errorf("%s: the printed configuration is refused: %v", line, err)
		return
	}
	b := &bench{runner: runner{gs: &state.GlobalState{CmdArgs: []string{"llm"}}}}
	cmd := &cobra.Command{}
	b.flags(cmd)
	args := strings.Fields(line)
	if err := cmd.ParseFlags(args[1:]); err != nil {
		t.Fatal(err)
	}
	b.defaults(args[0])
	if err := b.prepare(cmd); err != nil {
		t.Fatal(err)
	}
	b.c.Warnings, c.Warnings = nil, nil
	want, err := b.c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	c.Settle(b.start(), 1)
	got, err := c.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	drop := func(text []byte) string { // what depends on the machine and the moment
		var lines []string
		for l := range strings.Lines(string(text)) {
			if !strings.Contains(l, "num_workers") && !strings.Contains(l, "base_seed") {
				lines = append(lines, l)
			}
		}
		return strings.Join(lines, "")
	}
	if drop(got) != drop(want) {
		t.Errorf("%s\nprinted:\n%s\nflags:\n%s", line, got, want)
	}
}

func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, want string }{
		{"", "which server? Give its URL, such as http://localhost:8000, or sim: for the simulator"},
		{"a me:sesame@b", `server number 2: "***@b" is not a URL`},
		{"a b", `server number 2: "b" is not a URL such as http://localhost:8000: write http:// before it`},
		{"http://a http://b --balance 3,1,2", "--balance: weights has 3 numbers for 2 endpoints: give one for each"},
		{"http://a http://b --balance weights", `--balance: unknown "weights", known are round-robin, random, session, ` +
			"and weights such as 3,1"},
		{"http://a --balance random", "--balance is for several servers: give the URLs of all, or leave it out"},
		{"u --cancel 5%@0s", `--cancel: when users leave must be above 0, got "0s"`},
		{"u --slo chatt:ttft=1s", `--slo: no request has the label "chatt"`},
		{"u --print yaml", `--print: unknown "yaml", known are config, script`},
		{"u --rate 0", `--rate: "0" is no rate above 0; several are written as 2,4,8`},
		{"u --rate 1 --concurrency 2", "--rate and --concurrency are two kinds of load: give one of them"},
		{"u --rate 1 --duration 3", `--duration: "3" is no duration such as 1.5s: it has no unit`},
		{"u --rate 1 --duration 1500ms", "--duration: a stage lasts whole seconds, got 1.5s"},
		{"u --rate 3 --requests 100",
			"--requests: 100 at 3/s take 33.33 s, and a stage lasts whole seconds: ask for 99 or 102"},
		{"u --rate 3 --requests 3 --duration 1s", "--duration and --requests both end a stage: give one of them"},
		{"u --concurrency 3 --requests 3 --duration 1s",
			"--duration and --requests both end a stage: give one of them"},
		{"u --concurrency x",
			`--concurrency: "x" is no number of requests at a time; several are written as 4,16,64`},
		{"u --concurrency 4 --arrival poisson",
			"--arrival is for --rate: a closed loop and a log have arrivals of their own"},
		{"u --rate 1 --arrival possion",
			`--arrival: unknown "possion", known are constant, poisson, gamma, inference-perf`},
		{"u --rate 1 --burstiness 1", "--burstiness needs --arrival gamma"},
		{"u --duration 3s --load.stages []", "--duration and --requests need --rate or --concurrency"},
		{"u --dataset workload-replay", `--dataset: workload_replay is sessions, which k6 run scripts/replay.js`},
		{"u --dataset shargpt", `--dataset: unknown "shargpt": did you mean shareGPT?`},
		{"u --input many", `--input: cannot read "many": write 512, 100-200, or normal:mean=512,std_dev=64`},
		{"u --replay a.csv --rate 1",
			"--replay takes the times from the log: leave --rate, --concurrency, --duration and --requests out"},
		{"u --replay a.csv --prompts b", "--replay takes the lengths from the log: leave --prompts and --dataset out"},
		{"u --ratee 5", "unknown flag: --ratee"},
		{"u --rate 1 --gate p99(ttft)", `--gate: column 10: "p99(ttft)": write p99(ttft)<500ms`},
		{"u --rate 1 --slo ttft<1", `--slo: column 5: "ttft<1": of how many requests? Write p99(ttft)<1, or ttft=1`},
		{"u --search rat --slo ttft=1s", `--search: unknown "rat": did you mean rate?`},
		{"u --search users", `--search: unknown "users", known are rate, concurrency`},
		{"u --search rate", "--search: within which SLO? Add one, such as --slo 'p99(ttft)<500ms,failures<1%'"},
		{"u --search rate --slo p99(tft)<1s", `--slo: column 5: "p99(tft)<1s": unknown latency "tft": did you mean "ttft"?`},
		{"u --search rate --slo ttft=1s --rate 5", "--search chooses the loads by itself: leave --rate out"},
		{"u --search rate --slo ttft=1s --concurrency 5",
			"--search chooses the loads by itself: leave --concurrency out"},
		{"u --search rate --slo ttft=1s --warmup 5s", "--search chooses the loads by itself: leave --warmup out"},
		{"u --search rate --slo ttft=1s --search-min 5 --search-max 2",
			"--search-min (5) must not be above --search-max (2)"},
		{"u --search rate --slo ttft=1s --search-min -1", `--search-min: "-1" is no load above 0, such as 2`},
		{"u --search concurrency --slo ttft=1s --search-max 2.5",
			`--search-max: "2.5" is no whole number of requests at a time`},
		{"u --search concurrency --slo ttft=1s --arrival poisson",
			"--arrival is for --rate: a closed loop and a log have arrivals of their own"},
		{"u --search rate --slo ttft=1s --resolution 5", `--resolution: "5" is no share such as 5%`},
		{"u --search rate --slo ttft=1s --duration 20", `--duration: "20" is no duration such as 1.5s`},
		{"u --search rate --tier ttft=1s", `--tier: "ttft=1s" is no name with an SLO, as in 'fast: p99(ttft)<500ms'`},
		{"u --search rate --tier a:ttft=1s --tier a:ttft=2s", `--tier: two are named "a": give each a name of its own`},
		{"u --search --slo ttft=1s",
			"--search: the most of what? Write --search rate or --search concurrency, and then --slo"},
		{`u --x-llm.search {"confidnce":0.99} --slo ttft=1s`,
			`x-llm.search.confidnce: unknown key: did you mean "confidence"?`},
		{`u --x-llm.search {"confidence":2} --slo ttft=1s`, "search.confidence must be from 0.5 to below 1, "},
		{`u --x-llm.search {"over":"rate"}`, "search.slo is missing: write slo: "},
		{`u --x-llm.search {"over":"rate"} --slo ttft=1s --requests 5`,
			"x-llm.search chooses the loads by itself: leave --requests out"},
		{`u --x-llm.search null --duration 5s --load.stages []`, "--duration and --requests need --rate or --concurrency"},
		{"u --search rate --tier a:ttft", `--tier: column 5: "ttft": write ttft=500ms`},
		{"u --search rate --tier a:ttft=1s --slo ttft=1s",
			"--slo and --tier: give one of them: a tier is an SLO with a name"},
		{`u --search rate --slo ttft=1s --load.stages [{"rate":1,"duration":1}]`,
			"--x-llm.search: takes the place of load.stages: leave one of them out"},
		{"u --stages testdata/search.json --rate 5", "--stages has the loads of a search: leave --rate out"},
		{"u --stages testdata/print/keys.config",
			"--stages: testdata/print/keys.config is not the search.json of a search"},
		{"u --stages testdata/none", "--stages: open testdata/none: "},
		{`u --print script --no-probe --data.type workload_replay --data.path x --load.type trace_session_replay ` +
			`--load.stages [{"concurrent_sessions":1}]`, "--print script: sessions are counted when their data is opened"},
		{"u --resolution 5%", "--resolution needs --search rate or --search concurrency"},
		{"u --data.input_distribution 5",
			`invalid argument "5" for "--data.input_distribution" flag: needs a JSON object`},
	} {
		cmd, _ := newTestBench(append(strings.Fields(tt.line), "--dataset=mock", "--print=config")...)
		if strings.Contains(tt.line, "--print") {
			cmd, _ = newTestBench(strings.Fields(tt.line)...)
		} else if strings.Contains(tt.line, "--dataset") || strings.Contains(tt.line, "--replay") {
			cmd, _ = newTestBench(append(strings.Fields(tt.line), "--print=config")...)
		}
		if tt.line == "" {
			cmd, _ = newTestBench()
		}
		err := cmd.Execute()
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("bench %s: %v\nwant %s", tt.line, err, tt.want)
		}
	}
}

// What a search cannot judge is refused before the server is asked.
func TestBenchRefusesSearchesBeforeTheLoad(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, want string }{
		{"--slo p99(ttft)<1s --stream=false", "--slo: p99(ttft)<1s needs streaming: an answer in one piece has no " +
			"TTFT, TPOT or ITL, only a latency, as in p99(latency)<5s: leave --stream=false out"},
		{"--tier a:p99(ttft)<1s --stream=false", "--tier: p99(ttft)<1s needs streaming: "},
		{"--slo p99(ttft)<1s --api.streaming false", "x-llm.search: p99(ttft)<1s needs streaming: "},
		{`--slo ttft=1s --x-llm.search {"over":"rate","maxProbes":1}`,
			"search.maxProbes must be from 3 to 1000, got 1"},
		{"--slo ttft=1s --arrival inference-perf",
			"--arrival: inference-perf fills stages of a known length: a search takes poisson, "},
	} {
		args := append(strings.Fields("localhost:1 --search rate --dataset mock "+tt.line), "-o", t.TempDir())
		cmd, _ := newTestBench(args...)
		if err := cmd.Execute(); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("bench %s: %v\nwant %s", tt.line, err, tt.want)
		}
	}
}
