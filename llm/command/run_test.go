package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// A flag with the address of a server measures that server, even beside a file with the simulator.
func TestAddressBesideTheSimulator(t *testing.T) {
	t.Parallel()
	const mock = "server: {type: mock, base_url: \"http://a\"}\nload: {stages: [{rate: 1, duration: 1}]}\n"
	file := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(file, []byte(mock), 0o600); err != nil {
		t.Fatal(err)
	}
	address := config.Override{Key: "server.base_url", Value: "http://b"}
	for _, tt := range []struct {
		flags []config.Override
		want  config.ServerType
	}{
		{nil, config.MockServer},
		{[]config.Override{address}, config.VLLM},
		{[]config.Override{address, {Key: "server.type", Value: "mock"}}, config.MockServer},
		{[]config.Override{address, {Key: "server.type", Value: "tgi"}}, config.TGI},
	} {
		r := &runner{config: file, dotted: tt.flags, overrides: tt.flags}
		if err := r.load(); err != nil {
			t.Fatal(err)
		}
		if r.c.Server.Type != tt.want {
			t.Errorf("%v: got type %s, want %s", tt.flags, r.c.Server.Type, tt.want)
		}
	}
}

// A configuration that names a server and is for the simulator says where its requests go.
func TestAddressOfTheSimulator(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{"mock": true, "vllm": false} {
		cmd, said := &cobra.Command{}, &bytes.Buffer{}
		cmd.SetErr(said)
		r := &runner{dotted: []config.Override{{Key: "server.base_url", Value: "http://a"},
			{Key: "server.type", Value: kind}, {Key: "load.stages", Value: `[{"rate": 1, "duration": 1}]`}}}
		r.settings.register(cmd.Flags())
		if err := r.prepare(cmd); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(said.String(), "server.type is mock"); got != want {
			t.Errorf("%s: said %q", kind, said)
		}
	}
}

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
