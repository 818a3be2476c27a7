package convert

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// meeting is the part of a run in which a label runs: at a rate, over seconds of one stage.
type meeting struct {
	label    string
	stage    int
	from, to float64
	rate     float64
	ttft     float64 // the middle one
	took     float64 // seconds after the first token
}

// meet returns the lines of a run of such parts.
func meet(parts ...meeting) []record.Line {
	rng := rand.New(rand.NewPCG(1, 2))
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: 1}}
	for _, p := range parts {
		for i := range int(p.rate * (p.to - p.from)) {
			start := int64((p.from+float64(i)/p.rate)*1e9) + 1
			ttft := int64(p.ttft * math.Exp(0.3*rng.NormFloat64()) * 1e6)
			end := ttft + int64(p.took*1e6)
			lines = append(lines, &record.Request{ID: fmt.Sprint(p.label, p.stage, i), Scenario: p.label,
				Stage: p.stage, Index: int64(p.stage*10_000 + i), API: "chat", Label: p.label, Streaming: true,
				Start: start, End: start + end*1000, Chunks: []int64{ttft, end}, Status: 200})
		}
	}
	return append(lines, &record.End{Status: "finished"})
}

func TestInterference(t *testing.T) {
	t.Parallel()
	chat := meeting{"chat", 0, 0, 60, 20, 0.1, 0.2}
	slower := meeting{"chat", 1, 60, 120, 20, 0.2, 0.2}
	for _, tt := range []struct {
		name  string
		parts []meeting
		want  []string // label: with, beside, stage, stage without
	}{
		{"alone and with another", []meeting{chat, slower, {"batch", 1, 60, 120, 2, 1, 5}},
			[]string{"chat: [batch] [] 1 0"}},
		{"the other runs as a scenario of its own", []meeting{chat, slower, {"batch", 2, 60, 120, 2, 1, 5}},
			[]string{"chat: [batch] [] 1 0"}},
		{"with one, and with one more", []meeting{chat, slower, {"rag", 0, 0, 60, 4, 1, 1},
			{"rag", 1, 60, 120, 4, 1, 1}, {"batch", 1, 60, 120, 2, 1, 5}},
			[]string{"chat: [batch] [rag] 1 0", "rag: [batch] [chat] 1 0"}},
		{"nobody else", []meeting{chat, slower}, nil},
		{"always both", []meeting{chat, slower, {"batch", 0, 0, 120, 2, 1, 5}}, nil},
		{"another rate", []meeting{chat, {"chat", 1, 60, 120, 40, 0.2, 0.2}, {"batch", 1, 60, 120, 2, 1, 5}}, nil},
		{"hardly ever there", []meeting{chat, slower, {"batch", 1, 60, 120, 0.5, 0.01, 0.01}}, nil},
	} {
		report := NewReport(mustRead(t, asRecords(t, meet(tt.parts...))), Options{})
		var got []string
		for _, i := range report.Summary.Additions.Interference {
			got = append(got, fmt.Sprint(i.Label, ": ", i.With, " ", i.Beside, " ", i.Stage, " ", i.StageWithout))
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if tt.want == nil {
			continue
		}
		i := report.Summary.Additions.Interference[0]
		for name, s := range i.TTFT {
			if s.Low == nil || *s.Low > 2 || *s.High < 2 || *s.Low < 1 {
				t.Errorf("%s: %s of the TTFT is %s as long, want 2", tt.name, name, s.text())
			}
		}
		if s := i.Latency["p50"]; math.Abs(float64(s.Ratio)-4.0/3) > 0.1 {
			t.Errorf("%s: the latency is %s as long, want 4/3", tt.name, s.text())
		}
		var table bytes.Buffer
		if err := report.WriteTables(Screen{W: &table}); err != nil {
			t.Fatal(err)
		}
		if want := "\nchat: p99 TTFT "; !strings.Contains(table.String(), want) ||
			!strings.Contains(table.String(), "as long with batch (stage 1) as without (stage 0)") {
			t.Errorf("%s: the tables lack it:\n%s", tt.name, &table)
		}
	}
}

// A percentile of too few requests has no interval, and says so.
func TestInterferenceOfFewRequests(t *testing.T) {
	t.Parallel()
	lines := meet(meeting{"chat", 0, 0, 10, 5, 0.1, 0.2}, meeting{"chat", 1, 10, 20, 5, 0.2, 0.2},
		meeting{"batch", 1, 10, 20, 2, 1, 5})
	list := NewReport(mustRead(t, asRecords(t, lines)), Options{}).Summary.Additions.Interference
	if len(list) != 1 || list[0].TTFT["p99"].Low != nil || list[0].TTFT["p50"].Low == nil ||
		!strings.HasSuffix(list[0].Sentence(),
			"as without (stage 0); no intervals: too few requests: 50, where 200 are needed") {
		t.Errorf("got %+v", list)
	}
}
