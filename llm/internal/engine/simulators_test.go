package engine

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// Clients with equal options share a simulator, whatever the order of the options, and reach it through proxies or not.
func TestSimulatorsAreSharedByTheirOptions(t *testing.T) {
	t.Parallel()
	var s simulators
	urls := map[string]string{}
	for _, query := range []string{
		"", "ttft=1s&itl=1s", "itl=1s&ttft=1s", "name=a", "name=b", "ttft=1s&itl=1s&proxy-delay=5ms",
		"itl=1s&ttft=1s&proxy-delay=5ms", "ttft=1s&itl=1s&proxy-merge=2",
	} {
		o, err := sim.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if urls[query], err = s.start(o); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, server := range s.all {
			_ = server.Close()
		}
	})
	for _, same := range [][2]string{
		{"ttft=1s&itl=1s", "itl=1s&ttft=1s"}, {"ttft=1s&itl=1s&proxy-delay=5ms", "itl=1s&ttft=1s&proxy-delay=5ms"},
	} {
		if urls[same[0]] != urls[same[1]] {
			t.Errorf("%v are at %s and %s, want one", same, urls[same[0]], urls[same[1]])
		}
	}
	different := map[string]bool{}
	for _, u := range urls {
		different[u] = true
	}
	if len(different) != 6 || len(s.all) != 4 {
		t.Errorf("got %d addresses of %d simulators, want 6 of 4: %v", len(different), len(s.all), urls)
	}
}
