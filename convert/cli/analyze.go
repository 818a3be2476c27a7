package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert/internal/chart"
	"github.com/seed-307b789f/xk6-llm/convert/internal/page"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// legendName is the file that maps the labels in the charts of several reports to the reports.
const legendName = "analyzed_reports_legend.json"

func newAnalyze() *cobra.Command {
	var unified string
	var by []string
	var force bool
	cmd := &cobra.Command{
		Use:   "analyze DIR…",
		Short: "Draw charts of reports: latency, throughput, goodput",
		Long: `Draw charts of reports: latency, throughput and goodput against load, one
point for each stage.

DIR is a report directory of llmconv, of k6 x llm run, or of any version of
inference-perf. The command reads its files stage_N_lifecycle_metrics.json,
with or without a prefix, and writes into it the charts for which the report
has data:

  latency_vs_qps.png          latency_vs_concurrency.png
  latency_p99_vs_qps.png      latency_p99_vs_concurrency.png
  throughput_vs_qps.png       throughput_vs_concurrency.png
  throughput_vs_latency.png   goodput_vs_qps.png
  latency_by_label.png        (or by another key: a line for each group)

and report.html, one page with everything and charts to zoom into.

--by KEY groups the requests by another key than the report did: label,
scenario, model, endpoint, adapter or client. It needs requests.parquet in the
report, unless the report is grouped so.

With -u OUT, it also draws the reports together, with a line for each: OUT
gets the same files and analyzed_reports_legend.json.

The command replaces earlier charts in a report, and in OUT if it has such a
legend. Elsewhere it refuses to replace a file of the same name without
--force.

Exit codes: 0 for success; 1 if nothing could be drawn; 2 for misuse; 3 if
some files could not be read or written and the rest was drawn.`,
		Example: `  llmconv analyze report
  llmconv analyze before after -u comparison
  llmconv analyze runs/*/`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("analyze what? Give report directories")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a := &analysis{cmd: cmd}
			if cmd.Flags().Changed("by") {
				var err error
				if a.by, err = run.Keys(by); err != nil {
					return misuse("--by: %w", err)
				}
			}
			return a.analyze(args, unified, force)
		},
	}
	cmd.Flags().StringSliceVar(&by, "by", nil, "keys whose groups of requests are drawn (default those of the report)")
	cmd.Flags().StringVarP(&unified, "unified", "u", "", "directory for charts of all reports together")
	cmd.Flags().BoolVar(&force, "force", false,
		"replace files in the directory of -u even if they are not charts of reports")
	return cmd
}

// analysis is the state of the command.
type analysis struct {
	cmd   *cobra.Command
	by    []run.Key  // nil means those of the report
	drawn int        // charts
	lost  bool       // something could not be read or written
	pages []page.Run // of the reports so far
}

func (a *analysis) analyze(args []string, unified string, force bool) error {
	dirs := distinct(args)
	if unified != "" && slices.ContainsFunc(dirs, func(dir string) bool { return samePath(dir, unified) }) {
		return misuse("-u %s: it is one of the reports, the charts of which would be replaced; give another directory",
			unified)
	}
	var reports []chart.Report
	for _, dir := range dirs {
		if found := a.report(dir); len(found) > 0 {
			reports = append(reports, found...)
			a.page(dir)
		}
	}
	if unified != "" && len(reports) > 0 {
		if err := a.together(reports, unified, force); err != nil {
			a.fail(err)
		}
	}
	switch {
	case a.drawn == 0:
		return &ExitError{Failed, errors.New("no chart could be drawn")}
	case a.lost:
		return &ExitError{Partial, errors.New("some of it could not be read or written; the rest is drawn")}
	}
	return nil
}

func (a *analysis) fail(err error) {
	a.lost = true
	a.cmd.PrintErrln("error:", plain.Message(err))
}

// report draws the reports in a directory and returns them for the common charts.
func (a *analysis) report(dir string) []chart.Report {
	reports, remarks, err := chart.Read(dir)
	for _, r := range remarks {
		a.lost = a.lost || r.Lost
		remark(a.cmd, []string{r.Text})
	}
	if err != nil {
		a.fail(plainError(dir, err))
		return nil
	}
	for _, r := range reports {
		if missing := r.Missing(); len(missing) > 0 {
			remark(a.cmd, []string{fmt.Sprintf("%s: no values for %s", r.Name(), strings.Join(missing, ", "))})
		}
		charts, _ := chart.Charts(r) // one report drops none
		// a prefix, lest charts of one report replace another's
		if err := a.write(dir, r.Prefix, charts, true); err != nil {
			a.fail(err)
		}
	}
	return reports
}

