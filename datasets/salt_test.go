package datasets_test

import (
	"encoding/json"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// firstTurns makes a set of conversations' first turns.
type firstTurns struct{ datasets.Scripts }

func (f firstTurns) At(i int64) (datasets.Item, error) {
	script, err := f.Script(i)
	item := script.First(datasets.AsChat)
	for _, turn := range script.Turns[1:] {
		item.Messages = append(item.Messages, datasets.Message{Role: "user", Content: turn.Text})
	}
	item.PromptTokens = len(script.Turns)
	return item, err
}

func (f firstTurns) WithSalt(salt string) (datasets.Set, error) {
	scripts, err := f.Scripts.(datasets.SaltedScripts).WithSalt(salt)
	return firstTurns{scripts}, err
}

// saltable returns a set of each kind of generated texts.
func saltable(t *testing.T, c *tokenizer.Counter) map[string]datasets.Set {
	t.Helper()
	all := generators(t, c, datasets.AsChat, 1, "own")
	options := datasets.SharedPrefix{Tokenizer: c, Salt: "own", Groups: 2, Questions: 3, System: uniform(40, 80),
		Question: uniform(5, 9), Output: uniform(1, 9)}
	g := datasets.Generated{Tokenizer: c, Input: uniform(20, 40), Output: uniform(1, 9)}
	add := func(name string, set datasets.Set, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(name, err)
		}
		all[name] = set
	}
	prefixes, err := datasets.NewSharedPrefix(options)
	add("shared conversations", firstTurns{prefixes.Conversations(3)}, err)
	replay, err := datasets.NewReplay(datasets.Replay{Tokenizer: c, Conversations: 4, System: 30,
		Dynamic: uniform(1, 9), Turns: uniform(1, 4), Input: uniform(1, 9), Output: uniform(1, 9),
		Pause: datasets.Constant(0)})
	add("replay", firstTurns{replay}, err)
	ids, err := datasets.NewOriginalRandom(c, datasets.Random{Generated: g})
	add("original random", ids, err)
	pieces, err := datasets.NewOriginalSynthetic(c, g, datasets.Corpus)
	add("original synthetic", pieces, err)
	groups, err := datasets.NewOriginalSharedPrefix(c, options)
	add("original shared prefix", groups, err)
	return all
}

// text returns the texts of an item, as far as conversations of a group share them, and the lengths asked for.
func text(t *testing.T, set datasets.Set, i int64) (prefix, whole string, lengths [2]int) {
	t.Helper()
	item := at(t, set, i)
	prefix = item.Prompt
	if len(item.Messages) > 0 {
		prefix = item.Messages[0].Content
	}
	list, err := json.Marshal(item.Messages)
	if err != nil {
		t.Fatal(err)
	}
	return prefix[:min(len(prefix), 12)], item.Prompt + string(list), [2]int{item.PromptTokens, item.MaxTokens}
}

// With another salt an item has another text from its beginning on, and the lengths that it has with any salt. With the
// same salt it is the same item.
func TestFurtherSalt(t *testing.T) {
	t.Parallel()
	for name, set := range saltable(t, counter(t, "../llm/tokenizer/testdata/bpe-gpt2.json")) {
		with := func(salt string) datasets.Set {
			salted, err := set.(datasets.SaltedSet).WithSalt(salt)
			if err != nil {
				t.Fatal(name, err)
			}
			return salted
		}
		for i := range int64(5) {
			ownPrefix, own, _ := text(t, set, i)
			aPrefix, a, aLengths := text(t, with("a"), i)
			bPrefix, b, bLengths := text(t, with("b"), i)
			if aPrefix == bPrefix || aPrefix == ownPrefix {
				t.Errorf("%s, item %d begins alike with two salts: %q, %q, %q", name, i, ownPrefix, aPrefix, bPrefix)
			}
			if name == "original shared prefix" { // whose tokens may merge
				aLengths[0], bLengths[0] = 0, 0
			}
			if aLengths != bLengths {
				t.Errorf("%s, item %d: lengths %v and %v", name, i, aLengths, bLengths)
			}
			if _, again, _ := text(t, with("a"), i); again != a || a == b {
				t.Errorf("%s, item %d: %q, %q, %q", name, i, a, again, b)
			}
			if _, none, _ := text(t, with(""), i); none != own {
				t.Errorf("%s, item %d without a further salt: %q, want %q", name, i, none, own)
			}
			if _, after, _ := text(t, set, i); after != own {
				t.Errorf("%s, item %d changed: %q, want %q", name, i, after, own)
			}
		}
	}
}
