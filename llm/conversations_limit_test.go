package llm

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
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// Templates that write much around a message, and a system prompt of their own where a chat has none.
const (
	plainTemplate = `{"chat_template": "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor ` +
		`%}[assistant]"}`
	ownTemplate = `{"chat_template": "{% if messages[0].role != 'system' %}You are a model that was made to be ` +
		`tested, and a helpful assistant. {% endif %}` +
		`{% for m in messages %}<<<{{ m.role }} says as follows>>> {{ m.content }} <<<end>>>{% endfor ` +
		`%}<<<assistant>>>"}`
	refusingTemplate = `{"chat_template": "{{ raise_exception('no chats') }}"}`
)

// counterWith is a tokenizer of the tests with a chat template, "" for none.
func counterWith(t *testing.T, vocabulary, config string) *tokenizer.Counter {
	t.Helper()
	c, err := tokenizer.ReadCounter(func(name string) ([]byte, error) {
		switch {
		case name == tokenizer.TokenizerFile:
			return os.ReadFile("tokenizer/testdata/" + vocabulary + ".json")
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

// tokensOf counts a request as a server does that has the tokenizer and the template, and what it may answer.
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
	n, _ := c.CountChat(messages, nil) // of a chat without a template the texts
	return n + answer
}

// answers are what a server may say: words, texts whose tokens join others, and bytes of all kinds.
func answerOf(rng *rand.Rand, tokens int) string {
	pieces := []string{" the", "a", "  ", "\n\n", "é", "漢字", "🙂", "<|eot_id|>", "0123", "'s", "x y", "\u0301", " -- "}
	var b strings.Builder
	for range tokens {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

// No request of made-up conversations is longer, with its answer, than the model can read, whatever was drawn and
// answered.
func TestNoRequestIsLongerThanTheModelReads(t *testing.T) {
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
	for name, r := range map[string]replayOptions{
		"a long dynamic prompt": {dynamic: uniform(10, 2000), input: uniform(1, 20), output: uniform(5, 20)},
		"a lognormal tail":      {dynamic: tail, input: uniform(1, 20), output: uniform(5, 20)},
		"long turns":            {dynamic: uniform(0, 5), input: tail, output: uniform(5, 20)},
		"long answers":          {dynamic: uniform(0, 5), input: uniform(1, 20), output: uniform(1, 195)},
		"a long history":        {system: 10, dynamic: uniform(0, 5), input: uniform(1, 40), output: uniform(5, 60)},
		"all of it": {system: 50, dynamic: tail, input: tail,
			output: datasets.Distribution{Type: datasets.Lognormal, Mean: 20, StdDev: 90, Max: 150}},
		"the client's default": {dynamic: uniform(0, 500), input: uniform(1, 5), output: uniform(0, 1)},
	} {
		for tokenizer, counter := range counters {
			for _, api := range []string{"chat", "completion"} {
				t.Run(strings.Join([]string{name, tokenizer, api}, "/"), func(t *testing.T) {
					t.Parallel()
					for seed := range int64(2) {
						o := newDatasetOptions()
						o.kind, o.api, o.sessions, o.replay = "conversation_replay", api, 2, r
						o.replay.conversations, o.replay.turns, o.replay.pause, o.replay.limit = 4, uniform(1, 8),
							datasets.Constant(0), 420
						askAll(t, o, counter, seed)
					}
				})
			}
		}
	}
}

// askAll leads conversations and holds each request against the limit.
func askAll(t *testing.T, o *datasetOptions, counter *tokenizer.Counter, seed int64) {
	t.Helper()
	set, err := o.replayed(counter, datasets.Generated{Tokenizer: counter, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	c, rng := set.(*conversations), rand.New(rand.NewPCG(uint64(seed), 1))
	for i := range 40 {
		a, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := tokensOf(t, counter, a.Item); n > int(o.replay.limit) {
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
		if n := tokensOf(t, counter, first); n > int(o.replay.limit) {
			t.Errorf("seed %d, item %d: %d tokens", seed, i, n)
		}
	}
}

// A prompt is cut to the last token that the model can read, and no further.
func TestLimitIsUsedUp(t *testing.T) {
	t.Parallel()
	counter := counterWith(t, "bpe-llama3", chatTemplate)
	for _, api := range []string{"chat", "completion"} {
		o := newDatasetOptions()
		o.kind, o.api, o.replay.limit = "conversation_replay", api, 9200
		o.replay.dynamic = datasets.Distribution{Type: datasets.Uniform, Min: 10, Max: 500}
		set, err := o.replayed(counter, datasets.Generated{Tokenizer: counter})
		if err != nil {
			t.Fatal(err)
		}
		full := 0
		for i := range int64(20) {
			item, err := set.At(i)
			n := tokensOf(t, counter, item)
			if err != nil || n > 9200 {
				t.Errorf("%s, item %d: %d tokens, %v", api, i, n, err)
			}
			if n == 9200 {
				full++
			}
		}
		if full < 10 { // of the prompts 9 in 10 would be longer
			t.Errorf("%s: only %d of 20 prompts reach the limit", api, full)
		}
	}
}

// What cannot fit is an error before the first request. It names the option and the least that would do.
func TestLimitRefuses(t *testing.T) {
	t.Parallel()
	long := func(d datasets.Distribution) datasets.Distribution { d.Max = 5000; return d }
	for name, tt := range map[string]struct {
		api, config string
		change      func(*replayOptions)
		want        string
	}{
		"the shared system prompt": {"completion", "", func(r *replayOptions) { r.system = 990 },
			"at least 1010, the tokens of the shortest first prompt and its answer"},
		"a chat's template": {"chat", chatTemplate, func(r *replayOptions) { r.system = 970 },
			"at least 1010, the tokens of the shortest first prompt and its answer"},
		"an unknown template": {"chat", "", func(r *replayOptions) { r.system = 790 },
			"at least 1009, the tokens of the shortest first prompt and its answer"},
		"the dynamic one": {"completion", "", func(r *replayOptions) { r.dynamic = datasets.Constant(990) },
			"at least 1110, the tokens of the shortest first prompt and its answer"},
		"answers": {"completion", "", func(r *replayOptions) {
			r.output = long(datasets.Distribution{Type: datasets.Lognormal, Mean: 50, StdDev: 5})
		},
			"at least 5002, the tokens of the longest answer and of a prompt of one word"},
		"the client's default": {"completion", "", func(r *replayOptions) {
			r.output, r.limit = datasets.Constant(0),
				31
			r.system = 0
		},
			"at least 41, the tokens of the shortest first prompt and its answer"},
	} {
		o := newDatasetOptions()
		o.kind, o.api, o.replay.system, o.replay.limit = "conversation_replay", tt.api, 100, 1000
		o.replay.input, o.replay.output = datasets.Constant(10), datasets.Constant(10)
		tt.change(&o.replay)
		counter := counterWith(t, "bpe-llama3", tt.config)
		_, err := o.replayed(counter, datasets.Generated{Tokenizer: counter})
		want := fmt.Sprintf("maxModelLen (max_model_len of a configuration) must be %s, got %d", tt.want,
			o.replay.limit)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// The first prompt that is cut is logged, once.
func TestCutIsLoggedOnce(t *testing.T) {
	t.Parallel()
	log, hook := logtest.NewNullLogger()
	c := &conversations{limit: 2000}
	for turn := range 3 {
		c.noteCut(log, &datasets.Asked{SessionID: "session-5", Turn: turn})
	}
	const want = "session-5, turn 0: the prompt was cut, as with its answer it was longer than maxModelLen " +
		"(max_model_len of a configuration), 2000; so is every other that is longer"
	if got := hook.AllEntries(); len(got) != 1 || got[0].Message != want {
		t.Errorf("logged %d lines, first %q, want %q", len(got), hook.LastEntry().Message, want)
	}
}
