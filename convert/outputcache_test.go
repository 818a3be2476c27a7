package convert

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// cacheServer makes the records of a server's answers. A prompt of 1,000 tokens takes 100 ms, a token of the answer 10.
type cacheServer struct {
	answers, prompts bool // what it keeps
	tells            bool // how much of the prompts it had
	whole            bool // answers come at once
	tokens           int
	seen             map[record.Hash]bool
	rng              *rand.Rand
}

func (s *cacheServer) request(start int64, hash record.Hash) *record.Request {
	noise := func() float64 { return 0.8 + 0.4*s.rng.Float64() }
	first, gap, cached := 100_000*noise(), 10_000*noise(), 0
	if s.seen[hash] {
		switch {
		case s.answers:
			first, gap = 5_000*noise(), 20*noise()
		case s.prompts:
			first, cached = 8_000*noise(), 992
		}
	}
	s.seen[hash] = true
	q := &record.Request{API: "chat", Model: "m", Streaming: !s.whole, Start: start, Status: 200, BytesSent: 4000,
		BytesReceived: 1000, FinishReason: "length", PromptHash: hash, MaxTokens: s.tokens, Chunks: []int64{}}
	for k := range s.tokens {
		if !s.whole {
			q.Chunks = append(q.Chunks, int64(first+gap*float64(k)))
		}
	}
	q.End = start + int64(1000*(first+gap*float64(s.tokens-1)+50))
	details := ""
	if s.tells {
		details = fmt.Sprintf(`,"prompt_tokens_details":{"cached_tokens":%d}`, cached)
	}
	q.Usage = fmt.Appendf(nil, `{"prompt_tokens":1000,"completion_tokens":%d%s}`, s.tokens, details)
	return q
}

// run sends so many prompts, each three times, one after the other, or every one only once.
func (s cacheServer) run(t *testing.T, prompts int, once bool) *run.Run {
	t.Helper()
	s.seen, s.rng = map[record.Hash]bool{}, rand.New(rand.NewPCG(uint64(prompts), 0x9e3779b97f4a7c15))
	var list []*record.Request
	for k := range 3 * prompts {
		hash := record.Hash(1 + k/6*2 + k%2) // two prompts take turns
		if once {
			hash = record.Hash(1 + k)
		}
		list = append(list, s.request(1_700_000_000*runtest.Second+int64(k)*runtest.Second, hash))
	}
	return runOf(t, list...)
}

func TestRepeatsOfServersWithAndWithoutCaches(t *testing.T) {
	t.Parallel()
	const few = 10
	for name, c := range map[string]struct {
		server        cacheServer
		prompts       int
		once          bool
		outcome, text string
	}{
		"none":    {cacheServer{tokens: 20}, 60, false, AuditOK, "their answers are not kept"},
		"answers": {cacheServer{tokens: 20, answers: true}, 60, false, AuditOff, "the server may cache answers"},
		"prompts": {cacheServer{tokens: 20, prompts: true}, 60, false, AuditOK, "only until the first token"},
		"few": {cacheServer{tokens: 20, answers: true}, few, false, AuditUnknown,
			"10 prompts were sent again, and 20"},
		"once":     {cacheServer{tokens: 20, answers: true}, 60, true, AuditUnknown, "no prompt was sent again"},
		"one of a": {cacheServer{tokens: 1, prompts: true}, 60, false, AuditUnknown, "caches prompts or answers"},
		"at once, answers, told": {cacheServer{tokens: 20, answers: true, whole: true, tells: true}, 60, false,
			AuditOff,
			"the server may cache answers"},
		"at once, prompts, told": {cacheServer{tokens: 1, prompts: true, whole: true, tells: true}, 60, false,
			AuditUnknown, "caches prompts or answers"},
		"at once, not told": {cacheServer{tokens: 20, answers: true, whole: true}, 60, false, AuditUnknown,
			"caches prompts or answers"},
	} {
		got := auditRepeats(c.server.run(t, c.prompts, c.once))
		if got.Outcome != c.outcome || !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: %s, %q, figures %v, want %s, %q", name, got.Outcome, got.Text, got.Figures, c.outcome, c.text)
		}
	}
}

// Without a cache the audit hardly ever finds one.
func TestRepeatsAreRarelyFasterByChance(t *testing.T) {
	t.Parallel()
	off := 0
	for n := range 200 {
		off += count(auditRepeats(cacheServer{tokens: 8}.run(t, leastPairs+n%40, false)).Outcome != AuditOK)
	}
	if off > 2 {
		t.Errorf("%d of 200 runs without a cache are not ok", off)
	}
}

// A send elsewhere, in another stage, or before the first was answered is no repeat.
func TestRepeatsAreOfTheSamePlaceAndTime(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(k int, q *record.Request){
		"endpoint": func(k int, q *record.Request) { q.Endpoint = []string{"http://a", "http://b", "http://c"}[k/2%3] },
		"stage":    func(k int, q *record.Request) { q.Stage = k / 2 % 3 },
		"overlap":  func(k int, q *record.Request) { q.End = q.Start + 100*runtest.Second },
		"failed": func(k int, q *record.Request) {
			if k/2%3 > 0 {
				q.ErrorType, q.Error = record.ErrorHTTP, "busy"
			}
		},
		"not hashed": func(_ int, q *record.Request) { q.PromptHash = 0 },
	} {
		s := cacheServer{tokens: 4, answers: true, seen: map[record.Hash]bool{}, rng: rand.New(rand.NewPCG(5, 1<<40))}
		var list []*record.Request
		for k := range 180 {
			q := s.request(1_700_000_000*runtest.Second+int64(k)*runtest.Second, record.Hash(1+k/6*2+k%2))
			change(k, q)
			list = append(list, q)
		}
		if got := auditRepeats(runOf(t, list...)); got.Figures["repeats"] != 0 || got.Outcome != AuditUnknown {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// An answer of embeddings has no tokens, and no cache of prompts explains that it comes sooner.
func TestRepeatsOfEmbeddings(t *testing.T) {
	t.Parallel()
	var list []*record.Request
	for k := range int64(60) {
		q := embed(k, 4)
		if q.PromptHash = record.Hash(1 + k/2); k%2 == 1 {
			q.End = q.Start + 1_000_000
		}
		list = append(list, q)
	}
	if got := auditRepeats(runOf(t, list...)); got.Outcome != AuditOff ||
		got.Text != "repeats are 99 % faster: the server may cache answers" {
		t.Errorf("got %+v", got)
	}
}

// The audit is the same of the table of requests, as verify makes it, and hashes are in all forms of a run.
func TestHashesAreReadBack(t *testing.T) {
	t.Parallel()
	r := cacheServer{tokens: 20, answers: true}.run(t, 30, false)
	again, err := run.ReadFiles(run.Options{}, writeParquet(t, r))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := auditRepeats(again), auditRepeats(r); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var text strings.Builder
	if err := NewRequestTable(again).WriteCSV(&text); err != nil ||
		!strings.Contains(text.String(), ",0000000000000001,") {
		t.Errorf("no hash in the table: %v", err)
	}
}
