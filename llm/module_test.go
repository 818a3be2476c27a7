package llm

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grafana/sobek"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/js/modulestest"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/fsext"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// vu is one VU of a module.
type vu struct {
	*modulestest.Runtime
	root    *RootModule
	samples chan metrics.SampleContainer
	log     *logtest.Hook
	state   *lib.State
	iter    uint64
	files   fsext.Fs
}

// newVU returns a VU in the init context.
func newVU(t *testing.T, root *RootModule) *vu {
	t.Helper()
	return newVUWith(t, root, nil)
}

// newVUWith returns a VU with variables in its environment.
func newVUWith(t *testing.T, root *RootModule, variables map[string]string) *vu {
	t.Helper()
	v := &vu{Runtime: modulestest.NewRuntime(t), root: root, samples: make(chan metrics.SampleContainer, 1000),
		files: fsext.NewMemMapFs()}
	env := v.VU.InitEnvField
	env.LookupEnv = func(name string) (string, bool) { value, set := variables[name]; return value, set }
	env.FileSystems = map[string]fsext.Fs{"file": v.files}
	env.BuiltinMetrics = v.BuiltinMetrics
	env.CWD.Path = "/scripts"
	if err := v.VU.Runtime().Set("__VU", 1); err != nil {
		t.Fatal(err)
	}
	instance := root.NewModuleInstance(v.VU)
	for name, value := range instance.Exports().Named {
		if err := v.VU.Runtime().Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// start moves to the VU context, in iteration 0 of a scenario.
func (v *vu) start(t *testing.T) {
	t.Helper()
	log, hook := logtest.NewNullLogger()
	v.log = hook
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	v.state = &lib.State{
		Samples: v.samples, Transport: transport, Logger: log,
		Tags: lib.NewVUStateTags(v.VU.InitEnvField.Registry.RootTagSet().With("scenario",
			"stage_1")),
		GetScenarioGlobalVUIter: func() uint64 { return v.iter },
	}
	if err := v.state.Options.Scenarios.UnmarshalJSON([]byte(`{
		"stage_0": {"executor": "constant-arrival-rate", "rate": 1, "duration": "10s", "preAllocatedVUs": 1},
		"stage_1": {"executor": "constant-arrival-rate", "startTime": "10s", "rate": 1, "duration": "10s", "preAllocatedVUs": 1, "env": {"K6_LLM_FIRST_ITEM": "10"}}
	}`)); err != nil {
		t.Fatal(err)
	}
	v.MoveToVUContext(v.state)
	v.VU.CtxField = lib.WithScenarioState(v.VU.CtxField, &lib.ScenarioState{Name: "stage_1", StartTime: time.Now()})
}

func (v *vu) run(t *testing.T, code string) sobek.Value {
	t.Helper()
	value, err := v.RunOnEventLoop(code)
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return value
}

// records returns the records that were pushed, and the lines before them.
func (v *vu) records() (requests []*record.Request, others []record.Line) {
	for {
		select {
		case c := <-v.samples:
			if r, ok := c.(*samples.Container).Line().(*record.Request); ok {
				requests = append(requests, r)
			} else {
				others = append(others, c.(*samples.Container).Line())
			}
		default:
			return requests, others
		}
	}
}

const fastSim = `const client = new Client({baseURL: 'sim:?ttft=5ms&itl=1ms', slo: {ttft: '1s'}});`

func TestSendReturnsAResultAndARecord(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, fastSim)
	v.start(t)
	v.iter = 7
	got := v.run(t, `
		const r = client.send({messages: [{role: 'user', content: 'one two three'}], maxTokens: 4, sessionID: 's', turn: 1});
		client.chat('hi', {maxTokens: 1});
		JSON.stringify({
			text: r.text, error: r.error, type: r.errorType, status: r.status, finish: r.finishReason, in: r.promptTokens, out: r.completionTokens,
			delay: r.scheduleDelay, good: r.good, model: r.model, gaps: r.itl.length,
			// On a busy machine one read may return several chunks, which then share its time.
			times: r.ttft >= 5 && (r.tpot === null || r.tpot > 0) && r.latency >= r.ttft && Math.abs(r.ntpot - r.latency / 4) < 0.001 && r.itl[0] >= 0,
		})`).String()
	const want = `{"text":"Simulated quick model ` +
		`answers","error":null,"type":null,"status":200,"finish":"length","in":3,"out":4,` +
		`"delay":null,"good":true,"model":"sim","gaps":3,"times":true}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	requests, others := v.records()
	if len(others) != 2 || len(requests) != 2 {
		t.Fatalf("%d requests after %d other lines, want 2 after 2", len(requests), len(others))
	}
	if run := others[0].(*record.Run); len(run.Scenarios) != 2 {
		t.Errorf("run %+v", run)
	}
	if c := others[1].(*record.Client); !c.Simulator || c.SLO.TTFT != 1000 || c.Options["model"] != "sim" {
		t.Errorf("client %+v", c)
	}
	a, b := requests[0], requests[1]
	if a.Scenario != "stage_1" || a.Stage != 1 || a.Index != 7 || a.Seq != 0 || a.SessionID != "s" || a.Turn != 1 ||
		a.Due != nil || !*a.Good {
		t.Errorf("first record %+v", a)
	}
	if b.Index != 7 || b.Seq != 1 || a.ID == b.ID {
		t.Errorf("second record of the iteration %+v", b)
	}
	if len(v.log.AllEntries()) != 1 ||
		!strings.HasPrefix(v.log.LastEntry().Message, "requests go to the built-in simulator") {
		t.Errorf("log %v: the simulator must be announced once", v.log.AllEntries())
	}
}

func TestTagsAndMetadata(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	if err := v.VU.InitEnvField.Usage.Strings("outputs", "json"); err != nil { // an output that reads metadata
		t.Fatal(err)
	}
	v.run(t, `const client = new Client({baseURL: 'sim:?failure-rate=1'});`)
	v.start(t)
	v.run(t, `client.chat('hi')`)
	<-v.samples
	<-v.samples
	c := (<-v.samples).(*samples.Container)
	want := map[string]string{"scenario": "stage_1", "model": "sim", "api": "chat", "stage": "1", "error_type": "http"}
	if got := c.GetSamples()[0].Tags.Map(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("tags %v, want %v", got, want)
	}
	if c.GetSamples()[0].Metadata["request_id"] == "" {
		t.Error("no request_id in the metadata")
	}
}

func TestEachEndpointHasItsMethod(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, fastSim+`const completions = new Client({baseURL: 'sim:?ttft=5ms&itl=1ms', api: 'completion'});`)
	v.start(t)
	v.run(t, `
		client.send({prompt: 'as a chat', maxTokens: 1});
		client.complete('p', {maxTokens: 1});
		completions.send({prompt: 'p', maxTokens: 1});
		completions.chat([{role: 'user', content: [{type: 'text', text: 'q'}]}], {maxTokens: 1});`)
	requests, _ := v.records()
	var apis []string
	for _, r := range requests {
		apis = append(apis, r.API+r.ErrorType)
	}
	if got := strings.Join(apis, " "); got != "chat completion completion chat" {
		t.Errorf("got %s", got)
	}
}

func TestAsyncRequestsRunAtOnce(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=1s&itl=1ms'}); let texts;`)
	v.start(t)
	start := time.Now()
	v.run(t, `Promise.all([1, 2, 3, 4].map((i) => client.chatAsync('hi', {maxTokens: i}))).then((all) => { texts = `+
		`all.map((r) => r.text).join('|'); });`)
	if got := v.run(t,
		`texts`).String(); got != "Simulated|Simulated quick|Simulated quick model|Simulated quick model answers" {
		t.Errorf("got %s", got)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("four requests of a second took %v: one after the other", took)
	}
	requests, _ := v.records()
	seen := map[int]bool{}
	for _, r := range requests {
		seen[r.Seq] = true
	}
	if len(requests) != 4 || len(seen) != 4 {
		t.Errorf("%d records with %d numbers", len(requests), len(seen))
	}
}

