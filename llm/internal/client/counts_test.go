package client

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// event returns the text of one event.
func event(format string, args ...any) string {
	return "data: " + fmt.Sprintf(format, args...) + "\n\n"
}

// message returns a chunk that holds a message in place of a delta.
func message(text string) string {
	return event(`{"choices":[{"index":0,"message":{"role":"assistant","content":%q}}]}`, text)
}

func choice(index int, text, finish string) string {
	return event(`{"choices":[{"index":%d,"delta":{"content":%q},"finish_reason":%s}]}`, index, text, finish)
}

// Text that a server sends more than once counts once, and only one of several answers counts.
func TestTextCountsOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stream string
		text         string
		tokens       []int // tokens of each chunk; each letter is a token
		note         string
	}{
		{"deltas", role + chunk("One") + chunk(" two") + stop, "One two", []int{3, 3}, ""},
		{"the whole message at the end", chunk("One") + chunk(" two") +
			event(`{"choices":[{"delta":{},"message":{"content":"One two"},"finish_reason":"stop"}]}`), "One two",
			[]int{3, 3}, ""},
		{"a message alone at the end", chunk("One") + chunk(" two") + message("One two") + stop, "One two", []int{3, 3},
			""},
		{"the whole text with the finish reason", chunk("One") + chunk(" two") + chunk(" three") +
			choice(0, "One two three", `"stop"`), "One two three", []int{3, 3, 5}, ""},
		{"messages in pieces", message("One") + message(" two") + stop, "One two", []int{3, 3}, ""},
		{"all the text so far", chunk("One") + chunk("One two") + chunk("One two three") + stop, "One two three",
			[]int{3, 3, 5}, record.NoteCumulative},
		{"all the text so far, some of it again", chunk("One") + chunk("One two") + chunk("One two") +
			chunk("One two three") + choice(0, "One two three", `"stop"`), "One two three", []int{3, 3, 5},
			record.NoteCumulative},
		{"messages of all the text so far", message("One") + message("One two") + message("One two three") + stop,
			"One two three", []int{3, 3, 5}, record.NoteCumulative},
		{"a loop of one token", chunk("ha") + chunk("ha") + chunk("ha") + stop, "hahaha", []int{2, 2, 2}, ""},
		{"a loop of growing chunks that ends", chunk("ha") + chunk("haha") + chunk("hahaha") + chunk("!") + stop,
			"hahahahahaha!", []int{2, 4, 6, 1}, ""},
		{"all the text so far, in two chunks", chunk("One two three") + chunk("One two three four") + stop,
			"One two three four", []int{11, 4}, record.NoteCumulative},
		{"two chunks that look alike", chunk("a") + chunk("ab") + stop, "aab", []int{1, 2}, ""},

		{"two choices in turn", choice(0, "One", "null") + choice(1, "Eins", "null") + choice(0, " two", "null") +
			choice(1, " zwei", `"length"`) + choice(0, "", `"stop"`), "One two", []int{3, 3}, record.NoteChoices},
		{"two choices, one after the other", choice(0, "One", "null") + choice(0, " two", `"stop"`) + choice(1, "Eins",
			"null") + choice(1, " zwei", `"length"`), "One two", []int{3, 3}, record.NoteChoices},
		{"two choices in one event",
			event(`{"choices":[{"index":0,"delta":{"content":"One"}},{"index":1,"delta":{"content":"Eins"}}]}`) +
				choice(0, " two", `"stop"`), "One two", []int{3, 3}, record.NoteChoices},
		{"two choices whole", choice(0, "One two", `"stop"`) + choice(1, "Eins zwei", `"stop"`), "One two", []int{6},
			record.NoteChoices},
		{"three choices, the roles first", choice(0, "", "null") + choice(1, "", "null") + choice(2, "", "null") +
			choice(0, "One", "null") + choice(2, "Uno", "null") + choice(1, "Eins", "null") + choice(0, " two",
			`"stop"`), "One two", []int{3, 3}, record.NoteChoices},
		{"chunks numbered as choices", choice(0, "One", "null") + choice(1, " two", "null") + choice(2, " three",
			"null") + choice(2, "", `"stop"`), "One two three", []int{3, 3, 5}, ""},
		{"a choice whose index is not 0", choice(1, "One", "null") + choice(1, " two", `"stop"`), "One two",
			[]int{3, 3}, ""},
	} {
		c := newClient(t, countLetters)
		answer := answered(t, c, http.Header{}, []byte(tt.stream+done), nil)
		r := answer.Record
		if answer.Text != tt.text || !slices.Equal(r.ChunkTokens, tt.tokens) || len(r.Chunks) != len(tt.tokens) {
			t.Errorf("%s: got %q in chunks of %v, %d times; want %q, %v", tt.name, answer.Text, r.ChunkTokens,
				len(r.Chunks), tt.text, tt.tokens)
		}
		if r.Failed() || r.Note != tt.note || r.FinishReason != "stop" {
			t.Errorf("%s: got error %q, note %q, finish reason %q; want note %q", tt.name, r.Error, r.Note,
				r.FinishReason, tt.note)
		}
		plain := answered(t, newClient(t, nil), http.Header{}, []byte(tt.stream+done), nil)
		if plain.Text != tt.text || len(plain.Record.Chunks) != len(tt.tokens) {
			t.Errorf("%s, without a tokenizer: got %q in %d chunks", tt.name, plain.Text, len(plain.Record.Chunks))
		}
	}
}

