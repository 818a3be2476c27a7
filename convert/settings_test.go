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
