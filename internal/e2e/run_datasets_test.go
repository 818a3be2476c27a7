package e2e

import (
	"encoding/json"
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

// write writes a text to a file in a folder of the test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// talks returns n conversations of several turns, in ShareGPT's format.
func talks(n, turns int) string {
	var b strings.Builder
	for i := range n {
		var list []string
		for turn := range turns {
			list = append(list,
				fmt.Sprintf(`{"from": "human", "value": "question %d of %d"}, {"from": "gpt", "value": "a few words"}`,
					turn, i))
		}
		fmt.Fprintf(&b, "{\"conversations\": [%s]}\n", strings.Join(list, ", "))
	}
	return b.String()
}

// Instances of a test share a data set: no instance sends an item of another before the set begins again, and each
// holds conversations of its own, turn by turn.
func TestInstancesShareDatasets(t *testing.T) {
	t.Parallel()
	var prompts strings.Builder
	for i := range 60 {
		fmt.Fprintf(&prompts, "{\"prompt\": \"number %d\", \"max_tokens\": 2}\n", i)
	}
	path := write(t, "script.js", fmt.Sprintf(`import { Client, Dataset, scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({ stages: [{ rate: 30, duration: '2s' }], executor: 'llm-arrival-rate', drain: false }) };
const client = new Client({ baseURL: 'sim:?ttft=20ms&itl=1ms', text: true });
const data = new Dataset({ type: 'jsonl', path: %q, seed: 1 });
const talk = new Dataset({ type: 'shareGPT', path: %q, turns: 'all', sessions: 9 });
export default function () { client.send(data.next()); client.send(talk.next()); }
`, write(t, "prompts.jsonl", prompts.String()), write(t, "talks.jsonl", talks(40, 3))))
	dir := t.TempDir()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	instances(t, 3, dir, path)
	items, leaders := map[string]int{}, map[string]int{}
	for n := range 3 {
		requests, _, _ := loadLines(t, filepath.Join(dir, fmt.Sprintf("records-%d.jsonl", n+1)))
		sessions := map[string][]*record.Request{}
		for _, q := range requests {
			if q.Failed() {
				t.Errorf("instance %d: %q", n, q.Error)
			}
			if q.Seq == 0 {
				var body struct{ Messages []struct{ Content string } }
				if err := json.Unmarshal([]byte(q.RequestBody), &body); err != nil {
					t.Fatal(err)
				}
				items[body.Messages[0].Content]++
				continue
			}
			sessions[q.SessionID] = append(sessions[q.SessionID], q)
		}
		for id, turns := range sessions {
			leaders[id]++
			slices.SortFunc(turns, func(a, b *record.Request) int { return a.Turn - b.Turn })
			for i, q := range turns {
				if q.Turn != i || i > 0 && q.Start < turns[i-1].End {
					t.Errorf("instance %d: turn %d of %s is number %d, or began before the one before it ended", n,
						q.Turn, id, i)
				}
			}
		}
		if len(sessions) < 5 {
			t.Errorf("instance %d held %d conversations", n, len(sessions))
		}
	}
	for item, n := range items {
		if n != 1 {
			t.Errorf("%q was sent %d times", item, n)
		}
	}
	for id, n := range leaders {
		if n != 1 {
			t.Errorf("%d instances held %s", n, id)
		}
	}
	if len(items) != 60 {
		t.Errorf("%d of 60 items were sent", len(items))
	}
}

// A turn that waits for the answer before it, and for the tool call after that, goes later than it was due. Neither
// wait is in its latency.
func TestWaitsOfTurnsAreInTheDelay(t *testing.T) {
	t.Parallel()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	path := write(t, "script.js", fmt.Sprintf(`import { Client, Dataset, scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({ stages: [{ rate: 10, duration: '1s' }], executor: 'llm-arrival-rate' }) };
const client = new Client({ baseURL: 'sim:?ttft=20ms&itl=1ms' });
const talk = new Dataset({ type: 'conversation_replay', tokenizer: %q, sessions: 1, conversationReplay: { numConversations: 1, sharedSystemPromptLen: 20,
	turnsPerConversation: 10, inputTokensPerTurn: 5, outputTokensPerTurn: 2, toolCallLatencySec: 0.3 } });
export default function () { client.send(talk.next()); }
`, filepath.Join(mustGetwd(t), "scripts/data/sample-tokenizer.json")))
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, path))
	requests, _ := readRecords(t, records)
	slices.SortFunc(requests, func(a, b *record.Request) int { return a.Turn - b.Turn })
	for i, q := range requests {
		if q.Failed() || q.Turn != i || q.Due == nil {
			t.Fatalf("request %d: %+v", i, q)
		}
		waited, took := time.Duration(q.Start-*q.Due), q.Latency()
		if least := time.Duration(i) * 200 * time.Millisecond; waited < least || took > 250*time.Millisecond {
			t.Errorf("turn %d went %v after it was due, want %v at least, and took %v", i, waited, least, took)
		}
	}
	if len(requests) != 10 {
		t.Errorf("%d requests", len(requests))
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A prompt made to a length has that length at the server, and the report says so.
func TestReportsTellOfLengths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		script   string
		settings []string
	}{
		{"random", []string{"INPUT_LEN=30-50"}}, {"synthetic", []string{"INPUT_LEN=30-300"}},
		{"shared-prefix", []string{"GROUPS=3"}},
	} {
		dir := t.TempDir()
		out := filepath.Join(dir, "run.jsonl")
		args := []string{"run", "--quiet", "--out", "llm=" + out, "-e", "MAX_TOKENS=2", "-e", "RATE=40", "-e",
			"DURATION=1s"}
		for _, s := range tt.settings {
			args = append(args, "-e", s)
		}
		mustSucceed(t, k6(t, append(args, "scripts/"+tt.script+".js")...))
		requests, _, _ := loadLines(t, out)
		for _, q := range requests {
			usage := q.Counts().ServerPrompt
			if q.PromptAsked < 30 || usage != q.PromptAsked || q.Prompt == nil || *q.Prompt != usage {
				t.Errorf("%s: asked for %d tokens, the server counts %d, the client %v", tt.script, q.PromptAsked,
					usage, q.Prompt)
			}
		}
		if len(requests) != 40 {
			t.Errorf("%s: %d requests", tt.script, len(requests))
		}
		mustSucceed(t, run(t, 0, nil, "llmconv", "report", out, "-o", filepath.Join(dir, "report")))
		text, err := os.ReadFile(filepath.Join(dir, "report", "summary_lifecycle_metrics.json"))
		if err != nil || !strings.Contains(string(text), `"prompt_lengths_differed": 0`) {
			t.Errorf("%s: the report does not say that no length differs (%v)", tt.script, err)
		}
	}
}

