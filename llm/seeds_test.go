package llm

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// openConfig has no seed.
const openConfig = `config({server: {base_url: 'http://h', model_name: './model'}, load: {type: 'poisson', stages: [{rate: 2, duration: 3}]},
	data: {type: 'shared_prefix', shared_prefix: {num_unique_system_prompts: 2}}})`

// drawn returns the result of code in a VU of the process root, in a run with an id. "" means no id.
func drawn(t *testing.T, root *RootModule, id, code string) string {
	t.Helper()
	v := newVUWith(t, root, map[string]string{record.RunIDEnv: id})
	v.model(t, "/scripts/model", "")
	v.write(t, "/scripts/talk.json",
		`[`+strings.Repeat(`{"conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": "x"}]},`, 9)+
			`{"conversations": [{"from": "human", "value": "two"}, {"from": "gpt", "value": "y"}]}]`)
	return sorted(t, v.run(t, "JSON.stringify("+code+")").String())
}

// Defaults are the same for all VUs of a process and for all instances of one run. Values that must differ from run to
// run, so that no cache knows them, follow from the run's id.
func TestDefaultsAgree(t *testing.T) {
	t.Parallel()
	const lengths = `tokenizer: './model', inputDistribution: {type: 'uniform', min: 20, max: 60}, ` +
		`outputDistribution: {type: 'uniform', min: 1, max: 99}`
	const items = `(set) => [0, 1, 2, 3, 9].map((i) => set.at(i))`
	for _, tt := range []struct {
		name, code string
		differ     bool // from run to run
	}{
		{"config()", openConfig, true},
		{"config() with another form of its data", strings.Replace(openConfig, "shared_prefix: {",
			"shared_prefix: {enable_multi_turn_chat: true, ", 1), true},
		{"the data of config()", `(` + items + `)(new Dataset(` + openConfig + `.dataset))`, true},
		{"random", `(` + items + `)(new Dataset({type: 'random', ` + lengths + `}))`, true},
		{"synthetic", `(` + items + `)(new Dataset({type: 'synthetic', ` + lengths + `}))`, true},
		{"random, as inference-perf",
			`(` + items + `)(new Dataset({type: 'random', api: 'completion', prompts: 'inference-perf', ` + lengths +
				`}))`, false},
		{"lengths of random", `(` + items + `)(new Dataset({type: 'random', ` + lengths + `})).map((i) => i.maxTokens)`,
			false},
		{"shared_prefix", `(` + items + `)(new Dataset({type: 'shared_prefix', tokenizer: './model'}))`, false},
		{"shared_prefix, conversations",
			`(` + items + `)(new Dataset({type: 'shared_prefix', tokenizer: './model', sharedPrefix: ` +
				`{enableMultiTurnChat: true}}))`, false},
		{"conversation_replay",
			`(` + items + `)(new Dataset({type: 'conversation_replay', tokenizer: './model', conversationReplay: ` +
				`{sharedSystemPromptLen: 40}}))`, false},
		{"shareGPT", `(` + items + `)(new Dataset({type: 'shareGPT', path: './talk.json'}))`, false},
		{"scenarios()", `scenarios({stages: [{rate: 3, duration: '9s'}], arrival: 'poisson'})`, false},
		{"pace()", `pace({stages: [{rate: 3, duration: '9s'}], arrival: 'poisson'}).scenarios`, false},
	} {
		process, another, later := New(), New(), New()
		first := drawn(t, process, "run 1", tt.code)
		if second := drawn(t, process, "run 1", tt.code); second != first {
			t.Errorf("%s: a second VU has\n%.300s\nand the first\n%.300s", tt.name, second, first)
		}
		if second := drawn(t, another, "run 1", tt.code); second != first {
			t.Errorf("%s: a second instance has\n%.300s\nand the first\n%.300s", tt.name, second, first)
		}
		if second := drawn(t, later, "run 2", tt.code); (second != first) != tt.differ {
			t.Errorf("%s: differs in the next run: %t, want %t: %.300s", tt.name, second != first, tt.differ, second)
		}
	}
}

// A configuration without a seed gets one at the first call of config(): from the run's id, or from the clock without
// an id.
func TestConfigIsSettledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		process, another := New(), New()
		first := drawn(t, process, "", openConfig)
		time.Sleep(time.Minute)
		if second := drawn(t, process, "", "("+openConfig+", "+openConfig+")"); second != first {
			t.Errorf("a VU made a minute later has\n%s\nand the first\n%s", second, first)
		}
		if second := drawn(t, another, "", openConfig); second == first {
			t.Errorf("another run has the same seed: %s", second)
		}
		var made struct {
			Dataset   struct{ Seed int64 }
			Scenarios struct{ Load struct{ Seed int64 } }
		}
		if err := json.Unmarshal([]byte(first), &made); err != nil {
			t.Fatal(err)
		}
		if want := time.Now().Add(-time.Minute).UnixMilli(); made.Dataset.Seed != want ||
			made.Scenarios.Load.Seed != want {
			t.Errorf("seeds %+v, want %d", made, want)
		}
		given := strings.Replace(openConfig, "load: {", "load: {base_seed: 5, ", 1)
		if got := drawn(t, process, "run 1", given+".dataset.seed"); got != "5" {
			t.Errorf("a seed that was given became %s", got)
		}
	})
}

