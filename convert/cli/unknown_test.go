package cli

import (
	"errors"
	"testing"

	"github.com/spf13/cobra"
)

func TestFlagError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ arg, want string }{
		{"--outt=x", "unknown flag: --outt: did you mean --out?"},
		{"--zzzzzzzz", "unknown flag: --zzzzzzzz (report --help lists those known)"},
		{"-Z", `unknown shorthand flag: 'Z' in -Z`},
	} {
		cmd := &cobra.Command{Use: "report"}
		cmd.Flags().String("out", "", "")
		if got := FlagError(cmd, cmd.ParseFlags([]string{tt.arg})); got == nil || got.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.arg, got, tt.want)
		}
	}
	other := errors.New("other")
	if got := FlagError(&cobra.Command{}, other); got != other {
		t.Errorf("an error of another kind became %v", got)
	}
}
