// Llmconv makes and compares reports of load tests of LLM inference servers.
//
//	llmconv report run.jsonl -o report
//	llmconv parquet run.jsonl -o requests.parquet
//
// It reads the records of k6 run --out llm=… and --out json=…, and the results of other tools. It writes reports in
// inference-perf's format, and Parquet. The exit code is 0 for success, 1 for failure (also if every request failed), 2
// for misuse, and 3 if the input was partial and the report was written.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/version"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	root := &cobra.Command{
		Use:   "llmconv",
		Short: "Make and compare reports of load tests of LLM inference servers",
		Long: `Make and compare reports of load tests of LLM inference servers.

k6 x llm has the same commands. Take llmconv on a machine that sends no load:
it is a small program without k6.`,
		Example: `  llmconv report run.jsonl -o report
  llmconv compare base/ new/
  llmconv parquet run.jsonl -o requests.parquet`,
		Version:       version.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate(version.Line("llmconv") + "\n")
	root.AddCommand(append(cli.Commands(), cli.NewExperiment())...)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "llmconv:", plain.Message(err))
	var exit *cli.ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return cli.Misuse // cobra's own errors concern flags and commands
}
