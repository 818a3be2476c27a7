package sim

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The beginning of a response comes at once, and its chunks by the timing model. Its end repeats the text.
func TestResponsesComeInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, func(o *Options) { o.PromptTime = ms })
		start := time.Now()
		w := &sink{header: http.Header{}}
		s.ServeHTTP(w, post(t, "/v1/responses", `{"model":"sim","input":[{"role":"system","content":"a"},`+
			`{"type":"function_call_output","call_id":"1","output":"b c"}],"max_output_tokens":2,"stream":true}`))
		if got, want := w.offsets(start), []time.Duration{0, 53 * ms, 63 * ms, 63 * ms}; !slices.Equal(got, want) {
			t.Errorf("written after %v, want %v", got, want)
		}
		var names []string
		for line := range strings.Lines(w.body.String()) {
			if name, isName := strings.CutPrefix(line, "event: response."); isName {
				names = append(names, strings.TrimSpace(name))
			}
		}
		want := []string{"created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
			"output_text.delta", "output_text.done", "content_part.done", "output_item.done", "incomplete"}
		if !slices.Equal(names, want) {
			t.Errorf("events %v, want %v", names, want)
		}
		if n := strings.Count(w.body.String(), `"Simulated quick"`); n != 4 {
			t.Errorf("the whole text came %d times, want 4", n)
		}
	})
}

func TestWholeResponses(t *testing.T) {
	t.Parallel()
	for output, want := range map[int][]string{
		2: {`"status":"completed"`, `"incomplete_details":null`},
		0: {`"status":"incomplete"`, `"incomplete_details":{"reason":"max_output_tokens"}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := mustNew(t, func(o *Options) { o.OutputTokens = output })
			w := &sink{header: http.Header{}}
			s.ServeHTTP(w, post(t, "/v1/responses", `{"model":"sim","input":"a b","max_output_tokens":3}`))
			for _, want := range append(want, `"text":"Simulated quick`, `"input_tokens":2,`) {
				if !strings.Contains(w.body.String(), want) {
					t.Errorf("%s lacks %s", w.body.String(), want)
				}
			}
		})
	}
}
