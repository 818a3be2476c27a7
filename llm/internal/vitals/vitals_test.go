package vitals

import (
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// beatOf waits for the next beat, endlessly if none comes.
func beatOf(v *Vitals) (beat *record.Heartbeat) {
	for beat == nil {
		<-time.After(time.Millisecond)
		beat = v.Beat()
	}
	return beat
}

// Of two measurements at once, the end of one does not end the other.
func TestTwoMeasurementsAtOnce(t *testing.T) {
	t.Parallel()
	first, second := Start(), Start()
	for _, beat := range []*record.Heartbeat{beatOf(first), beatOf(second)} {
		if beat.Beats < 1 || beat.End <= beat.Start || beat.Max < beat.P99 {
			t.Errorf("got %+v", beat)
		}
	}
	ended := second.Stop(nil)
	beatOf(first)
	all := first.Stop([]time.Duration{2, 1, 3})
	if ended.GoMaxProcs < 1 || !(ended.Processors > 0) || ended.GCCycles > all.GCCycles || ended.LatenessP50 != nil ||
		all.LatenessOf != 3 || *all.LatenessP50 != 2 || *all.LatenessMax != 3 {
		t.Errorf("got %+v and %+v", ended, all)
	}
}
