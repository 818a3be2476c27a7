package executor

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/internal/alarm"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// sessions is a stand-in for workers that replay sessions: an arrival takes as long as lasts says, unless it is told
// that it is over, or cut.
type sessions struct {
	p     *pool
	begun time.Time
	lasts func(a arrival.Arrival) time.Duration

	mu   sync.Mutex
	seen []seen
}

// seen is an arrival as a worker saw it; instants are after the beginning of the load.
type seen struct {
	arrival.Arrival
	at, due, end time.Duration
	how          string // ended, over or cut
}

func (s *sessions) start() error { return nil }

func (s *sessions) more(found bool) {
	if !found {
		s.p.add(s.iterate)
	}
}

func (s *sessions) close() { s.p.end() }

func (s *sessions) iterate(a *arrival.Arrival) error {
	one := seen{Arrival: *a, at: time.Since(s.begun), how: "ended"}
	if !a.Due.IsZero() {
		one.due = a.Due.Sub(s.begun)
	}
	timer := time.NewTimer(s.lasts(*a))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.Over:
		one.how = "over"
	case <-s.p.ctx.Done():
		one.how = "cut"
	}
	one.end = time.Since(s.begun)
	if a.Ended != nil {
		ended := record.UnixNano(time.Now())
		r := &record.Request{Streaming: true, Start: ended - int64(one.end-one.at), End: ended, Status: 200}
		r.Chunks = []int64{(one.end - one.at).Microseconds() / 2}
		if one.how != "ended" {
			r.ErrorType = record.ErrorCanceled
		}
		a.Ended(r, r.Counts())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, one)
	return nil
}

// sent is what a load leaves behind.
type sent struct {
	Seen   []seen // by number
	Stages []record.Stage
	Took   time.Duration
	Log    string
}

// runStages sends the stages of an instance in virtual time. No arrival takes longer than lasts says.
func runStages(t *testing.T, options string, et *lib.ExecutionTuple, lasts func(arrival.Arrival) time.Duration) sent {
	t.Helper()
	c := parse(t, options)
	for _, err := range c.Validate() {
		t.Fatal(err)
	}
	var log strings.Builder
	x := newTestExecutor(t, c, &log)
	if et != nil {
		x.state.ExecutionTuple = et
		if err := x.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	x.stages = c.RecordStages()
	workers := &sessions{begun: time.Now(), lasts: lasts}
	x.newSource = func(p *pool, _ int64) source {
		workers.p = p
		return workers
	}
	var f sent
	out, collected := make(chan metrics.SampleContainer), make(chan struct{})
	go func() {
		defer close(collected)
		for container := range out {
			if line, ok := container.(*samples.Container); ok {
				if stage, ok := line.Line().(*record.Stage); ok {
					f.Stages = append(f.Stages, *stage)
				}
			}
		}
	}()
	r := &run{Executor: x, parent: t.Context(), out: out, share: newStripes(x.tuple), wait: alarm.Plain(),
		meter: meter{stages: x.plan.Stages, unit: x.plan.Unit()}}
	defer r.wait.Close()
	if err := r.openPool(); err != nil {
		t.Fatal(err)
	}
	if err := r.allStages(); err != nil {
		t.Fatal(err)
	}
	r.pool.close(c.GracefulStop.TimeDuration())
	r.stopper.close()
	close(out)
	<-collected
	f.Seen, f.Took, f.Log = workers.seen, time.Since(workers.begun), log.String()
	slices.SortFunc(f.Seen, func(a, b seen) int { return int(a.Index - b.Index) })
	return f
}

func always(d time.Duration) func(arrival.Arrival) time.Duration {
	return func(arrival.Arrival) time.Duration { return d }
}

// The rate of a loop bounds how fast arrivals begin, and a slot that comes free late delays those after it. An arrival
// is due when both allow it.
func TestLoopKeepsItsRate(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, tt := range []struct {
		name, stage string
		lasts       time.Duration
		due         []time.Duration
		first       int // arrivals that are the first of a slot
	}{
		{"no limit but the rate", `{"requests": 5, "rate": 2}`, time.Minute,
			[]time.Duration{0, s / 2, s, 3 * s / 2, 2 * s}, 5},
		{"slots as well", `{"requests": 5, "concurrency": 2, "rate": 1}`, 5 * s,
			// after a wait for a slot the next arrival may follow at once, as in inference-perf
			[]time.Duration{0, s, 5 * s, 6 * s, 10 * s}, 2},
		{"a burst of slots", `{"requests": 6, "concurrency": 3, "rate": 10}`, s,
			[]time.Duration{0, s / 10, s / 5, s, s + s/10, s + s/5}, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := runStages(t, `{"stages": [`+tt.stage+`]}`, nil, always(tt.lasts))
			var due []time.Duration
			firsts := 0
			for _, one := range f.Seen {
				if due = append(due, one.due); one.at != one.due {
					t.Errorf("%s: arrival %d was due after %v and began after %v", tt.name, one.Index, one.due, one.at)
				}
				if one.First {
					firsts++
				}
			}
			if !slices.Equal(due, tt.due) || firsts != tt.first {
				t.Errorf("%s: due %v, %d first of their slots; want %v, %d", tt.name, due, firsts, tt.due, tt.first)
			}
			if len(f.Stages) != 1 || f.Stages[0].Status != record.StageCompleted || f.Stages[0].Rate == nil {
				t.Errorf("%s: stages %+v", tt.name, f.Stages)
			}
		})
	}
}

