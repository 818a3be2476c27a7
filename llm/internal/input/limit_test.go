package input

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// chatTemplate writes chats in the format of Llama 3.
const chatTemplate = `{"chat_template": "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role ` +
	`}}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endfor ` +
	`%}<|start_header_id|>assistant<|end_header_id|>\n\n", "bos_token": "<|begin_of_text|>"}`

// Other chat templates: ownTemplate writes much around a message, and adds a system prompt to a chat without one.
const (
	plainTemplate = `{"chat_template": "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor ` +
		`%}[assistant]"}`
	ownTemplate = `{"chat_template": "{% if messages[0].role != 'system' %}You are a model that was made to be ` +
		`tested, and a helpful assistant. {% endif %}` +
		`{% for m in messages %}<<<{{ m.role }} says as follows>>> {{ m.content }} <<<end>>>{% endfor ` +
		`%}<<<assistant>>>"}`
	refusingTemplate = `{"chat_template": "{{ raise_exception('no chats') }}"}`
)

// counterWith returns a token counter with a vocabulary of the testdata and a configuration, where "" means none.
func counterWith(t *testing.T, vocabulary, config string) *tokenizer.Counter {
	t.Helper()
	c, err := tokenizer.ReadCounter(func(name string) ([]byte, error) {
		switch {
		case name == tokenizer.TokenizerFile:
			return os.ReadFile("../../tokenizer/testdata/" + vocabulary + ".json")
		case name == tokenizer.ConfigFile && config != "":
			return []byte(config), nil
		}
		return nil, fs.ErrNotExist
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tokensOf returns the tokens of a request, counted as a server with the tokenizer and the template does, and of its
// longest answer.
func tokensOf(t *testing.T, c *tokenizer.Counter, item datasets.Item) int {
	t.Helper()
	answer := item.MaxTokens
	if answer == 0 {
		answer = client.DefaultMaxTokens
	}
	if item.Messages == nil {
		return c.CountSpecial(item.Prompt) + answer
	}
	messages, err := json.Marshal(item.Messages)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := c.CountChat(messages, nil) // counts the texts alone if there is no template
	return n + answer
}

// answerOf returns a possible answer of a server: words, texts whose tokens merge with their neighbours, and all kinds
// of bytes.
func answerOf(rng *rand.Rand, tokens int) string {
	pieces := []string{" the", "a", "  ", "\n\n", "é", "漢字", "🙂", "<|eot_id|>", "0123", "'s", "x y", "\u0301", " -- "}
	var b strings.Builder
	for range tokens {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

// No request of generated conversations, with its answer, is longer than the limit, for any draw and any answers.
func TestNoRequestExceedsTheLimit(t *testing.T) {
	t.Parallel()
	uniform := func(low, high int) datasets.Distribution {
		return datasets.Distribution{Type: datasets.Uniform, Min: low, Max: high}
	}
	tail := datasets.Distribution{Type: datasets.Lognormal, Mean: 60, StdDev: 600, Min: 1, Max: 20_000}
	counters := map[string]*tokenizer.Counter{}
	for tokenizer, config := range map[string]string{
		"bpe-llama3": chatTemplate, "bpe-gpt2": "", "bpe-qwen": ownTemplate, "unigram-t5": plainTemplate,
		"bpe-gemma": refusingTemplate, "unigram-xlmr": "",
	} {
		counters[tokenizer] = counterWith(t, tokenizer, config)
	}
	for name, r := range map[string]Replay{
		"a long dynamic prompt": {Dynamic: uniform(10, 2000), Input: uniform(1, 20), Output: uniform(5, 20)},
		"a lognormal tail":      {Dynamic: tail, Input: uniform(1, 20), Output: uniform(5, 20)},
		"long turns":            {Dynamic: uniform(0, 5), Input: tail, Output: uniform(5, 20)},
		"long answers":          {Dynamic: uniform(0, 5), Input: uniform(1, 20), Output: uniform(1, 195)},
		"a long history":        {System: 10, Dynamic: uniform(0, 5), Input: uniform(1, 40), Output: uniform(5, 60)},
		"all of it": {System: 50, Dynamic: tail, Input: tail,
			Output: datasets.Distribution{Type: datasets.Lognormal, Mean: 20, StdDev: 90, Max: 150}},
		"the client's default": {Dynamic: uniform(0, 500), Input: uniform(1, 5), Output: uniform(0, 1)},
	} {
		for tokenizer, counter := range counters {
			for _, dialect := range []api.Dialect{api.Chat, api.Completion} {
				t.Run(strings.Join([]string{name, tokenizer, dialect.Name()}, "/"), func(t *testing.T) {
					t.Parallel()
					for seed := range int64(2) {
						o := DefaultDatasetOptions()
						o.Kind, o.API, o.Sessions, o.Replay = "conversation_replay", dialect, 2, r
						o.Replay.Conversations, o.Replay.Turns, o.Replay.Pause, o.Replay.Limit = 4, uniform(1, 8),
							datasets.Constant(0), 420
						askAll(t, &o, counter, seed)
					}
				})
			}
		}
	}
}

// askAll leads conversations and compares each request with the limit.
func askAll(t *testing.T, o *DatasetOptions, counter *tokenizer.Counter, seed int64) {
	t.Helper()
	set, err := o.replayed(counter, datasets.Generated{Tokenizer: counter, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	c, rng := set.(*Conversations), rand.New(rand.NewPCG(uint64(seed), 1))
	for i := range 40 {
		a, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := tokensOf(t, counter, a.Item); n > int(o.Replay.Limit) {
			t.Errorf("seed %d, request %d (%s, turn %d): %d tokens", seed, i, a.SessionID, a.Turn, n)
		}
		if a.Messages == nil && a.Prompt == "" {
			t.Errorf("seed %d, request %d is empty", seed, i)
		}
		a.Done(answerOf(rng, max(1, a.MaxTokens)), i%5 != 4)
		first, err := c.First(int64(i))
		if err != nil {
			t.Fatal(err)
		}
		if n := tokensOf(t, counter, first); n > int(o.Replay.Limit) {
			t.Errorf("seed %d, item %d: %d tokens", seed, i, n)
		}
	}
}

// Prompts are cut no shorter than the limit requires.
func TestLimitIsUsedUp(t *testing.T) {
	t.Parallel()
	counter := counterWith(t, "bpe-llama3", chatTemplate)
	for _, dialect := range []api.Dialect{api.Chat, api.Completion} {
		o := DefaultDatasetOptions()
		o.Kind, o.API, o.Replay.Limit = "conversation_replay", dialect, 9200
		o.Replay.Dynamic = datasets.Distribution{Type: datasets.Uniform, Min: 10, Max: 500}
		set, err := o.replayed(counter, datasets.Generated{Form: o.form(), Tokenizer: counter})
		if err != nil {
			t.Fatal(err)
		}
		full := 0
		for i := range int64(20) {
			item, err := set.At(i)
			n := tokensOf(t, counter, item)
			if err != nil || n > 9200 {
				t.Errorf("%s, item %d: %d tokens, %v", dialect.Name(), i, n, err)
			}
			if n == 9200 {
				full++
			}
		}
		if full < 10 { // 9 in 10 prompts are longer before they are cut
			t.Errorf("%s: only %d of 20 prompts reach the limit", dialect.Name(), full)
		}
	}
}

// A limit that is too small for any request is an error that names the option and the least limit.
func TestLimitRefuses(t *testing.T) {
	t.Parallel()
	long := func(d datasets.Distribution) datasets.Distribution { d.Max = 5000; return d }
	for name, tt := range map[string]struct {
		api    api.Dialect
		config string
		change func(*Replay)
		want   string
	}{
		"the shared system prompt": {api.Completion, "", func(r *Replay) { r.System = 990 },
			"at least 1010, the tokens of the shortest first prompt and its answer"},
		"a chat's template": {api.Chat, chatTemplate, func(r *Replay) { r.System = 970 },
			"at least 1011, the tokens of the shortest first prompt and its answer"},
		"an unknown template": {api.Chat, "", func(r *Replay) { r.System = 790 },
			"at least 1010, the tokens of the shortest first prompt and its answer"},
		"the dynamic one": {api.Completion, "", func(r *Replay) { r.Dynamic = datasets.Constant(990) },
			"at least 1110, the tokens of the shortest first prompt and its answer"},
		"answers": {api.Completion, "", func(r *Replay) {
			r.Output = long(datasets.Distribution{Type: datasets.Lognormal, Mean: 50, StdDev: 5})
		},
			"at least 5002, the tokens of the longest answer and of a prompt of one word"},
		"the client's default": {api.Completion, "", func(r *Replay) {
			r.Output, r.Limit = datasets.Constant(0),
				31
			r.System = 0
		},
			"at least 41, the tokens of the shortest first prompt and its answer"},
	} {
		o := DefaultDatasetOptions()
		o.Kind, o.API, o.Replay.System, o.Replay.Limit = "conversation_replay", tt.api, 100, 1000
		o.Replay.Input, o.Replay.Output = datasets.Constant(10), datasets.Constant(10)
		tt.change(&o.Replay)
		counter := counterWith(t, "bpe-llama3", tt.config)
		_, err := o.replayed(counter, datasets.Generated{Form: o.form(), Tokenizer: counter})
		want := fmt.Sprintf("maxModelLen (max_model_len of a configuration) must be %s, got %d", tt.want,
			o.Replay.Limit)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// Only the first prompt that is cut is logged.
func TestCutIsLoggedOnce(t *testing.T) {
	t.Parallel()
	log, hook := logtest.NewNullLogger()
	c := &Conversations{limit: 2000}
	for turn := range 3 {
		c.WarnOfCut(log, &datasets.Asked{SessionID: "session-5", Turn: turn})
	}
	const want = "session-5, turn 0: the prompt was cut, as with its answer it was longer than maxModelLen " +
		"(max_model_len of a configuration), 2000; so is every other that is longer"
	if got := hook.AllEntries(); len(got) != 1 || got[0].Message != want {
		t.Errorf("logged %d lines, first %q, want %q", len(got), hook.LastEntry().Message, want)
	}
}
