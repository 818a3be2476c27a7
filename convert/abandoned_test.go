package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The tables count all that was sent, of which users left, as the summary of k6 does.
func TestRowsCountRequestsWhoseUsersLeft(t *testing.T) {
	t.Parallel()
	report := NewReport(mustRead(t, asRecords(t, leaving{every: 10}.lines())), Options{})
	var table bytes.Buffer
	if err := report.WriteTables(Screen{W: &table, Columns: 200}); err != nil {
		t.Fatal(err)
	}
	var heads, cells []string
	for line := range strings.Lines(table.String()) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[0] == "stage" && heads == nil {
			heads = fields
		} else if len(fields) > 3 && fields[0] == "0" && cells == nil {
			cells = fields
		}
	}
	requests, left := slices.Index(heads, "requests"), slices.Index(heads, "left")
	if requests < 0 || left < 0 || cells[requests] != "100" || cells[left] != "10" {
		t.Errorf("got %q of %q, want 100 requests of which 10 left, in\n%s", cells, heads, &table)
	}
	s := report.Summary.Additions.Series
	sum := func(list []int) (n int) {
		for _, v := range list {
			n += v
		}
		return n
	}
	if sum(s.Left) != 10 || sum(s.Ended) != 100 || sum(s.Failed) != 0 {
		t.Errorf("over time: %d left of %d that ended, %d failed; want 10 of 100, none", sum(s.Left), sum(s.Ended),
			sum(s.Failed))
	}
}

// leaving is a run of 100 requests, 10 a second, whose answers of 300 tokens begin after 100 ms and take 3 s. Some
// users leave after half a second.
type leaving struct {
	every float64 // every so-many-th user leaves
	keeps float64 // seconds for which the server works on for them
	page  float64 // seconds between two looks at the page; 0 is no page
	extra float64 // requests of others on the page
	tails bool    // the first and the last leave, too
	merge int     // tokens of a chunk, if several
	two   bool    // every other request goes to a second server, whose page is read between two looks at the first
}

const firstToken, tokenTime, answerTokens, leaveAfter = 0.1, 0.01, 300, 0.5

func (l leaving) leaves(k int) bool {
	return k%int(l.every) == int(l.every)/2 || l.tails && (k == 0 || k == 99)
}

func (l leaving) lines() []record.Line {
	start := 1_700_000_000 * second
	at := func(seconds float64) int64 { return start + int64(math.Round(seconds*1e9)) }
	lines := []record.Line{
		&record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1", Start: start,
			Versions: map[string]string{}, Scenarios: []record.Scenario{{Name: "load", Executor: record.ExecutorName,
				Stages: []record.Stage{{Index: 0, Rate: new(10.0), Duration: new(10.0)}}}}},
		&record.Client{Options: map[string]any{"api": "chat"}},
	}
	for k := range 100 {
		due := float64(k) / 10
		q := &record.Request{ID: fmt.Sprint(k), Scenario: "load", Index: int64(k), API: "chat", Model: "m",
			Streaming: true, Due: new(at(due)), Start: at(due), Status: 200, FinishReason: "length",
			MaxTokens: answerTokens, Usage: []byte(`{"prompt_tokens":10,"completion_tokens":300}`)}
		stays := firstToken + tokenTime*(answerTokens-1)
		if l.leaves(k) {
			q.Leaves, q.ErrorType, q.Error, q.FinishReason, q.Usage = "500ms", record.ErrorAbandoned, "left", "", nil
			stays = leaveAfter
		}
		q.End = at(due + stays)
		for i := 0; firstToken+tokenTime*float64(i) < stays+tokenTime/2 && i < answerTokens; i++ {
			if t := firstToken + tokenTime*float64(i); t <= stays+1e-9 && (i+1)%max(l.merge, 1) == 0 {
				q.Chunks = append(q.Chunks, int64(math.Round(t*1e6)))
			}
		}
		lines = append(lines, q)
	}
	for i := 0; l.page > 0 && float64(i)*l.page < 16; i++ {
		for server := range 1 + count(l.two) {
			t := (float64(i)-float64(server)/2)*l.page - 0.011
			running, generated := l.server(t, server)
			lines = append(lines, &record.Server{Time: at(t), Source: fmt.Sprintf("http://s%d/metrics", server),
				Engine: "vllm", Values: map[string]float64{record.ServerRunning: running + l.extra,
					record.ServerWaiting: 0, record.ServerGenerationTokens: generated}})
		}
	}
	return append(lines, &record.End{Time: at(16), Requests: 100})
}

