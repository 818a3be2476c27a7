//go:build linux

package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The server, too, gives up requests that run into their timeout, and generates nothing more for them.
func vllmGivesUp(t *testing.T, s *vLLM) {
	before := s.idle(t)
	load := `{stages: [{requests: 16, concurrency: 8}]}`
	o := s.run(t, "-e", "TOKENS=4000", script(t, load, s.client(`timeout: '1s'`)))
	if types := byType(o.requests); len(o.requests) != 16 || types[record.ErrorTimeout] != 16 {
		t.Errorf("%d requests: %v, want 16 that timed out", len(o.requests), types)
	}
	page := s.idle(t)
	if n := page["generation_tokens_total"] - before["generation_tokens_total"]; n > 16*4000/2 {
		t.Errorf("the server generated %v tokens, all answers have %d", n, 16*4000)
	}
}

// The audit finds that places are free as soon as their users leave.
func vllmFreesPlaces(t *testing.T, s *vLLM) {
	s.idle(t)
	r := mustSucceed(t, k6(t, "x", "llm", "audit", "cancel", s.url))
	if !strings.HasPrefix(r.stdout, "FREED") || !strings.Contains(r.stdout, "8, all taken") {
		t.Errorf("the audit says\n%s\n%s", r.stdout, r.stderr)
	}
	s.idle(t)
}

// A server of two places, which puts four tokens into an event, serves by priority, and whose engine dies at last.
func TestRealVLLMIsFull(t *testing.T) {
	s := newVLLM(t, "--max-num-seqs", "2", "--stream-interval", "4", "--scheduling-policy", "priority")
	for _, tt := range []struct {
		name string
		test func(t *testing.T, s *vLLM)
	}{
		{"bunches tokens", vllmBunches},
		{"lets requests wait", vllmQueues},
		{"serves by priority", vllmPrefers},
		{"loses its engine", vllmLosesEngine},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, s) })
	}
}

// The report says how many tokens an event holds, with a tokenizer and without.
func vllmBunches(t *testing.T, s *vLLM) {
	for name, tokenizer := range map[string]string{"counted by the client": s.model, "counted by the server": ""} {
		t.Run(name, func(t *testing.T) {
			o := s.run(t, s.settings("sharegpt", "TOKENIZER="+tokenizer, "RATE=3", "DURATION=2s", "MAX_TOKENS=33",
				`EXTRA_BODY={"min_tokens": 33}`)...)
			for _, q := range o.requests {
				// The first token comes alone, unless the server's front falls behind its engine.
				if n := len(q.Chunks); q.Failed() || n > 9 || q.Counts().Completion != 33 {
					t.Errorf("request %d: %s %q, %d tokens in %d chunks, want 33 in 9", q.Index, q.ErrorType, q.Error,
						q.Counts().Completion, n)
				}
			}
			if len(o.requests) != 6 || !o.warns("chunks hold 3.", "chunks hold 4.") {
				t.Errorf("%d requests of 6, warnings %q", len(o.requests), o.report.Extension.Warnings)
			}
		})
	}
}

// Of twenty requests at once two are answered and eighteen wait, as the server's page says: TTFT is spread over the
// time that several answers take.
func vllmQueues(t *testing.T, s *vLLM) {
	load := `{stages: [{requests: 20, concurrency: 20}]}`
	o := s.run(t, "-e", "TOKENS=60", script(t, load, s.client(readPage)))
	waits, page := ttfts(o.requests), o.report.Extension.Server
	if len(waits) != 20 || page == nil {
		t.Fatalf("%d requests with a first token, want 20; page %+v", len(waits), page)
	}
	var answers []float64
	for _, q := range o.requests {
		answers = append(answers, float64(q.Chunks[len(q.Chunks)-1]-q.Chunks[0]))
	}
	if spread := slices.Max(waits) - slices.Min(waits); page.Waiting.Max < 10 || spread < 3*median(answers) {
		t.Errorf("at most %v requests waited by the page; TTFT is spread over %v µs, an answer takes %v µs",
			page.Waiting.Max, spread, median(answers))
	}
	checkVLLMTTFT(t, o, page.Counts.TTFT.Server)
	// The wait in the server is nearly all of TTFT here, so that the two agree but for the client's and the front's
	// share.
	if got := page.Counts.TTFT; got.Server < got.Client/2 {
		t.Errorf("mean TTFT: %v s of the page, %v s of the client", got.Server, got.Client)
	}
}

