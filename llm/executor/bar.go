package executor

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// The states of a progress bar, as k6 shows them.
const (
	barStopping    = '↓'
	barInterrupted = '✗'
	barDone        = '✓'
)

// setBar sets what a progress bar of k6 shows, and its state. k6 has the type of the bar and of its options in an
// internal package. If they have changed, setBar does nothing, and the bar shows the scenario's name alone.
func setBar(bar any, state rune, view func() (float64, []string)) {
	defer func() { _ = recover() }()
	modify := reflect.ValueOf(bar).MethodByName("Modify")
	option := reflect.MakeFunc(modify.Type().In(0).Elem(), func(args []reflect.Value) []reflect.Value {
		set(args[0].Elem().FieldByName("status"), reflect.ValueOf(state))
		set(args[0].Elem().FieldByName("progress"), reflect.ValueOf(view))
		return nil
	})
	modify.Call([]reflect.Value{option})
}

func set(field, value reflect.Value) {
	reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem().Set(value.Convert(field.Type()))
}

// meter knows how far a load is. It may be used concurrently.
type meter struct {
	stages []arrival.Stage
	unit   string // what arrivals are

	mu    sync.Mutex
	stage int       // that runs, or ran last
	began time.Time // of the stage; zero before the first
	ended bool      // the stage
	done  int64     // arrivals of the stage
	warms *warming  // of the stage
}

// begin notes that a stage begins at an instant, perhaps one that warms up until the server is steady.
func (m *meter) begin(stage int, at time.Time, warms *warming) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stage, m.began, m.ended, m.done, m.warms = stage, at, false, 0, warms
}

// end notes that the running stage has ended.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
}

// count notes that an arrival of a closed loop has ended.
func (m *meter) count(stage int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if stage == m.stage {
		m.done++
	}
}

// left reports whether a part of the load was not sent.
func (m *meter) left() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.ended || m.stage+1 < len(m.stages)
}

// view returns how much of the load is done, from 0 to 1, and the same as text: by time, or, in a closed loop of a
// number of requests, by the share of this instance, by requests. Waits between stages do not count.
func (m *meter) view(share func(int64) int64) (done float64, texts []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stages[m.stage]
	part, text := 0.0, ""
	if s.Counted() {
		asked := max(1, share(s.Requests))
		part = min(1, float64(m.done)/float64(asked))
		text = fmt.Sprintf("%d/%d %s", min(m.done, asked), asked, m.unit)
	} else {
		spent := m.spent(s)
		part = float64(spent) / float64(s.Duration)
		text = fmt.Sprintf("%s/%s", spent.Round(100*time.Millisecond), s.Duration)
	}
	if m.ended {
		part = 1
	}
	if len(m.stages) == 1 {
		return part, []string{text}
	}
	return m.whole(part), []string{m.name(), text + m.warms.shown()}
}

// name returns what the bar calls the running stage. Stages are counted without those that are warm-ups.
func (m *meter) name() string {
	number, all := 0, 0
	for i, s := range m.stages {
		if s.Warming() {
			continue
		}
		if all++; i <= m.stage {
			number = all
		}
	}
	if m.stages[m.stage].Warming() {
		return "warming up"
	}
	return fmt.Sprintf("stage %d/%d", number, all)
}

func (m *meter) spent(s arrival.Stage) time.Duration {
	switch {
	case m.began.IsZero():
		return 0
	case m.ended:
		return s.Duration
	}
	return max(0, min(s.Duration, time.Since(m.began)))
}

// whole returns how much of the load is done if a part of the running stage is: by time, or by stages if one of them
// lasts as long as its requests take.
func (m *meter) whole(part float64) float64 {
	var before, all float64
	for i, s := range m.stages {
		weight := s.Duration.Seconds()
		if m.anyCounted() {
			weight = 1
		}
		all += weight
		switch {
		case i < m.stage:
			before += weight
		case i == m.stage:
			before += weight * part
		}
	}
	return min(1, before/all)
}

func (m *meter) anyCounted() bool {
	for _, s := range m.stages {
		if s.Counted() {
			return true
		}
	}
	return false
}
