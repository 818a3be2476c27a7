package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/page"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/price"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/internal/storage"
	"github.com/seed-307b789f/xk6-llm/internal/terminal"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

type reportFlags struct {
	out, percentiles, markers     string
	slo, gate                     slo.Text
	inconclusive                  Inconclusive
	config                        string
	formats, adapters, by         []string
	stages                        []int
	perRequest, perSession        bool
	adapterStages, groupStages    bool
	force                         bool
	cacheTokens                   int64
	excludeLate, steady           bool
	warmup, cooldown, stageWarmup time.Duration
	price, priceRatio             string
	prometheus                    prometheusFlags
	offline                       bool // no server is asked for metrics
	marks                         markFlags
}

func newReport() *cobra.Command { return reportCommand(new(reportFlags)) }

// reportCommand returns the command that reads its flags into f.
func reportCommand(f *reportFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report RECORDS…",
		Short: "Write a report in inference-perf's format",
		Long: `Write a report in inference-perf's format from the records of a run.

RECORDS is the file or directory that k6 run --out llm=… wrote. Several are
the instances of one run, and are merged exactly. Files of k6 run --out json=…
(.json, .gz), report directories with requests.parquet and results of other
load testers are accepted, too.

The report directory gets summary_lifecycle_metrics.json,
stage_N_lifecycle_metrics.json, adapter_A_lifecycle_metrics.json,
group_G_lifecycle_metrics.json of each label (or of what --by names),
inference-perf.partial.stage_N.yaml, config.yaml, validation.json,
requests.parquet and report.html, a page with tables and charts that loads
nothing from the network. In a pod of Kubernetes, or with --markers always,
the JSON of the summary and the stages goes to the standard output, too,
between lines such as === START_SUMMARY ===, for programs that read reports
from logs.

--slo and --gate take objectives, separated by commas: p99(ttft)<500ms,
failures<1%, goodput(ttft<500ms,tpot<50ms)>=95%, or ttft=500ms as a bound that
99 % of the requests are to keep. chat: p99(ttft)<300ms is about the requests
with the label chat; semicolons, or another --slo, separate it from others.

A gate is PASS if the 95 % interval of what was measured keeps its bound, FAIL
if the interval breaks it, and INCONCLUSIVE if it holds the bound; the answer
then names how many requests would decide. --inconclusive pass or fail settles
what is INCONCLUSIVE.

Exit codes: 0 for success; 1 if a gate is FAIL, every request failed or none was
sent; 2 for misuse; 3 if the input is partial; 4 if a gate is INCONCLUSIVE, and
nothing of this. With 1, 3 and 4 the report is written, too.`,
		Example: `  llmconv report run.jsonl -o report
  llmconv report records/ --per-request --percentiles 50,90,99
  llmconv report run.jsonl --slo 'p99(ttft)<500ms' --gate 'failures<1%'
  llmconv report run.jsonl --slo 'chat: p99(ttft)<300ms' --slo 'rag: ttft=2s'
  llmconv report run.jsonl --by scenario,model
  llmconv report run.jsonl --stage-warmup 10s -o warm
  llmconv report run.jsonl --steady -o steady
  llmconv report run.jsonl --exclude-late -o on-time
  llmconv report run.jsonl --mark '12:01:30 pod killed' --mark '+90s pod back'
  llmconv report run.jsonl --marks annotations.json
  llmconv report run.jsonl --config config.yml -o report
  llmconv report run.jsonl --stage 1 --adapter lora-a -o lora-a
  llmconv report run.jsonl --prometheus http://prometheus:9090 \
      --prometheus-filter namespace=prod`,
		Args: inputs,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "", "report directory (default reports-YYYYMMDD-HHMMSS)")
	flags.BoolVar(&f.perRequest, "per-request", false, "also write a file of all requests")
	flags.BoolVar(&f.perSession, "per-session", false, "also write a file of all sessions of a replay")
	flags.Int64Var(&f.cacheTokens, "cache-tokens", 0,
		"size of the server's prefix cache in tokens, for the reuse that a replay is to expect")
	flags.BoolVar(&f.adapterStages, "per-adapter-stage", false, "also write a file for each stage of each adapter")
	flags.StringSliceVar(&f.by, "by", nil, "keys whose groups of requests have reports of their own: "+
		strings.Join(run.KeyNames(), ", ")+" (default label, and endpoint if there are several)")
	flags.BoolVar(&f.groupStages, "per-group-stage", false, "also write a file for each stage of each group")
	flags.StringVar(&f.percentiles, "percentiles", "",
		"percentiles to report (default 0.1 to 99.9)")
	flags.Var(&f.slo, "slo", "objectives that each stage is judged by, in place of the run's bounds")
	flags.Var(&f.gate, "gate", "objectives that the whole run must keep, written as for --slo")
	f.inconclusive.Register(flags)
	flags.StringSliceVar(&f.formats, "format", []string{"json", "parquet", "html"},
		"files to write: json, parquet, csv, html, "+benchmarkFormat)
	flags.Var(span{&f.warmup}, "warmup", "leave out the requests sent in the first part of the run")
	flags.Var(span{&f.stageWarmup}, "stage-warmup", "leave out the requests sent in the first part of each stage")
	flags.Var(span{&f.cooldown}, "cooldown", "leave out the requests sent in the last part of the run")
	flags.BoolVar(&f.steady, "steady", false, "report on the longest part of each stage in which load and latency "+
		"are stationary, and say what is cut and why")
	flags.BoolVar(&f.excludeLate, "exclude-late", false,
		"exclude requests that the load generator may have read over 8 ms late from latencies and goodput")
	flags.IntSliceVar(&f.stages, "stage", nil, "use only these stages")
	flags.StringSliceVar(&f.adapters, "adapter", nil, "use only these adapters")
	flags.StringVar(&f.config, "config", "",
		"inference-perf's configuration of the run, for percentiles, goodput, files and token counts; flags "+
			"override it")
	flags.StringVar(&f.price, "price", "",
		"what the deployment costs, for the cost of tokens: 98.32 USD/h, or 4.10 EUR/h x8")
	flags.StringVar(&f.priceRatio, "price-ratio", "",
		"how the kinds of tokens share that cost: prompt=1,completion=4")
	flags.StringVar(&f.markers, "markers", "auto",
		"print the JSON between markers: always, never, or auto, which means in a pod of Kubernetes")
	flags.BoolVar(&f.force, "force", false, "accept inputs that do not belong together; replace an existing report")
	f.marks.register(flags)
	f.prometheus.register(flags)
	return cmd
}

