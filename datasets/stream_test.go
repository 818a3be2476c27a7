package datasets

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// numbered returns the prompts "0", "1" … in two files, and counts how often they are opened.
func numbered(n int, opened *int) []File {
	part := func(name string, from, to int) File {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "{\"prompt\": \"%d\"}\n", i)
		}
		return File{Name: name, Open: func() (io.ReadCloser, error) {
			*opened++
			return io.NopCloser(strings.NewReader(b.String())), nil
		}}
	}
	return []File{part("a.jsonl", 0, n/3), part("b.jsonl", n/3, n)}
}

func TestStream(t *testing.T) {
	t.Parallel()
	const n = 100_000
	opened := 0
	s, err := OpenStream(numbered(n, &opened), Prompts, Options{Form: AsCompletion})
	if err != nil {
		t.Fatal(err)
	}
	if _, finite := s.Len(); finite {
		t.Error("the end is known at the start")
	}
	for _, i := range []int64{0, 5, 3, 50_000, 49_000, 99_999, 60_000} { // in order, roughly
		if got := at(s, i).Prompt; got != fmt.Sprint(i) {
			t.Errorf("item %d is %s", i, got)
		}
	}
	if opened != 2 {
		t.Errorf("files were opened %d times, want each once", opened)
	}
	for _, i := range []int64{n + 7, 3*n + 70_000, 7} {
		if got := at(s, i).Prompt; got != fmt.Sprint(i%n) {
			t.Errorf("item %d is %s", i, got)
		}
	}
	if got, finite := s.Len(); got != n || !finite {
		t.Errorf("length %d, %t", got, finite)
	}
	if len(s.recent) > window {
		t.Errorf("%d items are remembered", len(s.recent))
	}
}

// A shuffled stream has each item once, in the same order each time.
func TestShuffledStream(t *testing.T) {
	t.Parallel()
	opened := 0
	const n = 20_000
	order := func(seed int64) []string {
		s, err := OpenStream(numbered(n, &opened), Prompts, Options{Form: AsCompletion, Seed: &seed})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for i := range int64(n) {
			out = append(out, at(s, i).Prompt)
		}
		return out
	}
	a, b, c := order(1), order(1), order(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("the order does not follow the seed")
	}
	if a[0] == "0" && a[1] == "1" && a[2] == "2" {
		t.Error("not shuffled")
	}
	slices.Sort(a)
	if len(slices.Compact(a)) != n {
		t.Error("an item is missing or comes twice")
	}
}

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	if _, err := OpenStream([]File{file("a.jsonl", "{\"x\": 1}")}, Prompts, Options{}); err == nil ||
		!strings.Contains(err.Error(), `a.jsonl:1: needs "prompt" or "messages"`) {
		t.Errorf("at the start: %v", err)
	}
	if _, err := OpenStream([]File{file("a.jsonl", "[]")}, Prompts, Options{}); err == nil ||
		!strings.Contains(err.Error(), "a.jsonl: no record") {
		t.Errorf("no record: %v", err)
	}
	s, err := OpenStream([]File{file("a.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": 1}")}, Prompts, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // items after a fault have no number
		if _, err := s.At(1); err == nil || !strings.Contains(err.Error(), `a.jsonl:2: "prompt" is no text`) {
			t.Errorf("later: %v", err)
		}
	}
	if got := at(s, 0).Prompt; got != "" || len(at(s, 0).Messages) != 1 {
		t.Errorf("item 0 is %+v", at(s, 0))
	}
}

// Around the end some callers ask for the last items while others begin again: no caller waits for another pass.
func TestStreamAroundItsEnd(t *testing.T) {
	t.Parallel()
	const n = 100_000 // more than are remembered
	opened := 0
	s, err := OpenStream(numbered(n, &opened), Prompts, Options{Form: AsCompletion})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int64{n - 1, n, n - 2, n + 1, n - 3, n + 100, n - 50} {
		if got := at(s, i).Prompt; got != fmt.Sprint(i%n) {
			t.Errorf("item %d is %s", i, got)
		}
	}
	if opened != 3 { // both files, and the first again
		t.Errorf("files were opened %d times, want 3", opened)
	}
	if len(s.recent) != len(s.order) || len(s.order) > window {
		t.Errorf("%d items and %d numbers are remembered", len(s.recent), len(s.order))
	}
}

func TestStreamReportsCounts(t *testing.T) {
	t.Parallel()
	opened := 0
	var told []string
	s, err := OpenStream(numbered(15_000, &opened), Prompts, Options{
		Count: func(text string) int { return len(text) }, Input: &Distribution{Min: 5, Max: 5},
		Seen: func(c Counts, end bool) { told = append(told, fmt.Sprint(c.Kept, " ", c.Long, " ", end)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	at(s, 6000) // of 5000 items
	if got, want := strings.Join(told, ", "), "1 10000 false, 5000 10000 true"; got != want {
		t.Errorf("Seen got %s; want %s", got, want)
	}
}
