package traffic

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWhenUsersLeave(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		leave *Leave
		text  string
		fault string
	}{
		{&Leave{Share: 0.05, After: 2 * time.Second}, "2s", ""},
		{&Leave{Share: 1, Tokens: 20}, "20 tokens", ""},
		{&Leave{Share: 0.5, When: Queued}, "queued", ""},
		{&Leave{Share: 1e-4, When: PromptSent}, "prompt-sent", ""},
		{&Leave{After: 1}, "", "share must be above 0 and at most 1, got 0"},
		{&Leave{Share: -1, After: 1}, "", "share must be above 0"},
		{&Leave{Share: 1.5, After: 1}, "", "share must be above 0"},
		{&Leave{Share: math.NaN(), After: 1}, "", "share must be above 0 and at most 1, got NaN"},
		{&Leave{Share: math.Inf(1), After: 1}, "", "share must be above 0"},
		{&Leave{Share: 1e-5, After: 1}, "", "by at least 1 in 10000, got 1e-05"},
		{&Leave{Share: 1 - 1e-5, After: 1}, "", "by at least 1 in 10000"},
		{&Leave{Share: 1}, "", "told in one way"},
		{&Leave{Share: 1, After: 1, Tokens: 1}, "", "told in one way"},
		{&Leave{Share: 1, After: -1}, "", "after must be positive, got -1ns"},
		{&Leave{Share: 1, Tokens: -1}, "", "tokens must be positive, got -1"},
		{&Leave{Share: 1, When: "later"}, "", `'queued' or 'prompt-sent', got "later"`},
	} {
		switch err := tt.leave.Check(); {
		case tt.fault == "":
			if got := tt.leave.String(); err != nil || got != tt.text {
				t.Errorf("got %q, %v, want %q", got, err, tt.text)
			}
		case err == nil || !strings.Contains(err.Error(), tt.fault):
			t.Errorf("got %v, want %q", err, tt.fault)
		}
	}
}

func TestParseLeave(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"5%@2s": "0.05 2s", "0.05@20 tokens": "0.05 20 tokens", " 12.5% @ 20tokens": "0.125 20 tokens",
		"100%@1 token": "1 1 tokens",
		"50%@queued":   "0.5 queued", ".5@ prompt-sent": "0.5 prompt-sent",
	} {
		l, err := ParseLeave(text)
		if err != nil || fmt.Sprint(l.Share, " ", l) != want {
			t.Errorf("%q: got %v, %v, want %s", text, l, err, want)
		}
	}
	for text, want := range map[string]string{
		"": `must be a share and when users leave, such as 5%@2s`, "2s": `got "2s"`, "x@2s": `got "x@2s"`,
		"5%@":  `when users leave must be a time such as 2s, 20 tokens, queued or prompt-sent, got ""`,
		"5%@2": `got "2"`, "5%@x tokens": `got "x tokens"`, "5@2s": "share must be above 0 and at most 1, got 5",
		"NaN@2s": "share must be above 0", "5%@-2s": "after must be positive", "5%@0s": `must be above 0, got "0s"`,
	} {
		if _, err := ParseLeave(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// The share is exact, however many instances draw it, each of which sees some of the numbers in some order.
func TestShareOfThoseWhoLeave(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.05, 0.5, 1.0 / 3, 0.0123, 0.9999, 1e-4, 1} {
		one := &Leave{Share: share, Tokens: 1}
		var leaves [10_000]bool
		for seq := range 2 {
			n := 0
			for k := range leaves {
				if leaves[k] = one.Of(7, int64(k), seq); leaves[k] {
					n++
				}
			}
			if want := share * 10_000; math.Abs(float64(n)-want) > 0.5 {
				t.Errorf("share %v: %d of 10,000 leave, want %v", share, n, want)
			}
		}
		var instances sync.WaitGroup
		for i := range 3 {
			instances.Go(func() {
				own := &Leave{Share: share, Tokens: 1}
				for k := len(leaves) - 3 + i; k >= 0; k -= 3 {
					if k < len(leaves) && own.Of(7, int64(k), 1) != leaves[k] {
						t.Errorf("share %v: instance %d decides otherwise about %d", share, i, k)
						return
					}
				}
			})
		}
		instances.Wait()
	}
}

// Other seeds, and other requests of an iteration, make other users leave.
func TestWhoLeaves(t *testing.T) {
	t.Parallel()
	who := func(l *Leave, seed int64, seq int) string {
		var list strings.Builder
		for k := range int64(100) {
			if l.Of(seed, k, seq) {
				list.WriteByte('x')
			} else {
				list.WriteByte('.')
			}
		}
		return list.String()
	}
	l := &Leave{Share: 0.5, Tokens: 1}
	own := &Leave{Share: 0.5, Tokens: 1, Seed: new(int64(7))}
	first := who(l, 7, 0)
	if who(l, 8, 0) == first || who(l, 7, 1) == first || who(own, 8, 0) != first || who(l, 7, 0) != first {
		t.Errorf("got %s by seed 7, %s by 8, %s of the second request, %s by a seed of its own", first, who(l, 8, 0),
			who(l, 7, 1), who(own, 8, 0))
	}
}

func FuzzLeave(f *testing.F) {
	for _, share := range []float64{0, 1e-4, 0.05, 1.0 / 3, 0.99995, 0.9999, 1, -1, math.NaN(), math.Inf(1)} {
		f.Add(share, int64(0), 1, "", int64(0), 0)
		f.Add(share, int64(time.Second), 0, Queued, int64(math.MaxInt64), 3)
	}
	f.Fuzz(func(t *testing.T, share float64, after int64, tokens int, when string, k int64, seq int) {
		l := &Leave{Share: share, After: time.Duration(after), Tokens: tokens, When: when}
		if l.Check() != nil {
			return
		}
		k = max(k, -(k + 1))
		leaves := l.Of(k, k, seq)
		if again := l.Of(k, k, seq); l.String() == "" || leaves != again {
			t.Errorf("%+v of %d, %d: %q", l, k, seq, l)
		}
	})
}

// Who leaves among the requests that one iteration sends without an end is kept for some of them alone.
func TestALongIterationKeepsFewDeals(t *testing.T) {
	t.Parallel()
	l := &Leave{Share: 0.0123, Tokens: 1}
	left := 0
	for seq := range 100_000 {
		if l.Of(7, 0, seq) {
			left++
		}
	}
	if math.Abs(float64(left)-1230) > 140 { // four standard deviations
		t.Errorf("%d of 100,000 leave, want 1,230", left)
	}
	kept := 0
	l.deals.bySeed.Range(func(any, any) bool { kept++; return true })
	if kept > dealt {
		t.Errorf("%d deals are kept, want at most %d", kept, dealt)
	}
}
