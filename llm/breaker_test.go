package llm

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// watched returns the breakers of the Client that the code makes.
func watched(t *testing.T, code string) (circuits []*breaker.Circuit) {
	t.Helper()
	v := newVU(t, New())
	rt := v.VU.Runtime()
	_ = rt.Set("Client", func(call sobek.ConstructorCall) *sobek.Object {
		opts, err := readClientOptions(rt, call.Argument(0))
		if err != nil {
			t.Fatal(err)
		}
		circuits = opts.Breakers
		return nil
	})
	if err := fsext.WriteFile(v.files, "/scripts/config.yml", exampleConfig(t), 0o600); err != nil {
		t.Fatal(err)
	}
	v.run(t, code)
	return circuits
}

func exampleConfig(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../docs/config/circuit-breaker.yml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// play feeds a story to a client's breakers, one request a second: f is a reset connection, 5 a status 503, c a request
// that the client cut, s a success; | begins a new stage. It returns each stop: the number of the request, and run or
// stage.
func play(circuits []*breaker.Circuit, story string) (stops, reasons []string) {
	n, stage := 0, 0
	stop := func(reason string, run bool) {
		what := map[bool]string{true: "run", false: "stage"}[run]
		stops, reasons = append(stops, fmt.Sprint(n, " ", what)), append(reasons, reason)
	}
	for _, letter := range story {
		if letter == '|' {
			stage++
			continue
		}
		r := &record.Request{Stage: stage, Start: 1, End: int64(n+1) * int64(time.Second), Error: "why"}
		switch letter {
		case 'f':
			r.ErrorType = record.ErrorReset
		case '5':
			r.ErrorType, r.Status = record.ErrorHTTP, 503
		case 'c':
			r.ErrorType = record.ErrorCanceled
		}
		breaker.Watch(circuits, r, stop)
		n++
	}
	return stops, reasons
}

func TestBreakers(t *testing.T) {
	t.Parallel()
	const busy = `matches: ['@'], rules: ["error.error_type == 'HTTP Error 503'"]`
	for _, tt := range []struct {
		name, options, story string
		want                 []string // the stops; an open breaker stops at each request
		reason               string   // of the first stop
	}{
		{"none", `null`, "ffff", nil, ""},
		{"three in a row", `{consecutive: 3}`, "ffsfff", []string{"5 run"},
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"a stage begins anew", `{consecutive: 3}`, "ff|ff|fff", []string{"6 run"},
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"cuts do not count", `{consecutive: 3}`, "ffccf", []string{"4 run"},
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"a share", `{rate: 0.5, minSamples: 4}`, "sfsf", []string{"3 run"},
			"circuit breaker: 2 of the last 4 requests failed, the last with reset: why"},
		{"20 samples unless said", `{rate: 1, window: '1m'}`, strings.Repeat("f", 20), []string{"19 run"},
			"circuit breaker: 20 of the last 20 requests failed, the last with reset: why"},
		{"10 s unless said", `{rate: 1, minSamples: 11}`, strings.Repeat("f", 11), []string{"10 run"},
			"circuit breaker: 11 of the last 11 requests failed, the last with reset: why"},
		{"more than 10 s hold", `{rate: 1, minSamples: 12}`, strings.Repeat("f", 30), nil, ""},
		{"either", `{consecutive: 3, rate: 0.5, minSamples: 4}`, "sfsf", []string{"3 run"},
			"circuit breaker: 2 of the last 4 requests failed, the last with reset: why"},
		{"each stage", `{consecutive: 2, stop: 'stage'}`, "ff|sff", []string{"1 stage", "4 stage"},
			"circuit breaker: 2 requests in a row failed, the last with reset: why"},
		{"expressions", `{name: 'busy', ` + busy + `, consecutive: 3}`, "55f555", []string{"5 run"},
			`circuit breaker "busy": 3 requests in a row met its rules, the last with http: why`},
		{"expressions count through stages", `{` + busy + `, consecutive: 3}`, "55|5|s", []string{"2 run", "3 run"},
			"circuit breaker: 3 requests in a row met its rules, the last with http: why"},
		{"expressions that stop stages do not", `{` + busy + `, consecutive: 3, stop: 'stage'}`, "55|555|s",
			[]string{"4 stage"}, "circuit breaker: 3 requests in a row met its rules, the last with http: why"},
		{"no rules", `{matches: ['error'], consecutive: 3}`, "fsfsf", []string{"4 run"},
			"circuit breaker: 3 requests in a row matched, the last with reset: why"},
		{"rules of every request", `{rules: ['error'], consecutive: 3}`, "fsff|f", []string{"4 run"},
			"circuit breaker: 3 requests in a row failed, the last with reset: why"},
		{"triggers", `{triggers: [{consecutive: 4}, {rate: 0.5, window: 60000, minSamples: 0}]}`, "ssf5",
			[]string{"3 run"}, "circuit breaker: 2 of the last 4 requests failed, the last with http: why"},
		{"no trigger", `{matches: ['@'], triggers: []}`, "ffffff", nil, ""},
		{"several", `[{name: 'a', consecutive: 3}, {name: 'b', consecutive: 2, stop: 'stage'}]`, "fff",
			[]string{"1 stage", "2 run", "2 stage"},
			`circuit breaker "b": 2 requests in a row failed, the last with reset: why`},
	} {
		stops, reasons := play(watched(t, `new Client({circuitBreaker: `+tt.options+`})`), tt.story)
		if !slices.Equal(stops, tt.want) {
			t.Errorf("%s: %s of %q stops %q, want %q", tt.name, tt.options, tt.story, stops, tt.want)
		}
		if len(reasons) > 0 && reasons[0] != tt.reason {
			t.Errorf("%s: reason %q, want %q", tt.name, reasons[0], tt.reason)
		}
	}
}

func TestBreakerOfTheExampleConfiguration(t *testing.T) {
	t.Parallel()
	const code = `new Client({circuitBreaker: config('./config.yml').client.circuitBreaker})`
	for story, want := range map[string][]string{
		"55555":         {"4 run"},
		"55|555":        {"4 run"},
		"5555s5555f555": nil,
	} {
		stops, reasons := play(watched(t, code), story)
		if !slices.Equal(stops, want) {
			t.Errorf("%q stops %q, want %q", story, stops, want)
		}
		if len(reasons) > 0 && reasons[0] != `circuit breaker "overloaded": 5 requests in a row met its rules, the `+
			`last with http: why` {
			t.Errorf("%q: reason %q", story, reasons[0])
		}
	}
}

func TestBreakerOptionErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ options, want string }{
		{`{}`, `needs consecutive, as in {consecutive: 10}, or a rate`},
		{`{matches: ['@']}`, `needs consecutive, as in {consecutive: 10}, or a rate`},
		{`{matches: 'error', consecutive: 1}`,
			`circuitBreaker option "matches": must be an array of expressions such as ["error.error_type == 'HTTP ` +
				`Error 503'"], got a string`},
		{`{rules: [1], consecutive: 1}`, `circuitBreaker option "rules": number 0 must be a string, got 1`},
		{`{matches: [], consecutive: 1}`, `matches needs an expression: "@" matches every request`},
		{`{matches: ['error.'], consecutive: 1}`, `matches[0]: expression "error." at column 7: `},
		{`{rules: ['@', 'eror('], consecutive: 1}`, `rules[1]: expression "eror(" at column 6: `},
		{`{mathces: ['@'], consecutive: 1}`, `unknown circuitBreaker option "mathces", did you mean "matches"?`},
		{`{triggers: {consecutive: 1}}`,
			`circuitBreaker option "triggers": must be an array such as [{consecutive: 5}], got an object`},
		{`{triggers: [{consecutive: 1}, {}]}`, `"triggers": number 1: needs either consecutive or a rate`},
		{`{triggers: [{consecutive: 1, rate: 0}]}`, `"triggers": number 0: needs either consecutive or a rate`},
		{`{triggers: [{consecutive: 0}]}`,
			`"triggers": number 0: trigger option "consecutive": must be at least 1, got 0`},
		{`{triggers: [{treshold: 0}]}`, `"triggers": number 0: unknown trigger option "treshold"`},
		{`{triggers: [{rate: -1}]}`, `triggers[0]: rate must be between 0 and 1, got -1`},
		{`{triggers: [{rate: 1, window: 0}]}`,
			`triggers[0]: needs either consecutive, at least 1, or a window above 0`},
		{`{consecutive: 1, stop: 'all'}`, `stop must be 'run' or 'stage', got "all"`},
		{`[{consecutive: 1}, {consecutive: 'x'}]`,
			`number 1: circuitBreaker option "consecutive": must be a number, got a string`},
		{`5`, `circuitBreaker options must be an object, got 5`},
	} {
		v := newVU(t, New())
		_, err := v.RunOnEventLoop(`new Client({circuitBreaker: ` + tt.options + `})`)
		if err == nil || !strings.Contains(err.Error(), `Client option "circuitBreaker": `) ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.options, err, tt.want)
		}
	}
}

