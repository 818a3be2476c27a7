package llm

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// twoHosts is a simulator that keeps the bodies of the requests, in their order, and adds a delay to those by the host
// gateway.
type twoHosts struct {
	*sim.Server
	mu     sync.Mutex
	bodies []string
}

func (w *twoHosts) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Method == http.MethodPost {
		w.mu.Lock()
		w.bodies = append(w.bodies, string(body))
		w.mu.Unlock()
	}
	if r.Host == "gateway" {
		time.Sleep(5 * time.Millisecond)
	}
	w.Server.ServeHTTP(rw, r)
}

// sendPairs sends the first n items of a data set by a pair, in virtual time, and returns the records and the bodies.
func sendPairs(t *testing.T, native bool, n int, clients, options string) (requests []*record.Request,
	others []record.Line, bodies []string) {
	t.Helper()
	o := sim.DefaultOptions()
	o.TTFT, o.ITL = 20*time.Millisecond, time.Millisecond
	simulator, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		network, handler := make(pipes), &twoHosts{Server: simulator}
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(network) }()
		v := newVU(t, New())
		number := v.run(t, clients+`; const pair = new Client({`+options+`}), data = new Dataset({type: 'mock'}); pair.number`)
		v.start(t)
		transport := &http.Transport{DialContext: network.dial}
		v.state.Transport, v.state.BuiltinMetrics = transport, v.BuiltinMetrics
		v.state.Options.SystemTags = &metrics.DefaultSystemTagSet
		scenario, slot := lib.GetScenarioState(v.VU.CtxField), new(arrival.Arrival)
		v.VU.CtxField = arrival.NewContext(v.VU.CtxField, slot)
		iterate := func() { v.run(t, `pair.send(data.next())`) }
		if native {
			lender, err := v.root.Lend(1, scenario.Name, engine.Native{Client: int(number.ToInteger())})
			if err != nil {
				t.Fatal(err)
			}
			sender := lender.NewSender(1)
			defer sender.Close()
			iterate = func() {
				if err := sender.Iterate(v.VU.CtxField, scenario, new(*slot)); err != nil {
					t.Error(err)
				}
			}
		}
		for k := range n {
			*slot = arrival.Arrival{Index: int64(k), Due: time.Now()}
			v.iter = uint64(k)
			iterate()
		}
		for len(v.samples) > 0 {
			c, isLine := (<-v.samples).(*samples.Container)
			if !isLine {
				continue // the samples of an iteration
			}
			if r, isRequest := c.Line().(*record.Request); isRequest {
				requests = append(requests, r)
			} else {
				others = append(others, c.Line())
			}
		}
		bodies = handler.bodies
		transport.CloseIdleConnections()
		close(network)
		_ = server.Close()
	})
	return requests, others, bodies
}

const twoClients = `const direct = new Client({baseURL: 'http://direct/v1'}), gateway = new Client({baseURL: 'http://gateway/v1'})`