// page writes the page of a directory and keeps its run for the common page.
func (a *analysis) page(dir string) {
	r, err := page.FromDir(dir, a.by)
	if err != nil {
		remark(a.cmd, []string{fmt.Sprintf("no %s: %v", reportdir.Page, err)})
		return
	}
	if missing := page.Without(r, a.by); len(missing) > 0 {
		remark(a.cmd, []string{fmt.Sprintf("%s: no groups by %s: that needs its %s", dir, strings.Join(missing, ", "),
			reportdir.Parquet)})
	}
	a.pages = append(a.pages, r)
	if err := a.writePage(dir, []page.Run{r}, true); err != nil {
		a.fail(err)
	}
	if charts := page.Pictures(r); len(charts) > 0 {
		if err := a.write(dir, "", charts, true); err != nil {
			a.fail(err)
		}
	}
}

func (a *analysis) writePage(dir string, runs []page.Run, replace bool) error {
	if err := pageFile(dir, runs, replace); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.cmd.OutOrStdout(), "%s: %s\n", plain.Terminal(dir), reportdir.Page)
	return err
}

// plainError reports a missing directory without the system call that found it missing.
func plainError(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no such directory", dir)
	}
	return err
}

// together draws all reports in common charts. The legend is written last, because the files of a directory that has a
// legend may be replaced.
func (a *analysis) together(reports []chart.Report, dir string, replace bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	legendPath := filepath.Join(dir, legendName)
	if _, err := os.Stat(legendPath); err == nil {
		replace = true
	}
	charts, dropped := chart.Charts(reports...)
	if len(dropped) > 0 {
		remark(a.cmd,
			[]string{fmt.Sprintf("%s: not drawn, as only one report has data for them: %s", dir,
				strings.Join(dropped, ", "))})
	}
	for _, c := range charts {
		if len(c.Without) > 0 {
			remark(a.cmd,
				[]string{fmt.Sprintf("%s: not in it, for want of data: %s", filepath.Join(dir, c.File),
					strings.Join(c.Without, ", "))})
		}
	}
	if len(charts) == 0 {
		return fmt.Errorf("%s: no two reports have data of a kind", dir)
	}
	if err := checkCharts(dir, charts, outfile.Options{Replace: replace}); err != nil {
		return err
	}
	if err := a.write(dir, "", charts, replace); err != nil {
		return err
	}
	if len(a.pages) > 0 {
		if err := a.writePage(dir, a.pages, replace); err != nil {
			return err
		}
	}
	return outfile.WriteBytes(legendPath, outfile.Options{Replace: replace}, legend(reports))
}

// checkCharts refuses a directory in which one of the files of all reports could not be written.
func checkCharts(dir string, charts []chart.Chart, o outfile.Options) error {
	names := []string{reportdir.Page}
	for _, c := range charts {
		names = append(names, c.File)
	}
	for _, name := range names {
		if err := outfile.Check(filepath.Join(dir, name), o); err != nil {
			return err
		}
	}
	return nil
}

// write writes charts into a directory and prints their names.
func (a *analysis) write(dir, prefix string, charts []chart.Chart, replace bool) error {
	var names []string
	for _, c := range charts {
		name := prefix + c.File
		if err := outfile.Write(filepath.Join(dir, name), outfile.Options{Replace: replace},
			c.Figure.WritePNG); err != nil {
			return err
		}
		names = append(names, name)
		a.drawn++
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: its stages have no values to draw", filepath.Join(dir, prefix))
	}
	_, err := fmt.Fprintf(a.cmd.OutOrStdout(), "%s: %s\n", plain.Terminal(dir),
		plain.Terminal(strings.Join(names, ", ")))
	return err
}

// legend returns the JSON that maps the labels of reports to their directories, in order of the arguments.
func legend(reports []chart.Report) []byte {
	var out bytes.Buffer
	for i, r := range reports {
		name, err := json.Marshal(r.Name())
		if err != nil { // a string always has a form in JSON
			continue
		}
		fmt.Fprintf(&out, "%c\n  %q: %s", "{,"[min(i, 1)], chart.Label(i), name)
	}
	out.WriteString("\n}\n")
	return out.Bytes()
}

// distinct removes directories that are given more than once, however they are spelled.
func distinct(args []string) (dirs []string) {
	for _, arg := range args {
		if !slices.ContainsFunc(dirs, func(dir string) bool { return samePath(dir, arg) }) {
			dirs = append(dirs, arg)
		}
	}
	return dirs
}

// samePath reports whether two paths lead to the same file or directory, which need not exist.
func samePath(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	return filepath.Clean(a) == filepath.Clean(b)
}
