package command

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/llm/internal/selftest"
)

func newSelfTest() *cobra.Command {
	levels, asJSON, length := "1x50,100x20,1000x5,1000x20,1000x40,5000x2,5000x5,20000x1,50000x1", false, 20*time.Second
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Measure this machine's own error",
		Long: `Measure what this machine adds to the figures: the simulator, in a process of
its own, stamps each token as it writes it, and the client's records are held
against these stamps.

Each level STREAMSxRATE has so many streams at a time, each with so many tokens
a second, for --length after the streams have built up, which takes 10 s.
Client and simulator share the machine, so the client alone can do more. A
level for which the machine lacks open files, ports or memory is left out, with
the reason.

A level is trusted if the 99th percentiles of the errors of first tokens and
gaps and of the lateness are at most 10 ms, every request was sent and none
failed.

Exit code: 0; 1 if not even the first level is trusted; 2 for misuse.`,
		Example: `  k6 x llm selftest
  k6 x llm selftest --levels 1x50,200x20 --length 5s
  k6 x llm selftest --json > selftest.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := selftest.ParseLevels(levels)
			if err == nil && length < time.Second {
				err = fmt.Errorf("--length: must be 1s or more, got %v", length)
			}
			if err != nil {
				return errext.WithExitCodeIfNone(err, misuse)
			}
			return selfTest(cmd, list, length, asJSON)
		},
	}
	cmd.Flags().StringVar(&levels, "levels", levels, "loads, as streams x tokens per second of each")
	cmd.Flags().DurationVar(&length, "length", length, "how long each level is held")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

func selfTest(cmd *cobra.Command, list []selftest.Level, length time.Duration, asJSON bool) error {
	var all []selftest.Measured
	for i, l := range list {
		cmd.PrintErrf("level %d of %d: %d streams of %g tokens/s, %v …\n", i+1, len(list), l.Streams, l.Rate,
			selftest.Lasts(length))
		m, err := l.Measure(cmd.Context(), length)
		if err != nil {
			return fmt.Errorf("level %dx%g: %w", l.Streams, l.Rate, err)
		}
		if m.LeftOut != "" {
			cmd.PrintErrln("left out:", m.LeftOut)
		}
		all = append(all, m)
	}
	var err error
	if asJSON {
		err = selftest.WriteJSON(cmd.OutOrStdout(), all)
	} else {
		err = selftest.WriteTable(cmd.OutOrStdout(), all)
	}
	if err == nil && !all[0].Trusted && all[0].LeftOut == "" {
		err = errors.New("this machine adds too much even at the first level")
	}
	return err
}
