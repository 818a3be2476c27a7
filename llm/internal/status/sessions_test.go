package status

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The summary tells what became of the sessions beside the requests, and a session that failed without a failed request
// is no success.
func TestSessionsOfASummary(t *testing.T) {
	t.Parallel()
	stage := record.Stage{Concurrency: new(int64(2)), Requests: new(int64(9))}
	plan := []record.Scenario{{Name: "load", Stages: []record.Stage{stage}}}
	s := counted(plan, sent{0, 1, 2, []int64{1000, 2000}, "", nil})
	for _, line := range []record.Session{
		{Start: 1e9, End: 3e9}, {Start: 1e9, End: 3e9},
		{Start: 1e9, End: 2e9, ErrorType: record.SessionToolCallExpected},
		{Start: 1e9, End: 2e9, ErrorType: record.SessionRequestFailed},
		{Start: 1e9, End: 2e9, ErrorType: record.SessionToolCallExpected},
		{Start: 1e9, End: 2e9, ErrorType: record.ErrorCanceled},
		{Start: 1e9, End: 2e9, ErrorType: record.ErrorAbandoned},
		{Start: 1e9, End: 2e9, Warmup: true},
	} {
		s.Board.SessionBegan()
		if state := s.Board.Take(after(2)); state.Sessions.InFlight != 1 || !state.HasSessions {
			t.Errorf("sessions %+v while one is replayed", state.Sessions)
		}
		s.Board.SessionEnded(&line)
	}
	got := text(t, s, `{"metrics": {}}`)
	for _, want := range []string{
		"CHECK: 1 request sent, none failed, none dropped, 3 of 5 sessions failed\n",
		"\n  sessions                 7",
		"\n  sessions failed          3     60.00 %   2 substitution_tool_call_expected, 1",
		"\n  sessions left            1               their users left one of their calls\n",
		"\n  sessions cut             1               by the end of the load, or by their\n",
		"\n  session              2,000   ≥ 2,000   ≥ 2,000     2,000     2,000\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the summary has no %q:\n%s", want, got)
		}
	}
	if state := s.Board.Take(after(3)); state.Sessions != (SessionCounts{Done: 2, Failed: 3}) {
		t.Errorf("in the end %+v", state.Sessions)
	}
}
