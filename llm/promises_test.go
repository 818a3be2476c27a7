package llm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// newVUIn returns a VU whose module sees an environment.
func newVUIn(t *testing.T, env map[string]string) *vu {
	t.Helper()
	v := newVUWith(t, New(), env)
	v.model(t, "/scripts/model", "")
	return v
}

// Random and synthetic prompts differ from run to run, because their salt is the run's id, unless the script sets
// another salt or none. Prompts of data sets about caches have no salt.
func TestPromptsDifferBetweenRuns(t *testing.T) {
	t.Parallel()
	const made = `(() => { const common = {tokenizer: './model', api: 'completion'}, lengths = {inputDistribution: 40, outputDistribution: 2};
		return [
			new Dataset({type: 'random', ...common, ...lengths}), new Dataset({type: 'synthetic', ...common, ...lengths}),
			new Dataset({type: 'random', ...common, ...lengths, salt: false}), new Dataset({type: 'random', ...common, ...lengths, salt: 'mine'}),
			new Dataset({type: 'shared_prefix', ...common}), new Dataset({type: 'conversation_replay', ...common}),
			new Dataset({type: 'random', ...common, ...lengths, prompts: 'inference-perf'}),
		].map((set) => set.at(3).prompt).join('|'); })()`
	runs := map[string][]string{}
	for _, id := range []string{"one", "two"} {
		runs[id] = strings.Split(newVUIn(t, map[string]string{record.RunIDEnv: id}).run(t, made).String(), "|")
	}
	again := strings.Split(newVUIn(t, map[string]string{record.RunIDEnv: "one"}).run(t, made).String(), "|")
	for i, differs := range []bool{true, true, false, false, false, false, false} {
		if one, two := runs["one"][i], runs["two"][i]; (one != two) != differs || one == "" {
			t.Errorf("set %d: prompts of two runs are %.60q and %.60q, to differ: %t", i, one, two, differs)
		}
		if runs["one"][i] != again[i] {
			t.Errorf("set %d: the same run makes %.60q and %.60q", i, runs["one"][i], again[i])
		}
	}
}

// Synthetic prompts consist of the text of the corpus.
func TestCorpusOfTheScript(t *testing.T) {
	t.Parallel()
	v := newVUIn(t, nil)
	v.write(t, "/scripts/corpus.txt", strings.Repeat("Nothing of this\n\tis of a book. ", 100))
	got := v.run(t, `new Dataset({type: 'synthetic', tokenizer: './model', api: 'completion', salt: false, `+
		`corpusFilePath: './corpus.txt', inputDistribution: 30, outputDistribution: 2}).at(5).prompt`).String()
	words := strings.Split(got, " ")
	if text := strings.Repeat("Nothing of this is of a book. ", 100); !strings.Contains(text,
		strings.Join(words[:len(words)-5], " ")) {
		t.Errorf("got %q", got)
	}
}

// Prompts of mock, and prompts of a file without answers, ask for the client's default length.
func TestAnswersWithoutLength(t *testing.T) {
	t.Parallel()
	v := newVUIn(t, nil)
	v.write(t, "/scripts/a.jsonl", `{"prompt": "a"}`)
	v.run(t, `const sets = [new Dataset({type: 'mock'}), new Dataset({type: 'mock', api: 'completion'}), new Dataset({type: 'jsonl', path: './a.jsonl'})];
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'}), plain = new Client({baseURL: 'sim:?ttft=0s&itl=0s', api: 'completion'});`)
	if got := v.run(t,
		`[sets[0].at(1).messages[0].content, sets[1].at(1).prompt].join()`).String(); got != "mock prompt 2,1 2 3 2" {
		t.Errorf("prompts %q", got)
	}
	v.start(t)
	v.run(t, `client.send(sets[0].at(0)); plain.send(sets[1].at(0)); client.send(sets[2].at(0));`)
	all, _ := v.records()
	for i, r := range all {
		if r.MaxTokens != 30 {
			t.Errorf("request %d asks for %d tokens, want 30", i, r.MaxTokens)
		}
	}
	if len(all) != 3 {
		t.Errorf("%d requests", len(all))
	}
}

// Conversations are read whole, however large the file; single requests of the same file are streamed.
func TestConversationsAreReadWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "large.json")
	talk := `{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}` + "\n"
	if err := os.WriteFile(path, []byte(talk+strings.Repeat("\n", 64<<20)+talk), 0o600); err != nil {
		t.Fatal(err)
	}
	v := newVUIn(t, nil)
	v.run(t, fmt.Sprintf("const path = %q", path))
	if got := v.run(t,
		`[new Dataset({type: 'shareGPT', path, turns: 'all'}).length, new Dataset({type: 'shareGPT', `+
			`path}).length].join()`).String(); got != "2," {
		t.Errorf("lengths %q, want 2 and none", got)
	}
}