func TestAdaptersAreSplit(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s&lora=a,b&failure-rate=0.2', adapters: `+
		`[{name: 'a', split: 0.7}, {name: 'b', split: 0.3}]});`)
	v.start(t)
	counts, failed := map[string]int{}, map[string]int{}
	var order []string
	for range 400 {
		v.iter++
		v.run(t, `client.chat('hi', {maxTokens: 1})`)
		requests, _ := v.records()
		r := requests[0]
		if r.Model != r.Adapter {
			t.Fatalf("adapter %q asked for as model %q", r.Adapter, r.Model)
		}
		counts[r.Adapter]++
		if r.Failed() {
			failed[r.Adapter]++
		}
		order = append(order, r.Adapter)
	}
	if counts["a"] < 250 || counts["a"] > 310 || counts["a"]+counts["b"] != 400 || failed["a"] == 0 ||
		failed["b"] == 0 {
		t.Errorf("split %v, failed %v; want about 280 to 120, failures with their adapter", counts, failed)
	}
	split := []record.Adapter{{Name: "a", Split: 0.7}, {Name: "b", Split: 0.3}}
	for i, got := range order {
		if want := traffic.ChooseAdapter(split, traffic.Place{Scenario: "stage_1", Index: int64(i + 1)}); got != want {
			t.Fatalf("request %d has adapter %q, its position has %q", i, got, want)
		}
	}
}

// Two VUs construct the same client. The record file must have one line for it.
func TestVUsShareAnEndpoint(t *testing.T) {
	t.Parallel()
	root := New()
	lines := 0
	for range 2 {
		v := newVU(t, root)
		v.run(t, fastSim)
		v.start(t)
		v.run(t, `client.chat('hi', {maxTokens: 1})`)
		_, others := v.records()
		lines += len(others)
	}
	if lines != 2 {
		t.Errorf("%d lines of run and client for two VUs, want 2", lines)
	}
}

