package convert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// answered returns a success with a limit of ten tokens and the given number by the server's count.
func answered(tokens int, reason string) *record.Request {
	return &record.Request{
		Start: second, End: 3 * second, Streaming: true, Chunks: []int64{1000, 2000}, MaxTokens: 10,
		FinishReason: reason,
		Usage:        fmt.Appendf(nil, `{"prompt_tokens":9,"completion_tokens":%d}`, tokens),
	}
}

// thought returns an answer that holds reasoning alone; called returns one that holds a tool call alone.
func thought(reason string) *record.Request {
	r := answered(10, reason)
	r.Chunks, r.Reasoning = []int64{}, []int64{500, 900}
	r.Usage = json.RawMessage(
		`{"prompt_tokens":9,"completion_tokens":10,"completion_tokens_details":{"reasoning_tokens":10}}`)
	return r
}

func called() *record.Request {
	r := answered(10, "tool_calls")
	r.Chunks, r.ToolCalls = []int64{}, []int64{500}
	return r
}

// with applies a change to an answer and returns it.
func with(r *record.Request, change func(r *record.Request)) *record.Request {
	change(r)
	return r
}

// warned returns the warnings that contain a word, for a run of a client with the given options.
func warned(t *testing.T, options map[string]any, word string, requests ...*record.Request) (list []string) {
	t.Helper()
	run := runOf(t, requests...)
	run.Clients = []*record.Client{{Options: options}}
	for _, w := range Summarize(run, Options{}).Additions.Warnings {
		if strings.Contains(w, word) {
			list = append(list, w)
		}
	}
	return list
}

