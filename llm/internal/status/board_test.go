package status

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

var zero = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// after returns the instant s seconds after zero.
func after(s float64) time.Time { return zero.Add(seconds(s)) }

// steady returns a stage with a constant rate.
func steady(index int, rate, duration float64) record.Stage {
	return record.Stage{Index: index, Rate: &rate, Duration: &duration}
}

// answer returns the record of a success with a TTFT and a schedule delay.
func answer(ttft, late time.Duration) *record.Request {
	return &record.Request{Due: new(int64(1e9)), Start: 1e9 + int64(late), End: 9e9,
		Chunks: []int64{record.Micros(ttft)}}
}

// tokens returns the counts of an answer.
func tokens(n int) record.Counts {
	return record.Counts{Completion: n, CompletionSource: record.ServerUsage}
}

// asks returns the load that a status asks for.
func asks(s Status) string {
	switch {
	case s.HasAsked:
		return rate(s.Asked) + "/s"
	case s.Concurrency > 0:
		return Grouped(s.Concurrency) + " at a time"
	}
	return "-"
}

func TestBoardAddsUpAnInterval(t *testing.T) {
	t.Parallel()
	b := New(zero, nil, 1)
	for i := range 100 {
		ticket := b.Sent(after(1), Position{})
		if i < 50 {
			r := answer(time.Duration(i+1)*time.Millisecond, time.Duration(i+1)*100*time.Microsecond)
			b.Done(r, tokens(10), ticket)
		}
	}
	b.Done(&record.Request{ErrorType: record.ErrorTimeout, Chunks: []int64{1}}, tokens(5), Ticket{})
	b.Done(&record.Request{ErrorType: record.ErrorCanceled, Chunks: []int64{1}}, tokens(5), Ticket{})
	b.Done(&record.Request{ErrorType: record.ErrorAbandoned, Chunks: []int64{1}}, tokens(5), Ticket{})
	b.Lost(after(2), Ticket{})
	got := b.Take(after(5))
	if got.Sent != 20 || got.Tokens != 100 || got.InFlight != 46 || got.Failed != 1 || got.Left != 1 ||
		got.NewlyFailed != 1 || !got.HasTTFT || !got.HasDelay {
		t.Errorf("got %+v, want 20 sent and 100 tokens per second, 46 in flight, 1 failed, 1 left", got)
	}
	for _, d := range []struct{ got, want time.Duration }{
		{got.TTFT50, 25500 * time.Microsecond}, {got.TTFT99, 49510 * time.Microsecond},
		{got.Delay99, 4951 * time.Microsecond},
	} {
		if d.got < d.want*999/1000 || d.got > d.want*1001/1000 {
			t.Errorf("got %v, want %v: %+v", d.got, d.want, got)
		}
	}
	if got, want := b.Take(after(10)), (Status{InFlight: 46, Failed: 1, Left: 1}); got != want {
		t.Errorf("an interval in which nothing happened: got %+v, want %+v", got, want)
	}
}

// With k6's own executors, the clock decides which stage runs and what load it asks for.
func TestStagesByTheClock(t *testing.T) {
	t.Parallel()
	ramp := steady(1, 20, 10)
	ramp.From = new(10.0)
	plan := []record.Scenario{
		{Name: "a", Stages: []record.Stage{steady(0, 10, 10), ramp}},
		{Name: "b", StartAt: 30, Stages: []record.Stage{{Index: 2, Concurrency: new(int64(8)), Duration: new(10.0)}}},
		{Name: "c", StartAt: 50, Stages: []record.Stage{{Index: 3}}},
	}
	b := New(zero, plan, 1)
	if got := b.Take(after(1)); got.Stage != 0 || got.HasAsked || got.Stages != 4 {
		t.Errorf("before the first request: got %+v, want no stage of 4", got)
	}
	b.Sent(after(1), Position{Scenario: "a", Started: zero})
	for _, tt := range []struct {
		at    float64
		stage int
		into  time.Duration
		asked string
	}{
		{5, 1, 5 * time.Second, "10.0/s"},
		{10, 2, 0, "10.0/s"},
		{15, 2, 5 * time.Second, "12.5/s"}, // from 10 to 15
		{20, 2, 10 * time.Second, "17.5/s"},
		{25, 2, 15 * time.Second, "0.0/s"},
		{30, 3, 0, "0.0/s"}, // the first scenario, which has a rate, is over
		{35, 3, 5 * time.Second, "0.0/s"},
		{55, 4, 5 * time.Second, "0.0/s"},
	} {
		got := b.Take(after(tt.at))
		if got.Stage != tt.stage || got.Into != tt.into || asks(got) != tt.asked {
			t.Errorf("after %v s: got stage %d, %v in, asked %s; want %d, %v, %s", tt.at, got.Stage, got.Into,
				asks(got), tt.stage, tt.into, tt.asked)
		}
	}
}

// The start of any scenario determines when all others start.
func TestALaterScenarioTellsTheClock(t *testing.T) {
	t.Parallel()
	plan := []record.Scenario{
		{Name: "a", Stages: []record.Stage{steady(0, 3, 60)}},
		{Name: "b", StartAt: 10, Stages: []record.Stage{steady(1, 4, 60)}},
		{Name: "empty"},
	}
	b := New(after(10), plan, 0.5)
	b.Sent(after(11), Position{Scenario: "unknown", Started: zero})
	b.Sent(after(12), Position{Scenario: "b", Started: after(10)})
	if got := b.Take(after(20)); got.Stage != 2 || got.Into != 10*time.Second || got.Asked != 3.5 {
		t.Errorf("got %+v, want stage 2, 10 s in, half of 3+4 asked for", got)
	}
}