// server returns what the page of a server shows at a time.
func (l leaving) server(t float64, number int) (running, generated float64) {
	for k := range 100 {
		if l.two && k%2 != number {
			continue
		}
		due := float64(k) / 10
		stays := firstToken + tokenTime*(answerTokens-1)
		if l.leaves(k) {
			stays = min(stays, leaveAfter+l.keeps)
		}
		if due <= t && t < due+stays {
			running++
		}
		if since := min(t-due, stays) - firstToken; since >= -1e-9 {
			generated += math.Floor(since/tokenTime+1e-6) + 1
		}
	}
	return running, generated
}

func (l leaving) run(t *testing.T) *run.Run {
	t.Helper()
	r, err := run.FromLines(run.Options{}, run.Instance{Name: "a", Lines: l.lines()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Users who leave make a run neither invalid nor partial: what they were sent counts as sent, and as nothing else.
func TestAbandonedAreSentAndNothingElse(t *testing.T) {
	t.Parallel()
	l := leaving{every: 5, tails: true}
	r := l.run(t)
	p := NewReport(r, Options{})
	for name, of := range map[string]*Lifecycle{
		"summary": p.Summary, "stage": p.Stages[0], "alone": Summarize(r, Options{}),
	} {
		a := of.Additions
		if len(a.Health.Reasons) > 0 || a.Partial {
			t.Errorf("%s: %s, partial %v: %q, want VALID", name, a.Health.Verdict, a.Partial, a.Health.Reasons)
		}
		c := a.Requests
		if c.Sent != 100 || c.Succeeded != 78 || c.Failed != 0 || of.Load.Count != 78 || of.Failures.Count != 0 {
			t.Errorf("%s: %+v, count %d; want 100 sent, 78 succeeded and counted", name, c, of.Load.Count)
		}
		if rate := float64(*c.SentRate); math.Abs(rate-10) > 1e-9 {
			t.Errorf("%s: sent rate %v, want 10", name, rate)
		}
		got := a.Abandoned
		if got == nil || got.Requests != 22 || got.Share != 0.22 || got.Rules["500ms"] != 22 || got.WithOutput != 22 ||
			got.Tokens != 22*41 || got.Chunks != 22*41 || got.Until.Mean != 0.5 || got.Audit != nil {
			t.Errorf("%s: %+v", name, got)
		}
		if ttft := of.Additions.Latency.TTFT; math.Abs(float64(ttft.Mean)-firstToken) > 1e-9 {
			t.Errorf("%s: mean TTFT %v", name, ttft.Mean)
		}
	}
	series := p.Summary.Additions.Series
	sent, failed := sumOf(series.Sent), sumOf(series.Failed)
	if sent != 100 || failed != 0 || series.InFlight[5] != 25 {
		t.Errorf("series: %d sent, %d failed, %v in flight; want 100, 0, and 25 of the sixth second", sent, failed,
			series.InFlight)
	}
	if got := p.Summary.Additions.Abandoned.Lines(); len(got) != 1 ||
		got[0] != `users left: 22 (22 % of what was sent): 22 by "500ms"; 22 had output, 902 tokens in all` {
		t.Errorf("lines %q", got)
	}
}

func sumOf(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}

// A report made of the output of k6 tells of those who left as one made of the records does.
func TestAbandonedInK6JSON(t *testing.T) {
	t.Parallel()
	lines := leaving{every: 5}.lines()
	want, got := mustRead(t, asRecords(t, lines)), mustRead(t, asK6JSON(t, lines))
	if len(got.Requests) != 80 || len(got.Abandoned) != 20 || got.Abandoned[0].Leaves != "500ms" {
		t.Fatalf("got %d requests and %d whose users left, want 80 and 20", len(got.Requests), len(got.Abandoned))
	}
	if want, got := withoutHealth(summaryText(t, want)), withoutHealth(summaryText(t, got)); want != got {
		t.Errorf("of k6's JSON:\n%s\nof the records:\n%s", got, want)
	}
}

// A report made of the Parquet of a run is that of its records, and what is cut is cut from those who left, too.
func TestAbandonedInParquet(t *testing.T) {
	t.Parallel()
	r := leaving{every: 5, page: 1}.run(t)
	path := filepath.Join(t.TempDir(), "requests.parquet")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewRequestTable(r).WriteParquet(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := run.ReadFiles(run.Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []float64{0, 5} {
		for _, r := range []*run.Run{r, again} {
			r.LeaveOut(run.Cut{Warmup: cut})
			if n, left := len(r.Requests), len(r.Abandoned); left != 20-2*int(cut) || n != 80-8*int(cut) {
				t.Errorf("without the first %v s %d left and %d did not", cut, left, n)
			}
		}
		if want, got := anyOrigin(t, summaryText(t, r)), anyOrigin(t, summaryText(t, again)); want != got {
			t.Errorf("of the Parquet:\n%s\nof the records:\n%s", got, want)
		}
	}
}

func summaryText(t *testing.T, r *run.Run) string {
	t.Helper()
	text, err := json.MarshalIndent(NewReport(r, Options{}).Summary, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// If all users left there are no latencies, and the report says why.
func TestAllUsersLeft(t *testing.T) {
	t.Parallel()
	r := leaving{every: 1, page: 1}.run(t)
	p := NewReport(r, Options{})
	a := p.Summary.Additions
	if got := a.Health.Reasons; len(got) != 1 ||
		got[0] != "nothing was measured: all users left before their answers were over (100 requests)" {
		t.Errorf("reasons %q", got)
	}
	if slices.Contains(a.Health.Unchecked, "heartbeats") {
		t.Errorf("not checked: %q, but no figure rests on heartbeats", a.Health.Unchecked)
	}
	if p.Summary.Successes.Latency.TTFT != nil || a.Abandoned.Requests != 100 || len(p.Stages) != 1 {
		t.Errorf("%+v, %d stages", a.Abandoned, len(p.Stages))
	}
	files := reportFiles(t, r)
	if len(files) < 3 {
		t.Errorf("files %v", sortedKeys(files))
	}
}

// What the server did for requests whose lines are missing is in no verdict.
func TestAuditOfAPartialRun(t *testing.T) {
	t.Parallel()
	records := asRecords(t, leaving{every: 5, page: 1}.lines())
	r := mustRead(t, records[:len(records)-10])
	if d := NewReport(r, Options{}).Summary.Additions.Abandoned.Audit; !r.Partial || d.Verdict != Undecided ||
		!strings.Contains(d.Why, "the run is partial") {
		t.Errorf("partial %t: got %s, want %s", r.Partial, d, Undecided)
	}
}

// The page tells what the server did for those who left, as far as it is read often enough and alone.
func TestAuditOfARun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		of      leaving
		verdict string
		text    string
		tokens  int64 // -1 is unknown
		longest float64
	}{
		{"free", leaving{every: 5, page: 1}, Freed, "FREED within ", 0, 0},
		{"free, often", leaving{every: 5, page: 0.1}, Freed, "FREED within ", 0, 0},
		{"500 ms", leaving{every: 5, page: 1, keeps: 0.5}, Freed, "one stayed for", 20 * 50, 500},
		{"500 ms, often", leaving{every: 5, page: 0.1, keeps: 0.5}, Freed, "one stayed for", 20 * 50, 500},
		{"to the end", leaving{every: 5, page: 1, keeps: 100}, Leaked, "the answers were generated to their ends",
			20 * 259, 2600},
		{"four tokens a chunk", leaving{every: 5, page: 1, merge: 4}, Freed, "FREED within ", 20 * (41 - 40), 0},
		{"two servers", leaving{every: 5, page: 0.5, two: true}, Freed, "FREED within ", 0, 0},
		{"two servers, to the end", leaving{every: 5, page: 0.5, keeps: 100, two: true}, Leaked,
			"generated to their ends", 20 * 259, 2600},
		{"others", leaving{every: 5, page: 1, extra: 5}, Undecided, "not of this run", -1, 0},
		{"half", leaving{every: 5, page: 1, extra: -20}, Undecided, "fewer requests than were in flight", -1, 0},
		{"coarse", leaving{every: 5, page: 12}, Undecided, "the page was read 1 time after users left", -1, 0},
	} {
		a := NewReport(tt.of.run(t), Options{}).Summary.Additions.Abandoned
		d := a.Audit
		tokens := int64(-1)
		if d.ForNobody != nil {
			tokens = *d.ForNobody
		}
		if d.Verdict != tt.verdict || !strings.Contains(d.String(), tt.text) || tokens != tt.tokens ||
			float64(d.Longest) > tt.longest {
			t.Errorf("%s: got %s, %+v; want %s, %q, %d tokens", tt.name, d, *d, tt.verdict, tt.text, tt.tokens)
		}
		if tt.longest > 0 && float64(d.Longest) < tt.longest/2 {
			t.Errorf("%s: one was seen to stay for %v ms, want about %v", tt.name, d.Longest, tt.longest)
		}
		if d.Verdict == Freed && float64(*d.Within) > 1000*tt.of.keeps+2*float64(d.Resolution) {
			t.Errorf("%s: gone within %v ms, with a look every %v ms", tt.name, *d.Within, d.Resolution)
		}
		if lines := a.Lines(); len(lines) != 2 || !strings.HasPrefix(lines[1], "places of users who left: ") {
			t.Errorf("%s: lines %q", tt.name, lines)
		}
	}
}
