package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// prompts returns the messages of the sample data set.
func prompts(b *testing.B) []string {
	b.Helper()
	data, err := os.ReadFile("../../scripts/data/sharegpt-sample.json")
	if err != nil {
		b.Fatal(err)
	}
	var items []struct{ Conversations []struct{ Value string } }
	if err := json.Unmarshal(data, &items); err != nil {
		b.Fatal(err)
	}
	var out []string
	for _, item := range items {
		for _, turn := range item.Conversations {
			out = append(out, turn.Value)
		}
	}
	return out
}

// BenchmarkCount counts the tokens of prompts, and reports how many times faster it is than the reference, on the same
// texts in the same run, with one thread each. The vocabularies of testdata are small, so words have more tokens than
// usual.
func BenchmarkCount(b *testing.B) {
	texts := prompts(b)
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	for _, name := range names(b) {
		b.Run(name, func(b *testing.B) {
			data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				b.Fatal(err)
			}
			tok := load(b, name)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, text := range texts {
					tok.Count(text)
				}
			}
			ours := float64(size*b.N) / b.Elapsed().Seconds()
			if os.Getenv("LLM_TEST_PYTHON") != "" {
				theirs := startReference(b).do(b, referenceJob{string(data), texts, 1}).Rate
				b.ReportMetric(ours/theirs, "x-reference")
			}
		})
	}
}

// BenchmarkLongWord counts one word of n letters that no pre-tokenizer cuts.
func BenchmarkLongWord(b *testing.B) {
	tok := load(b, "bpe-llama2")
	for _, n := range []int{1e3, 1e4, 1e5, 1e6} {
		word := strings.Repeat("summerlovebeauty", n/16)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(word)))
			for b.Loop() {
				tok.Count(word)
			}
		})
	}
}