// Instances begin their arrivals in turn, and keep the rate together.
func TestInstancesShareTheRateOfALoop(t *testing.T) {
	t.Parallel()
	sequence, err := lib.NewExecutionSegmentSequenceFromString("0,1/3,2/3,1")
	if err != nil {
		t.Fatal(err)
	}
	var all []seen
	for _, segment := range sequence {
		tuple, err := lib.NewExecutionTuple(segment, &sequence)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			f := runStages(t, `{"stages": [{"requests": 20, "rate": 4}]}`, tuple,
				always(100*time.Millisecond))
			all = append(all, f.Seen...)
		})
	}
	slices.SortFunc(all, func(a, b seen) int { return int(a.Index - b.Index) })
	if len(all) != 20 {
		t.Fatalf("got %d arrivals, want 20", len(all))
	}
	for i, one := range all {
		want := time.Duration(i) * 250 * time.Millisecond
		if diff := one.at - want; one.Index != int64(i) || diff < 0 || diff > time.Microsecond {
			t.Errorf("arrival %d began after %v, want %v", one.Index, one.at, want)
		}
	}
}

// A stage that times out begins nothing more, and what is in flight is told that it is over.
func TestLoopTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := runStages(t, `{"stages": [{"requests": 100, "concurrency": 2, "timeout": "10s"}, {"requests": 2, "rate": 1}],
			"interval": "1s"}`, nil, always(4*time.Second))
		how := map[string]int{}
		for _, one := range f.Seen {
			how[one.how]++
			if one.how == "over" && one.end != 10*time.Second {
				t.Errorf("arrival %d was told after %v that it is over, want the timeout", one.Index, one.end)
			}
		}
		if how["ended"] != 4+2 || how["over"] != 2 || len(f.Stages) != 2 {
			t.Fatalf("got %v, stages %+v", how, f.Stages)
		}
		if !strings.Contains(f.Log, `stage 0 of scenario \"load\" timed out after 10s: it began 6 of its 100 iterations`) {
			t.Errorf("logged %s", f.Log)
		}
		first, second := f.Stages[0], f.Stages[1]
		if first.Status != record.StageTimedOut || first.End-first.Start != int64(10*time.Second) ||
			*first.Timeout != 10 || second.Status != record.StageCompleted {
			t.Errorf("got %+v and %+v", first, second)
		}
		// the wait for what was in flight may take a look more, 5 ms later
		if last := f.Seen[len(f.Seen)-1]; last.Index != 101 || last.due < 12*time.Second ||
			last.due > 12*time.Second+5*time.Millisecond {
			t.Errorf("the next stage has number %d last, due after %v", last.Index, last.due)
		}
	})
}

// A stage whose timeout is never reached is complete, and its timer does not touch the next.
func TestLoopInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := runStages(t, `{"stages": [{"requests": 2, "concurrency": 2, "timeout": "5s"},
			{"requests": 1, "concurrency": 1, "timeout": "1m"}]}`, nil, func(a arrival.Arrival) time.Duration {
			return time.Duration(1+10*a.Stage) * time.Second
		})
		for _, one := range f.Seen {
			if one.how != "ended" || one.due != 0 {
				t.Errorf("got %+v", one)
			}
		}
		if len(f.Stages) != 2 || f.Stages[0].Status != "completed" || f.Stages[1].Status != "completed" {
			t.Errorf("stages %+v", f.Stages)
		}
	})
}

// The end of a stage with a duration, or of one whose arrivals are all sent, is not the end of what is in flight: that
// may go on within gracefulStop, and is cut then. A stop of the load ends it at once.
func TestWhatIsOver(t *testing.T) {
	t.Parallel()
	const wait, grace = 20 * time.Second, 5 * time.Second
	for _, tt := range []struct {
		name, stages string
		stop         func(a arrival.Arrival)
		how          string
		end          time.Duration
	}{
		{"duration", `{"concurrency": 1, "duration": "3s"}`, nil, "cut", 3*time.Second + grace},
		{"rate", `{"rate": 1, "duration": "1s"}`, nil, "cut", time.Second + grace},
		{"requests", `{"requests": 1, "concurrency": 1}`, nil, "ended", wait},
		{"the next stage", `{"rate": 1, "duration": "1s"}, {"rate": 0, "duration": "30s"}`, nil, "ended", wait},
		{"stage stopped", `{"rate": 1, "duration": "1m"}`, func(a arrival.Arrival) { a.Stop(false, "enough") }, "over",
			time.Second / 2},
		{"run stopped in a later stage", `{"rate": 1, "duration": "1s"}, {"rate": 1, "duration": "10s"}`,
			func(a arrival.Arrival) {
				if a.Stage == 1 {
					a.Stop(true, "enough")
				}
			}, "over", 3 * time.Second / 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := runStages(t, `{"gracefulStop": "5s", "drain": false, "stages": [`+tt.stages+`]}`, nil,
				func(a arrival.Arrival) time.Duration {
					if tt.stop != nil {
						time.AfterFunc(time.Second/2, func() { tt.stop(a) })
					}
					return wait
				})
			if first := f.Seen[0]; first.how != tt.how || first.end != tt.end {
				t.Errorf("%s: the first arrival was %s after %v, want %s after %v", tt.name, first.how, first.end,
					tt.how, tt.end)
			}
		})
	}
}

// A timeout that comes too late for its stage does not touch the next one, and the first reason of an end counts.
func TestTimeoutIsOfItsStage(t *testing.T) {
	t.Parallel()
	var s stopper
	stage := s.begin(t.Context())
	next := s.begin(t.Context())
	s.timeOut(stage)
	if next.Err() != nil || s.reason() != "" {
		t.Errorf("the timeout of an earlier stage stopped the running one: %q", s.reason())
	}
	s.timeOut(next)
	if next.Err() == nil || s.status(context.Background()) != record.StageTimedOut {
		t.Errorf("got %v, %q", next.Err(), s.status(context.Background()))
	}
	s.stop(true, "late")
	if s.run() {
		t.Error("a stop after the timeout stopped the run")
	}
}
