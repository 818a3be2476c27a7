package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The number of reasons is limited even if a file names another cause for each request.
func TestCausesOfOwnFailuresAreBounded(t *testing.T) {
	t.Parallel()
	lines, _ := stalled(nil)
	n := 0
	for _, line := range lines {
		if q, ok := line.(*record.Request); ok {
			q.Note = fmt.Sprint(record.NoteOwnFault, ": cause ", n)
			n++
		}
	}
	reasons := summarized(t, lines, run.Cut{}).Additions.Health.Reasons
	if want := "and 20 further causes of that kind"; len(reasons) != 21 || reasons[20] != want {
		t.Errorf("got %d reasons, the last %q, want 21 and %q", len(reasons), reasons[len(reasons)-1], want)
	}
}

func TestOwnFailures(t *testing.T) {
	t.Parallel()
	const full, files = "dial tcp 127.0.0.1:8000: socket: too many open files", "too many open files"
	for _, tt := range []struct {
		name     string
		requests []record.Request
		want     map[string]int
		reasons  []string
	}{
		{"none", []record.Request{{}, {ErrorType: record.ErrorConnect, Error: "connection refused"},
			{ErrorType: record.ErrorHTTP, Status: 500, Error: full}}, map[string]int{}, nil},
		{
			"noted", []record.Request{
				{ErrorType: record.ErrorConnect, Error: full, Note: record.NoteOwnFault + ": " + files},
				// sent again
				{Note: record.NoteResent + "; " + record.NoteOwnFault + ": " + files + "; " + record.NoteChoices},
				{ErrorType: record.ErrorDNS, Error: "lookup h: no such host",
					Note: record.NoteOwnFault + ": a name was not resolved"},
			},
			map[string]int{files: 2, "a name was not resolved": 1},
			[]string{
				"2 requests met a failure of the machine that sent them, not of the server: too many open files: " +
					"raise the limit of open files before the run (ulimit -n)",
				"1 requests met a failure of the machine that sent them, not of the server: a name was not " +
					"resolved: look at the host of baseURL (BASE_URL in our scripts) and at this machine's resolver",
			},
		},
		{
			"without a note", []record.Request{{ErrorType: record.ErrorConnect, Error: full},
				{ErrorType: record.ErrorDNS, Error: "lookup h: server misbehaving"}},
			map[string]int{files: 1, "a name was not resolved": 1}, nil,
		},
		{
			"another tool's",
			[]record.Request{{ErrorType: "ClientConnectorError",
				Error: "Cannot connect to host h:80 ssl:default [Cannot assign requested address]"}},
			map[string]int{"no local port was free": 1}, nil,
		},
		{
			"a cause of another version",
			[]record.Request{{ErrorType: record.ErrorConnect, Note: record.NoteOwnFault + ": the \x1b[31mmoon"}},
			map[string]int{"the \x1b[31mmoon": 1},
			[]string{"1 requests met a failure of the machine that sent them, not of the server: the \\x1b[31mmoon"},
		},
	} {
		var list []*record.Request
		for i := range tt.requests {
			list = append(list, &tt.requests[i])
		}
		r := runOf(t, list...)
		g := &subset{run: r, all: r.Requests}
		if got := ownFailures(g); !maps.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		j := &assessment{ClientHealth: ClientHealth{Verdict: Valid}}
		j.judgeOwnSide(g)
		if (j.Verdict == Invalid) != (len(tt.want) > 0) || len(tt.reasons) > 0 && !slices.Equal(j.Reasons, tt.reasons) {
			t.Errorf("%s: got %s for %q, want %q", tt.name, j.Verdict, j.Reasons, tt.reasons)
		}
		if strings.Contains(strings.Join(j.Reasons, ""), "\x1b") {
			t.Errorf("%s: control characters of the file are in %q", tt.name, j.Reasons)
		}
	}
}
