package convert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Chunks are matched by position, or by what has arrived of the tokens, or not at all.
func TestMatchChunks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		a, b record.Request
		want string
	}{
		{"as many", record.Request{Chunks: []int64{10, 20}}, record.Request{Chunks: []int64{15, 26}}, "10 15, 20 26"},
		{"merged", record.Request{Chunks: []int64{10, 20, 30, 40}, ChunkTokens: []int{1, 1, 1, 1}},
			record.Request{Chunks: []int64{25, 45}, ChunkTokens: []int{2, 2}}, "10 25, 20 25, 30 45, 40 45"},
		{"merged elsewhere", record.Request{Chunks: []int64{10, 20, 30}, ChunkTokens: []int{2, 1, 2}},
			record.Request{Chunks: []int64{12, 45}, ChunkTokens: []int{3, 2}}, "10 12, 20 12, 30 45"},
		{"split", record.Request{Chunks: []int64{20}, ChunkTokens: []int{2}},
			record.Request{Chunks: []int64{11, 22}, ChunkTokens: []int{1, 1}}, "20 22"},
		{"a chunk without tokens", record.Request{Chunks: []int64{10, 20}, ChunkTokens: []int{0, 2}},
			record.Request{Chunks: []int64{30}, ChunkTokens: []int{2}}, "10 30, 20 30"},
		{"tokens unknown", record.Request{Chunks: []int64{10, 20}}, record.Request{Chunks: []int64{25}}, ""},
		{"other tokens", record.Request{Chunks: []int64{10, 20}, ChunkTokens: []int{1, 1}},
			record.Request{Chunks: []int64{25}, ChunkTokens: []int{3}}, ""},
		{"nothing there", record.Request{Chunks: []int64{10}, ChunkTokens: []int{0}}, record.Request{}, ""},
		{"nothing", record.Request{}, record.Request{Chunks: []int64{25}, ChunkTokens: []int{3}}, ""},
	} {
		var got []string
		matchChunks(&tt.a, &tt.b, func(a, b int64) { got = append(got, fmt.Sprint(a, b)) })
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: got %q, want %s", tt.name, got, tt.want)
		}
	}
}

// sent is a request of a test of pairs.
type sent struct {
	index    int64
	client   int
	endpoint string
	start    int64 // ms
	fault    string
}

func pairLines(options map[string]any, list ...sent) []record.Line {
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: 1},
		&record.Client{Number: 9, Options: options}}
	seq := map[int64]int{}
	for i, s := range list {
		start := s.start*1e6 + 1
		lines = append(lines, &record.Request{ID: fmt.Sprint(i), Scenario: "s", Index: s.index, Seq: seq[s.index],
			API: "chat", Client: s.client, Endpoint: s.endpoint, Streaming: true, Start: start, End: start + 100e6,
			Chunks: []int64{50_000, 90_000}, Status: 200, ErrorType: s.fault, BytesReceived: int64(100 + s.client)})
		seq[s.index]++
	}
	return append(lines, &record.End{Status: "finished"})
}