func (f *reportFlags) run(cmd *cobra.Command, args []string) error {
	opts, files, err := f.options(cmd)
	if err != nil {
		return err
	}
	opts.Recipe = recipeOf(cmd.Flags())
	server, err := f.prometheus.settings(cmd.Flags(), opts.Config)
	if err != nil {
		return err
	}
	dir := f.out
	if dir == "" {
		dir = time.Now().Format("reports-20060102-150405")
	}
	if err := files.Vacant(dir); err != nil {
		if bad := run.Recognize(args...); bad != nil && !slices.ContainsFunc(args, storage.IsURL) {
			return misuse("%w", bad) // the real fault: another directory would not help
		}
		return misuse("%w", err)
	}
	r, err := Read(cmd, run.Options{Force: f.force, Bodies: files.PerRequest, Config: opts.Config}, args)
	if err != nil {
		return err
	}
	if r.Untimed {
		if f.warmup > 0 || f.cooldown > 0 || f.stageWarmup > 0 {
			return misuse("--warmup, --stage-warmup and --cooldown need start times, which results of %s do not have",
				r.Origin)
		}
		if f.steady {
			return misuse("--steady needs start times, which results of %s do not have", r.Origin)
		}
		if files.PerRequest {
			cmd.PrintErrln("remark: per_request_lifecycle_metrics.json is left out: the requests have no start times")
		}
	}
	before := len(r.Remarks)
	r.LeaveOut(run.Cut{
		Warmup: f.warmup.Seconds(), Cooldown: f.cooldown.Seconds(), StageWarmup: f.stageWarmup.Seconds(),
		Stages: f.stages, Adapters: f.adapters, Late: f.excludeLate,
	})
	remark(cmd, r.Remarks[before:])
	if f.steady {
		opts.Steady = KeepSteady(cmd, r)
	}
	if err := f.marks.add(cmd, r); err != nil {
		return err
	}
	if !f.offline {
		MarkAlerts(cmd, r, server, opts.Recipe)
	}
	f.marks.fix(opts.Recipe)
	if err := opts.CheckLabels(r); err != nil {
		return misuse("--slo, --gate: %w", err)
	}
	marked := Marked(f.markers, cmd.OutOrStdout())
	report := convert.NewReport(r, opts)
	if err := writeReport(cmd, report, dir, files, marked, slices.Contains(f.formats, "html")); err != nil {
		return written(err)
	}
	if !f.offline {
		WriteServerMetrics(cmd, r, report, dir, server)
	}
	return f.inconclusive.Outcome(r, report)
}

// KeepSteady leaves out of the run what is not of the steady parts of its stages, and returns what it found. It prints
// what is left out.
func KeepSteady(cmd *cobra.Command, r *run.Run) *convert.Steady {
	before := len(r.Remarks)
	defer func() { remark(cmd, r.Remarks[before:]) }()
	if len(r.Searches) > 0 {
		r.Remarks = append(r.Remarks, "--steady has no effect: each probe of a search leaves its transient out")
		return nil
	}
	return convert.KeepSteady(r)
}

// Capacity returns the error with the exit code for a search that found no load which keeps its SLO, or did not finish;
// nil means that the run is no search, or that the search has its answer.
func Capacity(r *run.Run) error {
	if reason := convert.NoCapacity(r); reason != "" {
		return &ExitError{Failed, errors.New(reason)}
	}
	return nil
}

// WriteReport writes a report into a directory and prints the verdict on the load generator, the JSON between markers
// if marked is set, and the tables. Faults that the check of the files finds are printed on stderr. The page
// report.html is written if files.Config is set, as the check is.
func WriteReport(cmd *cobra.Command, report *convert.Report, dir string, files convert.Files, marked bool) error {
	return writeReport(cmd, report, dir, files, marked, files.Config)
}

