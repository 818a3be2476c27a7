package record

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// request starts at second 10 and takes 2 s; chunks arrive after the given milliseconds.
func request(chunks ...int64) *Request {
	r := &Request{Start: 10e9, End: 12e9, Streaming: true, Chunks: []int64{}}
	for _, c := range chunks {
		r.Chunks = append(r.Chunks, c*1000)
	}
	return r
}

// show formats a latency as the report would see it.
func show(d time.Duration, known bool) string {
	if !known {
		return "-"
	}
	return d.String()
}

func TestLatencies(t *testing.T) {
	t.Parallel()
	counted := func(r *Request, tokens ...int) *Request {
		sum := 0
		for _, n := range tokens {
			sum += n
		}
		r.ChunkTokens, r.Completion = tokens, &sum
		return r
	}
	used := func(r *Request, tokens int) *Request {
		r.Usage = fmt.Appendf(nil, `{"completion_tokens":%d}`, tokens)
		return r
	}
	for _, tt := range []struct {
		name                   string
		r                      *Request
		ttft, tpot, ntpot, itl string
		gaps                   []time.Duration
	}{
		{"no chunk", request(), "-", "-", "-", "-", nil},
		{"one chunk", request(500), "500ms", "-", "2s", "-", []time.Duration{}},
		{"chunks are tokens", request(500, 1000, 1800), "500ms", "650ms", "666.666666ms", "650ms",
			[]time.Duration{500 * ms, 800 * ms}},
		{"a tokenizer's counts", counted(request(500, 1000, 1800), 2, 1, 3), "500ms", "260ms", "333.333333ms", "260ms",
			[]time.Duration{0, 500 * ms, 800 * ms, 0, 0}},
		{"chunks without a token vanish", counted(request(500, 1000, 1800), 0, 1, 1), "500ms", "800ms", "1s", "800ms",
			[]time.Duration{800 * ms}},
		{"one chunk of many tokens", counted(request(500), 4), "500ms", "-", "500ms", "0s", []time.Duration{0, 0, 0}},
		{"the server's count", used(request(500, 1000, 1800), 6), "500ms", "260ms", "333.333333ms", "650ms",
			[]time.Duration{500 * ms, 800 * ms}},
		{"the server counts no token", used(request(), 0), "-", "-", "-", "-", nil},
		{"chunks of one read", request(500, 500), "500ms", "-", "1s", "0s", []time.Duration{0}},
	} {
		if got := show(tt.r.TTFT()); got != tt.ttft {
			t.Errorf("%s: TTFT %s, want %s", tt.name, got, tt.ttft)
		}
		if got := show(tt.r.TPOT(tt.r.Counts())); got != tt.tpot {
			t.Errorf("%s: TPOT %s, want %s", tt.name, got, tt.tpot)
		}
		if got := show(tt.r.NTPOT(tt.r.Counts())); got != tt.ntpot {
			t.Errorf("%s: NTPOT %s, want %s", tt.name, got, tt.ntpot)
		}
		if got := show(tt.r.MeanITL()); got != tt.itl {
			t.Errorf("%s: mean ITL %s, want %s", tt.name, got, tt.itl)
		}
		if got := tt.r.AppendITL(nil); !slices.Equal(got, tt.gaps) {
			t.Errorf("%s: gaps %v, want %v", tt.name, got, tt.gaps)
		}
		if got := tt.r.AppendITL([]time.Duration{7}); got[0] != 7 || !slices.Equal(got[1:], tt.gaps) {
			t.Errorf("%s: appended gaps %v, want 7 before %v", tt.name, got, tt.gaps)
		}
	}
}

