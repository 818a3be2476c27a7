package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// uuid4 is the strict form of RFC 9562: version 4, variant 10.
var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestRequestIDsAreUUIDs(t *testing.T) {
	t.Parallel()
	for number, want := range map[uint64]string{1: "000000000001", 0xabc: "000000000abc", 1<<48 - 1: "ffffffffffff",
		1<<48 + 5: "000000000005"} {
		if got := requestID(number); !uuid4.MatchString(got) || !strings.HasSuffix(got, "-"+want) {
			t.Errorf("%d: got %s, want a UUID that ends in %s", number, got, want)
		}
	}
}

// Under executors that cannot stop by themselves, the next request aborts the test.
func TestBreakerOfOtherExecutors(t *testing.T) {
	t.Parallel()
	circuit, err := breaker.NewCircuit(breaker.Options{Consecutive: 2, Stop: breaker.StopRun})
	if err != nil {
		t.Fatal(err)
	}
	c := &Call{client: &Client{target: new(target)}}
	for i, want := range []string{"", "circuit breaker: 2 requests in a row failed, the last with reset: no. 1",
		"circuit breaker: 2 requests in a row failed, the last with reset: no. 1"} {
		breaker.Watch([]*breaker.Circuit{circuit},
			&record.Request{Start: 1, End: 2, ErrorType: record.ErrorReset, Error: fmt.Sprint("no. ", i)}, c.halt)
		if got := c.client.target.opened(); got != want {
			t.Errorf("after request %d: %q, want %q", i, got, want)
		}
	}
}

func TestServerMetricsAreRedacted(t *testing.T) {
	t.Parallel()
	o := Options{Pages: scrape.Options{Auto: true,
		URLs: []string{"http://u:secret@h/metrics?key=secret"}, Interval: time.Second}}
	m := map[string]any{}
	o.redactPages(m)
	list, _ := m["serverMetrics"].([]string)
	if strings.Contains(strings.Join(list, " "), "secret") ||
		!slices.Equal(list, []string{"auto", "http://u:xxxxx@h/metrics?key=(redacted)"}) ||
		m["serverMetricsInterval"] != "1s" {
		t.Errorf("got %v", m)
	}
}

func TestCredentialsGoToTheServerAlone(t *testing.T) {
	t.Parallel()
	opts := new(Options)
	e := &target{opts: opts, endpoints: []*endpoint{{baseURL: "http://h:1/v1", opts: opts}}}
	e.opts.APIKey, e.opts.Headers = "k", map[string]string{"x-team": "a"}
	for page, want := range map[string]string{"http://h:1/metrics": "Bearer k a", "http://h:2/metrics": " ",
		"https://h:1/metrics": " ", "http://g/metrics": " "} {
		if h := e.credentialsFor(page); h.Get("Authorization")+" "+h.Get("X-Team") != want {
			t.Errorf("%s: got %v", page, h)
		}
	}
	e.opts.APIKeyHeader = "api-key"
	if h := e.credentialsFor("http://h:1/metrics"); h.Get("Authorization") != "" || h.Get("Api-Key") != "k" {
		t.Errorf("with a header of the key's own: got %v", h)
	}
}

func TestBaseURLsAreRedacted(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://u:secret@h/v1?key=secret&x=secret": "https://u:xxxxx@h/v1?key=(redacted)&x=(redacted)",
		"sim:?ttft=1s&api-key=secret":               "sim:?ttft=1s&api-key=(redacted)",
		"sim:":                                      "sim:",
	} {
		if got := redactURL(base); got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
	}
}
