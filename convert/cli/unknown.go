package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// FlagError adds to the error of an unknown flag the flag that was probably meant. It is a command's FlagErrorFunc.
func FlagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return err
	}
	var known []string
	for _, flags := range []*pflag.FlagSet{cmd.LocalFlags(), cmd.InheritedFlags()} {
		flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	}
	near, ok := spelling.Nearest(unknown.GetSpecifiedName(), known)
	if !ok {
		return fmt.Errorf("%w (%s --help lists those known)", err, cmd.CommandPath())
	}
	return fmt.Errorf("%w: did you mean --%s?", err, near)
}
