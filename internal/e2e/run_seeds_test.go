package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// listener is a server that keeps the chats it receives, each as its texts and the limit of the answer.
type listener struct {
	*httptest.Server
	mu    sync.Mutex
	asked []chatAsked
}

type chatAsked struct {
	Messages  []struct{ Content string }
	MaxTokens int `json:"max_tokens"`
}

func newListener(t *testing.T) *listener {
	t.Helper()
	l := new(listener)
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"data": [{"id": "m"}]}`)
			return
		}
		var chat chatAsked
		if err := json.NewDecoder(q.Body).Decode(&chat); err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		l.asked = append(l.asked, chat)
		l.mu.Unlock()
		<-time.After(100 * time.Millisecond) // so that several VUs are busy
		_, _ = io.WriteString(w,
			`{"choices": [{"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}], "usage": `+
				`{"prompt_tokens": 1, "completion_tokens": 1}}`)
	}))
	t.Cleanup(l.Close)
	return l
}

// take returns what was asked since the last call, in order: the requests, their distinct first messages, and the
// limits.
func (l *listener) take() (requests, first []string, limits []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, chat := range l.asked {
		requests, first, limits = append(requests, fmt.Sprint(chat)), append(first, chat.Messages[0].Content),
			append(limits, chat.MaxTokens)
	}
	l.asked = nil
	slices.Sort(requests)
	slices.Sort(first)
	slices.Sort(limits)
	return requests, slices.Compact(first), limits
}

// seedless returns a configuration without a seed, for the server at base.
func seedless(t *testing.T, base, load, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	text := "server: {base_url: '" + base + "', model_name: m}\napi: {type: chat}\ntokenizer: " +
		"{pretrained_model_name_or_path: scripts/data/sample-tokenizer.json}\n" +
		"load: {type: " + load + ", stages: [{rate: 20, duration: 2}]}\ndata: " + data + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	twoPrefixes = `{type: shared_prefix, shared_prefix: {num_unique_system_prompts: 2, ` +
		`num_users_per_system_prompt: 30, system_prompt_len: 40, question_len: 10}}`
	randomLengths = `{type: random, input_distribution: {type: uniform, min: 20, max: 60, mean: 40}, ` +
		`output_distribution: {type: uniform, min: 1, max: 500, mean: 250}}`
)

// A configuration without a seed is one load, however many VUs send it. The config.yaml of its report sends the same
// load again.
func TestConfigurationWithoutASeed(t *testing.T) {
	t.Parallel()
	server := newListener(t)
	path := seedless(t, server.URL, "poisson", twoPrefixes)
	var out string
	runs := 0
	run := func(path string) (requests, systems []string) {
		runs++
		out = filepath.Join(t.TempDir(), fmt.Sprint("report-", runs))
		mustSucceed(t, k6(t, "x", "llm", "run", "-c", path, "--out", out))
		requests, systems, _ = server.take()
		return requests, systems
	}
	requests, systems := run(path)
	if len(systems) != 2 || len(requests) < 15 {
		t.Errorf("%d requests of %d system prompts, want 2", len(requests), len(systems))
	}
	written := filepath.Join(out, "config.yaml")
	text, err := os.ReadFile(written)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^  base_seed: (\d+)$`).FindSubmatch(text)
	all := lines(t, filepath.Join(out, "records.jsonl"))
	if seed, made := only[*record.Run](all)[0].Seed, only[*record.Client](all)[0].Generated; found == nil ||
		seed == nil ||
		fmt.Sprint(*seed) != string(found[1]) || len(made) != 1 || made[0].Seed != *seed {
		t.Errorf("config.yaml has %q, the run %v, the data set %+v", found, seed, made)
	}
	if again, _ := run(written); !slices.Equal(again, requests) {
		t.Errorf("%d requests by the written configuration, which differ from the first %d", len(again), len(requests))
	}
	if _, others := run(path); len(others) != 2 || slices.Equal(others, systems) {
		t.Errorf("the next run has %d system prompts, want 2 others", len(others))
	}
}

// Random prompts differ from run to run, so that no cache knows them. The amount of work that they ask for follows from
// the seed.
func TestConfigurationOfRandomPromptsAgain(t *testing.T) {
	t.Parallel()
	server := newListener(t)
	path := seedless(t, server.URL, "constant", randomLengths)
	out := filepath.Join(t.TempDir(), "report")
	mustSucceed(t, k6(t, "x", "llm", "run", "-c", path, "--out", out))
	first, texts, limits := server.take()
	mustSucceed(t, k6(t, "x", "llm", "run", "-c", filepath.Join(out, "config.yaml"), "--out", out+"-again"))
	again, others, wanted := server.take()
	if !slices.Equal(limits, wanted) || len(limits) != 40 {
		t.Errorf("answers of up to %v tokens, and again of %v", limits, wanted)
	}
	for _, text := range others {
		if slices.Contains(texts, text) {
			t.Errorf("a prompt of %d is sent again: %.60q", len(first), text)
		}
	}
	if len(again) != 40 || len(others) != 40 {
		t.Errorf("%d requests, %d different prompts, want 40", len(again), len(others))
	}
}

// Instances of one run draw the same seed, because they share the id of the run: here the tag that the k6 Operator
// gives.
func TestInstancesDrawOneSeed(t *testing.T) {
	t.Parallel()
	server := newListener(t)
	path := seedless(t, server.URL, "poisson", twoPrefixes)
	out := t.TempDir()
	launch(t, pods(2), out, "scripts/inference-perf.js", "-e", "CONFIG="+path)
	requests, systems, _ := server.take()
	if len(systems) != 2 || len(slices.Compact(slices.Clone(requests))) != min(len(requests), 60) {
		t.Errorf("%d requests, %d different, of %d system prompts, want 2", len(requests),
			len(slices.Compact(requests)), len(systems))
	}
	var seeds []string
	var numbers []int64
	for _, name := range []string{"records-1.jsonl", "records-2.jsonl"} {
		all := lines(t, filepath.Join(out, name))
		seed := only[*record.Run](all)[0].Seed
		if seed == nil {
			t.Fatalf("%s has no seed", name)
		}
		seeds = append(seeds, fmt.Sprint(*seed, only[*record.Client](all)[0].Generated))
		for _, q := range only[*record.Request](all) {
			numbers = append(numbers, q.Index)
		}
	}
	if seeds[0] != seeds[1] {
		t.Errorf("seeds %s", strings.Join(seeds, " and "))
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if int64(i) != n {
			t.Fatalf("arrivals %v are not those of one schedule", numbers)
		}
	}
}
