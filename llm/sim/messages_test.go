package sim

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// askMessages sends a request of Anthropic's Messages with a prompt of three words.
func askMessages(t *testing.T, s *Server, fields string) *sink {
	t.Helper()
	w := &sink{header: http.Header{}}
	s.ServeHTTP(w, post(t, "/v1/messages", `{"model":"sim","system":[{"type":"text","text":"a"}],`+
		`"messages":[{"role":"user","content":"b c"}],`+fields+`}`))
	return w
}

// The beginning of a message comes at once, its chunks by the timing model, and pings in between.
func TestMessagesComeInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.Pings, o.PromptTime = 2, ms })
		start := time.Now()
		w := askMessages(t, s, `"max_tokens":3,"stream":true`)
		want := []time.Duration{0, 53 * ms, 53 * ms, 63 * ms, 63 * ms, 73 * ms, 73 * ms}
		if got := w.offsets(start); !slices.Equal(got, want) {
			t.Errorf("written after %v, want %v", got, want)
		}
		var names []string
		for line := range strings.Lines(w.body.String()) {
			if name, isName := strings.CutPrefix(line, "event: "); isName {
				names = append(names, strings.TrimSpace(name))
			}
		}
		wantNames := []string{"message_start", "content_block_start", "ping", "ping", "ping", "content_block_delta",
			"ping", "ping", "content_block_delta", "ping", "ping", "content_block_delta", "content_block_stop",
			"message_delta", "message_stop"}
		if !slices.Equal(names, wantNames) {
			t.Errorf("events %v, want %v", names, wantNames)
		}
		if r := s.Truths()[0]; r.PromptTokens != 3 || r.CompletionTokens != 3 || len(r.Chunks) != 3 {
			t.Errorf("truth %+v", r)
		}
	})
}

func TestWholeMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.OutputTokens = 2 })
		w := askMessages(t, s, `"max_tokens":3`)
		for _, want := range []string{`"type":"message"`, `"content":[{"text":"Simulated quick","type":"text"}]`,
			`"stop_reason":"end_turn"`, `"input_tokens":3,`, `"output_tokens":2`} {
			if !strings.Contains(w.body.String(), want) {
				t.Errorf("%s lacks %s", w.body.String(), want)
			}
		}
	})
}

func TestMessagesFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fields, key string
		status      int
		want        string
	}{
		{`"max_tokens":1`, "other", http.StatusUnauthorized, "Unauthorized"},
		{`"stream":true`, "k", http.StatusBadRequest, `"type":"invalid_request_error"`},
		{`"max_tokens":1,"model":"x"`, "k", http.StatusNotFound, `"type":"not_found_error"`},
		{`"max_tokens":4,"stream":true`, "k", http.StatusOK, `event: error` + "\n" + `data: {"type":"error","error":` +
			`{"type":"overloaded_error","message":"injected failure"}}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := mustNew(t, func(o *Options) { o.APIKey, o.FailureRate, o.FailureKind = "k", 1, FailStream })
			r := post(t, "/v1/messages", `{"model":"sim","messages":[{"role":"user","content":"a"}],`+tt.fields+`}`)
			r.Header.Set("X-Api-Key", tt.key)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := w.Body.String(); w.Code != tt.status || !strings.Contains(got, tt.want) {
				t.Errorf("%s: got %d %s, want %d %s", tt.fields, w.Code, got, tt.status, tt.want)
			}
		})
	}
}
