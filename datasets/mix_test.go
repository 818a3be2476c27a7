package datasets

import (
	"fmt"
	"strings"
	"testing"
)

// lettered is a set whose items tell their numbers.
type lettered struct {
	name, salt string
}

func (s lettered) At(i int64) (Item, error) {
	return Item{Prompt: fmt.Sprintf("%s%s%d", s.name, s.salt, i)}, nil
}
func (lettered) Len() (int64, bool)                  { return 10, true }
func (s lettered) WithSalt(salt string) (Set, error) { s.salt += salt; return s, nil }

func newMix(t *testing.T, seed int64, shares ...float64) *Mix {
	t.Helper()
	var sets []Set
	for i := range shares {
		sets = append(sets, lettered{name: string(rune('a' + i))})
	}
	m, err := NewMix(seed, shares, sets...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Of 10,000 items each part has exactly its share, and its own items in their order.
func TestMixSharesAreExact(t *testing.T) {
	t.Parallel()
	for _, shares := range [][]float64{{0.7, 0.3}, {0.5, 0.25, 0.25}, {1}, {0.333, 0.667}, {0.9999, 0.0001},
		{1. / 3, 1. / 3, 1. / 3}} {
		m := newMix(t, 7, shares...)
		counts := make([]int64, len(shares))
		for k := range int64(10_000) {
			item, err := m.At(k)
			if err != nil {
				t.Fatal(err)
			}
			part := item.Part - 1
			if want := fmt.Sprintf("%c%d", 'a'+part, counts[part]); item.Prompt != want {
				t.Fatalf("shares %v: item %d is %q, want %q", shares, k, item.Prompt, want)
			}
			counts[part]++
		}
		for i, share := range shares {
			if got, want := float64(counts[i]), share*10_000; got < want-1 || got > want+1 {
				t.Errorf("shares %v: part %d has %v of 10,000", shares, i, got)
			}
		}
	}
}

// What item k is does not depend on which items were asked for before: three instances that take every third item send
// what one sends.
func TestMixIsTheSameOnAnyNumberOfInstances(t *testing.T) {
	t.Parallel()
	const n = 3000
	whole := newMix(t, 3, 0.7, 0.2, 0.1)
	want := map[int64]string{}
	for k := range int64(n) {
		item, _ := whole.At(k)
		want[k] = item.Prompt
	}
	got := map[int64]string{}
	for instance := range int64(3) {
		m := newMix(t, 3, 0.7, 0.2, 0.1)
		for k := instance; k < n; k += 3 {
			item, _ := m.At(k)
			got[k] = item.Prompt
		}
	}
	for k := range want {
		if got[k] != want[k] {
			t.Fatalf("item %d: %q on three instances, %q on one", k, got[k], want[k])
		}
	}
	other := newMix(t, 4, 0.7, 0.2, 0.1)
	same := 0
	for k := range int64(n) {
		if item, _ := other.At(k); item.Prompt == want[k] {
			same++
		}
	}
	if same == n {
		t.Error("another seed deals the same items")
	}
}

func TestMixIsSalted(t *testing.T) {
	t.Parallel()
	m, err := NewMix(1, []float64{0.5, 0.5}, lettered{name: "a"}, Mock{Form: AsCompletion})
	if err != nil {
		t.Fatal(err)
	}
	salted, err := m.WithSalt("!")
	if err != nil {
		t.Fatal(err)
	}
	for k := range int64(10) {
		before, _ := m.At(k)
		after, _ := salted.At(k)
		if before.Part != after.Part {
			t.Fatalf("item %d is of part %d, and of %d with a salt", k, before.Part, after.Part)
		}
		if salts := strings.Contains(after.Prompt, "!"); salts != (after.Part == 1) {
			t.Errorf("item %d of part %d with a salt: %q", k, after.Part, after.Prompt)
		}
	}
	if _, finite := m.Len(); finite {
		t.Error("a mix has an end")
	}
}

func TestMixRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		shares []float64
		want   string
	}{
		{[]float64{0.7, 0.2}, "must add up to 1, got 0.9"}, {[]float64{1, 0}, "must be above 0"},
		{[]float64{1}, "1 shares of 2 sets"},
	} {
		if _, err := NewMix(1, tt.shares, Mock{}, Mock{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("shares %v: got %v, want %s", tt.shares, err, tt.want)
		}
	}
}
