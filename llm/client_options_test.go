package llm

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// recorder is a server that keeps the requests it gets. It drops the connections of the first requests without an
// answer.
type recorder struct {
	*httptest.Server
	drop, asked  int
	bodies       []string
	ids          []string // from the headers of the requests
	session, got []string // session headers: ids and tokens of the requests
	connections  map[string]bool
	mu           sync.Mutex

	authorization, trace string // of the newest request
}

const oneToken = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]," +
	"\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n"

func (s *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, `{"data":[{"id":"m"}]}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if s.asked++; s.asked <= s.drop {
		panic(http.ErrAbortHandler) // closes the connection
	}
	s.bodies, s.ids = append(s.bodies, string(body)), append(s.ids, r.Header.Get("X-Request-Id"))
	s.authorization, s.trace = r.Header.Get("Authorization"), r.Header.Get("X-Trace")
	s.session, s.got = append(s.session, r.Header.Get("X-Session")), append(s.got, r.Header.Get("X-Token"))
	s.connections[r.RemoteAddr] = true
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Token", fmt.Sprintf("secret-%d", s.asked))
	_, _ = io.WriteString(w, oneToken)
}

func newRecorder(t *testing.T, drop int) *recorder {
	t.Helper()
	s := &recorder{drop: drop, connections: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func TestRetriesOfAClient(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options, want string
		asked         int
	}{
		{`retries: 3, retryBackoff: 1`, `null 3 a`, 4},
		{`retries: 1, retryBackoff: '1ms'`, `reset 2 `, 3},
		{``, `reset 1 `, 2},
	} {
		// The first attempt uses the connection that was opened for the list of models. Only for that reason it is sent
		// again.
		server, v := newRecorder(t, 3), newVU(t, New())
		v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s', %s});`, server.URL, tt.options))
		v.start(t)
		got := v.run(t, "const r = client.chat('hi'); `${r.errorType} ${r.retries} ${r.text}`").String()
		requests, _ := v.records()
		server.mu.Lock() // the server may still handle the last request
		if r := requests[0]; got != tt.want || server.asked != tt.asked || r.Retries != tt.asked-1 ||
			(r.Attempt > r.Start) != (r.Retries > 0) {
			t.Errorf("%s: got %q, want %q; asked %d times, recorded %d retries", tt.options, got, tt.want, server.asked,
				r.Retries)
		}
		server.mu.Unlock()
	}
}

func TestResponseFormat(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"json_schema","json_schema":{"name":"structured_output","schema":{"type":"object","b":1,"a":[]}}}`
	for _, tt := range []struct{ call, format, want string }{
		{`chat('hi')`, `{type: 'json_schema', jsonSchema: {type: 'object', b: 1, a: []}}`, schema},
		{`complete('hi')`, `{jsonSchema: '{"type": "object", "b": 1, "a": []}'}`, schema},
		{`chat('hi')`, `{type: 'json_schema', name: 'n', jsonSchema: {}}`,
			`{"type":"json_schema","json_schema":{"name":"n","schema":{}}}`},
		{`chat('hi')`, `{type: 'json_object'}`, `{"type":"json_object"}`},
	} {
		server, v := newRecorder(t, 0), newVU(t, New())
		v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s', responseFormat: %s});`, server.URL, tt.format))
		v.start(t)
		v.run(t, `client.`+tt.call)
		if want := `"stream_options":{"include_usage":true},"response_format":` + tt.want +
			`}`; !strings.HasSuffix(server.bodies[0], want) {
			t.Errorf("%s: sent %s\nwant its end to be %s", tt.format, server.bodies[0], want)
		}
	}
}

func TestSLOHeaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options string
		bounds        *record.Bounds
		good          any
	}{
		{"not asked for", `headers: {'x-slo-ttft-ms': '1'}`, nil, nil},
		{"by default", `headers: {'X-SLO-TTFT-MS': '1'}, sloHeaders: {}`, &record.Bounds{TTFT: 1}, false},
		{"in seconds", `headers: {'x-slo-ttft-s': '50'}, sloHeaders: {unit: 's'}`, &record.Bounds{TTFT: 50e3}, true},
		{"both", `headers: {'x-slo-ttft-us': '50', 'x-slo-tpot-us': '1'}, sloHeaders: {unit: 'us'}`,
			&record.Bounds{TTFT: 0.05, TPOT: 0.001}, false},
		{"before slo",
			`headers: {a: '1'}, sloHeaders: {ttft: 'A', unit: 'us'}, slo: {ttft: '50s', request_latency: '50s'}`,
			&record.Bounds{TTFT: 0.001, Latency: 50e3}, false},
		{"slo alone", `headers: {a: 'default'}, sloHeaders: {ttft: 'a'}, slo: {ttft: '50s'}`,
			&record.Bounds{TTFT: 50e3}, true},
		{"no stream", `headers: {'x-slo-ttft-ms': '1'}, sloHeaders: {}, streaming: false`, nil, nil},
		{"null", `headers: {'x-slo-ttft-ms': '1'}, sloHeaders: null`, nil, nil},
		{"failures are not good", `baseURL: 'sim:?failure-rate=1', headers: {'x-slo-ttft-ms': '50000'}, sloHeaders: {}`,
			&record.Bounds{TTFT: 50e3}, false},
	} {
		v := newVU(t, New())
		v.run(t, `const client = new Client({baseURL: 'sim:?ttft=20ms&itl=0s', `+tt.options+`});`)
		v.start(t)
		good := v.run(t, `client.chat('hi', {maxTokens: 2}).good`).Export()
		requests, _ := v.records()
		r := requests[0]
		if good != tt.good || (r.SLO == nil) != (tt.bounds == nil) || r.SLO != nil && *r.SLO != *tt.bounds {
			t.Errorf("%s: good %v, by %+v; want %v, %+v", tt.name, good, r.SLO, tt.good, tt.bounds)
		}
	}
}

// All VUs send the token that the server set for the session.
func TestSessionHeadersOfAllVUs(t *testing.T) {
	t.Parallel()
	server, root := newRecorder(t, 0), New()
	for range 2 {
		v := newVU(t, root)
		v.run(t, fmt.Sprintf(`const client = new Client({baseURL: '%s', sessionHeader: 'x-session', `+
			`sessionTokenHeader: 'x-token'});`, server.URL))
		v.start(t)
		v.run(t, `client.chat('hi', {sessionID: 's'}); client.complete('hi', {sessionID: 's'}); client.chat('hi')`)
		requests, others := v.records()
		for _, line := range append(others, requests[0], requests[1], requests[2]) {
			if text, err := record.Append(nil, line); err != nil || strings.Contains(string(text), "secret") {
				t.Errorf("%s, %v", text, err)
			}
		}
		if requests[0].SessionID != "s" || requests[2].SessionID != "" {
			t.Errorf("recorded sessions %q and %q", requests[0].SessionID, requests[2].SessionID)
		}
	}
	if got, want := fmt.Sprintf("%q %q", server.session, server.got),
		`["s" "s" "" "s" "s" ""] ["" "secret-1" "" "secret-2" "secret-4" ""]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSessionUnfitForAHeaderThrows(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=1ms', sessionHeader: 'x-session'});`)
	v.start(t)
	_, err := v.RunOnEventLoop(`client.chat('hi', {sessionID: 'a\nb'})`)
	if err == nil || !strings.Contains(err.Error(), `session id "a\nb" holds a control character, and so cannot be `+
		`sent as the header "x-session"`) {
		t.Errorf("got %v", err)
	}
}

