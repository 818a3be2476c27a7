package client

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// simulated returns a simulator in the same process.
func simulated(t *testing.T, options string) *sim.Server {
	t.Helper()
	o, err := sim.ParseQuery(options)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// agentChat is a chat in which tools were called, with a long text in each place where one can be.
func agentChat() json.RawMessage {
	long := func(word string) string { return strings.Repeat(word+" ", 20) }
	return json.RawMessage(`[{"role":"system","content":"` + long("s") + `"},{"role":"user","content":"` + long("u") + `"},` +
		`{"role":"assistant","content":"` + long("a") + `","tool_calls":[` +
		`{"id":"1","type":"function","function":{"name":"f","arguments":"{\"q\": \"` + long("x") + `\"}"}},` +
		`{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]},` +
		`{"role":"tool","tool_call_id":"1","content":"` + long("r") + `"},{"role":"tool","tool_call_id":"2","content":"r"},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"3","type":"function","function":{"name":"f","arguments":"{}"}}]},` +
		`{"role":"tool","tool_call_id":"3","content":"` + long("t") + `"},{"role":"user","content":"` + long("v") + `"}]`)
}

// A chat is the same prompt to a cache whatever the API in whose form it is sent, and has the blocks that this side
// expects.
func TestAllAPIsShareAPrefixCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := simulated(t, "prefix-cache-tokens=unlimited&cache-block=4")
		want := prefix.New(4, nil).Append(prefix.ReadChat(agentChat())...)
		for i, dialect := range []api.Dialect{api.Chat, api.Messages, api.Responses, api.Chat} {
			c := newClient(t, func(o *Options) { o.API, o.Model = dialect, "sim" })
			a, err := c.Do(t.Context(), handled{server}, &Request{MaxTokens: 1, Messages: agentChat()})
			if err != nil || a.Record.Failed() {
				t.Fatalf("%s: %v %s", dialect.Name(), err, a.Record.Error)
			}
			n, truth, cached := a.Record.Counts(), server.Truths()[i], 4*want.Len()
			if i == 0 {
				cached = 0
			}
			if truth.CachedTokens != cached || n.ServerCached != cached || n.Prompt != want.Tokens() {
				t.Errorf("%s: %d of %d tokens cached, %d by usage; want %d of %d", dialect.Name(), truth.CachedTokens,
					n.Prompt, n.ServerCached, cached, want.Tokens())
			}
		}
	})
}

// What the simulator calls is what comes, in every API, streamed and whole. What comes can be sent back.
func TestCallsOfTheSimulator(t *testing.T) {
	t.Parallel()
	tools := json.RawMessage(`[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":` +
		`{"a":{"type":"string"},"b":{"type":"object","required":["c"]}},"required":["a","b"]}}}]`)
	for _, dialect := range []api.Dialect{api.Chat, api.Messages, api.Responses} {
		for _, streaming := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				server := simulated(t, "")
				c := newClient(t, func(o *Options) { o.API, o.Model, o.Streaming = dialect, "sim", streaming })
				a, err := c.Do(t.Context(), handled{server}, &Request{MaxTokens: 30, KeepCalls: true, Tools: tools,
					ToolChoice: json.RawMessage(`{"type":"function","function":{"name":"f"}}`), Messages: agentChat()})
				if err != nil || a.Record.Failed() || len(a.ToolCalls) != 1 {
					t.Fatalf("%s: %v %s, %+v", dialect.Name(), err, a.Record.Error, a.ToolCalls)
				}
				call, truth := a.ToolCalls[0], server.Truths()[0]
				var arguments struct{ B struct{ C string } }
				err = json.Unmarshal([]byte(call.Arguments), &arguments)
				if err != nil || arguments.B.C == "" || call.Name != "f" || call.ID != "call_"+truth.PromptHash ||
					a.Text != "" {
					t.Errorf("%s: got %+v and the text %q", dialect.Name(), call, a.Text)
				}
				if n := a.Record.Counts(); n.Completion != truth.CompletionTokens || streaming &&
					len(a.Record.ToolCalls) < len(truth.Chunks) {
					t.Errorf("%s: %d tokens at %v, truth %+v", dialect.Name(), n.Completion, a.Record.ToolCalls, truth)
				}
			})
		}
	}
}

// Requests that wait for their instants come in that order, and when they are to.
func TestRequestsArriveAtTheirInstants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := simulated(t, "ttft=0s&itl=0s")
		c := newClient(t, func(o *Options) { o.Model, o.SessionHeader = "sim", "X-Session-Id" })
		start := time.Now()
		var want []int64
		for i := range 5 {
			at := start.Add(time.Duration(5-i) * 1500 * time.Microsecond)
			want = append(want, at.UnixNano())
			go func() {
				_, _ = c.Do(t.Context(), handled{server},
					&Request{At: at, SessionID: "s", MaxTokens: 1, Messages: agentChat()})
			}()
		}
		time.Sleep(time.Second)
		slices.Reverse(want)
		var got []int64
		for i, truth := range server.Truths() {
			got = append(got, truth.Received)
			if truth.Number != int64(i) || truth.Session != "s" {
				t.Errorf("request %d: truth %+v", i, truth)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("arrived at %v, want %v", got, want)
		}
	})
}
