package dropin

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// sessionConfig is a configuration of sessions, but for its data.
const sessionConfig = "server: {base_url: 'http://h', model_name: m}\napi: {type: chat}\n" +
	"load: {type: trace_session_replay, base_seed: 7, stages: [{concurrent_sessions: 1}]}\n"

// Data in sessions becomes options of Dataset.
func TestSessionsOfAConfiguration(t *testing.T) {
	t.Parallel()
	const usual = `"badToolCalls":"none","maxWait":15000,"predecessorTimeout":3600000,"toolCallMaxTokens":true,` +
		`"toolChoice":"force_recorded"`
	for _, tt := range []struct{ data, want string }{
		{"{type: otel_trace_replay, otel_trace_replay: {trace_directory: a}}",
			`{"api":"chat","files":"*.json","path":"/d/a","replay":{` + usual + `},"seed":7,"type":"otel_trace_replay"}`},
		{"{type: otel_trace_replay, otel_trace_replay: {trace_files: [a/**/*.json, /b.json], " +
			"filter: 'lambda s: True', include_errors: false, skip_invalid_files: true, " +
			"duplicate_sessions_target: 9, max_wait_ms: 0, " +
			"predecessor_wait_timeout_sec: 0, override_tool_call_max_tokens: false, tool_choice_mode: as_recorded, " +
			"bad_tool_call_handling: use_recorded, inject_random_session_id: true, " +
			"attribute_to_header_map: {x: X-A}, attribute_to_label_map: {y: b}}}",
			`{"api":"chat","files":["/d/a/**/*.json","/b.json"],"replay":{"badToolCalls":"use_recorded",` +
				`"headers":{"x":"X-A"},"labels":{"y":"b"},"maxWait":"1ns","randomSessionID":true,` +
				`"toolCallMaxTokens":false,"toolChoice":"as_recorded"},"seed":7,"type":"otel_trace_replay",` +
				`"workload":{"duplicates":9,"filter":"lambda s: True","includeErrors":false,"skipInvalid":true}}`},
		{"{type: otel_trace_replay, otel_trace_replay: {hf_dataset_path: {path: o/d, " +
			"data_files: 'x*.json', split: train}, disable_output_substitution: true}}",
			`{"api":"chat","files":"x*.json","path":"o/d","replay":{"answers":"recorded",` + usual +
				`},"seed":7,"type":"otel_trace_replay"}`},
		{"{type: weka_trace_replay, weka_trace_replay: {hf_dataset_path: o/d}}",
			`{"api":"chat","files":"traces.jsonl","path":"o/d","replay":{` + usual + `},"seed":7,"tokenizer":"m",` +
				`"type":"weka_trace_replay","workload":{"blockSize":64,"entries":100,"idleGapCap":60000}}`},
		{"{type: weka_trace_replay, weka_trace_replay: {trace_files: [a.json], trace_idle_gap_cap_seconds: 0, " +
			"default_block_size: 16, num_dataset_entries: 3}}\nx-llm: {speed: 2, clock: trace}",
			`{"api":"chat","files":["/d/a.json"],"replay":{"badToolCalls":"none","maxWait":15000,` +
				`"predecessorTimeout":3600000,"speed":2,"toolCallMaxTokens":true,"toolChoice":"force_recorded"},` +
				`"tokenizer":"m","type":"weka_trace_replay","workload":{"blockSize":16}}`},
		{"{type: workload_replay, path: a}", `{"api":"chat","path":"/d/a","replay":{` + usual +
			`},"type":"workload_replay"}`},
		{"{type: workload_replay, workload: {format: Mooncake, file: 'a/*.jsonl', block_size: 512, scope: session, " +
			"share: 0.5, columns: {time: ts}, num_dataset_entries: 4, session: {skip_invalid_files: true}}}",
			`{"api":"chat","files":["/d/a/*.jsonl"],"replay":{` + usual + `},"seed":7,"tokenizer":"m",` +
				`"type":"workload_replay","workload":{"blockSize":512,"columns":{"time":"ts"},"entries":4,` +
				`"format":"mooncake","scope":"session","share":0.5,"skipInvalid":true}}`},
		{"{type: synthetic_agentic, synthetic_agentic: {num_sessions: 3, seed: 5, input_tokens_per_turn: " +
			"{type: fixed, mean: 120}, output_tokens_per_turn: {min: 1, max: 9, mean: 5}, " +
			"theme_mix: {generic: {weight: 2}}, " +
			"tool_call_latency_sec: {type: fixed, mean: 0.25}, max_model_len: 90000, context_compaction: " +
			"{trigger_tokens: {type: fixed, mean: 800}, target_tokens: {type: fixed, mean: 80}}}}",
			`{"api":"chat","replay":{"badToolCalls":"none","maxWait":15000,"predecessorTimeout":3600000,` +
				`"toolCallMaxTokens":false,"toolChoice":"force_recorded"},"seed":5,"syntheticAgentic":{` +
				`"contextCompaction":{"targetTokens":80,"triggerTokens":800},"fanoutProbability":0,` +
				`"inputTokensPerTurn":120,"maxDepth":2,"maxEventsPerSession":64,"maxModelLen":90000,"numSessions":3,` +
				`"outputTokensPerTurn":{"max":9,"mean":5,"min":1,"skew":0,"stdDev":200,"type":"normal"},` +
				`"sharedSystemPromptLen":1000,"themeMix":{"generic":2},"toolCallLatencySec":0.25,"turnsPerSession":1},` +
				`"tokenizer":"m","type":"synthetic_agentic"}`},
	} {
		c := mustParse(t, sessionConfig+"data: "+tt.data)
		if err := Refused(c); err != nil {
			t.Errorf("%s: %v", tt.data, err)
		}
		got, err := json.Marshal(Dataset(c, "/d"))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", tt.data, got, err, tt.want)
		}
	}
}