func TestClientLineNamesItsOptions(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({
		baseURL: 'sim:?ttft=1ms', headers: {'x-slo-ttft-ms': '7654'}, retries: 2, sloHeaders: {}, sessionHeader: 'x-session',
		sessionTokenHeader: 'x-token', responseFormat: {type: 'json_object'},
	});`)
	v.start(t)
	v.run(t, `client.chat('hi', {maxTokens: 1})`)
	_, others := v.records()
	text, err := record.Append(nil, others[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"retries":2`, `"retryBackoff":"500ms"`,
		`"sloHeaders":{"tpot":"x-slo-tpot-ms","ttft":"x-slo-ttft-ms","unit":"ms"}`, `"sessionHeader":"x-session"`,
		`"sessionTokenHeader":"x-token"`, `"responseFormat":{"type":"json_object"}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if strings.Contains(string(text), "7654") {
		t.Errorf("the value of a header is in %s", text)
	}
}

// Without baseURL a client sends to the simulator, unless another option tells of a server.
func TestTheSimulatorIsNotTakenForAServer(t *testing.T) {
	t.Parallel()
	for options, told := range map[string]string{
		"apiKey: 'secret'": "apiKey", "model: 'm'": "model", "endpoint: '/a/chat/completions'": "endpoint",
		"apiKeyHeader: 'api-key'":           "apiKeyHeader",
		"apiKey: 'secret', baseURL: 'sim:'": "", "ignoreEOS: false": "",
	} {
		_, err := newVU(t, New()).RunOnEventLoop("new Client({" + options + "})")
		want := "\"baseURL\": is missing, and " + told + " is given"
		if told == "" && err != nil || told != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", options, err, told)
		}
	}
}

func TestMisuseOfClientOptionsThrows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ options, want string }{
		{`label: ''`, `Client option "label": a label must not be empty`},
		{`label: 'a\nb'`, `Client option "label": a label must not hold control characters, got "a\nb"`},
		{`classes: []`, `Client option "classes": must be an object such as {chat:`},
		{`classes: {vip: {sol: {}}}`, `"classes": "vip": unknown class option "sol", known are cancel, headers, model`},
		{`classes: {vip: {headers: {'a b': '1'}}}`, `classes: "vip": headers: "a b" is not a valid header`},
		{`api: 'embeddings', classes: {vip: {slo: {ttft: 1}}}`, `"classes": "vip": class option "slo": "ttft" is`},
		{`priority: 1.5`, `Client option "priority": must be a whole number, got 1.5`},
		{`priorityField: 'model'`, `priorityField: "model" is another field of the request`},
		{`priorityHeader: 'a b'`, `priorityHeader: "a b" is not the name of a header`},
		{`retries: -1`, `Client option "retries": must be at least 0, got -1`},
		{`retries: 1.5`, `Client option "retries": must be a whole number, got 1.5`},
		{`retryBackoff: -1`, `Client option "retryBackoff": must not be negative, got -1ms`},
		{`retryBackoff: 'soon'`, `Client option "retryBackoff": must be a duration`},
		{`sloHeaders: 'x'`, `Client option "sloHeaders": sloHeaders options must be an object, got a string`},
		{`sloHeaders: {ttf: 'x'}`, `Client option "sloHeaders": unknown sloHeaders option "ttf", did you mean "ttft"?`},
		{`sloHeaders: {unit: 'min'}`, `Client option "sloHeaders": unknown unit "min", known are s, ms, us`},
		{`sloHeaders: {}, headers: {'X-Slo-Tpot-Ms': 'secret'}`,
			`Client option "sloHeaders": the value of header "X-Slo-Tpot-Ms" must be a positive number of ms, or ` +
				`"default"`},
		{`responseFormat: []`,
			`Client option "responseFormat": responseFormat options must be an object, got an array`},
		{`responseFormat: {type: 'text'}`,
			`Client option "responseFormat": unknown type "text", known are json_schema, json_object`},
		{`responseFormat: {schema: {}}`, `unknown responseFormat option "schema"`},
		{`responseFormat: {name: 'n'}`, `Client option "responseFormat": type "json_schema" needs a jsonSchema`},
		{`responseFormat: {jsonSchema: []}`,
			`responseFormat option "jsonSchema": must be an object or the text of one, got an array`},
		{`responseFormat: {jsonSchema: '{'}`, `Client option "responseFormat": jsonSchema is not a JSON object`},
		{`responseFormat: {type: 'json_object', jsonSchema: {}}`,
			`Client option "responseFormat": type "json_object" takes neither name nor jsonSchema`},
		{`sessionHeader: 'a b'`, `new Client: sessionHeader: "a b" is not the name of a header`},
		{`sessionTokenHeader: ':'`, `new Client: sessionTokenHeader: ":" is not the name of a header`},
		{`headers: {a: 'secret\n'}`, `new Client: headers: "a" is not a valid header`},
		{`certPath: 'c.pem'`, `Client option "certPath": needs keyPath, the certificate's key`},
		{`keyPath: 'c.pem'`, `Client option "keyPath": needs certPath, the certificate it is the key of`},
		{`caPath: 5`, `Client option "caPath": must be a string, got 5`},
		{`caPath: 'none.pem'`, `Client option "caPath": certificates /scripts/none.pem does not exist: check its path`},
	} {
		_, err := newVU(t, New()).RunOnEventLoop(`new Client({` + tt.options + `})`)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", tt.options, err, tt.want)
		}
	}
}
