package llm

import (
	"fmt"
	"strings"
	"testing"
)

// calls holds a call for each kind of options object. Each sets one option, %s: %s.
var calls = map[string]string{
	"Client": "new Client({%s: %s})", "slo": "new Client({slo: {%s: %s}})",
	"circuitBreaker": "new Client({circuitBreaker: {rate: 0.5, %s: %s}})",
	"scenarios":      "scenarios({%s: %s, stages: [{rate: 1, duration: '1s'}]})",
	"stage":          "scenarios({stages: [{rate: 1, %s: %s}]})",
	"loop":           "scenarios({stages: [{requests: 1, concurrency: 1, %s: %s}]})",
	"own":            "scenarios({executor: 'llm-arrival-rate', %s: %s, stages: [{rate: 1, duration: '1s'}]})",
	"pace":           "pace({%s: %s, stages: [{rate: 1, duration: '1s'}]})",
	"request":        "new Client({}).complete('x', {%s: %s})",
}

// A duration that overflows, is negative or is not a number is refused in every option.
func TestDurationsOfScripts(t *testing.T) {
	t.Parallel()
	options := map[string][]string{
		"Client":         {"timeout", "idleTimeout", "retryBackoff", "serverMetricsInterval"},
		"slo":            {"ttft", "tpot", "ntpot", "itl", "request_latency"},
		"circuitBreaker": {"window"}, "scenarios": {"interval", "gracefulStop", "expectedLatency", "startTime",
			"maxDuration"},
		"own": {"interval", "gracefulStop", "startTime"}, "pace": {"gracefulStop", "startTime", "maxDuration"},
		"stage": {"duration"}, "loop": {"rampUp", "timeout"},
	}
	const long, none, negative = "must not be longer than 1000000h, which is 114 years, got ",
		"must be a duration such as '1.5s' or a number of milliseconds, got ", "must not be negative, got "
	values := map[string]string{
		"18446744074000": long + "18446744074000ms", "'18446744074s'": long + "18446744074s",
		"'9999999h'": long + "9999999h", "'999999999d'": long + "999999999d",
		"1e300": long, "-1e300": long, "Infinity": long, "-Infinity": long, "'1e300'": long,
		"Number.MAX_SAFE_INTEGER": long,
		"NaN":                     none + "NaN", "'1e300s'": none + "a string", "'soon'": none, "true": none,
		"[1]": none, "{}": none,
		"() => 1": none, "-1": negative, "'-1s'": negative,
	}
	v := newVU(t, New())
	for kind, names := range options {
		for _, name := range names {
			for value, want := range values {
				code := fmt.Sprintf(calls[kind], name, value)
				_, err := v.RunOnEventLoop(code)
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: got %v, want %q", code, err, want)
				}
			}
		}
	}
}

// Counts, shares and sums that are out of range are refused in every option.
func TestNumbersOfScripts(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	for code, want := range map[string]string{
		"new Client({}).complete('x', {maxTokens: -5})":                                                  `"maxTokens": must be at least 1, got -5`,
		"new Client({}).complete('x', {maxTokens: NaN})":                                                 `"maxTokens": must be a finite number, got NaN`,
		"new Client({}).complete('x', {maxTokens: 1e300})":                                               `"maxTokens": must be a whole number, got 1e+300`,
		"new Client({}).complete('x', {turn: -1})":                                                       `"turn": must be at least 0, got -1`,
		"new Client({apiKey: '***', baseURL: 'sim:'})":                                                   `Client option "apiKey": *** stands for a secret that was left out of a report or a record: give the secret itself`,
		"new Client({headers: {Authorization: 'Bearer (redacted)'}})":                                    `Client option "headers": "Authorization": Bearer (redacted) stands for a secret`,
		"new Client({retries: -1})":                                                                      `"retries": must be at least 0, got -1`,
		"new Client({slo: {ttft: -1}})":                                                                  `"ttft": must not be negative, got -1ms`,
		"new Client({slo: {tttf: 1}})":                                                                   `unknown latency "tttf": did you mean "ttft"?`,
		"new Client({adapters: [{name: 'a', split: NaN}]})":                                              `"split": must be a finite number, got NaN`,
		"new Client({headers: {'x-slo-ttft-ms': '-1'}, sloHeaders: {}})":                                 `must be a positive number of ms`,
		"new Client({headers: {'x-slo-ttft-s': '1e300'}, sloHeaders: {unit: 's'}})":                      `must be a positive number of s`,
		"new Client({headers: {'x-slo-ttft-us': '5e-324'}, sloHeaders: {unit: 'us'}})":                   `must be a positive number of us`,
		"new Client({baseURL: 'sim:?ttft=9999999h'})":                                                    `ttft="9999999h": must not be longer than 1000000h`,
		"new Client({baseURL: 'sim:?itl=-1ms'})":                                                         `must not be negative`,
		"scenarios({stages: [{rate: 1e300, duration: '1s'}]})":                                           `stage 0: rate must be a number from 0 to 1e+07, got 1e+300`,
		"scenarios({stages: [{rate: NaN, duration: '1s'}]})":                                             `"rate": must be a finite number, got NaN`,
		"scenarios({stages: [{target: -1, duration: '1s'}]})":                                            `target and duration must not be negative, got -1 and 1s`,
		"scenarios({stages: [{rate: 1e7, duration: '1000000h'}]})":                                       `at most 9007199254740992 arrivals together, got 3.6e+16`,
		"scenarios({stages: Array(2).fill({rate: 1, duration: '600000h'})})":                             `the stages must not last longer than 1000000h together, got 1200000h`,
		"pace({stages: Array(2).fill({rate: 1e-9, duration: '600000h'})})":                               `the stages must not last longer than 1000000h together, got 1200000h`,
		"scenarios({interval: '600000h', stages: Array(2).fill({rate: 1, duration: '1s'})})":             `startTime and the intervals must not be longer than 1000000h together, got 1200000h`,
		"scenarios({trace: [0, 1e300], stages: [{rate: NaN}]})":                                          `must be a finite number`,
		"scenarios({trace: new Array(4294967295)})":                                                      `number 0 must be a number, got undefined`,
		"scenarios({seed: -1, stages: [{rate: 1, duration: '1s'}]})":                                     `"seed": must be at least 0, got -1`,
		"new Dataset({type: 'random', inputDistribution: -1})":                                           `"inputDistribution": must be at least 0, got -1`,
		"new Dataset({type: 'conversation_replay', conversationReplay: {toolCallLatencySec: Infinity}})": `must be a number of seconds up to 3600`,
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", code, err, want)
		}
	}
}

