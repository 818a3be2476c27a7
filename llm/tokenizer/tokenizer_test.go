package tokenizer

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// lines reads a file with one JSON value per line.
func lines[T any](t testing.TB, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []T
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var v T
		if err := json.Unmarshal(scan.Bytes(), &v); err != nil {
			t.Fatalf("%s:%d: %v", path, len(out)+1, err)
		}
		out = append(out, v)
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// names returns the names of the tokenizers in testdata.
func names(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/goldens-*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens in testdata", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "goldens-"), ".jsonl")
	}
	return files
}

func load(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

type golden struct {
	T           int
	IDs         []int32
	WithSpecial []int32 `json:"with_special"`
	Decoded     *string
}

// The goldens are the results of Hugging Face's tokenizers library, see testdata/README.md.
func TestGoldens(t *testing.T) {
	texts := lines[string](t, "testdata/texts.jsonl")
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			tok := load(t, name)
			rows := lines[golden](t, "testdata/goldens-"+name+".jsonl")
			if len(rows) != len(texts) {
				t.Fatalf("%d goldens for %d texts", len(rows), len(texts))
			}
			for _, row := range rows {
				checkGolden(t, tok, texts[row.T], row)
			}
		})
	}
}

func checkGolden(t *testing.T, tok *Tokenizer, text string, want golden) {
	t.Helper()
	for range 2 { // the second time from the cache
		if got := tok.Encode(text); !slices.Equal(got, want.IDs) {
			t.Errorf("Encode(%q)\n got %v\nwant %v", text, got, want.IDs)
		}
	}
	if got := tok.Count(text); got != len(want.IDs) {
		t.Errorf("Count(%q) = %d, want %d", text, got, len(want.IDs))
	}
	if want.Decoded == nil {
		return
	}
	if got := tok.EncodeSpecial(text); !slices.Equal(got, want.WithSpecial) {
		t.Errorf("EncodeSpecial(%q)\n got %v\nwant %v", text, got, want.WithSpecial)
	}
	if got := tok.CountSpecial(text); got != len(want.WithSpecial) {
		t.Errorf("CountSpecial(%q) = %d, want %d", text, got, len(want.WithSpecial))
	}
	if got := tok.Decode(want.IDs, false); got != *want.Decoded {
		t.Errorf("Decode(Encode(%q))\n got %q\nwant %q", text, got, *want.Decoded)
	}
}

// Ill-formed text is read as Python reads it; the cases are Python's own.
func TestIllFormedText(t *testing.T) {
	for text, want := range map[string]string{
		"\xff":                     "\uFFFD",
		"a\x80\x80b":               "a\uFFFD\uFFFDb",
		"\xe2\x82":                 "\uFFFD",
		"\xe2\x82a":                "\uFFFDa",
		"\xe2\x28\xa1":             "\uFFFD(\uFFFD",
		"\xf0\x9f\x98":             "\uFFFD",
		"\xf0\x9f\xe2\x82\xac":     "\uFFFD€",
		"\xed\xa0\x80":             "\uFFFD\uFFFD\uFFFD",
		"\xe0\x80\x80":             "\uFFFD\uFFFD\uFFFD",
		"\xf4\x90\x80\x80":         "\uFFFD\uFFFD\uFFFD\uFFFD",
		"\xc0\xaf":                 "\uFFFD\uFFFD",
		"\xf8\x88\x80\x80\x80":     "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD",
		"\xf1\x80\x80\xe1\x80\xc2": "\uFFFD\uFFFD\uFFFD",
		"\x00 fine \u20ac":         "\x00 fine \u20ac",
	} {
		if got := string(appendValid(nil, []byte(text))); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
		tok := load(t, "bpe-gpt2")
		if got, want := tok.Encode(text), tok.Encode(want); !slices.Equal(got, want) {
			t.Errorf("Encode(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestDecodeSkipsSpecial(t *testing.T) {
	tok := load(t, "bpe-llama3")
	ids := tok.EncodeSpecial("hello<|eot_id|> world")
	if got, want := tok.Decode(ids, false), "<|begin_of_text|>hello<|eot_id|> world"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := tok.Decode(append(ids, -1, 1<<30), true), "hello world"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	texts := lines[string](t, "testdata/texts.jsonl")
	for _, name := range names(t) {
		s := newState(load(t, name))
		all := func() {
			for _, text := range texts {
				s.encode(text)
			}
		}
		all() // grows the buffers
		if n := testing.AllocsPerRun(3, all); n > 0 {
			t.Errorf("%s: %v allocations for %d texts", name, n, len(texts))
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	texts := lines[string](t, "testdata/texts.jsonl")
	tok := load(t, "bpe-gemma")
	var counts [len("goroutine")]int
	var wait sync.WaitGroup
	for g := range counts {
		wait.Go(func() {
			for _, text := range texts {
				counts[g] += tok.Count(text)
			}
		})
	}
	wait.Wait()
	for _, n := range counts[1:] {
		if n != counts[0] {
			t.Fatalf("counts differ: %v", counts)
		}
	}
}
