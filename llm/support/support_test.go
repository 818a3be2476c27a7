package support

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

const (
	server = "server: {base_url: 'http://s', model_name: m}\n"
	load   = "load: {stages: [{rate: 1, duration: 1}]}\n"
)

func mustParse(t *testing.T, yaml string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRemarks(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"load: {num_workers: -1, worker_max_concurrency: 5, stages: [{rate: 1, duration: 1}]}\n": "load.num_workers has no effect here: one process",
		load + "tokenizer: {trust_remote_code: true}\n":                                          "tokenizer.trust_remote_code has no effect here: tokenizers are read, never run",
		load + "data: {type: random, input_distribution: {total_count: 5}}\n":                    "data.input_distribution.total_count has no effect here: ",
	} {
		if notes := strings.Join(Remarks(mustParse(t, server+yaml)), "\n"); !strings.Contains(notes, want) {
			t.Errorf("%s is not in %q", want, notes)
		}
	}
	if notes := Remarks(mustParse(t, server+load)); len(notes) > 0 {
		t.Errorf("of a plain configuration: %q", notes)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const breaker = "circuit_breakers: [{name: b, metrics: {matches: ['@', %s]}, triggers: [{type: consecutive, threshold: 2}]}]\n"
	for yaml, want := range map[string]string{
		server + load: "",
		server + load + "data: {type: random, input_distribution: {min: 1, max: 9, mean: 9}}\n": "",
		server + load + "data: {type: shareGPT, input_distribution: {min: 1, max: 9}}\n":        "",
		server + load + strings.Replace(breaker, "%s", "error", 1):                              "",
		load: "server: is missing",
		server + load + "api: {type: anthropic_messages}\n":                                           "api.type: anthropic_messages is not supported yet",
		server + load + "data: {type: visionarena, visionarena: {}}\n":                                "data.type: visionarena is not supported yet",
		server + load + "data: {type: random, input_distribution: {min: 10, max: 20, mean: 50}}\n":    "data.input_distribution.mean: must be from min (10) to max (20), got 50",
		server + load + "data: {type: synthetic, output_distribution: {min: 10, max: 20, mean: 5}}\n": "data.output_distribution.mean: must be from min (10) to max (20), got 5",
		server + load + strings.Replace(breaker, "%s", "'error['", 1):                                 "circuit_breakers[0]: matches[1]: expression \"error[\" at column 7",
		server + load + "x-llm: {data: inference-perf}\ndata: {type: shareGPT, path: x}\n":            "x-llm.data: inference-perf is known for",
	} {
		err := Refused(mustParse(t, yaml))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", yaml, err, want)
		}
	}
}
