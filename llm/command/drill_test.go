package command

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// drill is a run of 30 s at 10/s from the first instant on, with answers of three tokens, against a server to which
// something happens.
type drill struct {
	name  string
	query string // of the simulator
	bound float64
	mark  float64 // seconds after the first request; when somebody noted what happened

	violated  []float64  // the spans in which the SLO is violated: from, to, from, to …
	recovered float64    // after the mark
	events    []sighting // what the server's page shows
}

// sighting is what a page shows, to within a second of when it was so.
type sighting struct {
	at   float64
	text string
}

// TTFT is 50 ms and ITL 10 ms. The pages are read every second from 0.5 s on.
var drills = []drill{
	// A request at t of the 5 s has its first token at 15.05 s: those up to 14.8 s wait for more than 200 ms.
	{"stopped for 5 s", "events=10s stop 5s", 200, 10, []float64{10, 15}, 5,
		[]sighting{{10, "does not answer"}, {15, "answers again"}}},
	// In the 10 s, tokens take three times as long. The first token of a request at 19.9 s takes 100 ms up to 20 s, in
	// which a third of that is done, and 16.7 ms more.
	{"slow for 10 s", "events=10s slow x3 10s", 120, 10, []float64{10, 20}, 10, nil},
	{"slow for 10 s, noted 2.5 s late", "events=10s slow x3 10s", 120, 12.5, []float64{10, 20}, 7.5, nil},
	// A request takes 70 ms, and one comes every 100 ms.
	{"enough places", "max-num-seqs=1", 120, 10, nil, 0, nil},
	// With ITL 50 ms a request takes 150 ms: i is admitted at 0.15·i s, so that its TTFT is 0.05·(i+1) s, above 200 ms
	// from i = 4 on. At 10 s request 66 is at work and 33 wait. From then on four are done in 150 ms, which is 26.7
	// a second, and 10 come, so that nobody waits from 12 s on.
	{"more places", "itl=50ms&max-num-seqs=1&events=10s places 4", 200, 10, []float64{0, 12}, 2, nil},
	// The process is not there for 3 s.
	{"gone for 3 s", "events=10s gone 3s", 200, 10, []float64{10, 13}, 3,
		[]sighting{{10, "does not answer"}, {13, "answers again, with a new process, model sim loaded"}}},
	// The first tokens of a request at t take 16^(1−t/10s) times 50 ms: above 200 ms until 5 s.
	{"cold for 10 s", "events=0s cold x16 10s", 200, 0, []float64{0, 5}, 5, nil},
}

// What the report says about a failure is what the simulator's script did: which seconds were in violation, exactly,
// when it was over, and what the server's page showed, within a second.
func TestDrillsAreReportedAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, d := range drills {
		synctest.Test(t, func(t *testing.T) {
			a := d.report(t).Summary.Additions
			var spans []float64
			for _, s := range a.Violations.Spans {
				spans = append(spans, float64(s.From), float64(s.To))
			}
			if !slices.Equal(spans, d.violated) {
				t.Errorf("%s: violated in %v, want %v", d.name, spans, d.violated)
			}
			want := 0.0
			for i := 0; i < len(d.violated); i += 2 {
				want += d.violated[i+1] - d.violated[i]
			}
			if got := float64(a.Violations.Seconds); got != want || float64(a.Violations.Of) != 30 {
				t.Errorf("%s: violated in %v of %v s, want %v of 30", d.name, got, a.Violations.Of, want)
			}
			d.checkMarks(t, a.Marks)
		})
	}
}

func (d *drill) checkMarks(t *testing.T, marks []convert.MarkReport) {
	t.Helper()
	var events []sighting
	for _, m := range marks {
		if m.Source == record.MarkServer {
			events = append(events, sighting{float64(m.At), strings.TrimPrefix(m.Text, "http://server/metrics ")})
			continue
		}
		if m.Recovered == nil || math.Abs(float64(*m.Recovered)-d.recovered) > 1e-6 ||
			math.Abs(float64(m.At)-d.mark) > 1e-6 {
			t.Errorf("%s: the mark is %+v, want %v and recovered after %v", d.name, m, d.mark, d.recovered)
		}
	}
	if !slices.EqualFunc(events, d.events, func(got, want sighting) bool {
		return got.text == want.text && math.Abs(got.at-want.at) <= 1
	}) {
		t.Errorf("%s: the page shows %v, want %v", d.name, events, d.events)
	}
}

// report runs the drill in virtual time.
func (d *drill) report(t *testing.T) *convert.Report {
	t.Helper()
	server, c := simulated(t, "ttft=50ms&itl=10ms&"+d.query)
	defer func() { _ = server.Close() }()
	var mu sync.Mutex
	var lines []byte
	keep := func(line record.Line) {
		mu.Lock()
		defer mu.Unlock()
		var err error
		if lines, err = record.Append(lines, line); err != nil {
			t.Error(err)
		}
		lines = append(lines, '\n')
	}
	start, stop := time.Now(), make(chan struct{})
	keep(&record.Run{Schema: record.Schema, ID: "drill", Instance: "a", Segment: "0:1", Start: start.UnixNano()})
	var group, pages sync.WaitGroup
	pages.Go(func() {
		time.Sleep(500 * time.Millisecond)
		page := scrape.Page{URL: "http://server/metrics", Name: "http://server/metrics", Transport: mortal{server},
			Push: func(line *record.Server) { keep(line) }, Warn: func(error) {}}
		page.Look(t.Context())
		page.Watch(stop, time.Second)
	})
	for i := range 300 {
		group.Go(func() {
			due := start.Add(time.Duration(i) * 100 * time.Millisecond)
			time.Sleep(time.Until(due))
			a, err := c.Do(t.Context(), mortal{server},
				&client.Request{Messages: []byte(`[{"content":"a"}]`), MaxTokens: 3})
			if err != nil {
				t.Error(err)
				return
			}
			a.Record.Scenario, a.Record.Index, a.Record.Due = "load", int64(i), new(due.UnixNano())
			a.Record.SLO = &record.Bounds{TTFT: d.bound}
			keep(a.Record)
		})
	}
	group.Wait()
	close(stop)
	pages.Wait()
	r, err := run.Read(run.Options{}, run.Source{Name: "run.jsonl", Reader: bytes.NewReader(lines)})
	if err == nil {
		at := start.UnixNano() + int64(d.mark*1e9)
		err = run.AddMarks(r, []run.Mark{{At: at, Text: "noted", Source: record.MarkGiven}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return convert.NewReport(r, convert.Options{})
}

// mortal answers requests by a handler that may close the connection.
type mortal struct{ http.Handler }

func (h mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	answer := &written{PipeWriter: w, header: http.Header{}, status: make(chan int, 1)}
	go func() {
		defer func() {
			if recover() != nil {
				_ = w.CloseWithError(errReset)
				close(answer.status)
				return
			}
			answer.WriteHeader(http.StatusOK)
			_ = w.Close()
		}()
		h.ServeHTTP(answer, r)
	}()
	status, answered := <-answer.status
	if !answered {
		return nil, errReset
	}
	return &http.Response{StatusCode: status, Header: answer.header, Body: body, Request: r}, nil
}

var errReset = errors.New("connection reset by peer")
