package command

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/cmd/state"
)

// The short flags of a search go with one that the configuration's file asks for, unless they ask for stages.
func TestFlagsBesideTheSearchOfAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yml")
	writeText(t, file, "server: {base_url: h}\ndata: {type: mock}\n"+
		"x-llm: {slo: ttft=1s, search: {over: rate, probe: 9s}}\n")
	for _, tt := range []struct{ args, probe, fault string }{
		{"--duration 5s --search-max 9", `"5s"`, ""},
		{"", `"9s"`, ""},
		{"--rate 2 --duration 5s", "", ""},
		{"--x-llm.search null --duration 5s", "", "--duration and --requests need --rate or --concurrency"},
		{"--requests 5", "", "x-llm.search chooses the loads by itself: leave --requests out"},
	} {
		r := &runner{gs: &state.GlobalState{CmdArgs: []string{"llm"}}, config: file}
		cmd := &cobra.Command{}
		r.flags(cmd)
		if err := cmd.ParseFlags(strings.Fields(tt.args)); err != nil {
			t.Fatal(err)
		}
		err := r.prepare(cmd)
		switch {
		case tt.fault != "" && (err == nil || err.Error() != tt.fault), tt.fault == "" && err != nil:
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.fault)
		case err == nil && string(r.c.Own.Search["probe"]) != tt.probe:
			t.Errorf("%s: probes take %s, want %s", tt.args, r.c.Own.Search["probe"], tt.probe)
		}
	}
}