func TestPairsOfARun(t *testing.T) {
	t.Parallel()
	named := map[string]any{"pair": []string{"b", "a"}}
	usual := []sent{{0, 1, "a", 0, ""}, {0, 2, "b", 200, ""}, {1, 2, "b", 400, ""}, {1, 1, "a", 600, ""}}
	for _, tt := range []struct {
		name    string
		options map[string]any
		sent    []sent
		base    string
		want    string // base, arms with pairs, base first, overlapping; left out: failed, abandoned, alone
	}{
		{"the first name of the pair", named, usual, "", "b: a 2 1 0; 0 0 0"},
		{"the lowest number of a client", nil, usual, "", "a: b 2 1 0; 0 0 0"},
		{"by option", nil, usual, "b", "b: a 2 1 0; 0 0 0"},
		{"several of an iteration", nil, []sent{{0, 1, "a", 0, ""}, {0, 2, "b", 200, ""}, {0, 2, "b", 400, ""},
			{0, 1, "a", 600, ""}}, "", "a: b 2 1 0; 0 0 0"},
		{"three places", nil, append([]sent{{0, 3, "c", 800, ""}}, usual...), "", "a: b 2 1 0; 0 0 0 c 1 1 0; 0 0 1"},
		{"left out", nil, append([]sent{{2, 1, "a", 800, ""}, {2, 2, "b", 1000, "http"},
			{3, 1, "a", 1200, record.ErrorAbandoned}, {3, 2, "b", 1400, ""}, {4, 1, "a", 1600, ""}}, usual...), "",
			"a: b 2 1 0; 1 1 1"},
		{"overlapping", nil, []sent{{0, 1, "a", 0, ""}, {0, 2, "b", 50, ""}}, "", "a: b 1 1 1; 0 0 0"},
	} {
		r := mustRead(t, asRecords(t, pairLines(tt.options, tt.sent...)))
		result, err := ComparePairs(r, run.ByEndpoint, tt.base, Options{}, compare.Options{Resamples: 100})
		if err != nil {
			t.Fatal(tt.name, err)
		}
		got := result.Base.Name + ":"
		for _, arm := range result.Groups {
			f := arm.Pairs
			got += fmt.Sprint(" ", arm.Group, " ", f.Pairs, " ", f.BaseFirst, " ", f.Overlapping, "; ", f.Failed, " ",
				f.Abandoned, " ", f.Alone)
			if f.Bytes.Changed != f.Pairs || f.Chunks.Base != int64(2*f.Pairs) {
				t.Errorf("%s: got %+v", tt.name, f)
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The cached tokens of a pair are those of its first request and of its second, whichever is the base.
func TestCachedTokensOfPairs(t *testing.T) {
	t.Parallel()
	lines := pairLines(nil, sent{0, 1, "a", 0, ""}, sent{0, 2, "b", 200, ""}, sent{1, 2, "b", 400, ""},
		sent{1, 1, "a", 600, ""})
	for i, line := range lines {
		if q, is := line.(*record.Request); is {
			q.Usage = fmt.Appendf(nil, `{"prompt_tokens": 500, "prompt_tokens_details": {"cached_tokens": %d}}`,
				16*(1+q.Seq*i))
		}
	}
	result, err := ComparePairs(mustRead(t, asRecords(t, lines)), run.ByEndpoint, "", Options{},
		compare.Options{Resamples: 100})
	if err != nil {
		t.Fatal(err)
	}
	if f := result.Groups[0].Pairs; f.CachedFirst != 32 || f.CachedSecond != 16*(4+6) {
		t.Errorf("got %d cached tokens of the first, %d of the second, want 32 and 160", f.CachedFirst, f.CachedSecond)
	}
}

// Two clients with the same options are one in the records: their pairs are compared by endpoint, and a note says so.
func TestPairsOfEqualClients(t *testing.T) {
	t.Parallel()
	equal := func(endpoint string) *run.Run {
		return mustRead(t, asRecords(t, pairLines(map[string]any{"pair": []string{"a", "b"}}, sent{0, 0, "a", 0, ""},
			sent{0, 0, endpoint, 200, ""})))
	}
	result, err := ComparePairs(equal("b"), run.ByClient, "b", Options{}, compare.Options{Resamples: 100})
	if err != nil {
		t.Fatal(err)
	}
	if result.By != "endpoint" || result.Groups[0].Pairs.Pairs != 1 || len(result.Notes) != 1 ||
		!strings.Contains(result.Notes[0], "same options") {
		t.Errorf("got pairs by %s, %+v with notes %q", result.By, result.Groups[0].Pairs, result.Notes)
	}
	_, err = ComparePairs(equal("a"), run.ByClient, "", Options{}, compare.Options{})
	if err == nil || !strings.Contains(err.Error(), "that differ in their client") {
		t.Errorf("got %v, want that there are no pairs by client", err)
	}
}
