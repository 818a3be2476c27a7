package status

import (
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestEndpointsOfWhichAllFailed(t *testing.T) {
	t.Parallel()
	var e Endpoints
	for _, r := range []*record.Request{
		{ErrorType: record.ErrorReset}, {Endpoint: "http://a"}, {Endpoint: "http://a", ErrorType: record.ErrorTimeout},
		{Endpoint: "http://b", ErrorType: record.ErrorReset}, {Endpoint: "http://b", ErrorType: record.ErrorConnect},
		{Endpoint: "http://c", ErrorType: record.ErrorCanceled},
	} {
		e.Add(r)
	}
	if got := e.Lines(); !slices.Equal(got, []string{
		"endpoint http://b: all of its 2 requests failed, the last with connect"}) {
		t.Errorf("got %q", got)
	}
}

// An endpoint that dies in the run is told from one that fails now and then.
func TestEndpointsThatFailFromAMomentOn(t *testing.T) {
	t.Parallel()
	var e Endpoints
	add := func(endpoint string, start int64, failure string) {
		e.Add(&record.Request{Endpoint: endpoint, Start: start * 1e9, ErrorType: failure})
	}
	for k := range int64(20) {
		add("http://dies", 100+k, map[bool]string{true: record.ErrorConnect}[k >= 10])
		add("http://fails", 100+k, map[bool]string{true: record.ErrorReset}[k%5 > 0])
	}
	add("http://dies", 105, "") // a long answer that began before
	if got := e.Lines(); !slices.Equal(got, []string{
		"endpoint http://dies: all of its last 10 requests failed, since 10.0 s of the run, the last with connect"}) {
		t.Errorf("got %q", got)
	}
}
