package convert

import (
	"regexp"
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
