package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/convert/internal/cells"
	"github.com/seed-307b789f/xk6-llm/convert/internal/experimentpage"
	"github.com/seed-307b789f/xk6-llm/convert/internal/outcome"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// outcomeWriters are the forms of --format.
var outcomeWriters = map[string]func(*outcome.Outcome, io.Writer) error{
	"text": (*outcome.Outcome).WriteText, "markdown": (*outcome.Outcome).WriteMarkdown,
	"json": (*outcome.Outcome).WriteJSON,
}

// NewExperiment returns the command that makes the page of an experiment. It is not among [Commands], as k6 x llm has a
// command of this name that runs experiments, too, and calls [WriteExperiment].
func NewExperiment() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "experiment DIR",
		Short: "Make the page of an experiment: which deployment is best for what, and why",
		Long: `Make the page of an experiment from the reports of its cells: which deployment
is best for what, how sure that is, which parameter matters how much, and what
failed.

DIR is the directory that k6 x llm experiment -f wrote, with experiment.json.
The command reads the report of each cell again, and writes into DIR
experiment.html, a page that loads nothing from the network, and
experiment_summary.json with all figures. It prints the answers and the settings.

A cell counts if it ran to its end, its verdict is not INVALID (the load
generator kept up), and at most 1 % of its requests failed. The others are
listed with the reason. Cells that are SUSPECT count, and are marked by "!".

Exit codes: 0 for success; 1 if no cell counts; 2 for misuse; 3 if some cells do
not count. With 1 and 3 the page is written, too.`,
		Example: `  llmconv experiment runs/flags
  llmconv experiment runs/flags --format markdown > flags.md`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse("which experiment? Give the directory that has its %s", experiment.FileName)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return WriteExperiment(cmd, args[0]) },
	}
	RegisterExperiment(cmd.Flags())
	guard(cmd)
	return cmd
}

// RegisterExperiment adds the flags that [WriteExperiment] knows to those of a command.
func RegisterExperiment(flags *pflag.FlagSet) {
	flags.String(formatFlag, "text", "format of the answers: text, markdown, json")
}

const formatFlag = "format"

// WriteExperiment writes the page and the document of the experiment in a directory from the reports of its cells, and
// prints what they say in short, as the command's flags of [RegisterExperiment] say. The error has the exit code:
// Failed if no cell counts, Partial if some do not.
func WriteExperiment(cmd *cobra.Command, dir string) error {
	format := "text"
	if f := cmd.Flags().Lookup(formatFlag); f != nil {
		format = f.Value.String()
	}
	write, known := outcomeWriters[format]
	if !known {
		return misuse("--format: unknown %q, known are text, markdown, json", format)
	}
	results, err := experiment.Read(dir)
	if err != nil {
		return misuse("%w", err)
	}
	o := outcome.New(results.Name, readCells(cmd, dir, results))
	for name, form := range map[string]func(io.Writer) error{
		experimentpage.FileName: func(w io.Writer) error { return experimentpage.Write(w, dir, o) },
		outcome.FileName:        o.WriteJSON,
	} {
		if err := outfile.Write(filepath.Join(dir, name), outfile.Options{Replace: true}, form); err != nil {
			return written(err)
		}
	}
	if err := write(o, cmd.OutOrStdout()); err != nil {
		return &ExitError{Failed, err}
	}
	cmd.PrintErrln("page:", plain.Terminal(filepath.Join(dir, experimentpage.FileName)))
	switch counted := o.Counted(); {
	case counted == 0:
		return &ExitError{Failed, fmt.Errorf("no cell of the experiment counts")}
	case counted < len(o.Cells):
		return &ExitError{Partial, fmt.Errorf("%d of %d cells do not count: the page says why", len(o.Cells)-counted,
			len(o.Cells))}
	}
	return nil
}

// readCells reads the reports of the cells. It says every two seconds how many it has read.
func readCells(cmd *cobra.Command, dir string, results *experiment.Results) []outcome.Cell {
	var read atomic.Int64
	ticker := time.NewTicker(2 * time.Second)
	ended, told := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(told)
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				cmd.PrintErrf("read %d of %d reports\n", read.Load(), len(results.Cells))
			}
		}
	}()
	list := cells.Read(dir, results, func() { read.Add(1) })
	ticker.Stop()
	close(ended)
	<-told
	return list
}