// The finish reason shows why answers are short. If the model was free to end them, a stop is no cause for a warning.
func TestShortAnswers(t *testing.T) {
	t.Parallel()
	free := map[string]any{"ignoreEOS": false}
	byClient := func(r *record.Request) { r.Usage, r.Completion = nil, new(4) }
	for name, tt := range map[string]struct {
		options  map[string]any
		requests []*record.Request
		want     []string
	}{
		"stop": {nil, []*record.Request{answered(4, "stop"), answered(10, "length")},
			[]string{"1 of 2 answers are shorter than asked although ignore_eos was sent: the server does not heed " +
				"it (14 of 20 tokens came)"}},
		"TGI's stop": {nil, []*record.Request{answered(4, "eos_token")},
			[]string{"1 of 1 answers are shorter than asked although ignore_eos was sent: the server does not heed " +
				"it (4 of 10 tokens came)"}},
		"stop, free":        {free, []*record.Request{answered(4, "stop")}, nil},
		"stop at the limit": {nil, []*record.Request{answered(10, "stop")}, nil},
		"own stop sequences": {map[string]any{"extraBody": map[string]any{"stop": "x"}},
			[]*record.Request{answered(4, "stop")},
			[]string{"1 of 1 answers are shorter than asked although ignore_eos was sent: at a stop sequence of the " +
				"request, or the server does not heed it (4 of 10 tokens came)"}},
		"length": {nil, []*record.Request{answered(4, "length")},
			[]string{"1 of 1 answers are shorter than asked, and ended by the server's own limit (finish reason " +
				"length): prompt and answer fill its context, or it caps max_tokens"}},
		"length, free": {free, []*record.Request{answered(4, "length")},
			[]string{"1 of 1 answers are shorter than asked, and ended by the server's own limit (finish reason " +
				"length): prompt and answer fill its context, or it caps max_tokens"}},
		"length, reasoning counted apart": {nil, []*record.Request{with(answered(4, "length"), func(r *record.Request) {
			r.Usage = json.RawMessage(`{"completion_tokens":4,"completion_tokens_details":{"reasoning_tokens":6}}`)
		})}, nil},
		"length, by client":   {nil, []*record.Request{with(answered(0, "length"), byClient)}, nil},
		"length, usage zeros": {nil, []*record.Request{answered(0, "length")}, nil},
		"tool calls": {nil, []*record.Request{answered(4, "tool_calls")},
			[]string{
				"1 of 1 answers are shorter than asked: they ended with a tool call, which ignore_eos does not " +
					"hinder"}},
		"tool calls, free": {free, []*record.Request{answered(4, "tool_calls")}, nil},
		"another reason": {nil, []*record.Request{answered(4, "Repetition\n")},
			[]string{`1 of 1 answers are shorter than asked although ignore_eos was sent (finish reasons: ` +
				`["repetition\n"])`}},
		"no reason": {nil, []*record.Request{answered(4, ""), answered(10, "length")},
			[]string{`1 of 2 answers are shorter than asked although ignore_eos was sent (finish reasons: ["none"])`}},
		"one in a hundred": {nil, append(slices.Repeat([]*record.Request{answered(10, "length")}, 99),
			answered(4, "stop")), nil},
	} {
		if got := warned(t, tt.options, "shorter than asked", tt.requests...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestShortAnswersAreCountedByReason(t *testing.T) {
	t.Parallel()
	l := Summarize(runOf(t, answered(4, "stop"), answered(4, "length"), answered(10, "length"), answered(0, "length")),
		Options{}).Additions.Tokens.Limit
	if l.Requests != 3 || l.Short != 2 || l.Delivered != 18 || asJSON(t, l.ShortBy) != `{"length":1,"stop":1}` {
		t.Errorf("got %+v; the answer with usage of zeros has no count", l)
	}
}

func TestAnswersWithoutContent(t *testing.T) {
	t.Parallel()
	whole := func(r *record.Request) { r.Chunks, r.Note = []int64{}, record.NoteWhole }
	empty := func(r *record.Request) { r.Chunks = []int64{} }
	for name, tt := range map[string]struct {
		requests []*record.Request
		want     string // the counts
		warning  string
	}{
		"content": {[]*record.Request{answered(10, "length")}, "[0,0,0]", ""},
		"reasoning": {[]*record.Request{thought("length"), answered(10, "length")}, "[1,1,0]",
			"1 of 2 answers have no content, only reasoning (raise MAX_TOKENS): TTFT is of the others; see ttfo"},
		"reasoning that ends": {[]*record.Request{thought("stop"), answered(10, "length")}, "[1,1,0]",
			"1 of 2 answers have no content, only reasoning: TTFT is of the others; see ttfo"},
		"tool calls, all": {[]*record.Request{called(), called()}, "[2,0,2]",
			"2 of 2 answers have no content, only tool calls, so there is no TTFT; see ttfo"},
		"both": {[]*record.Request{called(), thought("length"), answered(10, "length")}, "[2,1,1]",
			"2 of 3 answers have no content, only reasoning or tool calls (raise MAX_TOKENS): TTFT is of the " +
				"others; see ttfo"},
		"nothing": {[]*record.Request{with(answered(1, "stop"), empty), called(), answered(10, "length")},
			"[2,0,1]", "1 of 3 answers are empty: they have no content, no reasoning and no tool call, and so no TTFT"},
		"whole": {[]*record.Request{with(answered(10, "length"), whole)}, "[0,0,0]",
			"1 of 1 answers came whole although a stream was asked for: they have no TTFT, ITL and TPOT"},
		"not streamed": {
			[]*record.Request{with(called(), func(r *record.Request) { r.Streaming, r.ToolCalls = false, nil })},
			"[0,0,0]", ""},
		"failed": {
			[]*record.Request{with(thought(""), func(r *record.Request) { r.ErrorType = record.ErrorReset })},
			"[0,0,0]", ""},
	} {
		c := Summarize(runOf(t, tt.requests...), Options{}).Additions.Requests
		if got := asJSON(t, []int{c.NoContent, c.ReasoningOnly, c.ToolCallsOnly}); got != tt.want {
			t.Errorf("%s: counted %s, want %s", name, got, tt.want)
		}
		got := warned(t, nil, "TTFT", tt.requests...)
		if tt.warning == "" && len(got) > 0 || tt.warning != "" && !slices.Contains(got, tt.warning) {
			t.Errorf("%s: got %q, want %q", name, got, tt.warning)
		}
	}
}

// The results of other tools do not show whether an answer had content.
func TestImportedAnswersAreNotCalledEmpty(t *testing.T) {
	t.Parallel()
	run := runOf(t, with(answered(10, ""), func(r *record.Request) { r.Chunks = []int64{} }))
	run.Origin = "another tool"
	if added := Summarize(run, Options{}).Additions; added.Requests.NoContent != 0 || len(added.Warnings) > 0 {
		t.Errorf("got %+v, %q", added.Requests, added.Warnings)
	}
}

func TestAnswersThatMayBeCut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		requests []*record.Request
		want     string
	}{
		"some": {[]*record.Request{answered(3, ""), answered(10, "length")},
			"1 of 2 answers ended without a finish reason: cut off by the server?"},
		"all": {[]*record.Request{answered(3, ""), answered(10, "")},
			"none of the 2 answers has a finish reason: nobody can tell whether the server cut them off"},
		"given up": {[]*record.Request{answered(3, "abort"), answered(10, "length")},
			"1 of 2 answers were given up by the server (finish reason abort or error), and count as successes"},
		"none": {[]*record.Request{answered(10, "length")}, ""},
	} {
		got := slices.Concat(warned(t, nil, "cut", tt.requests...), warned(t, nil, "given up", tt.requests...))
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestUsageOfZeros(t *testing.T) {
	t.Parallel()
	left := with(answered(10, "stop"), func(r *record.Request) { r.Usage, r.Note = nil, record.NoteZeroUsage })
	empty := with(answered(0, "stop"), func(r *record.Request) { r.Chunks = []int64{} })
	requests := []*record.Request{answered(0, "stop"), left, empty, answered(10, "length")}
	if got, want := warned(t, nil, "no tokens", requests...),
		"the server reports usage of no tokens, or of one for many chunks, in 2 of 4 answers: give a tokenizer, so "+
			"that the client counts"; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := Summarize(runOf(t, requests...), Options{}).Additions.Tokens.ZeroUsage; n != 2 {
		t.Errorf("counted %d", n)
	}
}

// The warning of differing counts names the cause if the answers show it.
func TestCauseOfOtherCounts(t *testing.T) {
	t.Parallel()
	counted := func(n int) func(*record.Request) {
		return func(r *record.Request) { r.Completion = new(n) }
	}
	const start = "the server counts other output tokens than the client in "
	for name, tt := range map[string]struct {
		requests []*record.Request
		want     string
	}{
		"content alone": {[]*record.Request{with(answered(10, "length"), counted(9))},
			start + "1 of 1 answers (10 against 9 in all)"},
		"reasoning": {[]*record.Request{with(thought("length"), counted(0)),
			with(answered(10, "length"), counted(9))}, start + "2 of 2 answers (20 against 9 in all): 1 of them " +
			"have reasoning (10 tokens by the server's count)"},
		"tool calls": {[]*record.Request{with(called(), counted(0))},
			start + "1 of 1 answers (10 against 0 in all): 1 of them have tool calls"},
		"both": {[]*record.Request{with(thought("length"), counted(0)), with(called(), counted(0))}, start +
			"2 of 2 answers (20 against 0 in all): 1 of them have reasoning (10 tokens by the server's count), 1 of " +
			"them have tool calls"},
		"reasoning that both count": {[]*record.Request{with(thought("length"), counted(10))}, ""},
	} {
		if got := strings.Join(warned(t, nil, "other output tokens", tt.requests...), "\n"); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// Notes of the client that bear on figures are reported with their number.
func TestNotesAreCounted(t *testing.T) {
	t.Parallel()
	noted := func(note string) *record.Request {
		return with(answered(10, "length"), func(r *record.Request) { r.Note = note })
	}
	for want, r := range map[string]*record.Request{
		"1 of 2 requests were sent again at once: the server had closed the connection that it kept alive, " +
			"or gave them up": noted(record.NoteResent),
		"1 of 2 answers were streamed although no stream was asked for": noted(record.NoteStreamed),
		"1 of 2 answers have several choices: text, times and tokens are of the first": noted(record.NoteNoDone +
			"; " + record.NoteChoices),
		"1 of 2 answers came in chunks of all the text so far, which counts once": noted(record.NoteCumulative +
			"; " + record.NoteZeroUsage),
		"1 of 2 answers came compressed: their chunks come in blocks, so times of tokens, TTFT too, are not the " +
			"server's; take Accept-Encoding out of headers, or turn compression off in the proxy": noted(
			record.NoteCompressed),
		"1 of 2 answers were whole when their connection broke, and count as successes": noted(record.NoteBroken +
			": reset"),
		"the server reports usage of no tokens, or of one for many chunks, in 1 of 2 answers: give a tokenizer, so " +
			"that the client counts": noted(record.NoteZeroUsage),
	} {
		if got := warned(t, nil, "", r, answered(10, "length")); !slices.Contains(got, want) {
			t.Errorf("note %q: got %q, want %q", r.Note, got, want)
		}
	}
	if got := warned(t, nil, "answers", noted(record.NoteNoDone)); len(got) > 0 {
		t.Errorf("an answer without [DONE]: got %q", got)
	}
}