// Requests of the better class overtake those that wait.
func vllmPrefers(t *testing.T, s *vLLM) {
	o := s.run(t, "-e", "BASE_URL="+s.url, "-e", "SEED=1", "-e", "CHAT_RATE=3", "-e", "RAG_RATE=0", "-e",
		"BATCH_RATE=20", "-e", "DURATION=2s", "-e", "MAX_TOKENS=40", "scripts/tenants.js")
	waits := map[string][]float64{}
	for _, q := range o.requests {
		if ttft, known := q.TTFT(); known {
			waits[q.Label] = append(waits[q.Label], ttft.Seconds())
		}
	}
	if len(waits["chat"]) < 2 || len(waits["batch"]) < 20 {
		t.Fatalf("%d chats, %d of the batch", len(waits["chat"]), len(waits["batch"]))
	}
	chat, batch := median(waits["chat"]), median(waits["batch"])
	t.Logf("median TTFT of chats %.3f s, of the batch %.3f s", chat, batch)
	if chat > batch/2 {
		t.Errorf("median TTFT of chats %v s, of the batch %v s: the batch is not overtaken", chat, batch)
	}
}

// The engine is killed while it answers: the answers that it had begun end with an error under status 200, those that
// wait and come later fail, too, and none counts as a success.
func vllmLosesEngine(t *testing.T, s *vLLM) {
	s.idle(t)
	records := filepath.Join(t.TempDir(), "run.jsonl")
	wait := s.background(t, records, s.settings("mock", "RATE=4", "DURATION=3s", "MAX_TOKENS=3900")...)
	s.await(t, "begun two answers", func(page map[string]float64) bool { return page["num_requests_running"] == 2 })
	waitForChunks(t, s)
	s.killEngine(t)
	o := wait()
	types, begun := byType(o.requests), 0
	for _, q := range o.requests {
		if len(q.Chunks) == 0 {
			continue
		}
		begun++
		if q.ErrorType != record.ErrorStream || q.Status != 200 || !strings.Contains(q.Error, "EngineCore") {
			t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
		}
	}
	t.Logf("%d requests: %v", len(o.requests), types)
	if len(o.requests) != 12 || begun != 2 || types[""] != 0 || types[record.ErrorTimeout] != 0 {
		t.Errorf("%d requests: %v, %d of them begun; want 12, 2 begun, none without a failure", len(o.requests), types,
			begun)
	}
	if o.code != 1 || strings.Contains(o.screen, "OK:") || !strings.Contains(o.screen, "FAILED:") {
		t.Errorf("llmconv exits %d, want 1; the summary says\n%s", o.code, o.screen)
	}
}

// waitForChunks waits until the server generates tokens.
func waitForChunks(t *testing.T, s *vLLM) {
	t.Helper()
	begun := s.page(t)["generation_tokens_total"]
	s.await(t, "generated tokens", func(page map[string]float64) bool {
		return page["generation_tokens_total"] > begun+20
	})
}

// A vLLM of vectors answers embeddings and, by the likeness of vectors, rerank requests.
func TestRealVLLMPools(t *testing.T) {
	s := newVLLM(t, "--runner", "pooling", "--convert", "embed", "--max-num-seqs", "8")
	for _, script := range []string{"embeddings", "rerank"} {
		t.Run(script, func(t *testing.T) {
			var o outcome
			grown := s.grown(t, func() {
				o = s.run(t, s.settings(script, "RATE=6", "DURATION=2s", "SERVER_METRICS=auto")...)
			})
			prompt := 0
			for _, q := range o.requests {
				prompt += q.Counts().ServerPrompt
				if q.Failed() || q.Inputs == nil || *q.Inputs < 1 || q.Counts().ServerPrompt < 1 ||
					script == "embeddings" && (q.VectorLength == nil || *q.VectorLength != 128) ||
					script == "rerank" && (q.Scores == nil || *q.Scores != *q.Inputs) {
					line, _ := json.Marshal(q)
					t.Errorf("request %d: %s", q.Index, line)
				}
			}
			if got := grown("prompt_tokens_total"); len(o.requests) != 12 || got != float64(prompt) {
				t.Errorf("%d requests of 12, %d prompt tokens by usage, %v by the page", len(o.requests), prompt, got)
			}
		})
	}
}