// Stages take their sessions of the data one after the other.
func TestStagesOfSessions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stages   string
		sessions int64
		want     string // of the plan
		note     string
		err      string
	}{
		{"{concurrent_sessions: 4}", 10, "10 requests, 4 at a time", "", ""},
		{"{concurrent_sessions: 0}", 10, "10 requests, 10 at a time", "", ""},
		{"{concurrent_sessions: 40, session_rate: 2, num_sessions: 4, timeout: 1.5}, " +
			"{concurrent_sessions: 0, session_rate: 3}",
			10, "4 requests, at most 2/s, for 1.5s at most, then 6 requests, at most 3/s", "", ""},
		{"{concurrent_sessions: 1, num_sessions: 8}, {concurrent_sessions: 2, num_sessions: 8}, " +
			"{concurrent_sessions: 3}", 10,
			"8 requests, 1 at a time, then 2 requests, 2 at a time",
			"load.stages[2] is left out: the stages before it replay all 10 sessions of the data", ""},
		{"{concurrent_sessions: 1}, {concurrent_sessions: 2}", 3, "3 requests, 1 at a time",
			"load.stages[1] is left out: the stages before it replay all 3 sessions of the data", ""},
		{"{concurrent_sessions: 1, num_sessions: 8}, {concurrent_sessions: 2, num_sessions: 3}", 10, "", "",
			"load.stages: they replay 11 sessions together, and the data has 10: lower num_sessions, or leave it out " +
				"of the last stage for all that remain"},
		{"{concurrent_sessions: 1}", 0, "", "", "load.stages: the data has no session to replay"},
	} {
		c := mustParse(t, strings.Replace(sessionConfig, "{concurrent_sessions: 1}", tt.stages, 1)+
			"data: {type: workload_replay, path: a}")
		o, err := NewOptions(c, "", Found{Sessions: tt.sessions})
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s of %d: got %v, want %s", tt.stages, tt.sessions, err, tt.err)
			}
			continue
		}
		plan, planErr := o.Load.Plan()
		if err != nil || planErr != nil || plan.String() != tt.want || strings.Join(o.Notes, "\n") != tt.note {
			t.Errorf("%s of %d: got %v, %q, %v, %v; want %s, %q", tt.stages, tt.sessions, plan, o.Notes, err, planErr,
				tt.want, tt.note)
		}
		if _, constant := plan.Process.(arrival.Constant); !constant {
			t.Errorf("%s: arrivals %T", tt.stages, plan.Process)
		}
		if o.GracefulStop != 2*time.Minute {
			t.Errorf("%s: gracefulStop %v", tt.stages, o.GracefulStop)
		}
	}
}

// By the clock of the trace, sessions begin at its instants.
func TestSessionsByTheClockOfTheTrace(t *testing.T) {
	t.Parallel()
	const data = "data: {type: workload_replay, path: a}\nx-llm: {clock: trace}\n"
	instants := []float64{0, 0.5, 0.5, 3}
	const all, remark = "{concurrent_sessions: 0}", "load.stages: only num_sessions has an effect beside x-llm.clock"
	for stages, want := range map[string]struct {
		n           int
		err, remark string
	}{
		all:                                    {4, "", ""},
		"{concurrent_sessions: 3, timeout: 5}": {4, "", remark},
		"{concurrent_sessions: 0, num_sessions: 3}": {3, "", ""},
		"{concurrent_sessions: 0, num_sessions: 2}, {concurrent_sessions: 0, num_sessions: 3}": {0,
			"load.stages: they replay 5 sessions together, and the data has 4", ""},
	} {
		c := mustParse(t, strings.Replace(sessionConfig, "{concurrent_sessions: 1}", stages, 1)+data)
		o, err := NewOptions(c, "", Found{Sessions: 4, Instants: instants})
		if (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%s: got %v, want %q", stages, err, want.err)
		}
		if n := len(o.Load.Trace); n != want.n || n > 0 && o.Load.Arrival.String != "trace" {
			t.Errorf("%s: %d instants, arrival %q, want %d", stages, n, o.Load.Arrival.String, want.n)
		}
		got := strings.Join(Remarks(c), "\n")
		if !strings.Contains(got, want.remark) || want.remark == "" && got != "" {
			t.Errorf("%s: got remarks %q, want %q", stages, got, want.remark)
		}
	}
	_, err := NewOptions(mustParse(t, sessionConfig+data), "", Found{Sessions: 4})
	if err == nil || !strings.Contains(err.Error(), "x-llm.clock: the data does not tell when its sessions began") {
		t.Errorf("without instants: got %v", err)
	}
}

// A data set of the hub that names options of Python's library gets a remark.
func TestRemarksOnHubOptions(t *testing.T) {
	t.Parallel()
	for hub, want := range map[string]string{
		"o/d": "", "{path: o/d}": "", "{path: o/d, data_files: a}": "",
		"{path: o/d, split: train}":            "hf_dataset_path: only path and data_files, one pattern, have",
		"{path: o/d, data_files: a, split: b}": "hf_dataset_path: only path and data_files",
		"{path: o/d, data_files: [a, b]}":      "hf_dataset_path: only path and data_files, one pattern",
	} {
		for _, kind := range []string{"otel_trace_replay", "weka_trace_replay"} {
			c := mustParse(t, sessionConfig+"data: {type: "+kind+", "+kind+": {hf_dataset_path: "+hub+"}}")
			got := strings.Join(Remarks(c), "\n")
			if !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("%s, %s: got %q, want %q", kind, hub, got, want)
			}
		}
	}
}
