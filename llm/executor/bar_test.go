package executor

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/executor"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// A bar of k6 shows the state, the share and the texts that setBar gives it.
func TestSetBar(t *testing.T) {
	t.Parallel()
	tuple, err := lib.NewExecutionTuple(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := parse(t, `{"stages": [{"concurrency": 4, "duration": "30s"}]}`)
	state := &lib.ExecutionState{ExecutionTuple: tuple}
	bar := executor.NewBaseExecutor(c, state, logrus.NewEntry(logrus.New())).GetProgress()
	for _, tt := range []struct {
		state rune
		want  string
	}{
		{' ', "load   [  50% ] 17/40 requests  8 in flight"},
		{barStopping, "load ↓ [  50% ] 17/40 requests  8 in flight"},
		{barDone, "load ✓ [  50% ] 17/40 requests  8 in flight"},
		{barInterrupted, "load ✗ [  50% ] 17/40 requests  8 in flight"},
	} {
		setBar(bar, tt.state, func() (float64, []string) { return 0.5, []string{"17/40 requests", "8 in flight"} })
		if got := bar.Render(0, -40).String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	setBar(new(int), barDone, nil) // another type is left alone
}

// A load is done by time, and by stages if nobody knows how long one of them takes.
func TestMeter(t *testing.T) {
	t.Parallel()
	whole := func(n int64) int64 { return n }
	look := func(m *meter, done float64, texts ...string) {
		t.Helper()
		if d, list := m.view(whole); d != done || !slices.Equal(list, texts) {
			t.Errorf("got %v %q, want %v %q", d, list, done, texts)
		}
	}
	synctest.Test(t, func(*testing.T) {
		m := &meter{stages: []arrival.Stage{{To: 1, From: 1, Duration: 30 * time.Second},
			{Concurrency: 2, Duration: 10 * time.Second}}}
		look(m, 0, "stage 1/2", "0s/30s")
		m.begin(0, time.Now(), nil)
		time.Sleep(20 * time.Second)
		look(m, 0.5, "stage 1/2", "20s/30s")
		time.Sleep(20 * time.Second) // the wait of drain
		look(m, 0.75, "stage 1/2", "30s/30s")
		m.begin(1, time.Now(), nil)
		time.Sleep(5 * time.Second)
		look(m, 0.875, "stage 2/2", "5s/10s")
		if !m.left() {
			t.Error("nothing is left in the middle of the last stage")
		}
		m.end()
		look(m, 1, "stage 2/2", "10s/10s")
		if m.left() {
			t.Error("something is left after the last stage")
		}
		loop := &meter{stages: []arrival.Stage{{Requests: 4, Concurrency: 2}}, unit: "requests"}
		loop.begin(0, time.Now(), nil)
		loop.count(0)
		loop.count(1)
		look(loop, 0.25, "1/4 requests")
		both := &meter{stages: append(m.stages, loop.stages...), unit: "sessions"}
		both.begin(2, time.Now(), nil)
		both.count(2)
		both.count(2)
		look(both, (2+0.5)/3, "stage 3/3", "2/4 sessions")
	})
}
