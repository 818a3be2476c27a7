package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
)

func newParquet() *cobra.Command {
	var out, chunks, sessions, media string
	var force bool
	cmd := &cobra.Command{
		Use:   "parquet RECORDS…",
		Short: "Write records as Parquet, one row per request",
		Example: `  llmconv parquet run.jsonl -o requests.parquet
  llmconv parquet run.jsonl -o requests.parquet --chunks chunks.parquet`,
		Args: inputs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" && chunks == "" && sessions == "" && media == "" {
				return misuse("where to? Give -o FILE, --chunks FILE, --sessions FILE or --media FILE")
			}
			o := outfile.Options{Replace: force}
			if err := checkOutputs(args, o, out, chunks, sessions, media); err != nil {
				return err
			}
			run, err := Read(cmd, run.Options{Force: force}, args)
			if err != nil {
				return err
			}
			requests := convert.NewRequestTable(run)
			for _, file := range []struct {
				name  string
				write func(io.Writer) error
			}{{out, requests.WriteParquet}, {chunks, requests.WriteChunks},
				{sessions, convert.NewSessionTable(run).WriteParquet},
				{media, convert.NewMediaTable(run).WriteParquet}} {
				if file.name == "" {
					continue
				}
				if err := outfile.Write(file.name, o, file.write); err != nil {
					return written(err)
				}
			}
			return Verdict(run)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file with one row per request; - means the standard output")
	cmd.Flags().StringVar(&chunks, "chunks", "", "file with one row per content chunk; - means the standard output")
	cmd.Flags().StringVar(&sessions, "sessions", "",
		"file with one row per session of a replay; - means the standard output")
	cmd.Flags().StringVar(&media, "media", "",
		"file with one row per picture, video or sound; - means the standard output")
	cmd.Flags().BoolVar(&force, "force", false,
		"accept inputs that do not belong together; replace existing files")
	return cmd
}
