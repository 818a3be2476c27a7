package datasets_test

import (
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// bpe is a vocabulary that grows by whole words.
type bpe struct {
	ids    map[string]int
	merges [][2]string
	ranks  map[[2]string]int
}

// pieces returns the pieces that result from merging a word.
func (b *bpe) pieces(word string) []string {
	list := strings.Split(word, "")
	for {
		best, at := len(b.ranks), -1
		for i := range len(list) - 1 {
			if rank, ok := b.ranks[[2]string{list[i], list[i+1]}]; ok && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			return list
		}
		list[at] += list[at+1]
		list = append(list[:at+1], list[at+2:]...)
	}
}

// add adds tokens for a word and for each text between its pieces and the word.
func (b *bpe) add(word string) {
	for list := b.pieces(word); len(list) > 1; list = b.pieces(word) {
		b.ranks[[2]string{list[0], list[1]}] = len(b.merges)
		b.merges = append(b.merges, [2]string{list[0], list[1]})
		if _, known := b.ids[list[0]+list[1]]; !known {
			b.ids[list[0]+list[1]] = len(b.ids) + 5 // the special tokens come between
		}
	}
}

// large returns a byte-level tokenizer with as many pieces as large models have: the words of the corpus and made-up
// words.
func large(t testing.TB, pieces int) *tokenizer.Counter {
	t.Helper()
	data, err := os.ReadFile("../llm/tokenizer/testdata/bpe-llama3.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	model := file["model"].(map[string]any)
	b := bpe{ids: map[string]int{}, ranks: map[[2]string]int{}}
	for piece, id := range model["vocab"].(map[string]any) {
		b.ids[piece] = int(id.(float64))
	}
	for _, m := range model["merges"].([]any) {
		pair := [2]string{m.([]any)[0].(string), m.([]any)[1].(string)}
		b.ranks[pair] = len(b.merges)
		b.merges = append(b.merges, pair)
	}
	for word := range strings.FieldsSeq(datasets.Corpus) {
		if word = strings.Trim(word, ".,;:()'’"); strings.IndexFunc(word, func(r rune) bool { return r > 'z' }) < 0 {
			b.add("Ġ" + word)
			b.add(word)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	syllables := strings.Fields("ba be bi bo da de di do fa fi ga go ha he ka ki la le li lo ma me mi mo na ne ni " +
		"no pa pe ra re ri ro sa se si so ta te ti to va ve wa we za ing er est ly")
	for len(b.ids) < pieces {
		var word strings.Builder
		for range 2 + rng.IntN(3) {
			word.WriteString(syllables[rng.IntN(len(syllables))])
		}
		b.add("Ġ" + word.String())
		b.add(word.String())
	}
	model["vocab"], model["merges"], model["ignore_merges"] = b.ids, b.merges, false
	if data, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	c, err := tokenizer.ReadCounter(func(name string) ([]byte, error) {
		if name != tokenizer.TokenizerFile {
			return nil, fs.ErrNotExist
		}
		return data, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// generated returns sets whose prompts have 1,000 tokens.
func generated(t testing.TB, c *tokenizer.Counter) map[string]datasets.Set {
	t.Helper()
	g := datasets.Generated{Form: datasets.AsCompletion, Tokenizer: c, Input: datasets.Constant(1000),
		Output: datasets.Constant(1)}
	random, err := datasets.NewRandom(datasets.Random{Generated: g})
	if err != nil {
		t.Fatal(err)
	}
	g.Salt = "x"
	synthetic, err := datasets.NewSynthetic(g, datasets.Corpus)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]datasets.Set{"random": random, "synthetic": synthetic}
}

// Lengths are also exact with vocabularies as large as those of models.
func TestLargeVocabulary(t *testing.T) {
	t.Parallel()
	c := large(t, 32_000)
	if n := c.Len(); n < 32_000 {
		t.Fatalf("%d pieces", n)
	}
	for name, set := range generated(t, c) {
		for i := range int64(20) {
			if n := c.CountSpecial(at(t, set, i).Prompt); n != 1000 {
				t.Errorf("%s, item %d: %d tokens", name, i, n)
			}
		}
	}
}

func BenchmarkOpenLargeVocabulary(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		c := large(b, 128_000) // a new one each time, because it remembers its words
		b.StartTimer()
		generated(b, c)
	}
}
