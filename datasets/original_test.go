package datasets_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// originals returns the sets that make prompts as inference-perf does.
func originals(t testing.TB, c *tokenizer.Counter, seed int64, salt string) map[string]datasets.Set {
	t.Helper()
	g := datasets.Generated{Seed: seed, Salt: salt, Input: uniform(4, 300), Output: uniform(1, 9)}
	random, err := datasets.NewOriginalRandom(c, datasets.Random{Generated: g})
	if err != nil {
		t.Fatal(err)
	}
	synthetic, err := datasets.NewOriginalSynthetic(c, g, datasets.Corpus)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := datasets.NewOriginalSharedPrefix(c, datasets.SharedPrefix{
		Seed: seed, Salt: salt, Groups: 3, Questions: 20, System: uniform(4, 200), Question: uniform(4, 90),
		Output: uniform(1, 9),
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]datasets.Set{"random": random, "synthetic": synthetic, "shared prefix": shared}
}

// Prompts have the number of tokens drawn, whatever the tokenizer, and no special tokens except those around them.
func TestOriginalLengthsAreExact(t *testing.T) {
	everyTokenizer(t, func(t *testing.T, c *tokenizer.Counter) {
		for name, set := range originals(t, c, 1, "") {
			lengths := map[int]bool{}
			for i := range int64(60) {
				item := at(t, set, i)
				if n := c.CountSpecial(item.Prompt); n != item.PromptTokens || n < 4 || n > 300 {
					t.Errorf("%s, item %d: %d tokens, PromptTokens is %d: %.200q", name, i, n, item.PromptTokens,
						item.Prompt)
				}
				if item.MaxTokens < 1 || item.MaxTokens > 9 || item.Messages != nil || item.Bare {
					t.Errorf("%s, item %d: %+v", name, i, item)
				}
				lengths[item.PromptTokens] = true
			}
			if len(lengths) < 20 {
				t.Errorf("%s: lengths %v", name, lengths)
			}
		}
	})
}

// A prefix and a question each have their lengths, and together about the sum of both.
func TestOriginalSharedPrefix(t *testing.T) {
	everyTokenizer(t, func(t *testing.T, c *tokenizer.Counter) {
		open := func(questions, length int) datasets.Set {
			set, err := datasets.NewOriginalSharedPrefix(c, datasets.SharedPrefix{
				Seed: 4, Groups: 2, Questions: questions, System: datasets.Constant(80),
				Question: datasets.Constant(length), Output: datasets.Constant(3),
			})
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
		prefixes := map[string]bool{}
		for i := range int64(2) {
			item := at(t, open(1, 0), i)
			if n := c.CountSpecial(item.Prompt); n != 80 || item.PromptTokens != 80 {
				t.Errorf("prefix %d has %d tokens, PromptTokens is %d, want 80", i, n, item.PromptTokens)
			}
			prefixes[item.Prompt] = true
		}
		set, found := open(10, 40), map[string]int{}
		sum, around := 0, c.CountSpecial("")
		for i := range int64(20) {
			item := at(t, set, i)
			sum += item.PromptTokens
			for prefix := range prefixes {
				if strings.HasPrefix(item.Prompt,
					strings.TrimRightFunc(prefix, func(r rune) bool {
						return unicode.IsSpace(r) || r == unicode.ReplacementChar
					})) {
					found[prefix]++
				}
			}
		}
		if mean, want := float64(sum)/20, float64(120-around); mean < want-3 || mean > want+3 {
			t.Errorf("prompts have %v tokens on average, want about %v", mean, want)
		}
		for prefix, n := range found {
			if n != 10 {
				t.Errorf("prefix %.30q comes %d times, want 10", prefix, n)
			}
		}
		if len(found) != 2 || !reflect.DeepEqual(at(t, set, 23), at(t, set, 3)) {
			t.Errorf("%d prefixes, want 2, or the set does not begin again", len(found))
		}
	})
}

// A question begins with white space where the tokenizer has tokens that begin so.
func TestOriginalQuestionsBeginWithASpace(t *testing.T) {
	t.Parallel()
	set, err := datasets.NewOriginalSharedPrefix(counter(t, "../llm/tokenizer/testdata/bpe-llama3.json"),
		datasets.SharedPrefix{
			Groups: 2, Questions: 10, System: datasets.Constant(0), Question: uniform(2, 30),
			Output: datasets.Constant(3),
		})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(20) {
		if item := at(t, set, i); strings.TrimLeftFunc(item.Prompt, unicode.IsSpace) == item.Prompt {
			t.Errorf("item %d: %q", i, item.Prompt)
		}
	}
}

// Synthetic prompts are pieces of the unchanged text.
func TestOriginalSyntheticTextIsInTheCorpus(t *testing.T) {
	t.Parallel()
	set := originals(t, counter(t, "../llm/tokenizer/testdata/bpe-llama3.json"), 1, "")["synthetic"]
	found := 0
	for i := range int64(50) {
		if strings.Contains(datasets.Corpus, strings.Trim(at(t, set, i).Prompt, "\uFFFD")) {
			found++
		}
	}
	if found < 48 { // a few may begin in the line before the text
		t.Errorf("%d of 50 prompts are in the corpus", found)
	}
}

// Prompts of a trace have the lengths of its lines. The lengths of framed prompts include the frame.
func TestOriginalRandomTraceAndFrame(t *testing.T) {
	everyTokenizer(t, func(t *testing.T, c *tokenizer.Counter) {
		r := datasets.Random{
			Trace:  []datasets.Lengths{{Prompt: 90, Answer: 7, Line: 2}, {Prompt: 300, Answer: 1, Line: 3}},
			Before: "<s>[INST] ", After: " [/INST]",
		}
		set, err := datasets.NewOriginalRandom(c, r)
		if err != nil {
			t.Fatal(err)
		}
		if n, finite := set.Len(); n != 2 || !finite {
			t.Errorf("length %d, %t", n, finite)
		}
		for i := range int64(4) {
			item, want := at(t, set, i), r.Trace[i%2]
			if n := c.Count(item.Prompt); n != int(want.Prompt) || item.PromptTokens != n ||
				item.MaxTokens != int(want.Answer) || !item.Bare || !strings.HasPrefix(item.Prompt, r.Before) {
				t.Errorf("item %d has %d tokens, got %+v; want %+v", i, n, item, want)
			}
		}
		r.Trace[1].Prompt = 1
		if _, err := datasets.NewOriginalRandom(c, r); err == nil ||
			!strings.Contains(err.Error(),
				"line 3 of the trace: a prompt of 1 tokens cannot be made: the chat template alone has") {
			t.Errorf("too short: %v", err)
		}
	})
}

// Runs of one seed ask for the same work, whatever their salts: texts differ, but lengths do not.
func TestSaltLeavesLengths(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/bpe-llama3.json")
	sets := func(salt string) map[string]datasets.Set {
		all := generators(t, c, datasets.AsCompletion, 1, salt)
		for name, set := range originals(t, c, 1, salt) {
			all["inference-perf "+name] = set
		}
		return all
	}
	unsalted, one, two := sets(""), sets("a"), sets("b")
	for name := range unsalted {
		if strings.Contains(name, "shared prefix") { // its salt always comes from a script
			continue
		}
		for i := range int64(20) {
			none, a, b := at(t, unsalted[name], i), at(t, one[name], i), at(t, two[name], i)
			for salt, item := range map[string]datasets.Item{"a": a, "b": b} {
				if item.PromptTokens != none.PromptTokens || item.MaxTokens != none.MaxTokens {
					t.Errorf("%s, item %d: %d and %d tokens under salt %q, %d and %d without one", name, i,
						item.PromptTokens, item.MaxTokens, salt, none.PromptTokens, none.MaxTokens)
				}
			}
			if a.Prompt == b.Prompt || a.Prompt == none.Prompt {
				t.Errorf("%s, item %d is the same under another salt: %.80q", name, i, a.Prompt)
			}
		}
	}
}

// Prompts must never change, and other seeds, salts and numbers make other prompts.
func TestOriginalItemsNeverChange(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/bpe-llama3.json")
	seed, salted, again := originals(t, c, 2, ""), originals(t, c, 1, "x"), originals(t, c, 1, "")
	got := map[string]string{}
	for name, set := range originals(t, c, 1, "") {
		for _, i := range []int64{0, 7, 1 << 40} {
			item := at(t, set, i)
			got[fmt.Sprint(name, " ", i)] = fmt.Sprintf("%x",
				sha256.Sum256(fmt.Append(nil, item.Prompt, item.MaxTokens)))[:16]
			if item.Prompt == at(t, seed[name], i).Prompt || item.Prompt == at(t, salted[name], i).Prompt ||
				item.Prompt == at(t, set, i+1).Prompt {
				t.Errorf("%s: item %d is the same under another seed, salt or number", name, i)
			}
			if !reflect.DeepEqual(item, at(t, again[name], i)) {
				t.Errorf("%s: item %d differs", name, i)
			}
		}
	}
	want := map[string]string{
		"random 0": "06e0d36a28a49740", "random 7": "9b142fb1156035f8", "random 1099511627776": "c89c8433da738d32",
		"synthetic 0": "1d9d1d1729b6303e", "synthetic 7": "da3e54c2c19dd9ae",
		"synthetic 1099511627776": "47f7ef75946692bf",
		"shared prefix 0":         "ca6976c290cf95d2", "shared prefix 7": "427ed58993b40753",
		"shared prefix 1099511627776": "071c77715bb29ed4",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %#v", got)
	}
}

func TestOriginalRefusals(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/wordpiece-uncased.json")
	good := datasets.Generated{Input: uniform(10, 20), Output: uniform(1, 2)}
	with := func(change func(g *datasets.Generated)) datasets.Generated {
		g := good
		change(&g)
		return g
	}
	random := func(v datasets.Vocabulary, g datasets.Generated) error {
		_, err := datasets.NewOriginalRandom(v, datasets.Random{Generated: g})
		return err
	}
	synthetic := func(g datasets.Generated, corpus string) error {
		_, err := datasets.NewOriginalSynthetic(c, g, corpus)
		return err
	}
	shared := func(s datasets.SharedPrefix) error {
		_, err := datasets.NewOriginalSharedPrefix(c, s)
		return err
	}
	skewed := with(func(g *datasets.Generated) {
		g.Output = datasets.Distribution{Type: datasets.SkewNormal, Mean: 5, StdDev: 1, Min: 1, Max: 9}
	})
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no tokenizer": {random(nil, good), "a tokenizer is needed: prompts are made of its ids"},
		"input": {random(c, with(func(g *datasets.Generated) { g.Input = uniform(20, 10) })),
			"input distribution: min 20 is above max 10"},
		"too short": {random(c, with(func(g *datasets.Generated) { g.Input = uniform(2, 10) })),
			"input distribution: a prompt of 2 tokens cannot be made: special tokens alone are 2"},
		"skewed": {random(c, skewed),
			"output distribution: inference-perf draws no skew_normal lengths for these prompts"},
		"poisson": {synthetic(with(func(g *datasets.Generated) {
			g.Input = datasets.Distribution{Type: datasets.Poisson, Mean: 15, Min: 10, Max: 20}
		}), datasets.Corpus), "input distribution: inference-perf draws no poisson lengths"},
		"corpus": {synthetic(with(func(g *datasets.Generated) { g.Input = uniform(10, 900) }),
			"a corpus of a few words"), "too few for the longest prompt of 900"},
		"synthetic": {synthetic(with(func(g *datasets.Generated) { g.Input = datasets.Constant(1) }), datasets.Corpus),
			"a prompt of 1 tokens cannot be made"},
		"groups": {shared(datasets.SharedPrefix{Questions: 1}), "groups and questions must be positive"},
		"question": {shared(datasets.SharedPrefix{Groups: 1, Questions: 1, System: uniform(5, 6),
			Question: uniform(1, 6), Output: uniform(1, 2)}), "question: a prompt of 1 tokens cannot be made"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, tt.err, tt.want)
		}
	}
}

func BenchmarkOriginalPrompts(b *testing.B) {
	for name, c := range map[string]*tokenizer.Counter{
		"llama3": counter(b, "../llm/tokenizer/testdata/bpe-llama3.json"), "128k": large(b, 128_000)} {
		g := datasets.Generated{Input: datasets.Constant(1000), Output: datasets.Constant(1)}
		random, err := datasets.NewOriginalRandom(c, datasets.Random{Generated: g})
		if err != nil {
			b.Fatal(err)
		}
		synthetic, err := datasets.NewOriginalSynthetic(c, g, datasets.Corpus)
		if err != nil {
			b.Fatal(err)
		}
		for kind, set := range map[string]datasets.Set{"random": random, "synthetic": synthetic} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				var i int64
				for b.Loop() {
					if _, err := set.At(i); err != nil {
						b.Fatal(err)
					}
					i++
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "prompts/s")
			})
		}
	}
}
