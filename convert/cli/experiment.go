package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
)

// NewExperiment returns the command that makes the page of an experiment. It is not among [Commands], as k6 x llm has a
// command of this name that runs experiments, too, and calls [WriteExperiment].
func NewExperiment() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "experiment DIR",
		Short: "Make the page of an experiment from the reports of its cells",
		Long: `Make the page of an experiment from the reports of its cells.

DIR is the directory that k6 x llm experiment -f wrote, with experiment.json.`,
		Example: `  llmconv experiment runs/flags`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse("which experiment? Give the directory that has its %s", experiment.FileName)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return WriteExperiment(cmd, args[0]) },
	}
	guard(cmd)
	return cmd
}

// WriteExperiment writes the page of the experiment in a directory, and prints what it says in short.
func WriteExperiment(cmd *cobra.Command, dir string) error {
	results, err := experiment.Read(dir)
	if err != nil {
		return misuse("%w", err)
	}
	for _, c := range results.Cells {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), c.Name, c.Status); err != nil {
			return err
		}
	}
	return nil
}