// A count that includes reasoning needs a span that includes reasoning too.
func TestTPOTSpansReasoningWhenItIsCounted(t *testing.T) {
	t.Parallel()
	r := request(1500)
	r.Reasoning = []int64{500_000, 1_000_000}
	if got := show(r.TPOT(r.Counts())); got != "500ms" {
		t.Errorf("by chunks: TPOT %s, want 500ms", got)
	}
	r.Completion, r.CompletionRaw = new(6), true
	if got := show(r.TPOT(r.Counts())); got != "200ms" {
		t.Errorf("by the client: TPOT %s, want 200ms", got)
	}
	r.Usage = []byte(`{"completion_tokens":11}`)
	if got := show(r.TPOT(r.Counts())); got != "100ms" {
		t.Errorf("by the server: TPOT %s, want 100ms", got)
	}
	if got := show(r.TTFO()); got != "500ms" {
		t.Errorf("first output after %s, want 500ms", got)
	}
}

func TestScheduleDelay(t *testing.T) {
	t.Parallel()
	r := request()
	if _, known := r.ScheduleDelay(); known {
		t.Error("known without a due instant")
	}
	r.Due = new(int64(10e9 + 1e6))
	if got, known := r.ScheduleDelay(); got != -ms || !known {
		t.Errorf("got %v, %t; want -1ms for a request that went early", got, known)
	}
}

func TestTokenSources(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		r         Request
		out, in   int
		outs, ins Source
	}{
		{"tokenizer before usage, but for the prompt",
			Request{Completion: new(5), Prompt: new(6), Usage: []byte(`{"completion_tokens":9,"prompt_tokens":8}`)}, 5,
			8, ClientTokenizer, ServerUsage},
		{"usage", Request{Streaming: true, Chunks: []int64{1},
			Usage: []byte(`{"completion_tokens":9,"prompt_tokens":8}`)}, 9, 8, ServerUsage, ServerUsage},
		{"usage in Anthropic's words", Request{Usage: []byte(`{"output_tokens":9,"input_tokens":8}`)}, 9, 8,
			ServerUsage, ServerUsage},
		{"parts of a prompt that a cache has, or gets", Request{Usage: []byte(`{"output_tokens":9,"input_tokens":8,` +
			`"cache_read_input_tokens":100,"cache_creation_input_tokens":20}`)}, 9, 128, ServerUsage, ServerUsage},
		{"such a part alone", Request{Usage: []byte(`{"cache_read_input_tokens":100}`)}, 0, 100, NoSource, ServerUsage},
		{"parts that are counted already", Request{Usage: []byte(`{"prompt_tokens":128,"input_tokens":128,` +
			`"cache_read_input_tokens":100}`)}, 0, 128, NoSource, ServerUsage},
		{"Anthropic's usage before the tokenizer", Request{API: "anthropic_messages", Completion: new(5),
			Usage: []byte(`{"output_tokens":9}`)}, 9, 0, ServerUsage, NoSource},
		{"the tokenizer without Anthropic's usage", Request{API: "anthropic_messages", Completion: new(5)}, 5, 0,
			ClientTokenizer, NoSource},
		{"a reported 0 counts", Request{Streaming: true, Chunks: []int64{1}, Usage: []byte(`{"completion_tokens":0}`)},
			0, 0, ServerUsage, NoSource},
		{"null does not", Request{Streaming: true, Chunks: []int64{1}, Usage: []byte(`{"completion_tokens":null}`)}, 1,
			0, ContentChunks, NoSource},
		{"chunks", Request{Streaming: true, Chunks: []int64{1, 2}}, 2, 0, ContentChunks, NoSource},
		{"raw count, the server's before it", Request{Completion: new(5), CompletionRaw: true,
			Usage: []byte(`{"completion_tokens":9}`)}, 9, 0, ServerUsage, NoSource},
		{"raw count", Request{Completion: new(5), CompletionRaw: true, Streaming: true, Chunks: []int64{1}}, 5, 0,
			ClientRaw, NoSource},
		{"chunks of every kind", Request{Streaming: true, Chunks: []int64{3}, Reasoning: []int64{1, 2},
			ToolCalls: []int64{4}}, 4, 0, ContentChunks, NoSource},
		{"reasoning apart from the completion",
			Request{
				Usage: []byte(
					`{"prompt_tokens":7,"completion_tokens":5,"total_tokens":17,"completion_tokens_details":{"reasoning_tokens":5}}`)}, 10, 7, ServerUsage, ServerUsage},
		{"reasoning in the completion",
			Request{
				Usage: []byte(
					`{"prompt_tokens":7,"completion_tokens":10,"total_tokens":17,"completion_tokens_details":{"reasoning_tokens":5}}`)}, 10, 7, ServerUsage, ServerUsage},
		{"whole although a stream was asked for", Request{Streaming: true, Note: NoteWhole}, 0, 0, NoSource, NoSource},
		{"several choices, whole", Request{Streaming: true, Note: NoteChoices + "; " + NoteWhole,
			Usage: []byte(`{"completion_tokens":9}`)}, 9, 0, ServerUsage, NoSource},
		{"streamed although it was not asked for", Request{Chunks: []int64{1, 2}, Note: NoteStreamed}, 2, 0,
			ContentChunks, NoSource},
		{"one of several choices", Request{Streaming: true, Chunks: []int64{1, 2},
			Note: NoteNoDone + "; " + NoteChoices, Usage: []byte(`{"completion_tokens":9,"prompt_tokens":8}`)}, 2, 8,
			ContentChunks, ServerUsage},
		{"nothing to count by", Request{}, 0, 0, NoSource, NoSource},
	} {
		c := tt.r.Counts()
		if c.Completion != tt.out || c.CompletionSource != tt.outs || c.Prompt != tt.in || c.PromptSource != tt.ins {
			t.Errorf("%s: got %d by %s, %d by %s; want %d by %s, %d by %s", tt.name, c.Completion, c.CompletionSource,
				c.Prompt,
				c.PromptSource, tt.out, tt.outs, tt.in, tt.ins)
		}
	}
}