// No error shows a value of 100 kB whole, whichever option has it.
func TestLongValuesOfScripts(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `const long = '日'.repeat(20000), dashed = 'x'.repeat(10000) + '/' + 'y'.repeat(10000)`)
	v.write(t, "/scripts/long.csv", strings.Repeat("a", 100_000)+","+strings.Repeat("b ", 50_000)+"\n1,2\n")
	v.write(t, "/scripts/long.json", `[{"`+strings.Repeat("a", 100_000)+`": "`+strings.Repeat("b ", 50_000)+
		`", "max_tokens": "`+strings.Repeat("c", 100_000)+`"}]`)
	rt := v.VU.Runtime()
	names := map[string][]string{"slo": {"[long]"}, "circuitBreaker": {"[long]"}, "stage": {"[long]"},
		"loop": {"[long]"}, "pace": {"[long]"}}
	for name := range new(clientOptions).fields(rt) {
		names["Client"] = append(names["Client"], name)
	}
	for name := range newLoadOptions().fields(&ModuleInstance{vu: v.VU}) {
		names["scenarios"], names["own"] = append(names["scenarios"], name), append(names["own"], name)
	}
	for name := range new(requestOptions).fields(nil) {
		names["request"] = append(names["request"], name)
	}
	for name := range newDatasetOptions().fields(rt) {
		for _, kind := range []string{"shareGPT", "random", "jsonl"} {
			calls := fmt.Sprintf("new Dataset({type: '%s', path: './none.json', %%s: %%s})", kind)
			short(t, v, fmt.Sprintf(calls, name, "long"))
			short(t, v, fmt.Sprintf(calls, name, "{[long]: 1}"))
		}
	}
	names["Client"] = append(names["Client"], "[long]")
	for kind, list := range names {
		for _, name := range list {
			for _, value := range []string{"long", "dashed", "'sim:?' + long", "'sim:?ttft=' + long",
				"'http://' + long", "[long]", "{[long]: 1}", "{a: long}", "[{[long]: 1}]", "[{name: long, split: 2}]",
				"[{matches: [long]}]", "{type: long}"} {
				short(t, v, fmt.Sprintf(calls[kind], name, value))
			}
		}
	}
	for _, code := range []string{
		"config(long)", "config({[long]: 1})", "config({api: {type: long}})", "trace(long)", "new Tokenizer(long)",
		"new Tokenizer(dashed)", "new Dataset({type: long})", "new Dataset({type: 'jsonl', path: dashed})",
		"new Client(long)", "new Client({tokenizer: long})", "summary(long)", "trace('long.csv')",
		"new Dataset({type: 'jsonl', path: 'long.json'})",
	} {
		short(t, v, code)
	}
}

// short fails the test if the code throws a long error.
func short(t *testing.T, v *vu, code string) {
	t.Helper()
	if _, err := v.RunOnEventLoop(code); err != nil && len(err.Error()) > 2500 {
		t.Errorf("%s: an error of %d bytes: %.300s…", code, len(err.Error()), err)
	}
}
