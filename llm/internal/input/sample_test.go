package input

import (
	"maps"
	"slices"
	"testing"

	"github.com/sirupsen/logrus/hooks/test"
)

// Each type that reads files has a sample, and the sample tokenizer counts it, without any file beside the script.
func TestSamples(t *testing.T) {
	t.Parallel()
	log, _ := test.NewNullLogger()
	for _, kind := range append(slices.Collect(maps.Keys(fileKinds)), visionArena) {
		s := &Source{Shared: new(Shared), Log: log, Abs: func(path string) string { return path }}
		o := DefaultDatasetOptions()
		o.Kind, o.Path = kind, sampleName
		set, err := s.OpenSet(&o)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if n, finite := set.Len(); n < 3 || !finite {
			t.Errorf("%s: %d items", kind, n)
		}
	}
	for _, of := range [][2]string{{otelReplay}, {wekaReplay}, {workloadReplay}, {workloadReplay, "mooncake"}} {
		s := &Source{Shared: new(Shared), Log: log, Abs: func(path string) string { return path }}
		o := DefaultDatasetOptions()
		o.Kind, o.Path, o.Session.Workload.Format = of[0], sampleName, of[1]
		set, err := s.OpenSet(&o)
		if err != nil {
			t.Errorf("%s: %v", of, err)
			continue
		}
		n, _ := set.Len()
		if n < 1 {
			t.Errorf("%s: %d sessions", of, n)
		}
		for i := range n {
			turn, err := set.Sessions.Turn(i)
			if err == nil {
				err = turn.Session.Check()
			}
			if err != nil {
				t.Errorf("%s: session %d: %v", of, i, err)
			}
		}
	}
	counter, err := sampleCounter(Counters{}.seen)
	if err != nil || counter.CountSpecial("a few words") < 3 {
		t.Errorf("the tokenizer: %v", err)
	}
}
