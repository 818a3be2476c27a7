package command

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"go.k6.io/k6/v2/cmd/state"
)

// Help fits a terminal of 80 columns, and lists no flags of k6.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	for _, sub := range New(newGlobalState(t)).Commands() {
		cmd, out := New(newGlobalState(t)), new(bytes.Buffer)
		cmd.SetOut(out)
		cmd.SetArgs([]string{sub.Name(), "--help"})
		cmd.PersistentFlags().String("of-k6", "", "a flag of k6")
		if err := cmd.Execute(); err != nil {
			t.Errorf("%s: %v", sub.Name(), err)
		}
		if !strings.Contains(out.String(), "Usage:") || strings.Contains(out.String(), "of-k6") {
			t.Errorf("%s --help:\n%s", sub.Name(), out)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 &&
				len(strings.Fields(line)) > 1 { // a word cannot be broken
				t.Errorf("%s --help: %d columns: %s", sub.Name(), n, line)
			}
		}
	}
}

func newGlobalState(t *testing.T) *state.GlobalState {
	t.Helper()
	gs := state.NewGlobalState(t.Context())
	gs.CmdArgs = []string{"k6", "x", "llm"}
	return gs
}