// The executor llm-arrival-rate waits between stages, and names the stage of each arrival.
func TestStagesThatAreTold(t *testing.T) {
	t.Parallel()
	closed := record.Stage{Index: 2, Requests: new(int64(100)), Concurrency: new(int64(8)), Rate: new(4.0)}
	b := New(zero, []record.Scenario{{Name: "a", Stages: []record.Stage{steady(0, 10, 10), steady(1, 20, 10), closed}}},
		1)
	var dropped int64
	send := func(at float64, stage int) {
		place := Position{Scenario: "a", Started: zero, HasStage: true, Stage: stage, Due: after(at),
			Dropped: func() int64 {
				return dropped
			}}
		if stage == 2 {
			place.Due = time.Time{}
		}
		b.Sent(after(at+0.001), place)
	}
	check := func(at float64, stage int, into time.Duration, asked string) {
		t.Helper()
		if got := b.Take(after(at)); got.Stage != stage || got.Into.Round(10*time.Millisecond) != into ||
			asks(got) != asked || got.Dropped != dropped {
			t.Errorf("after %v s: got stage %d, %v in, asked %s, dropped %d; want %d, %v, %s, %d", at, got.Stage,
				got.Into, asks(got), got.Dropped, stage, into, asked, dropped)
		}
	}
	send(0.5, 0)
	check(5, 1, 5*time.Second, "10.0/s")
	check(15, 1, 15*time.Second, "5.0/s") // the stage ended in the middle of the interval, but its requests have not
	send(20, 1)
	send(19, 0) // a straggler
	check(20.5, 2, 500*time.Millisecond, "1.8/s")
	dropped = 3
	check(25, 2, 5*time.Second, "20.0/s")
	send(40, 2)
	send(41, 7) // the plan has no such stage
	check(42, 3, 2*time.Second, "8 at a time")
}

// If the server does not answer, the lines still appear, and show how many requests are in flight.
func TestWatchShowsRequestsThatHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b := New(start, []record.Scenario{{Name: "a", Stages: []record.Stage{steady(0, 2, 60)}}}, 1)
		stop := make(chan struct{})
		var lines []string
		var watching sync.WaitGroup
		watching.Go(func() {
			b.Watch(stop, 5*time.Second, func() int { return 80 }, func(line string) {
				lines = append(lines, fmt.Sprintf("%v: %s", time.Since(start), line))
			})
		})
		time.Sleep(100 * time.Millisecond)
		for range 24 { // two per second
			b.Sent(time.Now(), Position{Scenario: "a", Started: start})
			time.Sleep(500 * time.Millisecond)
		}
		close(stop)
		watching.Wait()
		want := []string{
			"5s: " + Legend,
			"5s: llm  1/1  5s  2.0/2.0/s  10 open  TTFT -      0 tok/s  0 failed",
			"10s: llm  1/1 10s  2.0/2.0/s  20 open  TTFT -      0 tok/s  0 failed",
		}
		if !slices.Equal(lines, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestBoardLosesNothingBetweenLines(t *testing.T) {
	t.Parallel()
	const each, senders = 2000, 8
	b := New(zero, nil, 1)
	var running sync.WaitGroup
	var left atomic.Int64
	left.Store(senders)
	for range senders {
		running.Go(func() {
			defer left.Add(-1)
			for range each {
				b.Done(&record.Request{ErrorType: record.ErrorHTTP}, tokens(0), b.Sent(zero, Position{}))
			}
		})
	}
	sent, failed, now := 0.0, int64(0), zero
	take := func() (s Status) {
		now = now.Add(time.Second)
		s = b.Take(now)
		sent, failed = sent+s.Sent, failed+s.NewlyFailed
		return s
	}
	for left.Load() > 0 {
		take()
	}
	running.Wait()
	if last := take(); sent != senders*each || failed != senders*each || last.Failed != senders*each ||
		last.InFlight != 0 {
		t.Errorf("got %v sent, %d failed, last status %+v; want %d of each and none in flight", sent, failed, last,
			senders*each)
	}
}

// BenchmarkRequest measures the cost of counting a request as sent and as answered.
func BenchmarkRequest(b *testing.B) {
	board, place, done := benchmark()
	b.ReportAllocs()
	for b.Loop() {
		board.Done(done, tokens(200), board.Sent(zero, place))
	}
}

func BenchmarkRequestsOfManyVUs(b *testing.B) {
	board, place, done := benchmark()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			board.Done(done, tokens(200), board.Sent(zero, place))
		}
	})
}

func BenchmarkLook(b *testing.B) {
	board, place, done := benchmark()
	board.Sent(zero, place)
	for b.Loop() {
		board.Done(done, tokens(200), board.Sent(zero, place))
		_ = board.Take(zero).Line(80)
	}
}

func benchmark() (*Board, Position, *record.Request) {
	plan := []record.Scenario{{Name: "first", Stages: []record.Stage{steady(0, 1, 1)}},
		{Name: "second", Stages: []record.Stage{steady(1, 1, 1)}}}
	return New(zero, plan, 1), Position{Scenario: "second", Started: zero, HasStage: true, Due: zero},
		answer(100*time.Millisecond, time.Millisecond)
}

func TestRequestsCostNoMemory(t *testing.T) {
	board, place, done := benchmark()
	if got := testing.AllocsPerRun(100, func() {
		board.Done(done, tokens(200), board.Sent(zero, place))
	}); got != 0 {
		t.Errorf("got %v allocations per request, want none", got)
	}
}