// A fault in a data set is reported before the load starts, with the file and its line, or with the option.
func TestBadDatasets(t *testing.T) {
	t.Parallel()
	cnn := func(name, text string) []string {
		return []string{"-e", "DATASET=" + write(t, name, text), "scripts/cnn-dailymail.js"}
	}
	corpus := write(t, "corpus.txt", "too few words for such prompts")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"missing field", cnn("a.jsonl", "{\"article\": \"a\", \"highlights\": \"b\"}\n{\"article\": \"a\"}\n"),
			`a.jsonl:2: the record has no text \"highlights\"`},
		{"wrong shape", cnn("a.json", "[{\"article\": \"a\", \"highlights\": \"b\"},\n[1]]"),
			`a.json:2: the record has no text`},
		{"wrong shape of a conversation",
			[]string{"-e", "DATASET=" + write(t, "a.json", "[\n{\"conversations\": {\"human\": \"a\"}}]"),
				"scripts/billsum.js"}, `a.json:2: \"conversations\" is not a list`},
		{"empty file", cnn("a.json", ""), "a.json:1: the file is empty"},
		{"empty list", cnn("a.json", "[]"), "a.json: no record"},
		{"invalid JSON",
			cnn("a.jsonl", "{\"article\": \"a\", \"highlights\": \"b\"}\n{\"article\": \"a\" \"highlights\": \"b\"}\n"),
			`a.jsonl:2: invalid character '\"' after object key:value pair`},
		{"no such line in a table", cnn("a.csv", "article,highlights\na,b\nc\n"), "a.csv:3: wrong number of fields"},
		{"unknown format", cnn("a.pdf", "x"), "a.pdf: a data set is a file named .json, .jsonl"},
		{"min above max",
			[]string{write(t, "a.js", dataset(`{type: 'random', tokenizer: 'x', inputDistribution: {type: `+
				`'uniform', min: 20, max: 10}, outputDistribution: 5}`))},
			`Dataset option \"inputDistribution\": min 20 is above max 10`},
		{"mean outside",
			[]string{write(t, "a.js", dataset(`{type: 'random', tokenizer: 'x', inputDistribution: 20, `+
				`outputDistribution: {mean: 500, max: 400}}`))},
			`Dataset option \"outputDistribution\": mean 500 is outside of min 10 and max 400`},
		{"short corpus", []string{"-e", "CORPUS=" + corpus, "scripts/synthetic.js"}, corpus + ": the corpus has "},
		{"no such corpus", []string{"-e", "CORPUS=/none.txt", "scripts/synthetic.js"},
			"corpus /none.txt does not exist"},
		{"length nothing has", []string{"-e", "INPUT_LEN=0", "scripts/random.js"},
			"input distribution: a prompt of 0 tokens cannot be made: special tokens alone are"},
	} {
		out := filepath.Join(t.TempDir(), "run.jsonl")
		r := k6(t, append([]string{"run", "--quiet", "--out", "llm=" + out}, tt.args...)...)
		if r.code != 107 || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%s: exit code %d, want 107 with %q\n%s", tt.name, r.code, tt.want, r.stderr)
		}
		if sent, err := os.ReadFile(out); err == nil && strings.Contains(string(sent), `"request"`) {
			t.Errorf("%s: the load had started", tt.name)
		}
	}
}

// dataset returns a script that opens a data set.
func dataset(options string) string {
	return "import { Dataset } from 'k6/x/llm';\nnew Dataset(" + options + ");\nexport default function () {}\n"
}
