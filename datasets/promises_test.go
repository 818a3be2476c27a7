package datasets_test

import (
	"io"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// A synthetic prompt is a piece of the text that begins at a word, with single spaces; a salted prompt begins with four
// words of the vocabulary. Such words also fill the room where the last word did not fit.
func TestSyntheticTextIsInTheCorpus(t *testing.T) {
	t.Parallel()
	c := counter(t, "../llm/tokenizer/testdata/bpe-llama3.json")
	text := " " + strings.Join(strings.Fields(datasets.Corpus), " ") + " "
	for salt, random := range map[string]int{"": 0, "run 7": 4} {
		begins, beginsInText := map[string]bool{}, 0
		set := generators(t, c, datasets.AsCompletion, 1, salt)["synthetic"]
		for i := range int64(50) {
			words := strings.Split(at(t, set, i).Prompt, " ")
			if len(words) < 20 {
				continue
			}
			if piece := strings.Join(words[random:len(words)-6], " "); !strings.Contains(text, " "+piece+" ") {
				t.Errorf("salt %q, item %d: %.200q is not a piece of the text", salt, i, piece)
			}
			begins[words[random]] = true
			if strings.Contains(text, " "+strings.Join(words[:random+4], " ")+" ") {
				beginsInText++
			}
		}
		if len(begins) < 20 {
			t.Errorf("salt %q: pieces begin with %d words only", salt, len(begins))
		}
		if (salt == "") != (beginsInText > 0) {
			t.Errorf("salt %q: the beginnings of %d prompts are in the text", salt, beginsInText)
		}
	}
}

// The text is the one that docs/datasets.md describes.
func TestCorpus(t *testing.T) {
	t.Parallel()
	if n := len(datasets.Corpus); n < 245_000 || n > 255_000 {
		t.Errorf("%d bytes, want about 250 kB", n)
	}
	for _, part := range []string{"Light", "Prism", "Refrangib", "Rays"} {
		if n := strings.Count(datasets.Corpus, part); n < 30 {
			t.Errorf("%q comes %d times: this is not the Opticks", part, n)
		}
	}
}

// Drawn numbers are rounded half to even, and then limited to min and max.
func TestDrawsAreRounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mean      float64
		low, high int
		want      int
	}{{2.5, 0, 9, 2}, {3.5, 0, 9, 4}, {2.51, 0, 9, 3}, {8.6, 0, 9, 9}, {0.4, 0, 9, 0}} {
		d := datasets.Distribution{Type: datasets.Fixed, Mean: tt.mean, Min: tt.low, Max: tt.high}
		if got := d.Draw(nil); got != tt.want || d.Least() != got || d.Most() != got {
			t.Errorf("%v from %d to %d: drew %d (%d to %d), want %d", tt.mean, tt.low, tt.high, got, d.Least(),
				d.Most(), tt.want)
		}
	}
	d := datasets.Distribution{Type: datasets.Lognormal, Mean: 5, StdDev: 50, Min: 3, Max: 8}
	if d.Least() != 3 || d.Most() != 8 {
		t.Errorf("%+v: least %d, most %d", d, d.Least(), d.Most())
	}
}

// A mean outside of min and max is an error, except for uniform lengths, which have no mean of their own.
func TestMeansOutside(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{datasets.Normal, datasets.SkewNormal, datasets.Lognormal, datasets.Poisson,
		datasets.Fixed, datasets.Uniform} {
		for _, mean := range []float64{9, 21} {
			err := datasets.Distribution{Type: kind, Mean: mean, Min: 10, Max: 20}.Validate()
			if (err == nil) != (kind == datasets.Uniform) {
				t.Errorf("%s of mean %v from 10 to 20: %v", kind, mean, err)
			}
		}
	}
}

// records returns a file of conversations in the shape of ShareGPT.
func records(text string) []datasets.File {
	return []datasets.File{{Name: "f.jsonl", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}}
}

// Roles have the names that a server knows, whatever names the file uses, and the first question with an answer is
// asked, whichever role speaks first.
func TestRolesAndFirstQuestions(t *testing.T) {
	t.Parallel()
	turn := func(from, value string) string { return `{"from": "` + from + `", "value": "` + value + `"}` }
	talk := func(turns ...string) string { return `{"conversations": [` + strings.Join(turns, ", ") + `]}` }
	for _, tt := range []struct {
		name, record, roles, prompt string
	}{
		{"as inference-perf knows them", talk(turn("human", "q"), turn("gpt", "a")), "user", "q"},
		{"as a server knows them", talk(turn("system", "s"), turn("user", "q"), turn("assistant", "a")), "system user",
			"q"},
		{"in capitals", talk(turn("Human", "q"), turn("GPT", "a")), "user", "q"},
		{"of other models", talk(turn("tool", "q"), turn("bard", "a"), turn("someone", "r"), turn("model", "b")),
			"user assistant user", "q"},
		{"the model speaks first", talk(turn("gpt", "hello"), turn("human", "q"), turn("gpt", "a")), "user", "q"},
		{"a question without an answer", talk(turn("human", "none"), turn("human", "q"), turn("gpt", "a")), "user user",
			"q"},
	} {
		for _, kind := range []datasets.Kind{datasets.ShareGPT, datasets.BillSum} {
			chat, err := datasets.Read(records(tt.record), kind, datasets.Options{})
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			var roles []string
			for _, m := range at(t, chat, 0).Messages {
				roles = append(roles, m.Role)
			}
			if got := strings.Join(roles, " "); got != tt.roles {
				t.Errorf("%s, kind %d: roles %q, want %q", tt.name, kind, got, tt.roles)
			}
			completion, err := datasets.Read(records(tt.record), kind, datasets.Options{Form: datasets.AsCompletion})
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if got := at(t, completion, 0).Prompt; got != tt.prompt {
				t.Errorf("%s, kind %d: asked %q, want %q", tt.name, kind, got, tt.prompt)
			}
		}
	}
}

// At its end every set of files begins again with its first record, whatever the kind.
func TestFilesBeginAgain(t *testing.T) {
	t.Parallel()
	talks := `{"conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": "a"}]} ` +
		`{"conversations": [{"from": "human", "value": "two"}, {"from": "gpt", "value": "b"}]}`
	articles := `{"article": "one", "highlights": "a"} {"article": "two", "highlights": "b"}`
	for kind, text := range map[datasets.Kind]string{datasets.ShareGPT: talks, datasets.BillSum: talks,
		datasets.InfinityInstruct: talks, datasets.CNNDailyMail: articles} {
		for name, open := range map[string]func() (datasets.Set, error){
			"in memory": func() (datasets.Set, error) {
				return datasets.Read(records(text), kind, datasets.Options{Form: datasets.AsCompletion})
			},
			"as a stream": func() (datasets.Set, error) {
				return datasets.OpenStream(records(text), kind, datasets.Options{Form: datasets.AsCompletion})
			},
		} {
			set, err := open()
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"one", "two", "one", "two", "one"} {
				if got := at(t, set, int64(i)).Prompt; got != want {
					t.Errorf("kind %d %s: item %d is %q, want %q", kind, name, i, got, want)
				}
			}
		}
	}
}