func TestACutRequestIsPushed(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=1ms&itl=10ms'});`)
	v.start(t)
	v.run(t, `client.chat('warm', {maxTokens: 1})`)
	ctx, cancel := context.WithTimeout(v.VU.CtxField, time.Second)
	defer cancel()
	v.VU.CtxField = ctx
	v.run(t, `client.chat('cut', {maxTokens: 1000})`)
	requests, _ := v.records()
	if len(requests) != 2 || requests[1].ErrorType != record.ErrorCanceled || len(requests[1].Chunks) < 2 {
		t.Errorf("got %+v", requests[len(requests)-1])
	}
}

func TestUnreachableServerAborts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ client, want string }{
		{`{baseURL: 'http://127.0.0.1:1'}`, "cannot reach http://127.0.0.1:1/v1"},
		{`{baseURL: 'sim:?api-key=x', apiKey: 'wrong'}`,
			"refused the API key of apiKey with status 401 (Unauthorized): check apiKey"},
		{`{baseURL: 'sim:?truth=/no/such/dir/f'}`, "simulator's truth file"},
	} {
		v := newVU(t, New())
		v.run(t, `const client = new Client(`+tt.client+`);`)
		v.start(t)
		_, err := v.RunOnEventLoop(`client.chat('hi'); client.chat('never')`)
		if err == nil || !strings.Contains(err.Error(), "test aborted: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an abort with %q", tt.client, err, tt.want)
		}
		if requests, _ := v.records(); len(requests) != 0 {
			t.Errorf("%s: %d records", tt.client, len(requests))
		}
	}
}

