package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
)

type reportFlags struct {
	out, percentiles, slo string
	formats               []string
	perRequest, force     bool
	warmup, cooldown      time.Duration
}

func newReport() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report RECORDS…",
		Short: "Write a report in inference-perf's format",
		Long: `Write a report in inference-perf's format from the records of a run.

RECORDS are files or directories of k6 run --out llm=…, or files of k6 run --out json=… (.json, .gz); several are instances
of one run. Into the report directory go summary_lifecycle_metrics.json, stage_N_lifecycle_metrics.json and requests.parquet.

Exit code: 0; 1 if every request failed, or none was sent; 2 for misuse; 3 if the input is partial. Reports are written for 1 and 3 too.`,
		Example: `  llmconv report run.jsonl -o report
  llmconv report records/ --per-request --percentiles 50,90,99
  llmconv report run.jsonl --slo ttft=500ms,tpot=50ms --warmup 30s`,
		Args: inputs,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "", "report directory (default reports-YYYYMMDD-HHMMSS)")
	flags.BoolVar(&f.perRequest, "per-request", false, "write per_request_lifecycle_metrics.json too")
	flags.StringVar(&f.percentiles, "percentiles", "", "percentiles to report (default 0.1,1,5,10,25,50,75,90,95,99,99.9)")
	flags.StringVar(&f.slo, "slo", "", "bounds for goodput, instead of those of the run: ttft, tpot, ntpot, itl, request_latency")
	flags.StringSliceVar(&f.formats, "format", []string{"json", "parquet"}, "files to write: json, parquet")
	flags.DurationVar(&f.warmup, "warmup", 0, "leave out the requests sent in the first part of the run")
	flags.DurationVar(&f.cooldown, "cooldown", 0, "leave out the requests sent in the last part of the run")
	flags.BoolVar(&f.force, "force", false, "go on with inputs that do not belong together")
	return cmd
}

func (f *reportFlags) run(cmd *cobra.Command, args []string) error {
	opts, files, err := f.options()
	if err != nil {
		return err
	}
	run, err := read(cmd, convert.ReadOptions{Force: f.force, Bodies: f.perRequest}, args)
	if err != nil {
		return err
	}
	run.Leave(convert.Cut{Warmup: f.warmup.Seconds(), Cooldown: f.cooldown.Seconds()})
	dir := f.out
	if dir == "" {
		dir = time.Now().Format("reports-20060102-150405")
	}
	if err := run.WriteReport(dir, files, opts); err != nil {
		return &ExitError{Failed, err}
	}
	if len(run.Requests) > 0 {
		if err := run.WriteTable(cmd.OutOrStdout(), opts); err != nil {
			return &ExitError{Failed, err}
		}
	}
	if err := printLine(cmd.OutOrStdout(), "\nreport:", dir); err != nil {
		return &ExitError{Failed, err}
	}
	return verdict(run)
}

func (f *reportFlags) options() (opts convert.Options, files convert.Files, err error) {
	if f.warmup < 0 || f.cooldown < 0 {
		return opts, files, misuse("--warmup and --cooldown must not be negative")
	}
	files.PerRequest = f.perRequest
	for _, format := range f.formats {
		switch format {
		case "json":
			files.JSON = true
		case "parquet":
			files.Parquet = true
		default:
			return opts, files, misuse("--format: unknown %q, known are json, parquet", format)
		}
	}
	if opts.Percentiles, err = percentiles(f.percentiles); err != nil {
		return opts, files, err
	}
	if opts.SLO, err = convert.ParseSLO(f.slo); err != nil {
		return opts, files, misuse("--slo: %w", err)
	}
	return opts, files, nil
}
