//go:build unix

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func byStart(a, b *record.Request) int { return int(a.Start - b.Start) }

// ttfts returns the times to the first token, in microseconds, of requests in the order of their starts.
func ttfts(requests []*record.Request) (list []float64) {
	for _, q := range slices.SortedFunc(slices.Values(requests), byStart) {
		if len(q.Chunks) > 0 {
			list = append(list, float64(q.Chunks[0]))
		}
	}
	return list
}

// With more load than the server can serve, requests wait in the server, later ones longer, and the report does not
// blame the load generator.
func TestLlamaCPPQueues(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "slow", "--slots", "1")
	o := s.run(t, "-e", "TOKENS=80", script(t, arrivals(20), s.client(readPage)))
	for _, q := range o.requests {
		checkTokens(t, q, "length", 0)
	}
	waits, ours := ttfts(o.requests), o.report.Extension
	if len(waits) != 20 || len(o.requests) != 20 || ours.Requests.Dropped != 0 || ours.Server == nil {
		t.Fatalf("%d requests, %d with a first token, want 20; %d dropped, page %+v",
			len(o.requests), len(waits), ours.Requests.Dropped, ours.Server)
	}
	if most := ours.Server.Waiting.Max; most < 2 {
		t.Errorf("at most %v requests waited by the server's page, want more", most)
	}
	if early, late := median(waits[:5]), median(waits[15:]); late < 2*early {
		t.Errorf("median TTFT of the first quarter %v µs, of the last %v µs: it does not grow", early, late)
	}
	// A busy machine may make the client late. A slow server must not count against the run.
	for _, reason := range ours.Health.Reasons {
		if !strings.Contains(reason, "sent late") && !strings.Contains(reason, "the load generator") {
			t.Errorf("the verdict is %s, for %q", ours.Health.Verdict, reason)
		}
	}
}

// Comment lines that the server sends before the first token to keep the connection alive are no chunks. They come
// while it computes prompts, each of which takes a second or two.
func TestLlamaCPPPings(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "slow", "--ping", "1")
	o := s.run(t, write(t, "script.js", `import { Client, scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({ stages: [{ requests: 3, concurrency: 3 }] }) };
const client = new Client(`+s.client(`text: true`)+`);
export default function () { client.complete(__VU + ' year'.repeat(3900), { maxTokens: 20 }); }
`))
	pings := 0
	for _, q := range o.requests {
		checkTokens(t, q, "length", 0)
		if len(q.Chunks) != 20 {
			t.Errorf("request %d: %d chunks, want 20", q.Index, len(q.Chunks))
		}
		before, _, _ := strings.Cut(q.ResponseBody, "data:")
		pings += strings.Count("\n"+before, "\n:")
	}
	if len(o.requests) != 3 || pings == 0 {
		t.Errorf("%d requests, %d comment lines before their first event; want 3, and some", len(o.requests), pings)
	}
}

// The server, too, gives up requests that run into their timeout: it computes nothing more for them.
func TestLlamaCPPGivesUpRequests(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "slow")
	load := `{stages: [{requests: 8, concurrency: 4}]}`
	o := s.run(t, "-e", "TOKENS=3900", script(t, load, s.client(`timeout: '1s'`)))
	if types := byType(o.requests); len(o.requests) != 8 || types[record.ErrorTimeout] != 8 {
		t.Errorf("%d requests: %v, want 8 that timed out", len(o.requests), types)
	}
	page := s.await(t, "become idle", func(page map[string]float64) bool {
		return page["requests_processing"]+page["requests_deferred"] == 0
	})
	if steps := page["n_decode_total"]; steps == 0 || steps > 3900*3/2 {
		t.Errorf("the server computed %v steps; eight whole answers, four at a time, take %d", steps, 3900*2)
	}
}

// A server is killed while it answers: the answers that it had begun are cut, later requests get no connection, and the
// run does not count as a success.
func TestLlamaCPPIsKilled(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "slow")
	records := filepath.Join(t.TempDir(), "run.jsonl")
	wait := s.background(t, records, s.settings("mock", "RATE=4", "DURATION=3s", "MAX_TOKENS=3900")...)
	s.await(t, "begun four answers", func(page map[string]float64) bool {
		return page["requests_processing"] == 4 && page["n_decode_total"] > 20
	})
	s.kill()
	o := wait()
	types, begun := byType(o.requests), 0
	for _, q := range o.requests {
		if len(q.Chunks) > 0 {
			begun++
		}
	}
	cut := types[record.ErrorTruncated] + types[record.ErrorReset]
	if len(o.requests) != 12 || begun == 0 || cut < 4 || cut+types[record.ErrorConnect] != 12 {
		t.Errorf("%d requests: %v, %d of them with chunks; want 12, at least 4 cut, the others without a connection",
			len(o.requests), types, begun)
	}
	if o.code != 1 || strings.Contains(o.screen, "OK:") || !strings.Contains(o.screen, "FAILED:") {
		t.Errorf("llmconv exits %d, want 1; the summary says\n%s", o.code, o.screen)
	}
}

// A server is started again during the run: requests in between fail as those to a server that is gone, the load goes
// on, and the report does not show counts of which a part is lost.
func TestLlamaCPPIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "slow")
	records := filepath.Join(t.TempDir(), "run.jsonl")
	load := `{stages: [{rate: 8, duration: '10s'}], executor: 'llm-arrival-rate'}`
	wait := s.background(t, records, "-e", "TOKENS=30", script(t, load, s.client(readPage)))
	waitForRequests(t, records, 16)
	s.kill()
	<-time.After(500 * time.Millisecond) // of load without a server
	s.start(t)
	o := wait()
	types := byType(o.requests)
	for _, q := range o.requests {
		loading := q.ErrorType == record.ErrorHTTP && q.Status == 503
		gone := slices.Contains([]string{record.ErrorConnect, record.ErrorReset, record.ErrorTruncated}, q.ErrorType)
		if q.Failed() && !loading && !gone {
			t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
		}
	}
	last := slices.MaxFunc(o.requests, byStart)
	if len(o.requests) != 80 || types[""] < 16 || types[""] == 80 || last.Failed() {
		t.Errorf("%d requests: %v, want 80 with some failures; the last: %q", len(o.requests), types, last.Error)
	}
	page := o.report.Extension.Server
	if page == nil || !falls(o.pages) {
		t.Fatalf("none of %d samples of the page shows the new start", len(o.pages))
	}
	known := page.Counts.Generation != nil || page.Counts.Prompt != nil
	if known && !o.warns("started again", "restarted") {
		t.Errorf("the report does not say that counts of the server are lost: generation tokens %v, prompt tokens "+
			"%v, warnings %q",
			page.Counts.Generation, page.Counts.Prompt, o.report.Extension.Warnings)
	}
}

// falls reports whether the server's count of tokens falls from one sample of its page to the next.
func falls(pages []*record.Server) bool {
	last := 0.0
	for _, p := range pages {
		count, known := p.Values[record.ServerGenerationTokens]
		if known && count < last {
			return true
		}
		last = max(last, count)
	}
	return false
}