// Each item goes to both clients, one after the other, in an order that is balanced in each block of four. The prompts
// are the same byte for byte, and so are the records of a script and of native iterations.
func TestPairs(t *testing.T) {
	t.Parallel()
	var orders [2][]string
	for i, native := range []bool{false, true} {
		requests, others, bodies := sendPairs(t, native, 40, twoClients, `pair: {direct, gateway}, seed: 3, pause: '7ms'`)
		if len(requests) != 80 || len(bodies) != 80 {
			t.Fatalf("native %t: %d records, %d requests", native, len(requests), len(bodies))
		}
		for k := 0; k < 80; k += 2 {
			a, b := requests[k], requests[k+1]
			if bodies[k] != bodies[k+1] || a.ID == b.ID || a.Index != int64(k/2) || b.Index != a.Index || a.Seq != 0 ||
				b.Seq != 1 || a.Due == nil || b.Due != nil || a.Failed() || b.Failed() {
				t.Fatalf("native %t, pair %d: %+v\n%+v", native, k/2, a, b)
			}
			if pause := time.Duration(b.Start - a.End); pause != 7*time.Millisecond {
				t.Errorf("native %t, pair %d: the second was sent %v after the end of the first", native, k/2, pause)
			}
			for _, r := range []*record.Request{a, b} {
				ttft, _ := r.TTFT()
				want, number := 20*time.Millisecond, 0
				if r.Endpoint == "gateway" {
					want, number = 25*time.Millisecond, 1
				}
				if r.Client != number || ttft != want {
					t.Errorf("native %t, %s: client %d, TTFT %v", native, r.Endpoint, r.Client, ttft)
				}
			}
			orders[i] = append(orders[i], a.Endpoint)
		}
		line := others[len(others)-1].(*record.Client)
		if got := fmt.Sprint(line.Number, line.Simulator, line.Options); got !=
			"2 false map[clients:[0 1] overlap:false pair:[direct gateway] pause:7ms seed:3]" {
			t.Errorf("native %t: the line of the pair has %s", native, got)
		}
	}
	if !slices.Equal(orders[0], orders[1]) {
		t.Errorf("a script has the order %v, native iterations %v", orders[0], orders[1])
	}
	for k := 0; k < 40; k += 4 {
		if n := strings.Count(strings.Join(orders[0][k:k+4], " "), "direct"); n != 2 {
			t.Errorf("pairs %d to %d: %v", k, k+3, orders[0][k:k+4])
		}
	}
}

func TestPairsThatOverlap(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		requests, _, _ := sendPairs(t, native, 10, twoClients, `pair: {direct, gateway}, overlap: true`)
		for k := 0; k < len(requests); k += 2 {
			a, b := requests[k], requests[k+1]
			if a.Start != b.Start || a.Index != b.Index || a.Endpoint == b.Endpoint {
				t.Errorf("native %t, pair %d: sent at %d and %d", native, k/2, a.Start, b.Start)
			}
		}
	}
}

// A client against itself is the null test: the endpoints differ by their names alone.
func TestAPairOfOneClient(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		requests, _, _ := sendPairs(t, native, 8, `const a = new Client({baseURL: 'http://direct/v1'})`,
			`pair: {first: a, second: a}`)
		firsts := 0
		for k := 0; k < len(requests); k += 2 {
			a, b := requests[k], requests[k+1]
			if a.Client != b.Client || a.Endpoint == b.Endpoint || a.End > b.Start {
				t.Errorf("native %t, pair %d: %+v\n%+v", native, k/2, a, b)
			}
			if a.Endpoint == "first" {
				firsts++
			}
		}
		if len(requests) != 16 || firsts != 4 {
			t.Errorf("native %t: %d records, the first client was first in %d of 8", native, len(requests), firsts)
		}
	}
}

// The requests of a pair have the same adapter and leave alike, and an endpoint of several is one name.
func TestChoicesOfAPair(t *testing.T) {
	t.Parallel()
	const both = `adapters: [{name: 'a', split: 0.5}, {name: 'b', split: 0.5}], cancel: {share: 0.5, after: '1ms'}, `
	requests, _, _ := sendPairs(t, true, 40, `const direct = new Client({`+both+`baseURL: ['http://one/v1', `+
		`'http://two/v1']}), gateway = new Client({`+both+`baseURL: 'http://gateway/v1'})`, `pair: {direct, gateway}`)
	adapters, left := map[string]int{}, 0
	for k := 0; k < len(requests); k += 2 {
		a, b := requests[k], requests[k+1]
		if a.Adapter != b.Adapter || a.Leaves != b.Leaves || a.Endpoint+b.Endpoint != "directgateway" &&
			a.Endpoint+b.Endpoint != "gatewaydirect" {
			t.Errorf("pair %d: %+v\n%+v", k/2, a, b)
		}
		adapters[a.Adapter]++
		if a.Leaves != "" {
			left++
		}
	}
	if len(requests) != 80 || adapters["a"] < 10 || adapters["b"] < 10 || left != 20 {
		t.Errorf("%d records, adapters %v, %d left", len(requests), adapters, left)
	}
}

