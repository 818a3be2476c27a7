package page

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// droppedReplica is a run of 60 s at 10/s in which a replica is killed at 20 s: until 26 s the first tokens are late,
// and the requests of 21 s fail. The server's page does not answer from 20 to 24 s.
func droppedReplica(t *testing.T) Run {
	t.Helper()
	start, l := 1_700_000_000*second, load{rates: []float64{10}, each: 600}
	lines := []record.Line{
		&record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1", Start: start,
			Scenarios: []record.Scenario{{Name: "s", Executor: "llm-arrival-rate",
				Stages: []record.Stage{{Rate: new(10.0), Duration: new(60.0)}}}}},
		&record.Client{SLO: &record.Bounds{TTFT: 150},
			Options: map[string]any{"api": "chat", "baseURL": "http://host/v1"}},
	}
	for k := range 600 {
		at := k / 10
		r := requestOf(l, 0, k, start+int64(k)*second/10)
		switch {
		case at == 21:
			r.ErrorType, r.Chunks, r.Usage = record.ErrorReset, []int64{}, nil
		case at >= 20 && at < 26:
			for i := range r.Chunks {
				r.Chunks[i] += 400_000
			}
			r.End += 400_000_000
		}
		lines = append(lines, r)
	}
	for at := int64(0); at < 60; at += 2 {
		s := &record.Server{Time: start + at*second, Source: "http://host/metrics", Values: map[string]float64{
			record.ServerRunning: 4, record.ServerWaiting: 0, record.ServerKVCacheUsage: 0.3,
			record.ServerProcessStart: 1000}}
		switch {
		case at >= 20 && at < 24:
			continue
		case at == 24:
			s.Failed = 2
			fallthrough
		case at > 24:
			s.Values[record.ServerProcessStart], s.Values[record.ServerWaiting] = 2000, float64(max(0, 34-at))
		}
		lines = append(lines, s)
	}
	lines = append(lines, &record.End{Status: "finished", Time: start + 60*second, Requests: 600})
	var file []byte
	for _, line := range lines {
		var err error
		if file, err = record.Append(file, line); err != nil {
			t.Fatal(err)
		}
		file = append(file, '\n')
	}
	read, err := run.Read(run.Options{}, run.Source{Name: "test", Reader: bytes.NewReader(file)})
	if err == nil {
		err = run.AddMarks(read, []run.Mark{{At: start + 20*second, Text: "replica 2 killed <b>" + hostileText,
			Source: record.MarkGiven}, {At: start + 58*second, Text: "load balancer changed", Source: record.MarkFile}})
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := FromReport("drill", convert.NewReport(read, convert.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatHappened(t *testing.T) {
	t.Parallel()
	r := droppedReplica(t)
	got := whatHappened([]Run{r})
	if got == nil {
		t.Fatal("no table")
	}
	var text strings.Builder
	for _, line := range got.Rows {
		name, _, _ := strings.Cut(line.Name, " <")
		fmt.Fprint(&text, name)
		for _, c := range line.Cells {
			fmt.Fprint(&text, " | ", c.Text)
		}
		fmt.Fprintln(&text)
	}
	const want = `1. replica 2 killed | 20.0 | – | – | 6.0 | –
2. http://host/metrics does not answer | 20.0 | – | – | 6.0 | –
SLO violated | 20.0 | 26.0 | 6.0 | – | 60
3. http://host/metrics answers again, with a new process | 24.0 | – | – | 2.0 | –
4. load balancer changed | 58.0 | – | – | 0 | –
`
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
	if !strings.Contains(got.Note, "The SLO was violated in 6 of 60 s, the longest time 6 s") {
		t.Errorf("the note is %q", got.Note)
	}
	if two := whatHappened([]Run{r, r}); len(two.Rows) != 2*len(got.Rows) || two.Rows[0].Run != 0 ||
		!strings.HasPrefix(two.Rows[0].Name, "drill, ") {
		t.Errorf("of two runs: %+v", two)
	}
	if whatHappened([]Run{runOf(t, "calm", load{rates: []float64{2}, each: 5})}) != nil {
		t.Error("a run to which nothing happened has a table")
	}
}

// The charts over time have lines for the marks and bands for the violations, and no text in them is code.
func TestBrowserDrawsWhatHappened(t *testing.T) {
	t.Parallel()
	dom := drawn(t, written(t, droppedReplica(t)))
	checkDrawn(t, dom, 11)
	for _, id := range []string{"time-tokens", "time-lost", "time-queue", "time-kv"} {
		if !strings.Contains(dom, `id="chart-`+id+`"`) {
			t.Errorf("no chart %s", id)
		}
	}
	if strings.Contains(dom, "<b>") {
		t.Error("a mark's text became an element")
	}
}
