package engine

import (
	"reflect"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

// A label that resembles a class is told once, one that is quite another is not, and a class without requests is told.
func TestClassesTellOfLabels(t *testing.T) {
	t.Parallel()
	priority := int64(2)
	o := DefaultOptions()
	o.Class.Priority = &priority
	o.Classes = map[string]traffic.Class{"chat": {Label: "chat", Model: "small"}, "vip": {Label: "vip"}}
	if err := o.Settle(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"small"}; !reflect.DeepEqual(o.Adapters, want) {
		t.Errorf("models to look for: got %v, want %v", o.Adapters, want)
	}
	logger, hook := logtest.NewNullLogger()
	state := &lib.State{Logger: logger}
	classes := newClasses(&o)
	for _, label := range []string{"", "chat", "chta", "chta", "documents"} {
		if class := classes.find(label, state); *class.Priority != 2 {
			t.Errorf("label %q: got priority %d, want the client's", label, *class.Priority)
		}
	}
	classes.tellUnused(logger, []string{"chat", "chta", "documents"})
	var got []string
	for _, e := range hook.AllEntries() {
		if e.Level == logrus.WarnLevel {
			got = append(got, e.Message)
		}
	}
	want := []string{`label "chta" has no entry in classes, did you mean "chat"?`,
		`class "vip" of the client had no request: labels are chat, chta, documents`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