// A pair has the methods of a Client, and returns results by the names of its clients.
func TestMethodsOfAPair(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const a = new Client({baseURL: 'sim:?ttft=0s&itl=0s'}), pair = new Client({pair: {a, b: a}});`)
	v.start(t)
	v.run(t, `let text; (async () => {
		const list = [pair.chat('hi'), pair.complete('hi', {maxTokens: 2}), await pair.sendAsync({prompt: 'hi'}),
			await pair.embedAsync(['x'])];
		text = JSON.stringify(list.map((r) => [r.a.error, r.b.error, r.a.requestID !== r.b.requestID,
			r.a.completionTokens === r.b.completionTokens]));
	})()`)
	const alike = `[null,null,true,true]`
	if text, want := v.run(t, `text`).String(), "["+strings.Repeat(alike+",", 3)+alike+"]"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	requests, _ := v.records()
	if len(requests) != 8 {
		t.Fatalf("%d requests", len(requests))
	}
	for i, r := range requests {
		if r.Seq != i || r.Failed() {
			t.Errorf("request %d: number %d, %s", i, r.Seq, r.Error)
		}
	}
}

func TestPairsThatCannotBe(t *testing.T) {
	t.Parallel()
	const script = `const a = new Client({baseURL: 'sim:'}), b = new Client({baseURL: 'sim:?itl=1ms'}),
		c = new Client({api: 'completion'}), data = new Dataset({type: 'mock'});`
	for code, want := range map[string]string{
		`new Client({pair: {a, b, c}})`: `Client option "pair": must have two clients by their names, as in ` +
			`{direct: a, gateway: b}, got 3`,
		`new Client({pair: {a}})`:                                `got 1`,
		`new Client({pair: [a, b]})`:                             `must be an object such as {direct: a, gateway: b}, got an array`,
		`new Client({pair: {a, b: {}}})`:                         `"b" must be a Client that the script made before, outside the default function`,
		`new Client({pair: {a, b: new Client({pair: {a, b}})}})`: `"b" must be a Client`,
		`new Client({pair: {a, '': b}})`:                         `a name is empty`,
		`new Client({pair: {a, c}})`: `its clients ask for different APIs, chat and completion, and so would send ` +
			`different prompts`,
		`new Client({pair: {a, b}, model: 'm'})`: `Client option "model": a pair has pair, overlap, pause and seed ` +
			`alone: give its clients the others`,
		`new Client({pair: {a, b}, pauze: '1s'})`: `unknown option "pauze" of a pair, did you mean "pause"?`,
		`new Client({pair: {a, b}, overlap: true, pause: '1s'})`: `Client option "pause": is the time between requests ` +
			`that do not overlap`,
		`new Client({pair: {a, b}}).send({prompt: 'a'}, {signal: {aborted: false, addEventListener() {}}})`: `a pair takes none`,
		`new Client({pair: {a, b}}).replay({})`: `a pair sends single requests, and does not replay sessions`,
		`scenarios({search: {over: 'rate', slo: 'failures<1%'}, exec: {client: new Client({pair: {a, b}}), data}})`: `a search judges ` +
			`single requests, and a pair sends two: search with one client`,
		`scenarios({stages: [{rate: 1, duration: '1s'}], exec: {client: new Client({pair: {a, b}}), ` +
			`data: new Dataset({type: 'shareGPT', path: 'talk.json', turns: 'all', sessions: 1})}})`: `a pair sends single requests, not conversations and sessions`,
	} {
		v := newVU(t, New())
		v.write(t, "/scripts/talk.json", talk)
		_, err := v.RunOnEventLoop(script + code)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}
