package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// pipes is a network in memory, so that time can be virtual.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, open := <-p; open {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p <- far
	return near, nil
}

// faulty is a simulator that fails a part of the requests in its own way, by their number.
type faulty struct {
	*sim.Server
	seen atomic.Int64
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "completions") {
		f.Server.ServeHTTP(w, r)
		return
	}
	switch f.seen.Add(1) % 7 {
	case 3:
		http.Error(w, `{"error": {"message": "busy"}}`, http.StatusServiceUnavailable)
	case 5:
		_, _ = fmt.Fprint(w, "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"a\"}}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		f.Server.ServeHTTP(w, r)
	}
}

// told is what k6 gets of a run: the lines of the record file, and the samples.
type told struct{ lines, samples []string }

// newTold collects what was pushed. The ids of requests and of connections' instants are the process's own.
func newTold(t *testing.T, pushed chan metrics.SampleContainer) (all told) {
	t.Helper()
	for len(pushed) > 0 {
		c, isLine := (<-pushed).(*samples.Container)
		if !isLine {
			continue // samples of an iteration, which only k6 makes for a VU
		}
		if r, isRequest := c.Line().(*record.Request); isRequest {
			r.ResponseBody = strings.ReplaceAll(r.ResponseBody, r.ID, "id")
			r.ID = ""
		}
		line, err := record.Append(nil, c.Line())
		if err != nil {
			t.Fatal(err)
		}
		all.lines = append(all.lines, string(line))
		for _, s := range c.GetSamples() {
			if strings.HasPrefix(s.Metric.Name, "llm_") {
				all.samples = append(all.samples, fmt.Sprint(s.Metric.Name, s.Tags.Map(), s.Time.UnixNano(), s.Value))
			}
		}
	}
	return all
}

// sendAll sends the first items of a data set to a simulator with faults, and returns what k6 gets.
func sendAll(t *testing.T, native bool, client, data string) told {
	return sendAllBy(t, "send", native, client, data)
}

// sendAllSessions replays the first sessions of a data set in the same way.
func sendAllSessions(t *testing.T, native bool, client, data string) told {
	return sendAllBy(t, "replay", native, client, data)
}

func sendAllBy(t *testing.T, method string, native bool, client, data string) (all told) {
	simulator, err := sim.New(sim.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	sendTo(t, &faulty{Server: simulator}, method, native, client, data, make([]string, 15), func(v *vu) {
		all = newTold(t, v.samples)
	})
	return all
}

// sendTo sends the first items of a data set to a server, one iteration after another, each with the salt of its stage.
// Then it calls after.
func sendTo(t *testing.T, handler http.Handler, method string, native bool, client, data string, salts []string,
	after func(v *vu)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := make(pipes)
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(network) }()
		v := newVU(t, New())
		v.model(t, "/scripts/model", "")
		v.write(t, "/scripts/chats.jsonl", chats)
		v.write(t, "/scripts/talk.json", talk)
		v.write(t, "/scripts/many.jsonl", strings.Repeat(`{"prompt": "a"}`+"\n", 13)) // the first is number 10
		v.run(t, `const client = new Client({baseURL: 'http://server/v1', slo: {ttft: '1s'}, `+client+`}), `+
			`data = new Dataset({seed: 1, `+data+`});`)
		v.start(t)
		transport := &http.Transport{DialContext: network.dial}
		v.state.Transport, v.state.BuiltinMetrics = transport, v.BuiltinMetrics
		v.state.Options.SystemTags = &metrics.DefaultSystemTagSet
		scenario, slot := lib.GetScenarioState(v.VU.CtxField), new(arrival.Arrival)
		v.VU.CtxField = arrival.NewContext(v.VU.CtxField, slot)
		iterate := func() { v.run(t, `client.`+method+`(data.next())`) }
		if native {
			iterate = nativeIterations(t, v, scenario, slot)
		}
		over := make(chan struct{})
		for k, salt := range salts {
			if k == len(salts)-1 {
				close(over) // of which only sessions take notice
			}
			*slot = arrival.Arrival{Index: int64(k), Due: time.Now(), Salt: salt, First: k == 0, Over: over}
			v.iter = uint64(k)
			time.Sleep(3 * time.Millisecond) // the lateness
			iterate()
		}
		after(v)
		transport.CloseIdleConnections()
		close(network)
		_ = server.Close()
	})
}