func TestMisuseThrows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ code, want string }{
		{`new Client({modle: 'x'})`, `unknown Client option "modle", did you mean "model"?`},
		{`new Client({foo: 1})`, `unknown Client option "foo", known are adapters, answerLimit, api, `},
		{`new Client('x')`, `Client options must be an object, got a string`},
		{`new Client({model: 3})`, `Client option "model": must be a string, got 3`},
		{`new Client({streaming: 'yes'})`, `Client option "streaming": must be true or false, got a string`},
		{`new Client({timeout: 'soon'})`,
			`Client option "timeout": must be a duration such as '1.5s' or a number of milliseconds, got a string`},
		{`new Client({timeout: -1})`, `Client option "timeout": must not be negative, got -1ms`},
		{`new Client({api: 'chta'})`, `Client option "api": unknown api "chta", known are chat, completion`},
		{`new Client({baseURL: 'server'})`, `new Client: baseURL "server" is not a URL`},
		{`new Client({baseURL: 'sim:?tfft=1s'})`, `Client option "baseURL": unknown simulator option "tfft"`},
		{`new Client({baseURL: 'sim:?ttft=x'})`, `Client option "baseURL": simulator option ttft="x"`},
		{`new Client({headers: {a: 1}})`, `Client option "headers": "a" must be a string`},
		{`new Client({extraBody: {stream: false}})`,
			`Client option "extraBody": field "stream" is set by the request itself`},
		{`new Client({extraBody: []})`, `Client option "extraBody": must be an object, got an array`},
		{`new Client({itl: 'some'})`, `Client option "itl": must be 'request', 'all' or 'off'`},
		{`new Client({slo: {ttfb: 1}})`, `Client option "slo": unknown latency "ttfb"`},
		{`new Client({slo: {ttft: 0}})`, `Client option "slo": "ttft": the bound on ttft must be positive, got 0s`},
		{`new Client({slo: {time_to_first_token: 1}})`,
			`Client option "slo": unknown latency "time_to_first_token": did you mean "ttft"?`},
		{`new Client({slo: {tpot: -1}})`, `Client option "slo": "tpot": must not be negative, got -1ms`},
		{`new Client({slo: {itl: NaN}})`,
			`Client option "slo": "itl": must be a duration such as '1.5s' or a number of milliseconds, got NaN`},
		{`new Client({slo: {itl: 1e300}})`, `Client option "slo": "itl": must not be longer than 1000000h`},
		{`new Client({slo: {ntpot: '500'}})`, `Client option "slo": "ntpot": "500" has no unit: write 500ms or 500s`},
		{`new Client({slo: {ntpot: 'NaN'}})`, `Client option "slo": "ntpot": must be a duration`},
		{`new Client({slo: {request_latency: 'soon'}})`, `Client option "slo": "request_latency": must be a duration`},
		{`new Client({timeout: NaN})`, `Client option "timeout": must be a duration`},
		{`new Client({slo: 5})`, `Client option "slo": must be an object`},
		{`new Client({adapters: 'x'})`, `Client option "adapters": must be an array`},
		{`new Client({adapters: [{name: 'a', split: 0.5}, {name: 'b', split: 0.4}]})`,
			`Client option "adapters": splits must add up to 1, got 0.9`},
		{`new Client({adapters: [{name: 'a', split: -1}]})`,
			`number 0 needs a name and a split that is not negative, got "a" and -1`},
		{`new Client({adapters: [{nme: 'a'}]})`, `number 0: unknown adapter option "nme", did you mean "name"?`},
		{`new Client({circuitBreaker: {}})`, `Client option "circuitBreaker": needs consecutive`},
		{`new Client({circuitBreaker: {rate: 2}})`, `rate must be between 0 and 1, got 2`},
		{`new Client({circuitBreaker: {rate: 1, stop: 'x'}})`, `stop must be 'run' or 'stage', got "x"`},
		{`new Client({tokenizer: './x'})`,
			`/x does not exist: give a tokenizer.json, a folder that holds one, or a name on the Hugging Face hub`},
		{`new Client({}).chat('hi')`, `requests cannot be sent in the init context`},
		{`new Client({}).send()`, `send needs a request such as`},
		{`new Client({}).send({maxTokens: 5})`, `a request has either messages or a prompt`},
		{`new Client({}).send({prompt: 'a', messages: [{}]})`, `a request has either messages or a prompt`},
		{`new Client({}).send({prompt: 'a', maxTokens: 1.5})`,
			`request option "maxTokens": must be a whole number, got 1.5`},
		{`new Client({}).send({prompt: 'a', maxTokens: 0})`, `request option "maxTokens": must be at least 1, got 0`},
		{`new Client({}).send({prompt: 'a', max_tokens: 1})`,
			`unknown request option "max_tokens", did you mean "maxTokens"?`},
		{`new Client({}).send({messages: []})`, `request option "messages": must be a non-empty array`},
		{`new Client({}).chat(5)`, `chat: messages must be a non-empty array, got 5`},
		{`new Client({}).complete(5)`, `complete: prompt must be a string, got 5`},
		{`new Client({api: 'completion'}).send({messages: [{}]})`,
			`takes a prompt, not messages: set api: 'completion' on the Dataset`},
		{`new Dataset({})`,
			`Dataset option "type": is missing, known are billsum_conversations, cnn_dailymail, infinity_instruct, ` +
				`jsonl, prompts, shareGPT, sound, visionarena, conversation_replay, mock`},
		{`new Dataset({type: 'x'})`, `Dataset option "type": unknown "x"`},
		{`new Dataset({type: 'jsonl'})`, `Dataset option "path": is missing: jsonl reads a file`},
		{`new Dataset({type: 'mock', path: 'x'})`, `type mock does not use it`},
		{`new Dataset({type: 'mock', api: 'x'})`, `Dataset option "api": unknown api "x", known are chat`},
		{`new Dataset({type: 'mock', sed: 1})`, `unknown Dataset option "sed", did you mean "seed"?`},
		{`new Dataset({type: 'shareGPT', path: './none.json'})`,
			`data set /scripts/none.json does not exist: check path (DATASET in our scripts)`},
		{`new Dataset({type: 'shareGPT', path: './bad.json'})`, `/scripts/bad.json:2: `},
		{`new Dataset({type: 'mock'}).next()`,
			`next() gives an item per iteration and works in those only, use at(i) here`},
		{`new Dataset({type: 'mock'}).at(-1)`, `at(i): must be at least 0`},
		{`scenarios({})`, `scenarios: stages are missing`},
		{`scenarios({stages: 5})`, `scenarios option "stages": must be an array`},
		{`scenarios({stages: [{rate: 1}]})`, `scenarios option "stages": stage 0: needs a duration`},
		{`scenarios({stages: [{rate: 1, duration: '1s'}, {duration: '1s'}]})`,
			`stage 1: must be one of {rate, duration}`},
		{`scenarios({stages: [{rate: -1, duration: '1s'}]})`, `stage 0: rate must be a number from 0 to 1e+07, got -1`},
		{`scenarios({stages: [{rate: 1, target: 2, duration: '1s'}]})`, `stage 0: must be one of`},
		{`scenarios({stages: [{rate: 1, duration: '1s', rampUp: '1s'}]})`,
			`stage 0: rampUp is for stages with a concurrency, a rate rises by {target, duration}`},
		{`scenarios({stages: [{requests: 9, concurrency: 1, duration: '1s'}]})`,
			`stage 0: requests and duration do not go together: the stage ends either after so many requests`},
		{`scenarios({stages: [{concurrency: 1}]})`, `stage 0: concurrency needs requests, or a duration`},
		{`scenarios({stages: [{concurrency: 1, duration: '5s'}], executor: 'ramping-arrival-rate'})`,
			`scenarios: stages of {concurrency, duration} need the executor "llm-arrival-rate"`},
		{`scenarios({stages: [{rate: 1, duration: '5s', warmup: '1s'}], executor: 'ramping-arrival-rate'})`,
			`scenarios: warmup needs the executor "llm-arrival-rate": k6's own do not tell which requests belong to it`},
		{`scenarios({stages: [{rate: 1, duration: '5s', warmup: '5s'}]})`,
			`stage 0: warmup (5s) must be shorter than the stage (5s)`},
		{`scenarios({warmup: '5s', stages: [{rate: 1, duration: '5s'}]})`,
			`stage 0: warmup (5s) must be shorter than the stage (5s)`},
		{`scenarios({warmup: '5', stages: [{rate: 1, duration: '9s'}]})`,
			`scenarios option "warmup": "5" has no unit: write 5ms or 5s`},
		{`pace({warmup: 'until-stable', stages: [{rate: 1, duration: '9s'}]})`,
			`pace: warmup: 'until-stable' needs the executor llm-arrival-rate`},
		{`scenarios({stages: [{rate: 1, duration: '9s', warmup: true}]})`,
			`scenarios: all stages are warm-ups, so nothing is measured`},
		{`scenarios({stages: [{rate: 1, duration: '9s', warmup: 'until-stabel'}]})`,
			`stage option "warmup": unknown "until-stabel", known are a time such as 10s, true for a whole stage, and until-stable`},
		{`scenarios({stages: [{rate: 1, duration: '9s', warmup: [1]}]})`,
			`must be a duration such as '10s', true or 'until-stable', got an array`},
		{`scenarios({stages: [{requests: 1, concurrency: 1, rampUp: '1s'}], executor: 'ramping-arrival-rate'})`,
			`scenarios: rampUp needs the executor "llm-arrival-rate"`},
		{`scenarios({stages: [{requests: 1, concurrency: 1, rate: 1}], executor: 'ramping-arrival-rate'})`,
			`scenarios: the rate of {requests, concurrency, rate} needs the executor "llm-arrival-rate"`},
		{`scenarios({stages: [{requests: 1, concurrency: 1, timeout: '1s'}], executor: 'ramping-arrival-rate'})`,
			`scenarios: timeout needs the executor "llm-arrival-rate"`},
		{`scenarios({stages: [{requests: 1, rate: 0}]})`, `stage 0: rate must be positive, got 0`},
		{`scenarios({stages: [{requests: 1, concurrency: 1, timeout: '10'}]})`,
			`stage 0: stage option "timeout": "10" has no unit: write 10ms or 10s`},
		{`scenarios({stages: [{requests: 1}]})`, `stage 0: requests need a concurrency`},
		{`scenarios({stages: [{rate: 1, duration: '60'}]})`,
			`stage 0: stage option "duration": "60" has no unit: write 60ms or 60s`},
		{`scenarios({stages: [{requests: 9, concurrency: 1, rampUp: '1e1'}]})`,
			`stage 0: stage option "rampUp": "1e1" has no unit: write 1e1ms or 1e1s`},
		{`scenarios({stages: [{rte: 1}]})`, `unknown stage option "rte", did you mean "rate"?`},
		{`scenarios({stages: [{rate: 1, duration: '1s'}, {requests: 1, concurrency: 1}], executor: ` +
			`'ramping-arrival-rate'})`,
			`scenarios: stages of {requests, concurrency} beside others need the executor "llm-arrival-rate"`},
		{`scenarios({stages: [{rate: 1, duration: '1s'}], drain: true})`,
			`scenarios: drain needs the executor "llm-arrival-rate"`},
		{`scenarios({stages: [{rate: 1, duration: '1s'}], arrival: 'poisson', executor: 'ramping-arrival-rate'})`,
			`scenarios: arrival "poisson" needs the executor "llm-arrival-rate"`},
		{`scenarios({trace: [1, 'x']})`, `scenarios option "trace": number 1 must be a number, got a string`},
		{`scenarios({stages: [{rate: 1, duration: '1s'}], executor: 'x'})`, `scenarios: unknown executor "x"`},
		{`scenarios({stages: [{rate: 1, duration: '1s'}], maxVUs: 1, preAllocatedVUs: 2})`,
			`maxVUs (1) must not be less than preAllocatedVUs (2)`},
		{`scenarios({search: 5})`, `scenarios option "search": search options must be an object, got 5`},
		{`scenarios({search: {ovr: 'rate'}})`, `unknown search option "ovr", did you mean "over"?`},
		{`scenarios({search: {min: '5'}})`, `scenarios option "search": search option "min": must be a number`},
		{`scenarios({search: {hold: '60'}})`, `search option "hold": "60" has no unit: write 60ms or 60s`},
		{`scenarios({search: {probe: 5}})`,
			`search option "probe": 5 has no unit and counts as milliseconds: write '5s'`},
		{`scenarios({search: {resolution: '20'}})`, `search option "resolution": "20" is no share: write 0.05 or '5%'`},
		{`scenarios({search: {maxProbes: 0}})`, `search option "maxProbes": must be at least 1, got 0`},
		{`scenarios({search: {slo: {tft: '5ms'}}})`, `search option "slo": unknown latency "tft": did you mean "ttft"?`},
		{`scenarios({search: {slo: {}}})`, `search option "slo": has no bound: write 'p99(ttft)<500ms'`},
		{`scenarios({search: {tiers: 'fast'}})`, `search option "tiers": must be an array such as [{name: 'fast', slo: `},
		{`scenarios({search: {tiers: [{nme: 'a'}]}})`,
			`search option "tiers": tier 0: unknown tier option "nme", did you mean "name"?`},
		{`scenarios({stages: [{rate: 1, duration: '1s'}], search: {over: 'rate', slo: 'failures<1%'}})`,
			`scenarios: a search takes the place of stages: leave stages or search out`},
		{`scenarios({trace: [1], arrival: 'trace', search: {over: 'rate', slo: 'failures<1%'}})`,
			`scenarios: a search chooses the rates, and a trace has its own: leave trace or search out`},
		{`scenarios({warmup: '5s', search: {over: 'rate', slo: 'failures<1%'}})`,
			`scenarios: a search finds the transient of each probe by itself: leave warmup out`},
		{`scenarios({executor: 'ramping-arrival-rate', search: {over: 'rate', slo: 'failures<1%'}})`,
			`scenarios: a search needs the executor "llm-arrival-rate", got "ramping-arrival-rate": leave executor out`},
		{`scenarios({arrival: 'gamma', search: {over: 'concurrency', slo: 'failures<1%'}})`,
			`scenarios: arrival is for a search over rate: a closed loop sends when an answer has come`},
		{`scenarios({search: {slo: 'ttft=1s'}, exec: {client: new Client({baseURL: 'sim:', streaming: false}), ` +
			`data: new Dataset({type: 'mock'})}})`, `scenarios: search: ttft=1s needs streaming: an answer in one ` +
			`piece has no TTFT, TPOT or ITL, only a latency, as in p99(latency)<5s: leave streaming of the client out`},
		{`scenarios({search: {slo: 'ntpot=1s'}, exec: {client: new Client({baseURL: 'sim:', api: 'embeddings'}), ` +
			`data: new Dataset({type: 'mock', api: 'embeddings'})}})`, `scenarios: search: ntpot=1s is about tokens, ` +
			`which only text has: other answers have a latency, as in p99(latency)<500ms`},
		{`scenarios({search: {slo: 'p99(ttft)<1s'}, exec: {client: new Client({baseURL: 'sim:', api: 'speech'}), ` +
			`data: new Dataset({type: 'mock', api: 'speech'})}})`, `scenarios: search: p99(ttft)<1s is about tokens, ` +
			`which only text has: speech has first_audio, rtf and a latency, as in p99(first_audio)<300ms`},
		{`pace({search: {over: 'rate', slo: 'failures<1%'}})`,
			`pace: a search needs the executor llm-arrival-rate: use scenarios(), or give stages`},
		{`pace({})`, `pace: stages are missing`},
		{`pace({stages: [{rate: 1, duration: '1s'}], interval: '1s'})`,
			`pace: interval and drain need the executor llm-arrival-rate`},
		{`pace({stages: [{rate: 1, duration: '1s'}], label: 'a', tags: {label: 'b'}})`,
			`pace: label "a" differs from the tag label "b": leave one of them out`},
		{`pace({stages: [{requests: 1, concurrency: 1}]})`, `pace: stage 0: a closed loop needs no pace`},
		{`pace({stages: [{rate: 0.1, duration: '1s'}]})`, `pace: no arrival in it`},
		{`pace({stages: [{rate: 1, duration: '1s'}]}).wait()`, `wait() belongs first in the iteration`},
		{`trace(5)`, `trace takes the path of a file: must be a string, got 5`},
		{`trace('none.csv')`, `trace /scripts/none.csv does not exist`},
		{`trace('')`, `trace: the path is empty`},
		{`trace('bad.json')`, `/scripts/bad.json: the file is JSON, and a table is wanted`},
		{`new Dataset({type: 'visionarena', api: 'completion'})`, `Dataset option "api": 'completion' carries no images`},
		{`new Dataset({type: 'visionarena', numRows: 0})`, `Dataset option "numRows": must be at least 1, got 0`},
		{`new Dataset({type: 'visionarena', insertionPoint: 1.5})`, `Dataset option "insertionPoint": must be from 0, ` +
			`before the text, to 1, behind it, got 1.5`},
		{`new Dataset({type: 'visionarena', insertionPoint: {max: 7}})`, `Dataset option "insertionPoint": min and ` +
			`max must be 0 or 1, before the text or behind it, got 0 and 7`},
		{`new Dataset({type: 'visionarena', files: 'a', split: 'test'})`, `Dataset option "split": leave it out`},
		{`new Dataset({type: 'visionarena', path: 'none.parquet'})`, `data set /scripts/none.parquet does not exist`},
		{`new Dataset({type: 'visionarena', tokenizer: 'x'})`, `type visionarena does not use it`},
		{`new Dataset({type: 'mock', numRows: 3})`, `type mock does not use it`},
		{`summary()`, `summary takes the data that handleSummary gets`},
		{`summary({a: 1})`, `summary takes the data that handleSummary gets`},
	} {
		v := newVU(t, New())
		if err := fsext.WriteFile(v.files, "/scripts/bad.json", []byte("[\n{]"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := v.RunOnEventLoop(tt.code)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.code, err, tt.want)
		}
	}
}

