package datasets_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// counter reads one of the tokenizers that package tokenizer is tested with.
func counter(t testing.TB, path string) *tokenizer.Counter {
	t.Helper()
	c, err := tokenizer.ReadCounter(func(name string) ([]byte, error) {
		if name != tokenizer.TokenizerFile {
			return nil, fs.ErrNotExist
		}
		return os.ReadFile(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// everyTokenizer runs a test with each tokenizer.
func everyTokenizer(t *testing.T, test func(t *testing.T, c *tokenizer.Counter)) {
	t.Helper()
	paths, err := filepath.Glob("../llm/tokenizer/testdata/[buw]*-*.json")
	if err != nil || len(paths) < 15 {
		t.Fatal("tokenizers are missing", paths, err)
	}
	withTokenizers(t, paths, test)
}

func withTokenizers(t *testing.T, paths []string, test func(t *testing.T, c *tokenizer.Counter)) {
	t.Helper()
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			test(t, counter(t, path))
		})
	}
}

func at(t *testing.T, set datasets.Set, i int64) datasets.Item {
	t.Helper()
	item, err := set.At(i)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func uniform(low, high int) datasets.Distribution {
	return datasets.Distribution{Type: datasets.Uniform, Min: low, Max: high}
}

// generators returns a set of each kind that promises exact lengths.
func generators(t testing.TB, c *tokenizer.Counter, form datasets.Form, seed int64,
	salt string) map[string]datasets.Set {
	t.Helper()
	g := datasets.Generated{Form: form, Tokenizer: c, Seed: seed, Salt: salt, Input: uniform(4, 400),
		Output: uniform(1, 9)}
	random, err := datasets.NewRandom(datasets.Random{Generated: g})
	if err != nil {
		t.Fatal(err)
	}
	synthetic, err := datasets.NewSynthetic(g, datasets.Corpus)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := datasets.NewSharedPrefix(datasets.SharedPrefix{
		Form: form, Tokenizer: c, Seed: seed, Salt: salt, Groups: 3, Questions: 20, System: uniform(4, 200),
		Question: uniform(0, 90), Output: uniform(1, 9),
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]datasets.Set{"random": random, "synthetic": synthetic, "shared prefix": shared}
}

// Prompts have exactly the number of tokens drawn, whatever the tokenizer.
func TestGeneratedLengthsAreExact(t *testing.T) {
	everyTokenizer(t, func(t *testing.T, c *tokenizer.Counter) {
		for _, salt := range []string{"", "run 7"} {
			for name, set := range generators(t, c, datasets.AsCompletion, 1, salt) {
				lengths := map[int]bool{}
				for i := range int64(60) {
					item := at(t, set, i)
					if n := c.CountSpecial(item.Prompt); n != item.PromptTokens || n < 4 {
						t.Errorf("%s, salt %q, item %d: %d tokens, asked for %d: %.200q", name, salt, i, n,
							item.PromptTokens, item.Prompt)
					}
					if item.MaxTokens < 1 || item.MaxTokens > 9 {
						t.Errorf("%s, item %d: answer of %d", name, i, item.MaxTokens)
					}
					lengths[item.PromptTokens] = true
				}
				if len(lengths) < 20 {
					t.Errorf("%s: lengths %v", name, lengths)
				}
			}
		}
	})
}

// The texts of a chat alone have the number of tokens drawn: only the server knows what comes around them. One of the
// tokenizers adds a special token before a text, one adds some around it, and one adds none.
func TestGeneratedChatsAreExact(t *testing.T) {
	const folder = "../llm/tokenizer/testdata/"
	tokenizers := []string{folder + "bpe-llama3.json", folder + "bpe-roberta.json", folder + "bpe-gpt2.json"}
	withTokenizers(t, tokenizers, func(t *testing.T, c *tokenizer.Counter) {
		for name, set := range generators(t, c, datasets.AsChat, 1, "run 7") {
			for i := range int64(60) {
				item, n := at(t, set, i), 0
				for _, m := range item.Messages {
					n += c.Count(m.Content)
				}
				if n != item.PromptTokens || n < 4 {
					t.Errorf("%s, item %d: %d tokens, asked for %d: %.200q", name, i, n, item.PromptTokens,
						item.Messages)
				}
			}
		}
	})
}

// An item depends only on options, seed, salt and number.
func TestGeneratedItemsAreFixed(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/bpe-llama3.json")
	base, again := generators(t, c, datasets.AsCompletion, 1, ""), generators(t, c, datasets.AsCompletion, 1, "")
	seed, salted := generators(t, c, datasets.AsCompletion, 2, ""), generators(t, c, datasets.AsCompletion, 1, "x")
	chats := generators(t, c, datasets.AsChat, 1, "")
	for name, set := range base {
		for i := range int64(20) {
			item := at(t, set, i)
			if other := at(t, again[name], 19-i); i == 19-i && !reflect.DeepEqual(item, other) ||
				!reflect.DeepEqual(item, at(t, again[name], i)) {
				t.Errorf("%s: item %d differs", name, i)
			}
			if item.Prompt == at(t, seed[name], i).Prompt || item.Prompt == at(t, salted[name], i).Prompt ||
				item.Prompt == at(t, set, i+1).Prompt {
				t.Errorf("%s: item %d is the same under another seed, salt or number", name, i)
			}
			if other := at(t, chats[name], i); !reflect.DeepEqual(other, at(t, chats[name], i)) ||
				reflect.DeepEqual(other, at(t, chats[name], i+1)) {
				t.Errorf("%s: item %d as a chat is not fixed, or is the next one", name, i)
			}
		}
	}
}

// The questions of a group come with the same system prompt, and each question comes once before any comes again.
func TestSharedPrefixGroups(t *testing.T) {
	t.Parallel()
	set := generators(t, counter(t, "../llm/tokenizer/testdata/bpe-llama3.json"), datasets.AsChat, 1,
		"")["shared prefix"]
	n, finite := set.Len()
	if n != 60 || !finite {
		t.Fatalf("length %d, %t", n, finite)
	}
	systems, items := map[string]int{}, map[string]int{}
	for i := range n {
		m := at(t, set, i).Messages
		systems[m[0].Content]++
		items[fmt.Sprint(m)]++
	}
	if len(systems) != 3 || len(items) < 55 {
		t.Errorf("%d system prompts, %d items", len(systems), len(items))
	}
	for s, n := range systems {
		if n != 20 {
			t.Errorf("system prompt %.30q comes %d times", s, n)
		}
	}
	if !reflect.DeepEqual(at(t, set, n+5), at(t, set, 5)) {
		t.Error("the set does not begin again")
	}
}

// The first prompt of a conversation has the lengths of its parts.
func TestReplayLengthsAreExact(t *testing.T) {
	everyTokenizer(t, func(t *testing.T, c *tokenizer.Counter) {
		r, err := datasets.NewReplay(datasets.Replay{
			Form: datasets.AsCompletion, Tokenizer: c, Conversations: 5,
			System: 60, Dynamic: datasets.Constant(20), Turns: uniform(2, 4),
			Input: datasets.Constant(15), Output: uniform(1, 3),
			Pause: datasets.Constant(0),
		})
		if err != nil {
			t.Fatal(err)
		}
		s := &datasets.Sessions{Scripts: r, Form: datasets.AsCompletion, Open: 5}
		systems := map[string]bool{}
		for range 5 {
			a, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := c.CountSpecial(a.Prompt); n != 95 {
				t.Errorf("%d tokens, want 95: %q", n, a.Prompt)
			}
			systems[strings.Join(strings.Fields(a.Prompt)[:50], " ")] = true
			a.Done("x", true)
		}
		if len(systems) != 1 {
			t.Errorf("%d beginnings, want one", len(systems))
		}
		again, _ := r.Script(7)
		if same, _ := r.Script(2); !reflect.DeepEqual(again, same) {
			t.Error("conversation 7 of 5 is not conversation 2")
		}
	})
}

// The first prompt of a user who asks several questions behind a shared prefix has the lengths of its parts.
func TestSharedConversationsAreExact(t *testing.T) {
	everyTokenizer(t, func(t *testing.T, c *tokenizer.Counter) {
		shared, err := datasets.NewSharedPrefix(datasets.SharedPrefix{
			Form: datasets.AsCompletion, Tokenizer: c, Groups: 2, Questions: 5, System: datasets.Constant(60),
			Question: datasets.Constant(15), Output: uniform(1, 3),
		})
		if err != nil {
			t.Fatal(err)
		}
		s := &datasets.Sessions{Scripts: shared.Conversations(3), Form: datasets.AsCompletion, Open: 10}
		for range 10 {
			a, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := c.CountSpecial(a.Prompt); n != 75 {
				t.Errorf("%d tokens, want 75: %q", n, a.Prompt)
			}
		}
	})
}

func TestGeneratedRefusals(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/wordpiece-uncased.json")
	good := datasets.Generated{Form: datasets.AsCompletion, Tokenizer: c, Input: uniform(10, 20),
		Output: uniform(1, 2)}
	tests := map[string]struct {
		make func() error
		want string
	}{
		"no tokenizer": {func() error {
			_, err := datasets.NewRandom(datasets.Random{Generated: datasets.Generated{Input: uniform(10, 20),
				Output: uniform(1, 2)}})
			return err
		}, "a tokenizer is needed"},
		"input": {func() error {
			g := good
			g.Input = uniform(20, 10)
			_, err := datasets.NewRandom(datasets.Random{Generated: g})
			return err
		}, "input distribution: min 20 is above max 10"},
		"too short": {func() error {
			g := good
			g.Input = uniform(2, 10)
			_, err := datasets.NewRandom(datasets.Random{Generated: g})
			return err
		}, "a prompt of 2 tokens cannot be made: special tokens alone are 2"},
		"corpus": {func() error {
			_, err := datasets.NewSynthetic(good, "the corpus of a few words")
			return err
		}, "the corpus has"},
		"empty corpus": {func() error { _, err := datasets.NewSynthetic(good, " \n "); return err },
			"the corpus has 0 tokens"},
		"groups": {func() error {
			_, err := datasets.NewSharedPrefix(datasets.SharedPrefix{Tokenizer: c, Groups: 0, Questions: 1})
			return err
		}, "groups and questions must be positive"},
		"question": {func() error {
			_, err := datasets.NewSharedPrefix(datasets.SharedPrefix{Tokenizer: c, Groups: 1, Questions: 1,
				System: uniform(5, 6), Output: uniform(1, 2)})
			return err
		}, `question length: unknown type ""`},
	}
	for name, tt := range tests {
		if err := tt.make(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

func BenchmarkPrompts(b *testing.B) {
	for name, c := range map[string]*tokenizer.Counter{
		"llama3": counter(b, "../llm/tokenizer/testdata/bpe-llama3.json"),
		"llama2": counter(b, "../llm/tokenizer/testdata/bpe-llama2.json"), "128k": large(b, 128_000),
	} {
		for kind, set := range generated(b, c) {
			b.Run(name+"/"+kind, func(b *testing.B) {
				var i int64
				for b.Loop() {
					_, err := set.At(i)
					if err != nil {
						b.Fatal(err)
					}
					i++
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "prompts/s")
			})
		}
	}
}
