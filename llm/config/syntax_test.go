package config

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestWarnings covers the three places where unknown keys are ignored, and a key given twice.
func TestWarnings(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `load: {type: trace_session_replay, stages: [{concurrent_sessions: 1}]}
api:
  type: chat
  type: completion
data:
  type: synthetic_agentic
  synthetic_agentic:
    num_sessions: 1
    input_tokens_per_turn: {}
    output_tokens_per_turn: {}
    theme_mix: {generic: {weight: 1, colour: red}}
    context_compaction:
      trigger_tokens: {}
      target_tokens: {}
      when: now
circuit_breakers:
- name: b
  note: x
  metrics: {matches: [error], note: y}
  triggers: [{type: consecutive, threshold: 3, note: z}]
`)
	want := []string{
		"config:4: type: given twice in one mapping, the last counts",
		"config:11: data.synthetic_agentic.theme_mix.generic.colour: unknown key, ignored",
		"config:15: data.synthetic_agentic.context_compaction.when: unknown key, ignored",
		"config:18: circuit_breakers[0].note: unknown key, ignored",
		"config:19: circuit_breakers[0].metrics.note: unknown key, ignored",
		"config:20: circuit_breakers[0].triggers[0].note: unknown key, ignored",
	}
	if !reflect.DeepEqual(c.Warnings, want) || c.API.Type != Completion {
		t.Errorf("got %q\nwant %q", c.Warnings, want)
	}
	checkRoundTrip(t, c)
}

func TestSyntax(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a: [1":                "config:2: not YAML: did not find expected ',' or ']'",
		"- 1":                  "config:1: expected a mapping, got a list",
		"text":                 "config:1: expected a mapping, got a string",
		"api: {}\n---\na: 1\n": "config:2: has a second document: one is allowed",
		"api: *x\n":            "config:1: not YAML: unknown anchor here: quote a value that starts with *",
		"api: !x {}\n":         "config:1: has a tag (!…) that is not supported: leave it out",
		"api: {type: !x chat}": "config:1: has a tag (!…) that does not fit or is not supported: quote a value " +
			"that starts with !",
		"? [api]\n: 1\n":        "config:1: has a list or a mapping as a key",
		"api: &a {headers: *a}": "config:1: is nested more than 100 deep",
	} {
		_, err := Parse([]byte(text + "\n"))
		if got := fmt.Sprint(err); got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestBombs checks that aliases, depth, size and the number of faults are limited.
func TestBombs(t *testing.T) {
	t.Parallel()
	var aliases strings.Builder
	aliases.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&aliases, "a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 10))
	}
	for _, tt := range []struct{ text, want string }{
		{aliases.String(), "has more than 100000 values, with aliases written out"},
		{"api: " + strings.Repeat("[", 200) + strings.Repeat("]", 200), "is nested more than 100 deep"},
		{strings.Repeat("#", 4<<20+1), "is larger than 4194304 bytes"},
		{"{" + strings.Repeat("x: {}, ", 3) + manyKeys(500) + "}", "config: 451 more faults"},
	} {
		_, err := Parse([]byte(tt.text))
		if got := fmt.Sprint(err); !strings.Contains(got, tt.want) {
			t.Errorf("%.60q…: got %.300s, want %s", tt.text, got, tt.want)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "qqqqqqqqq%d: 1, ", i)
	}
	return b.String()
}

// Editors on Windows save files with a byte order mark, with CRLF line ends, and in UTF-16.
func TestFilesOfWindows(t *testing.T) {
	t.Parallel()
	const text = "\ufeffload:\r\n  type: constant\r\n  stages:\r\n  - rate: 3.5\r\n    duration: 5\r\n"
	var wide []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	for _, data := range [][]byte{[]byte(text), wide} {
		c, err := Parse(data)
		if err != nil {
			t.Errorf("%q: %v", data, err)
		} else if got := c.Load.Stages.Standard; len(got) != 1 || got[0].Rate != 3.5 {
			t.Errorf("%q: got stages %+v", data, got)
		}
	}
}

// A key that is misspelt is not reported as missing as well.
func TestMisspeltKeys(t *testing.T) {
	t.Parallel()
	testRules(t, "", []rule{
		{"load: {stage: []}", `load.stage: unknown key: did you mean "stages"?`},
		{"load: {type: constant, sweeep: {type: linear}}", `load.sweeep: unknown key: did you mean "sweep"?`},
		{"laod: {stages: []}", `laod: unknown key: did you mean "load"?`},
		{"stages: []", `stages: unknown key: did you mean "load.stages"?`},
		{"stage: []", `stage: unknown key: did you mean "load.stages"?`},
		{"load: {zzzzzzzz: 1}",
			`load.zzzzzzzz: unknown key, known are type, interval, stages, sweep, num_workers, ` +
				`worker_max_concurrency, ` +
				`worker_max_tcp_connections, trace, circuit_breakers, request_timeout, request_retries, ` +
				`request_retry_backoff_sec, ` +
				"stage_teardown_grace_seconds, lora_traffic_split, base_seed\nload.stages: is missing: give stages," +
				" or " +
				"a sweep"},
		{fine + "server: {base_ulr: x}", `server.base_ulr: unknown key: did you mean "base_url"?`},
		{fine + "server: {base_ulr: x, type: VLLM}", `server.base_ulr: unknown key: did you mean "base_url"?` + "\n" +
			`server.type: unknown value "VLLM": did you mean "vllm"?`},
	})
}
