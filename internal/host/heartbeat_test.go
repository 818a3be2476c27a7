package host

import (
	"reflect"
	"testing"
	"time"
)

// A late beat counts for all beats that were due while it was late.
func TestLateBeatsCountOncePerPeriod(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(ms float64) time.Time { return start.Add(time.Duration(ms * float64(time.Millisecond))) }
	h := &Heartbeat{since: start}
	due := at(5)
	for _, tt := range []struct{ now, next float64 }{{5, 10}, {10.5, 15}, {32, 35}, {37, 40}, {40, 45}} {
		if due = h.beat(due, at(tt.now)); !due.Equal(at(tt.next)) {
			t.Errorf("after the beat at %v ms: the next is due at %v, want %v ms", tt.now, due.Sub(start), tt.next)
		}
	}
	b := h.Take()
	if b.N != 8 || b.Max != 17*time.Millisecond || b.P99 != b.Max {
		t.Errorf("got %d beats, at most %v late, want 8 and 17 ms", b.N, b.Max)
	}
	want := []Span{{at(15), 17 * time.Millisecond}, {at(35), 2 * time.Millisecond}}
	if !reflect.DeepEqual(b.Late, want) {
		t.Errorf("late: got %v, want %v", b.Late, want)
	}
	if next := h.Take(); next.N != 0 || next.Late != nil || next.From != b.To {
		t.Errorf("the second Take: got %+v, want no beats", next)
	}
}

func TestHeartbeatBeatsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	h := StartHeartbeat()
	for beats := 0; beats < 3; beats += h.Take().N { // endless if no beat comes
		<-time.After(period)
	}
	h.Stop()
	select {
	case <-h.ended:
	default:
		t.Error("the goroutine goes on after Stop")
	}
}

func TestPressureSince(t *testing.T) {
	t.Parallel()
	before := Pressure{Waited: new(time.Second), Throttled: new(time.Second)}
	now := Pressure{Waited: new(3 * time.Second), Stalled: new(time.Second)}
	got := now.Since(before)
	if got.Waited == nil || *got.Waited != 2*time.Second || got.Throttled != nil || got.Stalled != nil {
		t.Errorf("got %+v, want 2 s of waiting alone", got)
	}
}
