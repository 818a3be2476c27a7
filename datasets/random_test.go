package datasets_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// Prompts of a trace have the lengths of its lines.
func TestRandomTrace(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/bpe-llama3.json")
	trace := []datasets.Lengths{{Prompt: 30, Answer: 7, Line: 2}, {Prompt: 300, Answer: 1, Line: 3}}
	set, err := datasets.NewRandom(datasets.Random{Generated: datasets.Generated{Form: datasets.AsCompletion,
		Tokenizer: c}, Trace: trace})
	if err != nil {
		t.Fatal(err)
	}
	if n, finite := set.Len(); n != 2 || !finite {
		t.Errorf("length %d, %t", n, finite)
	}
	for i := range int64(4) {
		item, want := at(t, set, i), trace[i%2]
		if n := c.CountSpecial(item.Prompt); n != int(want.Prompt) || item.PromptTokens != n ||
			item.MaxTokens != int(want.Answer) || item.Bare {
			t.Errorf("item %d has %d tokens, got %+v; want %+v", i, n, item, want)
		}
	}
	if at(t, set, 0).Prompt != at(t, set, 2).Prompt {
		t.Error("the set does not begin again past its end")
	}
	trace[1].Prompt = 1
	_, err = datasets.NewRandom(datasets.Random{Generated: datasets.Generated{Form: datasets.AsCompletion,
		Tokenizer: c}, Trace: trace})
	if err == nil || err.Error() != "line 3 of the trace: a prompt of 1 tokens cannot be made: special tokens alone "+
		"are 1" {
		t.Errorf("got %v", err)
	}
}

// The length of a prompt framed by a chat template includes the frame, and there are no special tokens around it.
func TestRandomFramed(t *testing.T) {
	everyTokenizer(t, func(t *testing.T, c *tokenizer.Counter) {
		for _, frame := range [][2]string{
			{"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
				"<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
			{"<s>[INST] ", " [/INST]"}, {"", "\nAnswer:"},
		} {
			r := datasets.Random{Generated: datasets.Generated{Form: datasets.AsCompletion, Tokenizer: c,
				Input: uniform(150, 300), Output: uniform(1, 9)}, Before: frame[0], After: frame[1]}
			set, err := datasets.NewRandom(r)
			if err != nil {
				t.Fatal(err)
			}
			for i := range int64(10) {
				item := at(t, set, i)
				if n := c.Count(item.Prompt); n != item.PromptTokens || !item.Bare ||
					!strings.HasPrefix(item.Prompt, frame[0]) || !strings.HasSuffix(item.Prompt, frame[1]) {
					t.Errorf("item %d: %d tokens, asked for %d: %q", i, n, item.PromptTokens, item.Prompt)
				}
			}
			r.Input = uniform(1, 300)
			if _, err := datasets.NewRandom(r); err == nil ||
				!strings.Contains(err.Error(), "a prompt of 1 tokens cannot be made: the chat template alone has") {
				t.Errorf("too short: %v", err)
			}
		}
	})
}

// Prompts must never change: it must be possible to repeat a run of today with a later version, and with another
// version of Go.
func TestGeneratedItemsNeverChange(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/bpe-llama3.json")
	hash := func(texts ...any) string { return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, texts...)))[:16] }
	hashScript := func(s datasets.Script) string {
		texts := []any{s.System}
		for _, turn := range s.Turns {
			texts = append(texts, turn.Text, turn.MaxTokens, turn.Pause)
		}
		return hash(texts...)
	}
	got := map[string]string{}
	for name, set := range generators(t, c, datasets.AsCompletion, 1, "salt") {
		for _, i := range []int64{0, 7, 1 << 40} {
			got[fmt.Sprint(name, " ", i)] = hash(at(t, set, i).Prompt, at(t, set, i).MaxTokens)
		}
	}
	for name, set := range generators(t, c, datasets.AsChat, 1, "salt") {
		item := at(t, set, 7)
		got[name+" as a chat 7"] = hash(item.Messages, item.MaxTokens)
	}
	replay, err := datasets.NewReplay(datasets.Replay{
		Form: datasets.AsCompletion, Tokenizer: c, Seed: 42, Conversations: 100, System: 60, Dynamic: uniform(0, 20),
		Turns: uniform(2, 4), Input: uniform(1, 15), Output: uniform(1, 3), Pause: uniform(0, 9),
	})
	if err != nil {
		t.Fatal(err)
	}
	script, err := replay.Script(3)
	if err != nil {
		t.Fatal(err)
	}
	got["replay 3"] = hashScript(script)
	shared, err := datasets.NewSharedPrefix(datasets.SharedPrefix{Form: datasets.AsCompletion, Tokenizer: c,
		Groups: 3, Questions: 20, System: uniform(4, 200), Question: uniform(0, 90), Output: uniform(1, 9)})
	if err != nil {
		t.Fatal(err)
	}
	if script, err = shared.Conversations(3).Script(5); err != nil {
		t.Fatal(err)
	}
	got["shared conversation 5"] = hashScript(script)
	want := map[string]string{
		"random 0": "6c13d58832f3588f", "random 7": "a1a5033e5a2a3139", "random 1099511627776": "5f5d95256e589d86",
		"synthetic 0": "fa5a99b0241d2f74", "synthetic 7": "28b000e9970b28be",
		"synthetic 1099511627776": "a51e5326617ce6f6",
		"shared prefix 0":         "dae02c24602be887", "shared prefix 7": "ae4f564ba36f7763",
		"shared prefix 1099511627776": "cc6790fcff445255",
		"random as a chat 7":          "b0c9b85843c595c9", "synthetic as a chat 7": "e06d448b20e40896",
		"shared prefix as a chat 7": "34b81266e1d99a42",
		"replay 3":                  "63ccb8c061e336e1", "shared conversation 5": "0d57fb7983dc40ad",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %#v", got)
	}
}
