package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

// sink is a response that records when it was written to.
type sink struct {
	header http.Header
	status int
	body   bytes.Buffer
	writes []time.Time
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(n int)   { s.status = n }
func (s *sink) Flush()              {}
func (s *sink) Write(p []byte) (int, error) {
	s.writes = append(s.writes, time.Now())
	return s.body.Write(p)
}

// offsets returns the times of the writes after start.
func (s *sink) offsets(start time.Time) (list []time.Duration) {
	for _, w := range s.writes {
		list = append(list, w.Sub(start))
	}
	return list
}

func mustNew(t *testing.T, change func(*Options)) *Server {
	t.Helper()
	o := DefaultOptions()
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func post(t *testing.T, path, body string) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
}

// stream sends a streamed completion request with a prompt of some words.
func stream(t *testing.T, s *Server, words, tokens int) *sink {
	t.Helper()
	w := &sink{header: http.Header{}}
	s.ServeHTTP(w, post(t, "/v1/completions", fmt.Sprintf(`{"model":"sim","prompt":%q,"max_tokens":%d,"stream":true}`,
		strings.Repeat("w ", words), tokens)))
	return w
}

func TestTimingModel(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		opts          func(*Options)
		words, tokens int
		want          []time.Duration // times of the writes: the chunks and the tail
	}{
		{"defaults", nil, 3, 3, []time.Duration{50 * ms, 60 * ms, 70 * ms, 70 * ms}},
		{"time per prompt token", func(o *Options) { o.PromptTime = 2 * ms }, 10, 1, []time.Duration{70 * ms, 70 * ms}},
		{"several tokens in a chunk", func(o *Options) { o.TokensPerChunk = 2 }, 0, 5, []time.Duration{
			60 * ms, 80 * ms, 90 * ms, 90 * ms}},
		{"no time at all", func(o *Options) { o.TTFT, o.ITL = 0, 0 }, 0, 2, []time.Duration{0, 0, 0}},
		{"a failure goes before the chunk in the middle", func(o *Options) {
			o.FailureRate, o.FailureKind = 1, FailStream
		}, 0, 4, []time.Duration{50 * ms, 60 * ms}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := mustNew(t, tt.opts)
			start := time.Now()
			if got := stream(t, s, tt.words, tt.tokens).offsets(start); !slices.Equal(got, tt.want) {
				t.Errorf("%s: written after %v, want %v", tt.name, got, tt.want)
			}
			truth := s.Truths()[0]
			if time.Duration(truth.Chunks[0]-truth.Received) != tt.want[0] ||
				time.Duration(truth.End-truth.Received) != tt.want[len(tt.want)-1] {
				t.Errorf("%s: truth %+v, want times as written", tt.name, truth)
			}
			if truth.PromptTokens != tt.words || truth.CompletionTokens != tt.tokens && truth.Error == "" {
				t.Errorf("%s: truth counts %d and %d tokens", tt.name, truth.PromptTokens, truth.CompletionTokens)
			}
		})
	}
}

func TestQueueAdmitsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.MaxNumSeqs = 1 })
		start := time.Now()
		done := make(chan struct{})
		for i := range 3 {
			go func() {
				time.Sleep(time.Duration(i) * ms)
				stream(t, s, 0, 2)
				done <- struct{}{}
			}()
		}
		for range 3 {
			<-done
		}
		for i, r := range s.Truths() {
			if got, want := r.Admitted-r.Received, time.Duration(i)*(60*ms-ms); time.Duration(got) != want {
				t.Errorf("request %d waited %v, want %v", i, time.Duration(got), want)
			}
		}
		if got := time.Since(start); got != 180*ms {
			t.Errorf("three requests of 60 ms one at a time took %v", got)
		}
	})
}

func TestNormalGapsRepeatBySeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		run := func(seed int64) (gaps []float64) {
			s := mustNew(t, func(o *Options) { o.ITLStdDev, o.Seed = 2*ms, seed })
			w := stream(t, s, 0, 2001)
			for i := 1; i < 2001; i++ {
				gaps = append(gaps, w.writes[i].Sub(w.writes[i-1]).Seconds()*1000)
			}
			return gaps
		}
		a, b, c := run(1), run(1), run(2)
		if !slices.Equal(a, b) || slices.Equal(a, c) {
			t.Error("want the same gaps from the same seed, and other gaps from another seed")
		}
		mean, variance := 0.0, 0.0
		for _, g := range a {
			mean += g / 2000
		}
		for _, g := range a {
			variance += (g - mean) * (g - mean) / 2000
		}
		if math.Abs(mean-10) > 0.2 || math.Abs(math.Sqrt(variance)-2) > 0.2 {
			t.Errorf("mean %v, deviation %v; want 10 and 2", mean, math.Sqrt(variance))
		}
	})
}

// oddTokenizer has words that JSON must escape.
type oddTokenizer struct{}

func (oddTokenizer) Count(text string) int { return len(text) - 1 }

func (oddTokenizer) CountSpecial(prompt string) int { return len(prompt) }

func (oddTokenizer) CountChat(messages, tools json.RawMessage) (int, error) {
	if string(messages) == `[{"role":"user","content":"one two"}]` && tools == nil {
		return 7, nil
	}
	return 0, nil
}

func (oddTokenizer) Encode(string) []int32 { return nil }

func (oddTokenizer) Words(int) ([]string, error) { return []string{"say \"hi\"\n", "\x01漢\\"}, nil }

// A server with a tokenizer's name must have been given the tokenizer.
func TestTokenizerMustBeRead(t *testing.T) {
	t.Parallel()
	o, err := ParseQuery("tokenizer=some/where")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), `tokenizer "some/where" was not read`) {
		t.Errorf("got %v", err)
	}
}

func TestStreamsBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) {
			if err := o.Use(oddTokenizer{}); err != nil {
				t.Fatal(err)
			}
		})
		w := &sink{header: http.Header{}}
		req := post(t, "/v1/chat/completions",
			`{"model":"sim","messages":[{"role":"user","content":"one `+
				`two"}],"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}}`)
		req.Header.Set("X-Request-Id", "r\"1")
		s.ServeHTTP(w, req)
		var content, finish string
		events := 0
		for line := range strings.Lines(w.body.String()) {
			data, ok := strings.CutPrefix(line, "data: ")
			if !ok {
				continue
			}
			events++
			var ev struct {
				ID      string
				Choices []struct {
					Delta        struct{ Role, Content string }
					FinishReason string `json:"finish_reason"`
				}
				Usage *struct{ Prompt, Completion int }
			}
			if data == "[DONE]\n" {
				continue
			}
			if err := json.Unmarshal([]byte(data), &ev); err != nil || ev.ID != `r"1` {
				t.Fatalf("%s: %v", data, err)
			}
			for _, c := range ev.Choices {
				content += c.Delta.Content
				finish += c.FinishReason
			}
		}
		if content != "say \"hi\"\n \x01漢\\" || finish != "length" || events != 5 {
			t.Errorf("got %q, finish reason %q, %d events (role, two chunks, usage, [DONE])", content, finish, events)
		}
		if !strings.Contains(w.body.String(), `"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}`) {
			t.Errorf("no usage in %s", w.body.String())
		}
	})
}

func TestWholeAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.OutputTokens = 2 })
		for body, want := range map[string]string{
			`{"model":"sim","prompt":"a b c","max_tokens":5}`:                   `"finish_reason":"stop","index":0,"text":"Simulated quick"`,
			`{"model":"sim","prompt":[1,2,3],"max_tokens":3,"ignore_eos":true}`: `"finish_reason":"length","index":0,"text":"Simulated quick model"`,
		} {
			w := &sink{header: http.Header{}}
			start := time.Now()
			s.ServeHTTP(w, post(t, "/v1/completions", body))
			if !strings.Contains(w.body.String(), want) || !strings.Contains(w.body.String(), `"prompt_tokens":3`) {
				t.Errorf("%s: got %s", body, w.body.String())
			}
			if took := w.writes[0].Sub(start); took != 60*ms && took != 70*ms {
				t.Errorf("%s: answered after %v", body, took)
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := mustNew(t, func(o *Options) { o.LoRA = []string{"adapter"} })
	for _, tt := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/v1/completions", `{"model":"x","prompt":"a"}`, 404, "The model `x` does not exist."},
		{"/v1/completions", `{`, 400, "invalid request"},
		{"/v1/completions", `{"model":"sim"}`, 400, "prompt is missing"},
		{"/v1/completions", `{"model":"sim","prompt":null}`, 400, "prompt is missing"},
		{"/v1/completions", `{"model":"sim","prompt":["a","b"]}`, 400, "prompt must be"},
		{"/v1/completions", `{"model":"sim","prompt":"a","max_tokens":0}`, 400, "max_tokens must be at least 1"},
		{"/v1/completions", `{"model":"sim","prompt":"a","max_tokens":5,"max_completion_tokens":-1}`, 400, "got -1"},
		{"/v1/completions", `{"model":"sim","prompt":"a","max_tokens":1.5}`, 400, "max_tokens cannot be 1.5"},
		{"/v1/completions", `{"model":"sim","prompt":"a","stream":"yes"}`, 400, `stream cannot be \"yes\"`},
		{"/v1/completions", `["model"]`, 400, "not an object"},
		{"/v1/chat/completions", `{"model":"sim","messages":[]}`, 400, "messages must not be empty"},
		{"/v1/chat/completions", `{"model":"sim","messages":[3]}`, 400, "messages[0]"},
		{"/v1/chat/completions", `{"model":"sim","messages":[{"content":3}]}`, 400, "messages[0].content"},
		{"/v1/nothing", `{}`, 404, ""},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, post(t, tt.path, tt.body))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s: got %d %s", tt.path, tt.body, w.Code, w.Body)
		}
	}
	if n := len(s.Truths()); n != 0 {
		t.Errorf("%d refused requests among the answered", n)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/models", nil))
	if !strings.Contains(w.Body.String(), `"id":"sim"`) || !strings.Contains(w.Body.String(), `"id":"adapter"`) {
		t.Errorf("models: %s", w.Body)
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	s := mustNew(t, func(o *Options) { o.APIKey = "k" })
	for key, want := range map[string]int{"": 401, "Bearer x": 401, "Bearer k": 200} {
		req := httptest.NewRequest(http.MethodGet, "/v1/models", nil)
		req.Header.Set("Authorization", key)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("%q: got %d, want %d", key, w.Code, want)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, want string }{
		{FailHTTP, `500 {"error":{"code":500,"message":"injected failure"`},
		{FailStream, `data: {"error":{"message":"injected failure"`},
		{FailTruncated, "unexpected EOF"},
		{FailStall, "deadline"},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			o := DefaultOptions()
			o.FailureRate, o.FailureKind, o.TTFT, o.ITL = 1, tt.kind, ms, ms
			s, err := Listen("127.0.0.1:0", o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			client := http.Client{Timeout: 300 * ms}
			resp, err := client.Post(s.URL()+"/v1/completions", "application/json",
				strings.NewReader(`{"model":"sim","prompt":"a","max_tokens":4,"stream":true}`))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if got := fmt.Sprint(resp.StatusCode, " ", string(body), " ", err); !strings.Contains(got, tt.want) ||
				strings.Contains(got, "[DONE]") {
				t.Errorf("got %s, want %q and no [DONE]", got, tt.want)
			}
		})
	}
}

func TestWholeAnswersFailToo(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{FailHTTP: "500 <nil>", FailStream: "500 <nil>", FailTruncated: "EOF",
		FailStall: "deadline"} {
		o := DefaultOptions()
		o.FailureRate, o.FailureKind, o.TTFT, o.ITL = 1, kind, ms, ms
		s, err := Listen("127.0.0.1:0", o)
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Timeout: 300 * ms}
		got := ""
		resp, err := client.Post(s.URL()+"/v1/completions", "application/json",
			strings.NewReader(`{"model":"sim","prompt":"a","max_tokens":4}`))
		if err == nil {
			got = fmt.Sprint(resp.StatusCode, " ")
			_ = resp.Body.Close()
		}
		if got += fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFailureRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.FailureRate = 0.3 })
		for range 1000 {
			stream(t, s, 0, 1)
		}
		failed := 0
		for _, r := range s.Truths() {
			if r.Error != "" {
				failed++
			}
		}
		if failed < 250 || failed > 350 {
			t.Errorf("%d of 1000 failed, want about 300", failed)
		}
	})
}

func TestTruthIsWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "truth.jsonl")
	s := mustNew(t, func(o *Options) { o.Truth, o.TTFT, o.ITL = path, 0, 0 })
	for range 3 {
		stream(t, s, 2, 4)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); n++ {
		var r Truth
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil || len(r.Chunks) != 4 || r.ID != fmt.Sprintf("sim-%d", n) {
			t.Errorf("%s: %v", sc.Bytes(), err)
		}
	}
	if n != 3 {
		t.Errorf("%d lines for 3 requests", n)
	}
}

func TestNewestTruthsStay(t *testing.T) {
	t.Parallel()
	s := mustNew(t, nil)
	for i := range maxTruths + 2 {
		s.finish(Truth{PromptTokens: i})
	}
	list := s.Truths()
	if len(list) != maxTruths || list[0].PromptTokens != 2 || list[maxTruths-1].PromptTokens != maxTruths+1 {
		t.Errorf("%d truths from %d to %d", len(list), list[0].PromptTokens, list[len(list)-1].PromptTokens)
	}
}

func TestClientThatLeavesFreesItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.MaxNumSeqs = 1 })
		running, waiting := s.opens(t, 25*ms), s.opens(t, 10*ms)
		<-running
		<-waiting
		stream(t, s, 0, 1)
		list := s.Truths()
		if list[0].Error != "client gone" || list[0].Admitted != 0 || list[1].Error != "client gone" ||
			list[2].Error != "" {
			t.Errorf("got %+v", list)
		}
	})
}

// opens sends a request whose client goes away after the given time.
func (s *Server) opens(t *testing.T, stay time.Duration) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	req := post(t, "/v1/completions", `{"model":"sim","prompt":"a","max_tokens":100,"stream":true}`)
	ctx, cancel := context.WithTimeout(req.Context(), stay)
	go func() {
		defer close(done)
		defer cancel()
		s.ServeHTTP(&sink{header: http.Header{}}, req.WithContext(ctx))
	}()
	synctest.Wait()
	return done
}

