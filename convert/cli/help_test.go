package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Help fits a terminal of 80 columns.
func TestHelpFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, cmd := range Commands() {
		root := &cobra.Command{Use: "llmconv"}
		root.AddCommand(cmd)
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs([]string{cmd.Name(), "--help"})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%s: %d columns: %s", cmd.Name(), n, line)
			}
		}
	}
}
