package cli

import (
	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
)

func newParquet() *cobra.Command {
	var out, chunks string
	var force bool
	cmd := &cobra.Command{
		Use:   "parquet RECORDS…",
		Short: "Write records as Parquet, one row per request",
		Example: `  llmconv parquet run.jsonl -o requests.parquet
  llmconv parquet run.jsonl -o requests.parquet --chunks chunks.parquet`,
		Args: inputs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" && chunks == "" {
				return misuse("where to? Give -o FILE, or --chunks FILE")
			}
			o := outfile.Options{Replace: force}
			if err := checkOutputs(args, o, out, chunks); err != nil {
				return err
			}
			run, err := Read(cmd, run.Options{Force: force}, args)
			if err != nil {
				return err
			}
			if out != "" {
				if err := outfile.Write(out, o, convert.NewRequestTable(run).WriteParquet); err != nil {
					return written(err)
				}
			}
			if chunks != "" {
				if err := outfile.Write(chunks, o, convert.NewRequestTable(run).WriteChunks); err != nil {
					return written(err)
				}
			}
			return Verdict(run)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file with one row per request; - means the standard output")
	cmd.Flags().StringVar(&chunks, "chunks", "", "file with one row per content chunk; - means the standard output")
	cmd.Flags().BoolVar(&force, "force", false,
		"accept inputs that do not belong together; replace existing files")
	return cmd
}
