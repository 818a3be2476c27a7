package llm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Exceptions and the errors of results may reach the terminal by k6's log.
func TestErrorsArePrintable(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	const name = `a\x1b[31m\u202e\n.json`
	for _, call := range []string{"config('%s')", "trace('%s')", "new Dataset({type: 'shareGPT', path: '%s'})",
		"new Tokenizer('%s')", "new Client({baseURL: '%s'})"} {
		got := v.run(t, fmt.Sprintf("(() => { try { "+call+"; return 'nothing' } catch (e) { return String(e) } })()",
			name)).String()
		if strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, `[31m\u202e`) {
			t.Errorf("%s threw %q", call, got)
		}
	}
	if got := newResult(client.Answer{Record: &record.Request{Error: "a\x1b\u202e\nb"}},
		record.Counts{}).Error; got != "a\\x1b\\u202e\nb" {
		t.Errorf("the result's error is %q", got)
	}
}

func TestSummaryOfTheSimulator(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, fastSim)
	v.start(t)
	v.run(t, `client.chat('hi', {maxTokens: 1})`)
	got := v.run(t, `summary({metrics: {llm_requests: {values: {count: 1}}}}).stdout`).String()
	if !strings.Contains(got, "  OK on the simulator: 1 request") || !strings.Contains(got, "  SIMULATED: ") {
		t.Errorf("got %s", got)
	}
}

// The summary names successes that may be something else, and does not show a missing count as 0.
func TestSummaryNamesOddities(t *testing.T) {
	t.Parallel()
	var o status.Oddities
	for range 3 {
		o.Add(&record.Request{Streaming: true, Chunks: []int64{1}, Note: record.NoteNoFinish})
	}
	o.Add(&record.Request{Streaming: true, Reasoning: []int64{1}})
	o.Add(&record.Request{Streaming: true, Chunks: []int64{1}})
	o.Add(&record.Request{Streaming: true, ErrorType: record.ErrorReset, Note: record.NoteNoFinish})
	o.Add(&record.Request{ErrorType: record.ErrorConnect, Note: record.NoteOwnFault + ": too many open files"})
	want := []string{
		"3 of 5 answers ended without a finish reason: cut off by the server?",
		"1 of 5 answers have reasoning or tool calls alone: TTFT and ITL are of the others",
		"1 requests met a failure of this machine, not of the server: no figure of this run is good",
	}
	if got := o.Lines(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