func TestParseQuery(t *testing.T) {
	t.Parallel()
	o, err := ParseQuery(
		"ttft=1s&itl=2ms&itl-stddev=1ms&prompt-time=3us&max-num-seqs=4&failure-rate=0.5&failure-kind=stall&" +
			"output-tokens=6&tokens-per-chunk=7&model=m&lora=a,b&api-key=k&truth=t&seed=8&metrics=tgi,dcgm&" +
			"kv-cache-tokens=9&prefix-cache-tokens=unlimited&cache-block=3&tool-calls=0.2&tool-refusals=1&" +
			"session-header=h&speech-rate=2.5&speech-chunk=20ms&speech-per-character=10ms&" +
			"speech-stalls=4s:1s,2s:500ms&image-time=9ms&video-time=7s&scheduling=fair&weights=0=3,-1=.5&" +
			"on-cancel=never&name=n&proxy-delay=5ms&proxy-merge=4&proxy-cancel=keep")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(Options{
		TTFT: time.Second, ITL: 2 * ms, ITLStdDev: ms, PromptTime: 3 * time.Microsecond, MaxNumSeqs: 4,
		FailureRate: 0.5, FailureKind: FailStall,
		OutputTokens: 6, TokensPerChunk: 7, Model: "m", LoRA: []string{"a", "b"}, APIKey: "k", Truth: "t", Seed: 8,
		KVCacheTokens: 9, PrefixCacheTokens: Unlimited, CacheBlock: 3, ToolCalls: 0.2, ToolRefusals: 1,
		SessionHeader: "h", SpeechRate: 2.5, SpeechChunk: 20 * ms, SpeechChar: 10 * ms,
		SpeechStalls: []Stall{{2, 0.5}, {4, 1}}, ImageTime: 9 * ms, VideoTime: 7 * time.Second,
		Metrics: []string{"tgi", "dcgm"}, Name: "n", Scheduling: ScheduleFair, PriorityOrder: OrderLow,
		Weights: map[int]float64{0: 3, -1: .5}, OnCancel: Never, Proxy: ProxyOptions{5 * ms, 4, true},
	})
	if got := fmt.Sprint(o); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for query, want := range map[string]string{
		"tfft=1s":          `unknown simulator option "tfft", known are ttft, itl`,
		"ttft=1":           `simulator option ttft="1": "1" is no duration such as 1.5s: it has no unit`,
		"max-num-seqs=0":   "max-num-seqs must be at least 1",
		"failure-rate=2":   "failure-rate must be between 0 and 1",
		"failure-rate=NaN": "failure-rate must be between 0 and 1",
		"failure-kind=x":   "failure-kind must be http, stream_error, truncated or stall",
		"itl=-1s":          "times must not be negative",
		"prompt-time=2h":   "times must not be above 1h0m0s",
		"lora=a,":          "lora holds an empty name",
		"model=":           "model must not be empty",
		"pings=-1":         "pings must be from 0 to 10000, got -1",

		"kv-cache-tokens=0":      "kv-cache-tokens must be at least 1",
		"cache-block=0":          "cache-block must be at least 1, got 0",
		"tool-calls=-1":          "tool-calls must be between 0 and 1, got -1",
		"tool-refusals=1.1":      "tool-refusals must be between 0 and 1, got 1.1",
		"prefix-cache-tokens=15": "prefix-cache-tokens must be 0, unlimited, or hold a block of 16, got 15",
		"prefix-cache-tokens=-2": "prefix-cache-tokens must be 0, unlimited, or hold a block of 16, got -2",
		"metrics=vllm,triton":    `metrics must be of vllm, sglang, tgi, dcgm, got "triton"`,
		"speech-stalls=2s":       "expected PLACE:LENGTH such as 2s:500ms",
		"speech-rate=-1":         "speech-rate must be from 0 to 1000000, got -1",
		"speech-chunk=0s":        "speech-chunk must be from 1ms to 1m",
		"%zz":                    "simulator options",

		"scheduling=lifo":     `scheduling must be fifo, priority or fair, got "lifo"`,
		"priority-order=up":   `priority-order must be low or high, got "up"`,
		"priority-order=high": "priority-order needs scheduling=priority, which is fifo",
		"weights=0=1":         "weights needs scheduling=fair, which is fifo",
		"weights=0=1,0=2":     `option weights="0=1,0=2": priority 0 has two weights`,
		"weights=a=1":         `"a=1" is no weight: expected PRIORITY=WEIGHT such as 0=3`,
		"weights=3":           `"3" is no weight: expected PRIORITY=WEIGHT such as 0=3`,
		"weights=":            `"" is no weight: expected PRIORITY=WEIGHT such as 0=3`,
		"on-cancel=soon":      `option on-cancel="soon": expected free, never, or a time such as 500ms`,
		"on-cancel=2h":        "on-cancel must be free, never, or from 0s to 1h0m0s, got 2h",
		"on-cancel=-1ns":      "expected free, never, or a time such as 500ms",
		"proxy-delay=-1s":     "proxy-delay must be from 0s to 1h0m0s, got -1s",
		"proxy-merge=-1":      "proxy-merge must be from 0 to 10000, got -1",
		"proxy-cancel=drop":   "expected pass or keep",

		"scheduling=fair&weights=0=0":   "the weight of priority 0 must be from 1e-06 to 1e+06, got 0",
		"scheduling=fair&weights=0=NaN": "the weight of priority 0 must be from 1e-06 to 1e+06, got NaN",
	} {
		if _, err := ParseQuery(query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", query, err, want)
		}
	}
}

func TestEventsAllocateNothing(t *testing.T) {
	s := mustNew(t, nil)
	for _, e := range endpoints() {
		if e.atOnce || e.own != nil {
			continue
		}
		g := &generation{endpoint: e, s: s, truth: Truth{ID: "r", FinishReason: "length"}}
		ev := g.events(g)
		_ = ev.head()
		if n := testing.AllocsPerRun(100, func() {
			ev.begin()
			ev.token(" word \"é\"")
			_ = ev.end(false, false)
		}); n > 0 {
			t.Errorf("%s: %v allocations per chunk", e.path, n)
		}
	}
}