// Without a path, the data sets are those that inference-perf takes from the hub. An archive does not carry them, and
// the log says so.
func TestDatasetsWithoutAPath(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		w.Header().Set("X-Repo-Commit", strings.Repeat("a", 40))
		w.Header().Set("ETag", `"x"`)
		switch {
		case strings.Contains(r.URL.Path, "/revision/"):
			_, _ = fmt.Fprint(w,
				`{"siblings": [{"rfilename": "other.json"}, {"rfilename": `+
					`"ShareGPT_V3_unfiltered_cleaned_split.json"}, {"rfilename": "3.0.0/test-0.parquet"}, `+
					`{"rfilename": "3.0.0/train-0.parquet"}]}`)
		case strings.HasSuffix(r.URL.Path, ".json"):
			_, _ = fmt.Fprint(w,
				`[{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}]`)
		default:
			_, _ = fmt.Fprint(w, `PAR1 it is none`)
		}
	}))
	defer hub.Close()
	v := newVUIn(t, map[string]string{"HF_ENDPOINT": hub.URL, "HF_HUB_CACHE": t.TempDir()})
	log, hook := logtest.NewNullLogger()
	v.VU.InitEnvField.Logger = log
	if got := v.run(t, `new Dataset({type: 'shareGPT', api: 'completion'}).at(0).prompt`).String(); got != "q" {
		t.Errorf("got %q", got)
	}
	if _, err := v.RunOnEventLoop(`new Dataset({type: 'cnn_dailymail'})`); err == nil ||
		!strings.Contains(err.Error(), "parquet") {
		t.Errorf("got %v", err)
	}
	if said := hook.LastEntry().Message; said != "data set abisee/cnn_dailymail is of the hub; an archive of this "+
		"test does not carry it" {
		t.Errorf("logged %q", said)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{
		"/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered/resolve/main/ShareGPT_V3_unfiltered_cleaned_split.json",
		"/datasets/abisee/cnn_dailymail/resolve/main/3.0.0/train-0.parquet",
	} {
		if !slices.Contains(asked, want) {
			t.Errorf("%s is not asked for, but %q", want, asked)
		}
	}
	if slices.ContainsFunc(asked, func(path string) bool {
		return strings.Contains(path, "other.json") || strings.Contains(path, "test-0")
	}) {
		t.Errorf("asked for %q", asked)
	}
}

// Sets of conversations have no salt. The records hold their seed and salt, as those of other sets.
func TestRecordsTellSeedAndSalt(t *testing.T) {
	t.Parallel()
	v := newVUIn(t, map[string]string{record.RunIDEnv: "the run"})
	v.run(t, `const replay = new Dataset({type: 'conversation_replay', tokenizer: './model'}), random = new Dataset({type: 'random', tokenizer: './model', seed: 9, inputDistribution: 40, outputDistribution: 2});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});`)
	v.start(t)
	v.run(t, `client.send(random.at(0))`)
	_, others := v.records()
	want := []record.Generated{{Type: "conversation_replay", Seed: 42}, {Type: "random", Seed: 9, Salt: "the run"}}
	for _, line := range others {
		if c, ok := line.(*record.Client); ok {
			if !slices.Equal(c.Generated, want) {
				t.Errorf("got %+v, want %+v", c.Generated, want)
			}
			return
		}
	}
	t.Error("no line of the client")
}

// Pauses are drawn in whole milliseconds, within the bounds given in seconds.
func TestPausesAreOfMilliseconds(t *testing.T) {
	t.Parallel()
	v := newVUIn(t, nil)
	for pause, want := range map[string][3]int64{ // least, most, and the least number of different pauses
		`0.25`:                                         {250, 250, 1},
		`{type: 'uniform', min: 1, max: 3}`:            {1000, 3000, 40},
		`{mean: 2, stdDev: 1, min: 1, max: 3}`:         {1000, 3000, 20},
		`{type: 'fixed', mean: 2, min: 0, max: 9}`:     {2000, 2000, 1},
		`{type: 'uniform', min: 0.5, max: 0.75}`:       {500, 750, 40},
		`{type: 'poisson', mean: 2.5, min: 1, max: 3}`: {1000, 3000, 3},
	} {
		v.run(t, `new Dataset({type: 'conversation_replay', tokenizer: './model', sessions: 3, conversationReplay: `+
			`{numConversations: 60, sharedSystemPromptLen: 0, toolCallLatencySec: `+pause+`}})`)
		var o input.Replay
		if err := replayFields(v.VU.Runtime(), &o)["toolCallLatencySec"](v.run(t, `(`+pause+`)`)); err != nil {
			t.Fatal(err)
		}
		replay, err := datasets.NewReplay(datasets.Replay{
			Tokenizer: smallCounter(t), Conversations: 60, Dynamic: datasets.Constant(0),
			Turns: datasets.Constant(1), Input: datasets.Constant(1), Output: datasets.Constant(1), Pause: o.Pause,
		})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int64]bool{}
		for i := range int64(60) {
			script, err := replay.Script(i)
			if err != nil {
				t.Fatal(err)
			}
			ms := script.Turns[0].Pause.Milliseconds()
			if seen[ms] = true; ms < want[0] || ms > want[1] {
				t.Errorf("%s: a pause of %d ms", pause, ms)
			}
		}
		if int64(len(seen)) < want[2] {
			t.Errorf("%s: %d different pauses only", pause, len(seen))
		}
	}
	for pause, want := range map[string]string{
		`-1`: `conversationReplay option "toolCallLatencySec": must be a number of seconds ` +
			`up to 3600, got -1`,
		`7200`:                                `must be a number of seconds up to 3600`,
		`{type: 'uniform', min: 2.5, max: 1}`: `in milliseconds: min 2500 is above max 1000`,
	} {
		if _, err := v.RunOnEventLoop(`new Dataset({type: 'conversation_replay', tokenizer: './model', ` +
			`conversationReplay: {toolCallLatencySec: ` + pause + `}})`); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", pause, err, want)
		}
	}
}

// smallCounter returns a counter of the small vocabulary.
func smallCounter(t *testing.T) *tokenizer.Counter {
	t.Helper()
	c, err := tokenizer.ReadCounterAt("tokenizer/testdata/bpe-llama3.json", false, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
