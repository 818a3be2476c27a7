// Package command is `k6 x llm`: the commands of llmconv, and those that need the simulator or k6 itself.
package command

import (
	"errors"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/cmd/state"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// New makes the command. Its errors carry the exit codes of llmconv: 1 failed, 2 misuse, 3 partial input.
func New(gs *state.GlobalState) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "llm",
		Short: "Load tests of LLM inference servers: reports and a simulated server",
		Long: `Load tests of LLM inference servers: reports of their records, and a simulated server.

The tests themselves are scripts that import k6/x/llm, run by k6 run.`,
		Example: `  k6 run --out llm=run.jsonl scripts/sharegpt.js
  k6 x llm run -c config.yml
  k6 x llm report run.jsonl -o report
  k6 x llm sim --port 8000 --ttft 100ms --itl 20ms`,
	}
	cmd.AddCommand(cli.Commands()...)
	cmd.AddCommand(newRun(gs), newSim(), newSelfTest())
	withExitCodes(cmd)
	cmd.SetOut(gs.Stdout)
	cmd.SetErr(&plain.Writer{W: gs.Stderr})
	return cmd
}

// withExitCodes makes k6 exit with the codes of our errors; misused flags and arguments are code 2.
func withExitCodes(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		sub.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
			return errext.WithExitCodeIfNone(plain.Error(err), misuse)
		})
		arguments, run := sub.Args, sub.RunE
		sub.Args = func(cmd *cobra.Command, args []string) error {
			if err := arguments(cmd, args); err != nil {
				return errext.WithExitCodeIfNone(plain.Error(err), misuse)
			}
			return nil
		}
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			err := plain.Error(run(cmd, args))
			var exit *cli.ExitError
			if errors.As(err, &exit) {
				return errext.WithExitCodeIfNone(err, exitcodes.ExitCode(exit.Code)) // 1 to 3
			}
			return err
		}
	}
}

const misuse exitcodes.ExitCode = 2
