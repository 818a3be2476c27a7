package client

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// Turns after a completed answer send only what is new, and the server counts the whole conversation. After an answer
// that was cut off, and where the conversation is another one, the whole goes out.
func TestChainsOfResponses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := sim.DefaultOptions()
		o.OutputTokens = 2
		server, err := sim.New(o)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, func(o *Options) { o.API, o.Model, o.Chain, o.IgnoreEOS = api.Responses, "sim", true, false })
		var sent []string
		listen := roundTrip(func(req *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(req.Body)
			sent = append(sent, gjson.GetBytes(body, "previous_response_id").Str+" "+
				gjson.GetBytes(body, "input.#").Raw)
			req.Body = io.NopCloser(strings.NewReader(string(body)))
			return handled{server}.RoundTrip(req)
		})
		const user, answer = `{"role":"user","content":"a b"}`, `{"role":"assistant","content":"Simulated quick"}`
		var prompts []int
		for _, turn := range []struct {
			id, messages string
			limit        int
		}{
			{"1", user, 9}, {"2", user + "," + answer + "," + user, 9},
			{"3", user + "," + answer + "," + user + "," + answer + "," + user, 1}, // is cut off
			{"4", user + "," + answer + "," + user + "," + answer + "," + user + "," + answer + "," + user, 9},
			{"5", user + "," + user, 9}, // begins anew
		} {
			a, err := c.Do(t.Context(), listen, &Request{ID: turn.id, SessionID: "s", MaxTokens: turn.limit,
				Messages: json.RawMessage("[" + turn.messages + "]")})
			if err != nil || a.Record.Failed() {
				t.Fatalf("request %s: %v %s", turn.id, err, a.Record.Error)
			}
			prompts = append(prompts, a.Record.Counts().Prompt)
		}
		if want := []string{" 1", "1 1", "2 1", " 7", " 2"}; !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
		if want := []int{2, 6, 10, 14, 4}; !slices.Equal(prompts, want) {
			t.Errorf("prompts of %v tokens, want %v", prompts, want)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestChainsNeedResponses(t *testing.T) {
	t.Parallel()
	for _, dialect := range api.All() {
		o := DefaultOptions()
		o.Speak(dialect)
		o.BaseURL, o.Chain = "http://h", true
		_, err := New(o)
		if refused := err != nil && strings.Contains(err.Error(), "chainResponses needs api 'responses'"); refused ==
			(dialect == api.Responses) {
			t.Errorf("%s: got %v", dialect.Name(), err)
		}
	}
}