func nativeIterations(t *testing.T, v *vu, scenario *lib.ScenarioState, slot *arrival.Arrival) func() {
	t.Helper()
	lender, err := v.root.Lend(1, scenario.Name, engine.Native{})
	if err != nil {
		t.Fatal(err)
	}
	sender := lender.NewSender(1)
	t.Cleanup(sender.Close)
	return func() {
		if err := sender.Iterate(v.VU.CtxField, scenario, new(*slot)); err != nil {
			t.Error(err)
		}
	}
}

const (
	chats = `{"messages": [ {"role": "user", "content": "a \"b\"\n\t\u0001 <c> & é 漢 🙂 \u2028 \\"} ], "max_tokens": 3}
{"messages": [{"role": "system", "content": ""}, {"role": "user", "content": [{"type": "text", "text": "x"}]}], "temperature": 0.5, "stop": ["a", "b"]}
{"prompt": "<one> & \"two\"", "completion": "x y z"}
`
	talk = `[{"conversations": [{"from": "human", "value": "<q0> & \"é\"\n"}, {"from": "gpt", "value": "a b c"},` +
		` {"from": "human", "value": "q1"}, {"from": "gpt", "value": "d"}]},` +
		` {"conversations": [{"from": "human", "value": "\u0007 q2"}, {"from": "gpt", "value": "x y"}]}]`
)

// A native iteration leaves the same records and samples as the same iteration of a script, in all fields but the
// request's id.
func TestNativeIterationsAreThoseOfAScript(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ client, data string }{
		{``, `type: 'mock'`},
		{`api: 'completion', streaming: false, text: true`, `type: 'mock', api: 'completion', maxTokens: 4`},
		{`text: true, headers: {a: 'b'}`, `type: 'jsonl', path: 'chats.jsonl'`},
		{`text: true, tokenizer: './model', retries: 1`, `type: 'shareGPT', path: 'talk.json', maxTokens: 2`},
		{`text: true, sessionHeader: 'x-s'`, `type: 'shareGPT', path: 'talk.json', turns: 'all', sessions: 2`},
		{`model: 'sim', itl: 'all', extraBody: {a: 1}`, `type: 'mock'`},
		{`adapters: [{name: 'a', split: 0.5}, {name: 'sim', split: 0.5}]`, `type: 'mock'`},
		{`cancel: {share: 0.5, tokens: 2, seed: 3}`, `type: 'mock', maxTokens: 5`},
		{`api: 'completion', tokenizer: './model'`, `type: 'random', tokenizer: './model', api: 'completion', ` +
			`inputDistribution: {type: 'uniform', min: 5, max: 9}, outputDistribution: 3, salt: 'x'`},
		{`text: true`, `type: 'mix', parts: [{share: 0.6, label: 'a', type: 'mock', maxTokens: 4, slo: {ttft: '1ms'}, ` +
			`priority: 1}, {share: 0.4, label: 'b', type: 'jsonl', path: 'chats.jsonl', model: 'x', headers: {t: 'u'}, ` +
			`cancel: {share: 0.5, tokens: 2}}]`},
	} {
		t.Run(tt.client+" "+tt.data, func(t *testing.T) {
			script, native := sendAll(t, false, tt.client, tt.data), sendAll(t, true, tt.client, tt.data)
			if len(script.lines) != 17 ||
				!strings.Contains(strings.Join(script.lines, "\n"), `"error_type":"truncated"`) {
				t.Fatalf("%d lines, want 17: the run, the client and 15 requests, with failures", len(script.lines))
			}
			compareLines(t, script.lines, native.lines)
			compareLines(t, script.samples, native.samples)
		})
	}
}

func compareLines(t *testing.T, want, got []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d, want %d", len(got), len(want))
	}
	for i := range want {
		var a, b any
		if json.Unmarshal([]byte(want[i]), &a) == nil && json.Unmarshal([]byte(got[i]), &b) == nil &&
			reflect.DeepEqual(a, b) {
			continue
		}
		if want[i] != got[i] {
			t.Errorf("number %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
}