func writeReport(cmd *cobra.Command, report *convert.Report, dir string, files convert.Files, marked, html bool) error {
	if html {
		files.Page = pageOf(report, dir)
	}
	documents, err := report.Write(dir, files)
	if err != nil {
		return err
	}
	remark(cmd, report.Remarks)
	for _, fault := range report.Faults {
		cmd.PrintErrln("remark: the report's check:", plain.Terminal(fault))
	}
	out := cmd.OutOrStdout()
	screen := convert.Screen{W: out, Columns: terminal.Columns(out)}
	if screen.Ahead, err = page.Ahead(filepath.Base(dir), report); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	if err := report.WriteVerdict(screen); err != nil {
		return err
	}
	if marked {
		if err := convert.WriteMarked(out, documents); err != nil {
			return err
		}
	}
	if err := report.WriteTables(screen); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "\nreport:", plain.Terminal(dir))
	if html && err == nil {
		_, err = fmt.Fprintln(out, "page:", plain.Terminal(filepath.Join(dir, reportdir.Page)))
	}
	return err
}

// options returns the options and files that the configuration, or else the defaults, and then the flags ask for.
func (f *reportFlags) options(cmd *cobra.Command) (opts convert.Options, files convert.Files, err error) {
	if f.warmup < 0 || f.cooldown < 0 || f.stageWarmup < 0 {
		return opts, files, misuse("--warmup, --stage-warmup and --cooldown must not be negative")
	}
	if err := checkMarkers(f.markers); err != nil {
		return opts, files, err
	}
	opts, files = convert.Options{}, convert.Files{Summary: true, Stages: true, Adapters: true, Groups: true,
		Sessions: true, SessionStages: true, Fields: convert.DefaultFields}
	if f.config != "" {
		c, err := readConfig(cmd, f.config)
		if err != nil {
			return opts, files, err
		}
		if opts, files, err = convert.Configured(c); err != nil {
			return opts, files, misuse("--config: %w", err)
		}
		f.steady = f.steady || c.Own.Steady && !cmd.Flags().Changed("steady")
	}
	if f.cacheTokens < 0 {
		return opts, files, misuse("--cache-tokens must not be negative, got %d", f.cacheTokens)
	}
	opts.CacheTokens = f.cacheTokens
	files.Replace, files.PerSession = f.force, files.PerSession || f.perSession
	files.GroupStages = f.groupStages
	if cmd.Flags().Changed("by") {
		if opts.By, err = run.Keys(f.by); err != nil {
			return opts, files, misuse("--by: %w", err)
		}
	}
	files.PerRequest, files.AdapterStages = files.PerRequest || f.perRequest, files.AdapterStages || f.adapterStages
	if err := f.chooseFormats(&files); err != nil {
		return opts, files, err
	}
	list, err := percentiles(f.percentiles)
	if err != nil {
		return opts, files, err
	}
	if list != nil {
		opts.Percentiles = list
	}
	if f.slo != "" {
		if err = opts.SetSLO(string(f.slo)); err != nil {
			return opts, files, misuse("--slo: %w", err)
		}
	}
	if f.price != "" || f.priceRatio != "" {
		if opts.Price, err = price.ParseBoth(f.price, f.priceRatio); err != nil {
			return opts, files, misuse("--%s", strings.ReplaceAll(err.Error(), "price_ratio", "price-ratio"))
		}
	}
	if f.gate != "" {
		if opts.Gates, err = slo.Parse(string(f.gate)); err != nil {
			return opts, files, misuse("--gate: %w", err)
		}
	}
	return opts, files, nil
}

// readConfig reads a configuration and prints its warnings on stderr. A seed that the file leaves open stays open: the
// records have the seed that was drawn.
func readConfig(cmd *cobra.Command, path string) (*config.Config, error) {
	c, err := config.Load(path)
	if err != nil {
		return nil, misuse("--config: %w", err)
	}
	remark(cmd, c.Warnings)
	seed := c.Load.BaseSeed
	c.Settle(time.Now(), runtime.NumCPU())
	c.Load.BaseSeed = seed
	return c, nil
}

// benchmarkFormat is the format of llm-d's benchmark reports.
const benchmarkFormat = "benchmark-report"

// chooseFormats selects the files that --format names; without json no JSON file is written, except per-request.
func (f *reportFlags) chooseFormats(files *convert.Files) error {
	for _, format := range f.formats {
		switch format {
		case "json":
			files.Config = true
		case "parquet":
			files.Parquet = true
		case "csv":
			files.CSV = true
		case benchmarkFormat:
			files.BenchmarkReports = true
		case "html": // the page, which package convert does not write
		default:
			return misuse("--format: unknown %q, known are json, parquet, csv, html, %s", format, benchmarkFormat)
		}
	}
	if !files.Config {
		*files = convert.Files{Parquet: files.Parquet, CSV: files.CSV, BenchmarkReports: files.BenchmarkReports,
			PerRequest: f.perRequest, Fields: files.Fields, PerSession: f.perSession, Replace: f.force}
	}
	return nil
}
