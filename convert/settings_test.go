package convert

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// config.yaml has the seed by which the run can be repeated: the given one, else the one in the records. It never has a
// seed drawn anew.
func TestConfigurationHasTheSeedOfTheRun(t *testing.T) {
	t.Parallel()
	const server = "server: {base_url: x}\n"
	read := func(seeds ...*int64) *run.Run {
		r := new(run.Run)
		for _, seed := range seeds {
			r.Runs = append(r.Runs,
				&record.Run{Seed: seed,
					Scenarios: []record.Scenario{{Stages: []record.Stage{{Rate: new(1.0), Duration: new(2.0)}}}}})
		}
		return r
	}
	for _, tt := range []struct {
		name, yaml string // "" means no configuration
		run        *run.Run
		want       string
	}{
		{"given", server + "load: {base_seed: 5, stages: [{rate: 1, duration: 2}]}", read(new(int64(7))), "5"},
		{"drawn", server + "load: {stages: [{rate: 1, duration: 2}]}", read(new(int64(7))), "7"},
		{"drawn by two instances alike", server + "load: {stages: [{rate: 1, duration: 2}]}",
			read(new(int64(7)), new(int64(7))), "7"},
		{"drawn by each instance", server + "load: {stages: [{rate: 1, duration: 2}]}",
			read(new(int64(7)), new(int64(8))), ""},
		{"not recorded", server + "load: {stages: [{rate: 1, duration: 2}]}", read(nil), ""},
		{"not recorded of one instance", server + "load: {stages: [{rate: 1, duration: 2}]}", read(nil, new(int64(8))),
			""},
		{"no records of a run", server + "load: {stages: [{rate: 1, duration: 2}]}", read(), ""},
		{"no configuration", "", read(new(int64(0))), "0"},
		{"no configuration and no seed", "", read(nil), ""},
	} {
		p := &Report{run: tt.run}
		if tt.yaml != "" {
			c, err := config.Parse([]byte(tt.yaml))
			if err != nil {
				t.Fatal(err)
			}
			p.opts.Config = c
		}
		text, err := p.configuration()
		if err != nil || len(text) == 0 {
			t.Fatalf("%s: %q, %v", tt.name, text, err)
		}
		got := ""
		if found := regexp.MustCompile(`(?m)^  base_seed: (.*)$`).FindSubmatch(text); found != nil {
			got = string(found[1])
		}
		if got != tt.want {
			t.Errorf("%s: base_seed %q, want %q in\n%s", tt.name, got, tt.want, text)
		}
	}
}

// config.yaml has the load of a closed loop with all that it was told, or is not written.
func TestConfigurationOfClosedLoops(t *testing.T) {
	t.Parallel()
	loop := record.Stage{Requests: new(int64(9)), Concurrency: new(int64(3)), Rate: new(2.0), Timeout: new(60.0)}
	plain := record.Stage{Requests: new(int64(9)), Concurrency: new(int64(3))}
	open := record.Stage{Rate: new(2.0), Duration: new(3.0)}
	for name, tt := range map[string]struct {
		stage    record.Stage
		sessions bool
		want     string // "" means no configuration
	}{
		"requests":                     {plain, false, "type: concurrent\n"},
		"requests at most at a rate":   {loop, false, ""},
		"sessions":                     {plain, true, "concurrent_sessions: 3\n    session_rate: null\n"},
		"sessions at most at a rate":   {loop, true, "concurrent_sessions: 3\n    session_rate: 2.0\n"},
		"sessions that begin at rates": {open, true, ""},
	} {
		r := &run.Run{Runs: []*record.Run{{Scenarios: []record.Scenario{{Stages: []record.Stage{tt.stage}}}}}}
		if tt.sessions {
			r.Sessions = []*run.Session{{}}
		}
		text, err := (&Report{run: r}).configuration()
		if err != nil || (len(text) == 0) != (tt.want == "") || !strings.Contains(string(text), tt.want) {
			t.Errorf("%s: %s, %v; want %q", name, text, err, tt.want)
		}
		if tt.sessions && tt.want != "" && !strings.Contains(string(text), "type: trace_session_replay\n") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// config.yaml says how requests are spread over several endpoints, and there is none of pairs.
func TestConfigurationOfSeveralEndpoints(t *testing.T) {
	t.Parallel()
	urls := []any{"http://a:8000/v1", "http://b:8000/v1"}
	for _, tt := range []struct {
		name    string
		clients []map[string]any
		want    string // "" means no configuration
	}{
		{"one", []map[string]any{{"baseURL": "http://a:8000/v1"}}, "tokenizer: null\n"},
		{"in turn", []map[string]any{{"baseURL": urls, "balance": "round-robin"}},
			"x-llm:\n  client:\n    balance: round-robin\n"},
		{"weights", []map[string]any{{"baseURL": urls, "balance": "weights", "weights": []any{3.0, 1.0}}},
			"x-llm:\n  client:\n    balance: weights\n    weights:\n    - 3\n    - 1\n"},
		{"a pair", []map[string]any{{"baseURL": urls[0]}, {"baseURL": urls[1]}, {"pair": []any{"a", "b"}}}, ""},
	} {
		r := &run.Run{Runs: []*record.Run{{Scenarios: []record.Scenario{{Stages: []record.Stage{{Rate: new(1.0),
			Duration: new(2.0)}}}}}}}
		for _, options := range tt.clients {
			r.Clients = append(r.Clients, &record.Client{Options: options})
		}
		text, err := (&Report{run: r}).configuration()
		if err != nil || !strings.HasSuffix(string(text), tt.want) || (tt.want == "") != (len(text) == 0) {
			t.Errorf("%s: got\n%s\n%v, want the end %q", tt.name, text, err, tt.want)
		}
		if _, err := config.Parse(text); len(text) > 0 && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
