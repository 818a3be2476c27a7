package input

import (
	"testing"

	"github.com/sirupsen/logrus/hooks/test"
)

// Each type that reads files has a sample, and the sample tokenizer counts it, without any file beside the script.
func TestSamples(t *testing.T) {
	t.Parallel()
	log, _ := test.NewNullLogger()
	for kind := range fileKinds {
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
	counter, err := sampleCounter()
	if err != nil || counter.CountSpecial("a few words") < 3 {
		t.Errorf("the tokenizer: %v", err)
	}
}
