// Llmconv makes reports of load tests of LLM inference servers.
//
//	llmconv report run.jsonl -o report
//	llmconv parquet run.jsonl -o requests.parquet
//
// It reads the records of k6 run --out llm=… and --out json=…, and writes inference-perf's report format and Parquet.
// Exit code: 0; 1 failed, also if every request failed; 2 misuse; 3 partial input, report written.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	root := &cobra.Command{
		Use:           "llmconv",
		Short:         "Reports of load tests of LLM inference servers",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(cli.Commands()...)
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
	return cli.Misuse // cobra's own errors are of flags and commands
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