// Clients that differ only in their breakers must not share them.
func TestBreakersTellClientsApart(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `new Client({circuitBreaker: {consecutive: 3}}); new Client({circuitBreaker: {consecutive: 4}}); new `+
		`Client({circuitBreaker: {consecutive: 4}}); new Client()`)
	v.run(t, `new Client({circuitBreaker: {consecutive: 4, rules: ['error']}}); new Client({circuitBreaker: `+
		`[{consecutive: 4}]}); new Client({circuitBreaker: []})`)
	if n := v.run(t, `new Client({baseURL: 'sim:', model: 'another'}).number`).ToInteger(); n != 4 {
		t.Errorf("%d distinct clients, want 4", n)
	}
}

func TestBreakerTypesKeepStep(t *testing.T) {
	t.Parallel()
	types, err := os.ReadFile("../docs/index.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	trigger := declared(t, string(types), "BreakerTrigger")
	doc := append(declared(t, string(types), "CircuitBreaker"), trigger...)
	slices.Sort(doc)
	if code := slices.Sorted(maps.Keys(newBreakerOptions().fields())); !slices.Equal(code, doc) {
		t.Errorf("the code has %v\ndocs/index.d.ts has %v", code, doc)
	}
	share := shareFields(new(breaker.Trigger), new(bool))
	if code := append([]string{"consecutive"}, slices.Sorted(maps.Keys(share))...); !slices.Equal(code, trigger) {
		t.Errorf("a trigger: the code has %v\ndocs/index.d.ts has %v", code, trigger)
	}
}
