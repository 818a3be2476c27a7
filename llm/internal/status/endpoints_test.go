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
