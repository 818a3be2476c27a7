package llm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// polyfill is an AbortController as scripts can write one, with the number of listeners of its signal.
const polyfill = `
	class AbortController {
		constructor() {
			const listeners = new Set();
			this.signal = {
				aborted: false,
				addEventListener: (type, f) => listeners.add(f), removeEventListener: (type, f) => listeners.delete(f),
				count: () => listeners.size,
			};
			this.abort = () => { this.signal.aborted = true; listeners.forEach((f) => f({type: 'abort'})); };
		}
	}`

func TestSignals(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	gone := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost { // the client asks whether the server is there
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"))
		_ = http.NewResponseController(w).Flush()
		close(first)
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	defer server.Close()
	v := newVU(t, New())
	v.run(t, polyfill+`const client = new Client({baseURL: '`+server.URL+`', model: 'm'});`)
	v.start(t)
	v.run(t, `var got, left;`)
	if err := v.EventLoop.Start(func() error {
		callback := v.VU.RegisterCallback()
		_, err := v.VU.Runtime().RunString(`const c = new AbortController();
			client.sendAsync({prompt: 'q'}, {signal: c.signal}).then((r) => {
				got = [r.errorType, r.text, c.signal.count()].join();
			});
			left = c.signal.count();`)
		go func() {
			<-first
			callback(func() error {
				_, err := v.VU.Runtime().RunString(`c.abort()`)
				return err
			})
		}()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	<-gone
	if got := v.run(t, `got + ' ' + left`).String(); got != "abandoned,a,0 1" && got != "abandoned,,0 1" {
		t.Errorf("got %q, want an abandoned request, and a listener while it ran", got)
	}
	requests, _ := v.records()
	if len(requests) != 1 || requests[0].ErrorType != record.ErrorAbandoned || requests[0].Leaves != "signal" {
		t.Errorf("got %+v", requests)
	}
}

func TestSignalsAbortedBefore(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, polyfill+`const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'}), c = new AbortController(); c.abort();`)
	v.start(t)
	v.run(t, `var got = [];
		try { client.send({prompt: 'q'}, {signal: c.signal}); } catch (e) { got.push(e.name + ': ' + e.message); }
		try { client.chat('q', {signal: c.signal}); } catch (e) { got.push(e.name); }
		client.chatAsync('q', {signal: c.signal}).catch((e) => { got.push(e.name); });`)
	const want = "AbortError: the request was not sent: its signal had been aborted before,AbortError,AbortError"
	if got := v.run(t, `got.join()`).String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if requests, _ := v.records(); len(requests) != 0 {
		t.Errorf("%d requests were sent", len(requests))
	}
	got := v.run(t, `const other = new AbortController(); [client.chat('q', {signal: other.signal}).errorType, other.signal.count(),
		client.send({prompt: 'q', signal: undefined}, undefined).errorType].join()`).String()
	if got != ",0," {
		t.Errorf("with a signal that does not come: got %q", got)
	}
}

func TestWhatIsNoSignal(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});`)
	v.start(t)
	for code, want := range map[string]string{
		`client.send({prompt: 'q'}, {signal: true})`: `send option "signal": must be an AbortSignal, or an object with ` +
			`aborted and addEventListener as one, got true`,
		`client.chat('q', {signal: {aborted: false}})`: `request option "signal": must be an AbortSignal`,
		`client.send({prompt: 'q'}, {timeout: '1s'})`:  `unknown send option "timeout"`,
	} {
		_, err := v.VU.Runtime().RunString(code)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", code, err, want)
		}
	}
}

// A request says for itself when its user leaves, or else its class does, or else the client.
func TestUsersOfRequestsAndClassesLeave(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const slow = 'sim:?ttft=0s&itl=1h', client = new Client({baseURL: slow, cancel: {share: 1, after: '10ms'}, classes: {
			two: {cancel: {share: 1, tokens: 2}}, first: {cancel: {share: 1, tokens: 1}}}}),
		whole = new Client({baseURL: slow, streaming: false});`)
	v.start(t)
	for _, tt := range []struct{ code, want string }{
		{`client.chat('q', {label: 'first', maxTokens: 3})`, "abandoned the user left before the answer was over (cancel: 1 tokens)"},
		{`client.chat('q', {label: 'two', cancel: {tokens: 1}, maxTokens: 3})`, "abandoned the user left before the answer was over (cancel: 1 tokens)"},
		{`client.chat('q', {label: 'two', cancel: {after: 'prompt-sent'}, maxTokens: 3})`,
			"abandoned the user left before the answer was over (cancel: prompt-sent)"},
		{`client.chat('q', {maxTokens: 3})`, "abandoned the user left before the answer was over (cancel: 10ms)"},
		{`whole.send({prompt: 'q', maxTokens: 3, cancel: {share: 1, after: '10ms'}})`,
			"abandoned the user left before the answer was over (cancel: 10ms)"},
		{`client.chat('q', {label: 'two', maxTokens: 1})`, "null null"},
	} {
		if got := v.run(t, `{ const r = `+tt.code+`; r.errorType + ' ' + r.error }`).String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.code, got, tt.want)
		}
	}
	for code, want := range map[string]string{
		`whole.chat('q', {cancel: {tokens: 1}})`: `request option "cancel": tokens: answers of api "chat" do not come in ` +
			`pieces of text here: leave after a time`,
		`client.embed('q', {cancel: {tokens: 1}})`:                        `request option "cancel": tokens: answers of api "embeddings"`,
		`client.chat('q', {cancel: {}})`:                                  `request option "cancel": when users leave is to be told in one way`,
		`client.chat('q', {cancel: {tokens: 1, after: '1s'}})`:            `request option "cancel": when users leave`,
		`client.chat('q', {cancel: {after: 'soon'}})`:                     `request option "cancel": cancel option "after"`,
		`new Client({cancel: {after: '1s'}})`:                             `Client option "cancel": share is missing`,
		`new Client({streaming: false, cancel: {share: 0.5, tokens: 3}})`: `Client option "cancel": tokens: answers of api "chat" do not`,
		`new Client({api: 'embeddings', classes: {b: {cancel: {share: 0.5, tokens: 3}}}})`: `Client option "classes": "b": cancel: ` +
			`tokens: answers of api "embeddings" do not`,
		`new Client({cancel: {share: NaN, after: '1s'}})`:  `Client option "cancel": `,
		`new Client({cancel: {share: 1e-9, after: '1s'}})`: `share must differ from 0`,
	} {
		if _, err := v.VU.Runtime().RunString(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", code, err, want)
		}
	}
}