func TestMicrosRoundsDown(t *testing.T) {
	t.Parallel()
	if got := Micros(1999 * time.Nanosecond); got != 1 {
		t.Errorf("got %d, want 1: a chunk must not lie after its request's end", got)
	}
}

func TestUnixNanoKeepsDistances(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if got := UnixNano(now.Add(time.Second)) - UnixNano(now); got != int64(time.Second) {
		t.Errorf("instants a second apart: got %d ns", got)
	}
	if off := UnixNano(now) - now.UnixNano(); off < -int64(time.Minute) || off > int64(time.Minute) {
		t.Errorf("%d ns off the wall clock", off)
	}
}

// The chunks of a sound or of pictures are no tokens.
func TestAnswersWithoutTextHaveNoFiguresOfTokens(t *testing.T) {
	t.Parallel()
	for api, text := range map[string]bool{"chat": true, "transcription": true, APISpeech: false, APIImage: false,
		APIVideo: false, APIEmbeddings: false, APIRerank: false} {
		r := &Request{API: api, Streaming: true, Start: 1, End: 1e9, Chunks: []int64{100, 200, 300},
			Usage: []byte(`{"completion_tokens":3}`)}
		c := r.Counts()
		_, ttft := r.TTFT()
		_, ttfo := r.TTFO()
		_, tpot := r.TPOT(c)
		_, ntpot := r.NTPOT(c)
		_, itl := r.MeanITL()
		gaps := len(r.AppendITL(nil))
		if ttft != text || ttfo != text || tpot != text || ntpot != text || itl != text || (gaps > 0) != text {
			t.Errorf("%s: TTFT %t, TTFO %t, TPOT %t, NTPOT %t, ITL %t, %d gaps", api, ttft, ttfo, tpot, ntpot, itl,
				gaps)
		}
		if inputs := r.TakesInputs(); inputs != (api == APIEmbeddings || api == APIRerank) {
			t.Errorf("%s: takes inputs: %t", api, inputs)
		}
	}
}