// The cost of a request's body.
func BenchmarkParse(b *testing.B) {
	body := `{"model":"sim","prompt":"a short prompt","max_tokens":1,"ignore_eos":true,"stream":true,` +
		`"stream_options":{"include_usage":true}}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		if _, err := parse(r, endpoints()[1], new(Options)); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"model":"m","messages":[{"role":"user","content":"a b"}],"max_tokens":3}`,
		`{"prompt":["a"],"max_completion_tokens":1}`,
		`{"messages":[{"content":[{"type":"text","text":"x"}]},{"content":null}]}`, `{"prompt":[1,2]}`, `[]`, ``,
		`{"system":[{"type":"text","text":"s"}],"messages":[{"content":"a b"}],"max_tokens":3}`,
		`{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0K"}}]}]}`,
		`{"messages":[{"content":[{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]}]}`,
		`{"messages":[{"content":[{"type":"image","source":{"type":"base64","data":"/9j/"}}]}],"max_tokens":3}`,
		`{"prompt":"a","max_tokens":-1,"n":1e308,"min_tokens":9223372036854775807}`,
		`{"messages":` + strings.Repeat("[", 300), "{\"prompt\":\"\x00\u202e\"}", `{"max_tokens":1e999}`,
	} {
		for i := range endpoints() {
			f.Add([]byte(s), uint8(i), "application/json")
		}
	}
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na b\r\n--x\r\nContent-Disposition: "+
		"form-data; name=\"image\"; filename=\"a\"\r\n\r\nGIF89a\r\n--x--\r\n"), uint8(6),
		"multipart/form-data; boundary=x")
	f.Add([]byte(`{"prompt":"a","size":"0x99999","n":1e9,"seconds":1e308}`), uint8(5), "")
	f.Fuzz(func(t *testing.T, body []byte, number uint8, kind string) {
		e := endpoints()[int(number)%len(endpoints())]
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", kind)
		a, err := parse(r, e, new(DefaultOptions()))
		if err == nil && (a.maxTokens < 1 && !e.atOnce || a.maxTokens > maxOutput || a.promptTokens < 0) {
			t.Errorf("%q: got %+v", body, a)
		}
	})
}

func ExampleListen() {
	o := DefaultOptions()
	o.TTFT, o.ITL = 0, 0
	s, err := Listen("127.0.0.1:0", o)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()
	resp, err := http.Post(s.URL()+"/v1/completions", "application/json",
		strings.NewReader(`{"model":"sim","prompt":"Hello","max_tokens":3}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.StatusCode, s.Truths()[0].CompletionTokens)
	// Output: 200 3
}

// The first token of a very long, slow prompt is not due before the request came.
func TestLongPromptTime(t *testing.T) {
	t.Parallel()
	g := &generation{s: &Server{opts: Options{TTFT: time.Hour, PromptTime: time.Hour}}, ask: ask{promptTokens: 1 << 24}}
	admitted := time.Unix(1e9, 0)
	if due := g.firstDue(admitted); due.Sub(admitted) < 1_000_000*time.Hour {
		t.Errorf("due %v after it was admitted", due.Sub(admitted))
	}
	g.ask.promptTokens = 2
	if due := g.firstDue(admitted); due.Sub(admitted) != 3*time.Hour {
		t.Errorf("due %v after it was admitted, want 3h", due.Sub(admitted))
	}
}

// The cost of a request of one token, without net/http's server.
func BenchmarkRequest(b *testing.B) {
	o := DefaultOptions()
	o.TTFT = 0
	s, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	body := strings.NewReader(`{"model":"sim","prompt":"a short prompt","max_tokens":1,"stream":true}`)
	r := httptest.NewRequest(http.MethodPost, "/v1/completions", body)
	r.Header.Set("X-Request-Id", "bench")
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = body.Seek(0, io.SeekStart)
		w.body.Reset()
		w.writes = w.writes[:0]
		s.ServeHTTP(w, r)
	}
}
