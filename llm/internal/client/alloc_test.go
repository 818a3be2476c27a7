package client

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A token costs no allocation: twice as many tokens cost a request only a few more, because the list of their times
// grows.
func TestTokensAllocateNothing(t *testing.T) {
	opts := DefaultOptions()
	opts.BaseURL, opts.Model = "http://h", "m"
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	perRequest := func(tokens int) float64 {
		body := strings.Repeat(chunk("token"), tokens) + stop + done
		rt := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
				Body: io.NopCloser(strings.NewReader(body))}, nil
		})
		return testing.AllocsPerRun(20, func() {
			a, err := c.Do(t.Context(), rt, Request{ID: "1", Prompt: "p"})
			if err != nil || a.Record.Failed() || len(a.Record.Chunks) != tokens {
				t.Fatalf("%v, %q, %d chunks of %d", err, a.Record.Error, len(a.Record.Chunks), tokens)
			}
		})
	}
	short, long := perRequest(1000), perRequest(8000)
	t.Logf("a request of 1,000 tokens allocates %v times, one of 8,000 %v times", short, long)
	if long-short > 20 {
		t.Errorf("7,000 tokens more cost %v allocations, want 20 at most", long-short)
	}
}

// BenchmarkStream reads an answer of a thousand tokens, one chunk each.
func BenchmarkStream(b *testing.B) {
	opts := DefaultOptions()
	opts.BaseURL, opts.Model = "http://h", "m"
	c, err := New(opts)
	if err != nil {
		b.Fatal(err)
	}
	body := strings.Repeat(chunk("token"), 1000) + stop + done
	rt := roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
			Body: io.NopCloser(strings.NewReader(body))}, nil
	})
	b.ReportAllocs()
	for b.Loop() {
		if a, err := c.Do(b.Context(), rt, Request{ID: "1", Prompt: "p", MaxTokens: 1000}); err != nil ||
			a.Record.Failed() {
			b.Fatal(err)
		}
	}
}
