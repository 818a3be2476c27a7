package llm

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// newSimulator serves a simulated model without waits.
func newSimulator(t *testing.T, query string) *httptest.Server {
	t.Helper()
	options, err := sim.ParseQuery("ttft=0s&itl=0s&" + query)
	if err != nil {
		t.Fatal(err)
	}
	simulator, err := sim.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simulator)
	t.Cleanup(func() { server.Close(); _ = simulator.Close() })
	return server
}

// sendEach runs a request in each of n iterations, and returns how many records name each endpoint.
func (v *vu) sendEach(t *testing.T, n int, code string) (counts map[string]int, requests []*record.Request,
	others []record.Line) {
	t.Helper()
	counts = map[string]int{}
	for i := range n {
		v.iter = uint64(i)
		v.run(t, code)
	}
	requests, others = v.records()
	for _, r := range requests {
		counts[r.Endpoint]++
	}
	return counts, requests, others
}

func TestRequestsAreSpreadOverEndpoints(t *testing.T) {
	t.Parallel()
	a, b := newSimulator(t, "model=m"), newSimulator(t, "model=m")
	for _, tt := range []struct {
		options, request string
		first, second    int
	}{
		{"", "'hi'", 20, 20},
		{"balance: 'round-robin'", "'hi'", 20, 20},
		{"weights: [3, 1]", "'hi'", 30, 10},
		{"balance: 'weights', weights: [0.1, 0.9]", "'hi'", 4, 36},
		{"balance: 'session'", "'hi', {sessionID: 'one'}", 40, 0},
		{"balance: 'session'", "'hi', {sessionID: 'three'}", 0, 40},
		{"balance: 'session'", "'hi'", 20, 20},
	} {
		v := newVU(t, New())
		v.run(t, fmt.Sprintf(`const client = new Client({baseURL: ['%s', 'USER:secret@%s/v1'], %s});`, a.URL,
			strings.TrimPrefix(b.URL, "http://"), tt.options))
		v.start(t)
		counts, requests, others := v.sendEach(t, 40, `client.chat(`+tt.request+`)`)
		second := strings.Replace(b.URL, "http://", "http://USER:xxxxx@", 1) + "/v1"
		if counts[a.URL] != tt.first || counts[second] != tt.second || requests[0].Failed() {
			t.Errorf("%s: got %v, want %d and %d (%s)", tt.options, counts, tt.first, tt.second, requests[0].Error)
		}
		if line := others[len(others)-1].(*record.Client); fmt.Sprint(line.Options["baseURL"]) !=
			"["+a.URL+" "+second+"]" || line.Options["balance"] == nil || line.Options["model"] != "m" {
			t.Errorf("%s: the record has the options %v", tt.options, line.Options)
		}
	}
}

// A text may name the endpoints too, as BASE_URL does. A client of one endpoint names none in its records.
func TestEndpointsOfAText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sim:?itl=0s,sim:?itl=1us":               "map[sim:?itl=0s:2 sim:?itl=1us:2]",
		"sim:?lora=a,b&itl=0s, sim:?itl=1us ":    "map[sim:?itl=1us:2 sim:?lora=a,b&itl=0s:2]",
		"sim:?lora=a,b&itl=0s":                   "map[:4]",
		"localhost:1,sim:?itl=0s,http://[::1]:1": "map[http://[::1]:1:1 http://localhost:1:2 sim:?itl=0s:1]",
	} {
		v := newVU(t, New())
		v.run(t, `const client = new Client({baseURL: '`+text+`'})`)
		v.start(t)
		if counts, _, _ := v.sendEach(t, 4, `client.chat('hi', {maxTokens: 1})`); fmt.Sprint(counts) != want {
			t.Errorf("%s: got %v, want %s", text, counts, want)
		}
	}
}

// The requests of an endpoint that does not answer fail. The others do not, and each has the model of its endpoint.
func TestADeadEndpoint(t *testing.T) {
	t.Parallel()
	a, b := newSimulator(t, "model=m"), newSimulator(t, "model=n")
	v := newVU(t, New())
	v.run(t, fmt.Sprintf(`const client = new Client({baseURL: ['%s', 'http://127.0.0.1:1', '%s']});`, a.URL, b.URL))
	v.start(t)
	_, requests, _ := v.sendEach(t, 6, `client.chat('hi', {maxTokens: 1})`)
	got := ""
	for _, r := range requests {
		got += fmt.Sprintln(strings.NewReplacer(a.URL, "a", b.URL, "b").Replace(r.Endpoint), r.Model, r.ErrorType)
	}
	want := strings.Repeat("a m \nhttp://127.0.0.1:1 m connect\nb n \n", 2)
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	var logged []string
	for _, e := range v.log.AllEntries() {
		logged = append(logged, e.Message)
	}
	text := strings.Join(logged, "\n")
	for _, want := range []string{"1 of 3 endpoints does not answer: cannot reach http://127.0.0.1:1",
		"and that it runs; its requests will fail", "serve different models",
		"m at " + a.URL + ", n at " + b.URL} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is logged %d times:\n%s", want, strings.Count(text, want), text)
		}
	}
}

// Where no endpoint answers there is nothing to measure.
func TestDeadEndpointsAlone(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'http://127.0.0.1:1,http://127.0.0.1:2'});`)
	v.start(t)
	_, err := v.RunOnEventLoop(`client.chat('hi')`)
	const begins = "none of 2 endpoints can be used: cannot reach http://127.0.0.1:1/"
	if err == nil || !strings.Contains(err.Error(), begins) ||
		!strings.Contains(err.Error(), "; cannot reach http://127.0.0.1:2/") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestEndpointsThatCannotBe(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		`baseURL: []`:                                       `Client option "baseURL": is an empty list: give a URL, or several`,
		`baseURL: ['sim:', 7]`:                              `Client option "baseURL": number 1 must be a URL`,
		`baseURL: ['sim:', '']`:                             `Client option "baseURL": number 1 must be a URL`,
		`baseURL: ['sim:', 'h']`:                            `new Client: number 1: baseURL "h" is not a URL such as "http://localhost:8000/v1": write http:// before it`,
		`baseURL: ['sim:', 'sim:?a=b']`:                     `Client option "baseURL": number 1: unknown`,
		`baseURL: ['sim:', 'sim:']`:                         `number 1 is the same endpoint as number 0, sim:: give each simulator a name of its own`,
		`baseURL: 'http://h,http://h/v1'`:                   `number 1 is the same endpoint as number 0, http://h/v1: leave one out`,
		`baseURL: ['http://u:p@h', 'http://u:q@h']`:         `number 1 is the same endpoint as number 0, http://u:xxxxx@h: leave one out`,
		`baseURL: 'sim:', balance: 'random'`:                `"balance" and "weights" are for several endpoints, and baseURL names one`,
		`baseURL: ['sim:'], weights: [1]`:                   `"balance" and "weights" are for several endpoints, and baseURL names one`,
		`balance: 'random'`:                                 `"balance" and "weights" are for several endpoints, and baseURL names one`,
		`baseURL: ['sim:', 'sim:?itl=0s'], weights: [0, 0]`: `weights: number 0 must be above 0, got 0`,
		`baseURL: ['sim:', 'sim:?itl=0s'], balance: 'x'`:    `new Client: unknown balance "x", known are round-robin, random, session, weights`,
	} {
		_, err := newVU(t, New()).RunOnEventLoop(`new Client({` + options + `})`)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", options, err, want)
		}
	}
}
