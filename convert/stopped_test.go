package convert

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// twoStages returns two stages of 10 s, of 1 and 2 requests a second that take half a second. The first 4 s of each
// warm up if warmup is set.
func twoStages(warmup bool) []record.Line {
	stages := []record.Stage{
		{Index: 0, Rate: new(1.0), Duration: new(10.0)}, {Index: 1, Rate: new(2.0), Duration: new(10.0)},
	}
	for i := range stages {
		if warmup {
			stages[i].Warmup = new(4.0)
		}
	}
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: second, Scenarios: []record.Scenario{
		{Name: "load", Executor: "ramping-arrival-rate", Stages: slices.Clone(stages)}}}}
	number := int64(0)
	for i, s := range stages {
		step := int64(float64(second) / *s.Rate)
		for k := range int64(10 * *s.Rate) {
			at := second + int64(10*i)*second + k*step
			lines = append(lines, &record.Request{Scenario: "load", Stage: i, Index: number, Start: at,
				End: at + second/2, Due: new(at), Warmup: warmup && k*step < 4*second, Chunks: []int64{100, 400}})
			number++
		}
		s.Start, s.End, s.Status = second+int64(10*i)*second, second+int64(10*i+10)*second, "completed"
		lines = append(lines, &s)
	}
	return lines
}

func mustMake(t *testing.T, lines []record.Line) *run.Run {
	t.Helper()
	r, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: lines})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The rates of a run are those of its stages, whatever was sent to warm up between them.
func TestRatesOfARunWithWarmups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		warmup bool
		cut    run.Cut
		time   float64
		count  int
	}{
		// of 6 requests in 5.5 s and 12 in 6 s
		{"warm-ups", true, run.Cut{}, 11.5, 18},
		{"--stage-warmup", false, run.Cut{StageWarmup: 4}, 11.5, 18},
		{"none", false, run.Cut{}, 20, 30},
	} {
		r := mustMake(t, twoStages(c.warmup))
		r.LeaveOut(c.cut)
		l := NewReport(r, Options{}).Summary
		if float64(l.BenchmarkTime) != c.time || l.Load.Count != c.count {
			t.Errorf("%s: %d requests in %v s, want %d in %v", c.name, l.Load.Count, l.BenchmarkTime, c.count, c.time)
		}
		if got := float64(l.Successes.Throughput.Requests); got != float64(c.count)/c.time {
			t.Errorf("%s: %v requests/s", c.name, got)
		}
	}
}

// A stage that timed out lacks what it did not begin.
func TestTimedOutStage(t *testing.T) {
	t.Parallel()
	lines := twoStages(false)
	stage := lines[len(lines)-1].(*record.Stage)
	stage.End, stage.Timeout, stage.Status = 17*second, new(6.0), record.StageTimedOut
	r := NewReport(mustMake(t, append(lines, stage)), Options{}) // as two instances tell it
	want := []string{"stage 1 timed out after 6 s: what it had not begun by then was not sent"}
	timeouts := func(a *Additions) []string {
		others := func(w string) bool { return !strings.Contains(w, "timed out") }
		return slices.DeleteFunc(slices.Clone(a.Warnings), others)
	}
	if got := timeouts(r.Summary.Additions); !slices.Equal(got, want) {
		t.Errorf("summary: warnings %q, want %q", got, want)
	}
	for i, s := range r.Stages {
		if got := timeouts(s.Additions); (i == 1) != slices.Equal(got, want) {
			t.Errorf("stage %d: warnings %q", i, got)
		}
	}
}

// A stage of sessions that timed out tells how many of them there are.
func TestTimedOutSessions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		planned *int64
		warmup  *float64
		want    string
	}{
		{new(int64(3)), nil, "2 of 3 sessions began, 1 of them was cut"},
		{new(int64(9)), new(0.5), "what it had not begun by then was not sent"},
		{nil, nil, "what it had not begun by then was not sent"},
	} {
		lines := runtest.Replay()
		stage := &lines[0].(*record.Run).Scenarios[0].Stages[1]
		stage.Requests, stage.Warmup = tt.planned, tt.warmup
		p := NewReport(mustMake(t, lines), Options{})
		want := "stage 1 timed out after 2 s: " + tt.want
		if got := p.Summary.Additions.Warnings; !slices.Contains(got, want) {
			t.Errorf("warnings %q, want %q", got, want)
		}
		a := p.SessionStages[1].Additions
		if a.Begun != 2 || a.Unfinished.Sessions != 1 || (a.Planned != nil) != (tt.planned != nil && tt.warmup == nil) {
			t.Errorf("%v planned, %d began, %d were cut", a.Planned, a.Begun, a.Unfinished.Sessions)
		}
	}
}

// A stage of sessions that was stopped counts these, not their calls.
func TestStoppedSessions(t *testing.T) {
	t.Parallel()
	lines := runtest.Replay()
	lines[0].(*record.Run).Scenarios[0].Stages[1].Requests = new(int64(9))
	lines[len(lines)-1].(*record.Stage).Status = record.StageInterrupted
	const want = "the run was stopped in stage 1, after 2 of 9 sessions: the figures are of what was sent until then"
	if got := NewReport(mustMake(t, lines), Options{}).Summary.Additions.Warnings; !slices.Contains(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

// A stage that was stopped is judged by what was to be sent until then.
func TestStoppedRun(t *testing.T) {
	t.Parallel()
	lines := twoStages(false)
	// the second stage: 12 requests in 6 s
	lines = slices.DeleteFunc(lines, func(line record.Line) bool {
		q, isRequest := line.(*record.Request)
		return isRequest && q.Start >= 17*second
	})
	stage := lines[len(lines)-1].(*record.Stage)
	stage.End, stage.Status = 17*second, "interrupted"
	lines = append(lines, &record.End{Time: 17 * second,
		Status: "test run was aborted because k6 received a 'interrupt' signal"})
	a := NewReport(mustMake(t, lines), Options{}).Summary.Additions
	want := "the run was stopped by Ctrl-C in stage 1, after 6.0 s of 10 s: the figures are of what was sent until then"
	if !slices.Contains(a.Warnings, want) {
		t.Errorf("warnings %q, want %q", a.Warnings, want)
	}
	if a.Health.Verdict != Valid {
		t.Errorf("%s: %q", a.Health.Verdict, a.Health.Reasons)
	}
	stage.End = 19 * second // two seconds without the requests that were due
	a = NewReport(mustMake(t, lines), Options{}).Summary.Additions
	if a.Health.Verdict == Valid || !strings.Contains(a.Health.Reasons[0], "16 requests were asked for, 12 came") {
		t.Errorf("%s: %q", a.Health.Verdict, a.Health.Reasons)
	}
}