// The clients of all VUs share one server, one state of the circuit breaker, and one count of sessions.
func TestVUsShareState(t *testing.T) {
	t.Parallel()
	root := New()
	var vus []*vu
	for range 3 {
		v := newVU(t, root)
		v.model(t, "/scripts/model", "")
		v.run(t, `
			const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s&lora=a', headers: {a: 'b', c: 'd'}, circuitBreaker: {consecutive: 3}, slo: {ttft: '1s'}, adapters: [{name: 'a', split: 1}]});
			const talk = new Dataset({type: 'shared_prefix', tokenizer: './model', sessions: 1, sharedPrefix: {enableMultiTurnChat: true}});`)
		v.start(t)
		vus = append(vus, v)
	}
	if n := vus[2].run(t, `new Client({baseURL: 'sim:', model: 'another'}).number`).ToInteger(); n != 1 {
		t.Errorf("%d clients, want 1", n)
	}
	var turns []string
	ids := map[string]bool{}
	for i, v := range vus {
		v.iter = uint64(i)
		turns = append(turns,
			v.run(t,
				`(() => { const item = talk.next(); client.send(item); return item.sessionID + '/' + item.turn; })()`).String())
		sent, _ := v.records()
		for _, r := range sent {
			ids[r.ID] = true
		}
	}
	if got := strings.Join(turns, " "); got != "session-0/0 session-0/1 session-0/2" {
		t.Errorf("turns %s", got)
	}
	if len(ids) != 3 {
		t.Errorf("%d different request ids of 3 requests", len(ids))
	}
}

// The same seed draws the same adapters on every VU and in every run. Another seed draws others.
func TestAdaptersFollowTheSeed(t *testing.T) {
	t.Parallel()
	asked := func(seed string) string {
		v := newVU(t, New())
		v.run(t, `const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s&lora=a,b', adapters: [{name: 'a', split: `+
			`0.5}, {name: 'b', split: 0.5}]});`)
		env := v.run(t, `JSON.stringify(scenarios({stages: [{rate: 1, duration: '9s'}]`+seed+`}).stage_0)`).String()
		v.start(t)
		if err := v.state.Options.Scenarios.UnmarshalJSON([]byte(`{"stage_1": ` + env + `}`)); err != nil {
			t.Fatal(err)
		}
		var names []string
		for i := range uint64(40) {
			v.iter = i
			v.run(t, `client.chat('hi', {maxTokens: 1})`)
		}
		sent, others := v.records()
		for _, r := range sent {
			names = append(names, r.Adapter)
		}
		if run := others[0].(*record.Run); (run.Seed == nil) != (seed == "") {
			t.Errorf("scenarios with %q: the run has the seed %v", seed, run.Seed)
		}
		return strings.Join(names, "")
	}
	none, one, again, two := asked(""), asked(", seed: 1"), asked(", seed: 1"), asked(", seed: 2")
	if one != again || one == two || one == none {
		t.Errorf("adapters without a seed %s\nof seed 1 %s\nof seed 1 %s\nof seed 2 %s", none, one, again, two)
	}
	if n := strings.Count(one, "a"); len(one) != 40 || n < 10 || n > 30 {
		t.Errorf("%d of %d requests went to a, of which half is asked: %s", n, len(one), one)
	}
}

// One of several instances that draws a seed of its own warns once.
func TestInstancesThatDrawSeedsWarn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		segment, id, load string
		want              int
	}{
		{"0:1/2", "", "", 1},
		{"0:1/2", "run 1", "", 0},
		{"0:1/2", "", "base_seed: 5, ", 0},
		{"0:1", "", "", 0},
		{"", "", "", 0},
	} {
		v := newVUWith(t, New(), map[string]string{record.RunIDEnv: tt.id})
		v.run(t, `const data = new Dataset(config({server: {base_url: 'http://h'}, load: {`+tt.load+
			`stages: [{rate: 2, duration: 3}]}}).dataset)`)
		v.start(t)
		got := v.saidOn(t, tt.segment,
			"draws a seed of its own, and so other prompts and arrivals: set K6_LLM_RUN_ID to the same text for "+
				"all, or load.base_seed")
		if got != tt.want {
			t.Errorf("segment %q, id %q, load %q: warned %d times, want %d", tt.segment, tt.id, tt.load, got, tt.want)
		}
	}
}
