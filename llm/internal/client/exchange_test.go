package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// failing fails a number of times before it lets a server answer.
type failing struct {
	times int
	then  http.RoundTripper
}

func (f *failing) RoundTrip(req *http.Request) (*http.Response, error) {
	if f.times--; f.times >= 0 {
		return nil, syscall.ECONNRESET
	}
	return f.then.RoundTrip(req)
}

// exchangeCase is one way in which a request may go.
type exchangeCase struct {
	name   string
	server script
	resets int           // attempts that fail before the server answers
	cut    time.Duration // when the caller gives up
	change func(*Request)
}

var exchangeCases = []exchangeCase{
	{name: "plain", server: script{parts: []part{{10 * ms, role + chunk("a")},
		{ms, chunk("b") + stop + usage + done}}}},
	{name: "long", server: script{parts: []part{{ms, strings.Repeat(chunk("word "), 500)}, {ms, stop + done}}}},
	{name: "reasoning and tools", server: script{parts: []part{{ms, think}, {ms, toolCall + stop + done}}}},
	{name: "text so far", server: script{parts: []part{{ms, chunk("one")}, {ms, chunk("one two")},
		{ms, chunk("one two three") + chunk("one two three four") + stop + done}}}},
	{name: "whole", server: script{parts: []part{{ms, `{"choices":[{"message":{"content":"whole"}}]}`}}}},
	{name: "large event", server: script{parts: []part{{ms, chunk(strings.Repeat("x", 9000)) + stop + done}}}},
	{name: "too large", server: script{parts: []part{{ms, chunk(strings.Repeat("y", 30000))}}}},
	{name: "joined lines", server: script{parts: []part{{ms, "event: z\ndata: {\"choices\":\ndata: []}\n\n" + done}}}},
	{name: "an error event", server: script{parts: []part{{ms, chunk("e")}, {ms, "event: error\ndata: no\n\n"}}}},
	{name: "a stray line", server: script{parts: []part{{ms, "<html>\n<title>Bad gateway</title>\n"}}}},
	{name: "malformed", server: script{parts: []part{{ms, "data: {\"choices\":[}\n\n"}}}},
	{name: "cut", server: script{parts: []part{{ms, chunk("c")}}, end: io.ErrUnexpectedEOF}},
	{name: "stopped, then reset", server: script{parts: []part{{ms, chunk("d") + stop}}, end: syscall.ECONNRESET}},
	{name: "refused", server: script{status: 429, parts: []part{{ms, `{"error":{"message":"slow down"}}`}}}},
	{name: "stall", server: script{parts: []part{{ms, chunk("s")}, {forever, ""}}}},
	{name: "timeout", server: script{parts: []part{{forever, ""}}}},
	{name: "open after the end", server: script{parts: []part{{ms, chunk("o") + stop + done}, {forever, ""}}}},
	{name: "one retry", resets: 1, server: script{parts: []part{{ms, chunk("r") + stop + done}}}},
	{name: "no answer", resets: 9},
	{name: "canceled", cut: 5 * ms, server: script{parts: []part{{ms, chunk("q")}, {forever, ""}}}},
	{name: "other options", server: script{parts: []part{{ms, chunk("p") + stop + done}}}, change: func(r *Request) {
		r.Model, r.MaxTokens, r.MaxTokensField, r.AddSpecial = "other", 9, new("n"), new(true)
		r.SessionID, r.Extra = "session", api.Extra{"api_key": json.RawMessage(`"sk-extra-secret"`)}
	}},
}

// do sends the request of a case and describes the answer, its instants since the start.
func (e *exchangeCase) do(t *testing.T, c *Client) string {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if e.cut > 0 {
		ctx, cancel = context.WithTimeout(ctx, e.cut)
		defer cancel()
	}
	req := Request{ID: e.name, Messages: json.RawMessage(`[{"role":"user","content":"` + e.name + `"}]`)}
	if e.change != nil {
		e.change(&req)
	}
	a, err := c.Do(ctx, &failing{e.resets, e.server}, &req)
	if err != nil {
		t.Errorf("%s: %v", e.name, err)
		return ""
	}
	return e.describe(t, a)
}

func (e *exchangeCase) describe(t *testing.T, a Answer) string {
	r := *a.Record
	r.End -= r.Start
	if r.Attempt != 0 {
		r.Attempt -= r.Start
	}
	r.Start = 0
	line, err := json.Marshal(&r)
	if err != nil {
		t.Errorf("%s: %v", e.name, err)
	}
	return fmt.Sprintf("%s %q %q", line, a.Text, a.Shown)
}

func exchangeClient(t *testing.T) *Client {
	return newClient(t, func(o *Options) {
		o.Text, o.EventLimit, o.Retries, o.Random = true, 20000, 2, func() float64 { return 0.5 }
		o.Timeout, o.IdleTimeout, o.SessionHeader = time.Second, 100*ms, "X-Session"
		o.Count = func(text string) int { return len(text) }
		o.CountPrompt = func(_ api.Dialect, r Request) (int, bool) { return len(r.Messages), false }
	})
}

// A client uses its exchanges again, and nothing of a request is left for the next: in any order, and with many
// requests at a time, each has the record and the texts that it has with a client of its own.
func TestExchangesForgetTheRequestBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		want := make([]string, len(exchangeCases))
		kinds := map[string]bool{}
		for i := range exchangeCases {
			want[i] = exchangeCases[i].do(t, exchangeClient(t))
			var r record.Request
			_ = json.NewDecoder(strings.NewReader(want[i])).Decode(&r)
			kinds[r.ErrorType] = true
		}
		if len(kinds) < 8 {
			t.Errorf("the cases have only the error types %v", kinds)
		}
		c := exchangeClient(t)
		var running sync.WaitGroup
		for worker := range uint64(8) {
			running.Go(func() {
				random := rand.New(rand.NewPCG(worker, 1))
				for range 60 {
					i := random.IntN(len(exchangeCases))
					if got := exchangeCases[i].do(t, c); got != want[i] {
						t.Errorf("%s: got %.2000s\nwant %.2000s", exchangeCases[i].name, got, want[i])
					}
				}
			})
		}
		running.Wait()
	})
}

// What Do returned stays as it is when the exchange serves other requests.
func TestAnswersOutliveTheirExchange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := exchangeClient(t)
		var answers []Answer
		var before []string
		for i := range exchangeCases {
			e := &exchangeCases[i]
			a, err := c.Do(t.Context(), e.server, &Request{ID: e.name, Messages: json.RawMessage(`[]`)})
			if err != nil {
				t.Fatal(err)
			}
			answers, before = append(answers, a), append(before, e.describe(t, a))
		}
		for i := range exchangeCases {
			if after := exchangeCases[i].describe(t, answers[i]); after != before[i] {
				t.Errorf("%s: it was %.2000s\nand became %.2000s", exchangeCases[i].name, before[i], after)
			}
		}
	})
}

// A request that cannot be built leaves nothing behind either.
func TestRefusedRequestsLeaveNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	rt := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("not reached") })
	for range 3 {
		if _, err := c.Do(t.Context(), rt, &Request{ID: "x", Messages: json.RawMessage(`[`)}); err == nil {
			t.Error("messages that are not JSON were sent")
		}
	}
	good := saying(func(*http.Request) string { return chunk("a") + stop + done })
	if a := do(t, t.Context(), c, good); a.Record.Failed() || a.Text != "a" || a.Record.ID != "r1" {
		t.Errorf("got %+v, %q", a.Record, a.Text)
	}
}
