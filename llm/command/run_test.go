package command

import (
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// A configuration that a sweep reads again is settled in the same way: the report's directory stays the same, and so
// does the seed, even if it is left to k6.
func TestSettleTwice(t *testing.T) {
	t.Parallel()
	for _, seed := range []string{"", "5"} {
		r := &runner{
			now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
			overrides: []config.Override{{Key: "server.base_url", Value: "x"},
				{Key: "load.stages", Value: `[{"rate": 1, "duration": 1}]`}},
		}
		if seed != "" {
			r.overrides = append(r.overrides, config.Override{Key: "load.base_seed", Value: seed})
		}
		for _, read := range []func() error{
			r.load, func() error { return r.setStages([]map[string]any{{"rate": 2, "duration": 1}}) }} {
			if err := read(); err != nil {
				t.Fatal(err)
			}
			if want := "reports-20260304-050607"; r.dir != want || r.c.Storage.Local.Path != want {
				t.Errorf("report in %s, path %s, want %s", r.dir, r.c.Storage.Local.Path, want)
			}
			if got := r.c.Load.BaseSeed; (got == nil) != (seed == "") || got != nil && *got != 5 {
				t.Errorf("seed %q became %v", seed, got)
			}
		}
	}
}
