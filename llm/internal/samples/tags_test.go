package samples

import (
	"testing"

	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The label of a request replaces that of its scenario.
func TestLabelsAndEndpointsAreTags(t *testing.T) {
	t.Parallel()
	vu := metrics.NewRegistry().RootTagSet().With(LabelTag, "scenario")
	m := new(Metrics)
	for _, r := range []*record.Request{{Label: "chat", Endpoint: "http://a"}, {Label: "chat", Endpoint: "http://b"}} {
		tags := m.requestTags(vu, r)
		label, _ := tags.Get(LabelTag)
		endpoint, _ := tags.Get("endpoint")
		if label != r.Label || endpoint != r.Endpoint {
			t.Errorf("got label %q and endpoint %q, want %q and %q", label, endpoint, r.Label, r.Endpoint)
		}
	}
	if label, _ := sessionTags(vu, &record.Session{Label: "agents"}).Get(LabelTag); label != "agents" {
		t.Errorf("session: got label %q, want agents", label)
	}
}