func TestSecretsStayOutOfRecords(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const client = new Client({baseURL: 'sim:?api-key=secret1&ttft=1ms', apiKey: 'secret1', headers: `+
		`{'X-Key': 'secret2'}});`)
	v.start(t)
	v.run(t, `client.chat('hi', {maxTokens: 1})`)
	requests, others := v.records()
	for _, line := range append(others, requests[0]) {
		text, err := record.Append(nil, line)
		if err != nil || strings.Contains(string(text), "secret") {
			t.Errorf("%s, %v", text, err)
		}
	}
}

func TestDatasetReturnsTheItemOfEachIteration(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	file := `[{"conversations":[{"from":"human","value":"q0"},{"from":"gpt","value":"a b c ` +
		`d"}]},{"conversations":[{"from":"human","value":"q1"},{"from":"gpt","value":"x"}]}]`
	if err := fsext.WriteFile(v.files, "/scripts/data/d.json", []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	v.run(t, `const data = new Dataset({type: 'shareGPT', path: './data/d.json'}), mock = new Dataset({type: `+
		`'mock', api: 'completion'});`)
	v.start(t)
	if got := v.run(t, `JSON.stringify([data.next(), data.at(1), data.length, mock.length])`).String(); got !=
		`[{"messages":[{"role":"user","content":"q0"}],"maxTokens":2},{"messages":[{"role":"user","content":"q1"}],"maxTokens":1},2,null]` {
		t.Errorf("got %s", got)
	}
	// The first of stage_1 is number 10: stage_0 takes ten.
	if got := v.run(t, `mock.next().prompt`).String(); got != "1 2 3 11" {
		t.Errorf("got %s", got)
	}
	if _, err := v.RunOnEventLoop(`mock.next()`); err == nil ||
		!strings.Contains(err.Error(), "twice in one iteration, use at(i)") {
		t.Errorf("got %v", err)
	}
	v.iter++
	if got := v.run(t, `mock.next().prompt`).String(); got != "1 2 3 12" {
		t.Errorf("got %s", got)
	}
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, options, want string }{
		{
			"rates, a ramp and a fraction",
			`{stages: [{rate: 5, duration: '30s'}, {target: 10, duration: 60000}, {rate: 1.5, duration: '10s'}], ` +
				`interval: '5s'}`,
			`{"stage_0":{"env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"ramping-arrival-rate","gracefulStop":"2m0s","maxVUs":150,"preAllocatedVUs":50,` +
				`"stages":[{"duration":"30s","target":5},{"duration":"0s","target":0},{"duration":"500ms","target":0}],"startRate":5,"startTime":"0s","timeUnit":"1s"},` +
				`"stage_1":{"env":{"K6_LLM_FIRST_ITEM":"150"},"executor":"ramping-arrival-rate","gracefulStop":"2m0s","maxVUs":450,"preAllocatedVUs":100,` +
				`"stages":[{"duration":"1m0s","target":10},{"duration":"0s","target":0},{"duration":"500ms","target":0}],"startRate":5,"startTime":"35s","timeUnit":"1s"},` +
				`"stage_2":{"env":{"K6_LLM_FIRST_ITEM":"600"},"executor":"ramping-arrival-rate","gracefulStop":"2m0s","maxVUs":15,"preAllocatedVUs":15,` +
				`"stages":[{"duration":"10s","target":15},{"duration":"0s","target":0},{"duration":"500ms","target":0}],"startRate":15,"startTime":"1m40s","timeUnit":"10s"}}`,
		},
		{
			"so many at a time",
			`{stages: [{requests: 100, concurrency: 8}], exec: 'f', tags: {a: 'b'}, gracefulStop: '1s', startTime: '2s'}`,
			`{"stage_0":{"env":{"K6_LLM_FIRST_ITEM":"0"},"exec":"f","executor":"shared-iterations","gracefulStop":"1s","iterations":100,"maxDuration":"24h0m0s","startTime":"2s","tags":{"a":"b"},"vus":8}}`,
		},
		{
			"no VU without an arrival", `{stages: [{rate: 1000, duration: '1ms'}]}`,
			`{"stage_0":{"env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"ramping-arrival-rate","gracefulStop":"2m0s","maxVUs":1,"preAllocatedVUs":1,` +
				`"stages":[{"duration":"1ms","target":1000},{"duration":"0s","target":0},{"duration":"500ms","target":0}],"startRate":1000,"startTime":"0s","timeUnit":"1s"}}`,
		},
		{
			"VUs by hand", `{stages: [{rate: 100, duration: '1s'}], preAllocatedVUs: 3, maxVUs: 4}`,
			`{"stage_0":{"env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"ramping-arrival-rate","gracefulStop":"2m0s","maxVUs":4,"preAllocatedVUs":3,` +
				`"stages":[{"duration":"1s","target":100},{"duration":"0s","target":0},{"duration":"500ms","target":0}],"startRate":100,"startTime":"0s","timeUnit":"1s"}}`,
		},
	} {
		v := newVU(t, New())
		got := v.run(t, `JSON.stringify(scenarios(`+tt.options+
			`), (k, v) => v && v.constructor === Object ? v : v)`).String()
		if sorted(t, got) != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, sorted(t, got), tt.want)
		}
		var configs lib.ScenarioConfigs
		if err := configs.UnmarshalJSON([]byte(got)); err != nil || len(configs.Validate()) > 0 {
			t.Errorf("%s: k6 refuses it: %v, %v", tt.name, err, configs.Validate())
		}
		for i, s := range samples.Scenarios(configs) {
			if len(s.Stages) != 1 || s.Stages[0].Index != i {
				t.Errorf("%s: recorded as %+v", tt.name, s)
			}
		}
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, fastSim+`const paced = pace({stages: [{rate: 100, duration: '50ms'}], expectedLatency: '100ms', label: 'chat'});`)
	if got, want := sorted(t, v.run(t, `JSON.stringify(paced.scenarios)`).String()),
		`{"paced":{"env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"shared-iterations","gracefulStop":"2m0s","iterations":5,"maxDuration":"24h0m0.04s","startTime":"0s","tags":{"label":"chat"},"vus":5}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	v.start(t)
	for v.iter = range uint64(5) {
		late := v.run(t,
			`var late = paced.wait(); client.chat('hi', {maxTokens: 1}); client.chat('hi', {maxTokens: 1}); late`).ToFloat()
		requests, _ := v.records()
		first, second := requests[0], requests[1]
		delay, known := first.ScheduleDelay()
		if !known || delay < 0 || late < 0 || second.Due != nil || first.Index != int64(v.iter) {
			t.Errorf("iteration %d: delay %v, %t, late %v ms, index %d", v.iter, delay, known, late, first.Index)
		}
	}
	v.iter = 5
	if _, err := v.RunOnEventLoop(`paced.wait()`); err == nil ||
		!strings.Contains(err.Error(), "iteration 5 has no arrival") {
		t.Errorf("got %v", err)
	}
}

func TestScenariosOfTheExecutor(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	if err := fsext.WriteFile(v.files, "/scripts/t.csv", []byte("TIMESTAMP\n5\n5.25\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		`{stages: [{rate: 1.5, duration: '2s'}, {target: 3, duration: '1s'}], arrival: 'gamma', burstiness: 0.5, ` +
			`seed: 3, drain: false, maxVUs: 9}`: `{"load":{"arrival":"gamma","burstiness":0.5,"drain":false,` +
			`"env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s","interval":"0s","maxVUs":9,"seed":3,` +
			`"stages":[{"duration":"2s","rate":1.5},{"duration":"1s","target":3}],"startTime":"0s"}}`,
		`{stages: [{concurrency: 4, duration: '2s'}, {rate: 1, duration: '3s', warmup: 0}], warmup: '1s'}`: `{"load":{"arrival":"constant","env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","seed":0,"stages":[{"concurrency":4,"duration":"2s"},{"duration":"3s","rate":1,"warmup":"0s"}],"startTime":"0s","warmup":"1s"}}`,
		`{stages: [{requests: 4, concurrency: 2, rampUp: '1s'}]}`: `{"load":{"arrival":"constant","env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","seed":0,"stages":[{"concurrency":2,"rampUp":"1s","requests":4}],"startTime":"0s"}}`,
		`{stages: [{requests: 4, rate: 2.5, timeout: '10m'}]}`: `{"load":{"arrival":"constant","env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","seed":0,"stages":[{"rate":2.5,"requests":4,"timeout":"10m0s"}],"startTime":"0s"}}`,
		`{stages: [{rate: 1, duration: '1s'}, {requests: 4, concurrency: 2}]}`: `{"load":{"arrival":"constant","env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","seed":0,"stages":[{"duration":"1s","rate":1},{"concurrency":2,"requests":4}],"startTime":"0s"}}`,
		`{search: {over: 'rate', slo: {ttft: 500, itl: '20ms'}, min: 2, probe: '30s'}, exec: 'f'}`: `{"load":{"arrival":"poisson","env":{"K6_LLM_FIRST_ITEM":"0"},"exec":"f","executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","search":{"min":2,"over":"rate","probe":"30s","slo":"ttft=500ms,itl=20ms"},"seed":0,"startTime":"0s"}}`,
		`{search: {over: 'rate', tiers: [{name: 'a', slo: 'failures<1%'}], maxProbes: 4, resolution: '20%'}, arrival: 'constant'}`: `{"load":{"arrival":"constant","env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","search":{"maxProbes":4,"over":"rate","resolution":0.2,"tiers":[{"name":"a","slo":"failures\u003c1%"}]},"seed":0,"startTime":"0s"}}`,
		`{search: {over: 'concurrency', slo: 'failures<1%'}}`: `{"load":{"env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","search":{"over":"concurrency","slo":"failures\u003c1%"},"seed":0,"startTime":"0s"}}`,
		`{arrival: 'trace', trace: trace('t.csv')}`: `{"load":{"arrival":"trace","env":{"K6_LLM_FIRST_ITEM":"0"},"executor":"llm-arrival-rate","expectedLatency":"10s","gracefulStop":"2m0s",` +
			`"interval":"0s","seed":0,"stages":[],"startTime":"0s","trace":[0,0.25]}}`,
	} {
		if got := sorted(t, v.run(t, `JSON.stringify(scenarios(`+options+`))`).String()); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", options, got, want)
		}
	}
}
