// Package command is the subcommand `k6 x llm`. It has the commands of llmconv, and commands that need the simulator or
// k6 itself.
package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.k6.io/k6/v2/cmd/state"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/terminal"
	"github.com/seed-307b789f/xk6-llm/internal/version"
)

// New returns the command. Its errors carry the exit codes of llmconv: 1 for failure, 2 for misuse, 3 for partial
// input.
func New(gs *state.GlobalState) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "llm",
		Short: "Load-test LLM inference servers: run configurations, make reports, simulate a server",
		Long: `Load-test LLM inference servers: measure one in a line, run configurations of
inference-perf, make and compare reports, and simulate a server.

Scripts that import k6/x/llm are load tests, too. Run them with k6 run.
The program llmconv has the commands for reports, too, and needs no k6.`,
		Example: `  k6 x llm bench http://localhost:8000 --rate 2,4,8 --duration 60s
  k6 x llm run -c config.yml
  k6 x llm report run.jsonl -o report
  k6 x llm sim --port 8000 --ttft 100ms --itl 20ms`,
	}
	cmd.AddCommand(cli.Commands()...)
	cmd.AddCommand(newBench(gs), newRun(gs), newProbe(), newAudit(), newSim(), newSelfTest(),
		newExperiment(gs), newManifests(), newVersion())
	withExitCodes(cmd)
	cmd.SetHelpFunc(help)
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	cmd.SetOut(terminal.Writer{Writer: gs.Stdout, FD: gs.Stdout.RawOutFd, Is: gs.Stdout.IsTTY})
	cmd.SetErr(&plain.Writer{W: gs.Stderr})
	return cmd
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this extension",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version.Line("xk6-llm"))
			return err
		},
	}
}

// help shows a command's help without k6's own flags, which k6 --help lists: several mean nothing here, and -c is
// another flag of run.
func help(cmd *cobra.Command, args []string) {
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { f.Hidden = true })
	show := cmd.Root().HelpFunc()
	if cmd.Root().Name() == "llm" { // without k6 around it
		show = new(cobra.Command).HelpFunc()
	}
	show(cmd, args)
}

// withExitCodes makes k6 exit with the codes of the commands' errors, and with code 2 for wrong flags and arguments.
func withExitCodes(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		withExitCodes(sub)
		sub.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
			return errext.WithExitCodeIfNone(plain.Error(cli.FlagError(cmd, err)), misuse)
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
				return errext.WithExitCodeIfNone(err, exitcodes.ExitCode(exit.Code)) // 1 to 4
			}
			return err
		}
	}
}

const misuse exitcodes.ExitCode = 2