// countLetters sets a tokenizer with a token for each letter.
func countLetters(o *Options) {
	o.Count = func(s string) int { return len(strings.ReplaceAll(s, " ", "")) }
	o.CountPrompt = func(api.Dialect, Request) (int, bool) { return 1, false }
}

func TestImplausibleUsage(t *testing.T) {
	t.Parallel()
	const zeros = `"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`
	five := chunk("One") + chunk(" two") + chunk(" three") + chunk(" four") + chunk(" five")
	for _, tt := range []struct {
		name, stream string
		in, out      int
		ins, outs    record.Source
		note         string
	}{
		{"zeros in each chunk", strings.ReplaceAll(five, "}]}", "}],"+zeros+"}") + stop, 0, 5, record.NoSource,
			record.ContentChunks, record.NoteZeroUsage},
		{"zeros at the end", five + stop + event(`{"choices":[],%s}`, zeros), 0, 5, record.NoSource,
			record.ContentChunks, record.NoteZeroUsage},
		{"zeros after counts", five + stop + event(`{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":6}}`) +
			event(`{"choices":[],%s}`, zeros), 7, 6, record.ServerUsage, record.ServerUsage, ""},
		{"the prompt's count alone",
			event(`{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}`) + five + stop, 7,
			5, record.ServerUsage, record.ContentChunks, record.NoteZeroUsage},
		{"one token in each chunk",
			strings.ReplaceAll(five, "}]}", `}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`) + stop, 7, 5,
			record.ServerUsage, record.ContentChunks, record.NoteZeroUsage},
		{"a prompt of nothing", five + stop + event(`{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":6}}`),
			0, 6, record.NoSource, record.ServerUsage, record.NoteZeroUsage},
		{"nulls after counts", five + stop + event(`{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":6}}`) +
			event(`{"choices":[],"usage":{"completion_tokens":null}}`), 7, 6, record.ServerUsage, record.ServerUsage,
			""},
		{"an answer of nothing", event(`{"choices":[{"delta":{},"finish_reason":"stop"}],%s}`, zeros), 0, 0,
			record.ServerUsage, record.ServerUsage, ""},
	} {
		r := answered(t, newClient(t, nil), http.Header{}, []byte(role+tt.stream+done), nil).Record
		c := r.Counts()
		if c.Prompt != tt.in || c.PromptSource != tt.ins || c.Completion != tt.out || c.CompletionSource != tt.outs ||
			r.Note != tt.note || r.Failed() {
			t.Errorf("%s: got %d by %s in, %d by %s out, note %q, error %q; want %d by %s, %d by %s, note %q",
				tt.name, c.Prompt, c.PromptSource, c.Completion, c.CompletionSource, r.Note, r.Error, tt.in, tt.ins,
				tt.out,
				tt.outs, tt.note)
		}
	}
	whole := `{"choices":[{"message":{"content":"One two"},"finish_reason":"stop"}],` + zeros + `}`
	r := answered(t, newClient(t, func(o *Options) { o.Streaming = false }), http.Header{}, []byte(whole), nil).Record
	if c := r.Counts(); c.CompletionSource != record.NoSource || r.Usage != nil || r.Note != record.NoteZeroUsage {
		t.Errorf("a whole answer: got %d by %s, usage %s, note %q", c.Completion, c.CompletionSource, r.Usage, r.Note)
	}
}

// Reasoning and tool calls are output: the server counts all of it, the client at least what it sees.
func TestReasoningAndToolCallsAreCounted(t *testing.T) {
	t.Parallel()
	const reasoning = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm hm\"}}]}\n\n"
	const call = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"go\"," +
		"\"arguments\":\"{}\"}}]}}]}\n\n"
	for _, tt := range []struct {
		name, body string
		streaming  bool
		out        int
		source     record.Source
	}{
		{"content alone", chunk("One") + stop + usage + done, true, 3, record.ClientTokenizer},
		{"reasoning, the server counts", reasoning + chunk("One") + stop + strings.Replace(usage, ":3}", ":11}", 1) +
			done, true, 11, record.ServerUsage},
		{"reasoning, nobody else counts", reasoning + chunk("One") + stop + done, true, 7, record.ClientRaw},
		{"tool calls alone", call + stop + done, true, 4, record.ClientRaw},
		{"tool calls alone, the server counts", call + stop + strings.Replace(usage, ":3}", ":30}", 1) + done, true, 30,
			record.ServerUsage},
		{"a whole answer",
			`{"choices":[{"message":{"content":null,"reasoning":"hm","tool_calls":[{"function":{"name":"go"}}]},"finish_reason":"tool_calls"}],"usage":{"completion_tokens":20}}`, false, 20, record.ServerUsage},
		{"a whole answer, nobody else counts",
			`{"choices":[{"message":{"content":"One","reasoning":"hm"},"finish_reason":"stop"}]}`, false, 5,
			record.ClientRaw},
	} {
		c := newClient(t, func(o *Options) {
			countLetters(o)
			o.Streaming = tt.streaming
		})
		r := answered(t, c, http.Header{}, []byte(tt.body), nil).Record
		if got := r.Counts(); r.Failed() || got.Completion != tt.out || got.CompletionSource != tt.source ||
			r.CompletionRaw != (tt.source != record.ClientTokenizer) {
			t.Errorf("%s: got %d by %s, raw %t, error %q; want %d by %s", tt.name, got.Completion, got.CompletionSource,
				r.CompletionRaw, r.Error, tt.out, tt.source)
		}
	}
}
