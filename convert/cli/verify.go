package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/validation"
	"github.com/seed-307b789f/xk6-llm/convert/internal/verify"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/digest"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// errUnverified is the reason of a report that cannot be made again.
var errUnverified = errors.New("its figures cannot be verified")

func newVerify() *cobra.Command {
	var records []string
	cmd := &cobra.Command{
		Use:   "verify DIR…",
		Short: "Make reports again out of their requests and say what was changed",
		Long: `Make reports again out of their requests, and say where their files differ.

DIR is a report directory. The command makes the report again from the records
in the directory, or else from its requests.parquet, with the settings that the
passport in summary_lifecycle_metrics.json states. It compares every figure, key
by key, each row of the tables, and the hashes that the passport has. Each
difference is told with the file, the key, what is written there and what it
should be. With --records, the files of records take the place of those in DIR.

Of reports of inference-perf, and those without a passport, it checks only
whether their files contradict each other.

It cannot tell whether somebody changed the records and then made the whole
report again. Keep the SHA-256 of the records elsewhere: it is in the passport.

Exit codes: 0 if everything is as it should be; 1 if something differs; 2 for
misuse; 3 if the figures cannot be verified, because there are no requests.`,
		Example: `  llmconv verify report
  llmconv verify report --records run.jsonl
  llmconv verify runs/*/`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse("verify what? Give report directories")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && records != nil {
				return misuse("--records belongs to one report: give one directory")
			}
			return verifyAll(cmd, args, records)
		},
	}
	cmd.Flags().StringSliceVar(&records, "records", nil,
		"files or directories of records to make the report from, in place of those in the directory")
	return cmd
}

// verifyAll checks the reports in some directories.
func verifyAll(cmd *cobra.Command, dirs, records []string) error {
	differ, unverified := 0, 0
	for _, dir := range dirs {
		v := &verification{cmd: cmd, dir: dir, records: records}
		err := v.verify()
		switch {
		case errors.Is(err, errUnverified):
			unverified++
			cmd.PrintErrln("remark:", plain.Terminal(err.Error()))
		case err != nil:
			return err
		}
		v.tell()
		if len(v.result.Differences) > 0 {
			differ++
		}
	}
	switch {
	case differ > 0:
		return &ExitError{Failed, fmt.Errorf("%s not what the records say", someReports(differ))}
	case unverified > 0:
		return &ExitError{Partial, errors.New("not everything could be verified")}
	}
	return nil
}

func someReports(n int) string {
	if n == 1 {
		return "a report is"
	}
	return fmt.Sprintf("%d reports are", n)
}

// verification checks the report in a directory.
type verification struct {
	cmd     *cobra.Command
	dir     string
	records []string // given by the user

	summary  string // the name of its file
	document gjson.Result
	passport *convert.Passport
	source   []string // what the report is made again from
	remade   string   // a directory
	result   verify.Result
	skipped  []string // files that were not made again
	checked  int      // files whose values were compared
}

func (v *verification) verify() error {
	if info, err := os.Stat(v.dir); err != nil || !info.IsDir() {
		return misuse("%s: no such directory", v.dir)
	}
	if err := v.read(); err != nil {
		return err
	}
	if err := v.contradictions(); err != nil {
		return err
	}
	if v.passport == nil {
		return fmt.Errorf("%s: %w: %s has no passport (xk6_llm.passport), so the files were only checked against each "+
			"other", v.dir, errUnverified, v.summary)
	}
	v.hashes()
	if err := v.find(); err != nil {
		return err
	}
	return v.remake()
}

// read finds the summary and its passport.
func (v *verification) read() error {
	found := reportdir.Summaries(v.dir)
	if len(found) == 0 {
		return misuse("%s holds no report (%s)", v.dir, reportdir.Summary)
	}
	v.summary = filepath.Base(found[0])
	text, err := os.ReadFile(found[0])
	if err == nil {
		text, err = reportdir.JSON(text)
	}
	if err != nil {
		return misuse("%s: %w", found[0], err)
	}
	if !gjson.ValidBytes(text) {
		v.differs(v.summary, "", "is no JSON document")
		return nil
	}
	v.document = gjson.ParseBytes(text)
	passport := v.document.Get("xk6_llm.passport")
	if !passport.IsObject() {
		return nil
	}
	v.passport = new(convert.Passport)
	if err := json.Unmarshal([]byte(passport.Raw), v.passport); err != nil {
		v.passport = nil
		v.differs(v.summary, "xk6_llm.passport", "cannot be read: "+err.Error())
	}
	return nil
}

func (v *verification) differs(file, key, text string) {
	v.result.Differences = append(v.result.Differences, verify.Difference{File: file, Key: key, Text: text})
}

func (v *verification) prefix() string { return strings.TrimSuffix(v.summary, reportdir.Summary) }

// contradictions checks the files of a report against each other.
func (v *verification) contradictions() error {
	found, err := validation.CheckDir(os.DirFS(v.dir), v.prefix(), validation.Config{})
	if err != nil {
		return fmt.Errorf("%s: %w", v.dir, err)
	}
	for finding := range found.All() {
		if finding.Severity != validation.Error {
			continue
		}
		file := v.dir
		if finding.Report != nil {
			file = *finding.Report
		}
		v.differs(file, "", "contradicts itself: "+finding.Message)
	}
	return nil
}

// hashes compares the files with the hashes in the passport, and finds files that are missing or were added.
func (v *verification) hashes() {
	for _, f := range v.passport.Files {
		path := filepath.Join(v.dir, filepath.Base(f.Name))
		sum, n, err := digest.File(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			v.differs(f.Name, "", "is missing")
		case err != nil:
			v.differs(f.Name, "", "cannot be read: "+err.Error())
		case sum != f.SHA256 && f.Name == reportdir.Page && pageOfFiles(path):
		case sum != f.SHA256:
			v.differs(f.Name, "", fmt.Sprintf("is not as the report wrote it: its SHA-256 is %s (%d bytes), the "+
				"passport says %s (%d bytes)", short(sum), n, short(f.SHA256), f.Bytes))
		}
	}
	for _, path := range reportdir.Existing(v.dir) {
		name := filepath.Base(path)
		listed := slices.ContainsFunc(v.passport.Files, func(f record.File) bool { return f.Name == name })
		if listed || name == v.summary || name == v.prefix()+reportdir.Validation {
			continue
		}
		if name == reportdir.Page || strings.HasSuffix(name, "prometheus_metrics.json") {
			v.skipped = append(v.skipped, name)
			continue
		}
		v.differs(name, "", "was not written by this report: its passport does not list it")
	}
}

// short returns the beginning of a hash.
func short(sum string) string { return sum[:min(len(sum), 12)] }

// find chooses what the report is made again from.
func (v *verification) find() error {
	if v.records != nil {
		v.source = v.records
		return v.checkRecords()
	}
	table := filepath.Join(v.dir, reportdir.Parquet)
	for _, path := range run.RequestFiles(v.dir) {
		if v.isRecorded(filepath.Base(path)) && path != table {
			v.source = append(v.source, path)
		}
	}
	if len(v.source) > 0 && len(v.source) == len(v.passport.Records) {
		return v.checkRecords()
	}
	if _, err := os.Stat(table); err == nil {
		v.source = []string{table}
		return nil
	}
	return fmt.Errorf("%s: %w: it has neither records nor %s; give --records", v.dir, errUnverified, reportdir.Parquet)
}

// fromTable reports whether the report is made again from its table of requests.
func (v *verification) fromTable() bool {
	return slices.Equal(v.source, []string{filepath.Join(v.dir, reportdir.Parquet)})
}

func (v *verification) isRecorded(name string) bool {
	return slices.ContainsFunc(v.passport.Records, func(f record.File) bool { return f.Name == name })
}

// checkRecords compares the records with the hashes that the passport has of them.
func (v *verification) checkRecords() error {
	var files []string
	for _, path := range v.source {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			files = append(files, run.RequestFiles(path)...)
		} else {
			files = append(files, path)
		}
	}
	for _, path := range files {
		sum, n, err := digest.File(path)
		if err != nil {
			return misuse("--records: %w", err)
		}
		known := slices.ContainsFunc(v.passport.Records, func(f record.File) bool { return f.SHA256 == sum })
		if !known && len(v.passport.Records) > 0 {
			v.differs(filepath.Base(path), "", fmt.Sprintf("is not what the report was made of: its SHA-256 is %s (%d "+
				"bytes), which the passport does not list", short(sum), n))
		}
	}
	return nil
}

// remake makes the report again and compares the files.
func (v *verification) remake() error {
	dir, err := os.MkdirTemp("", "llmconv-verify-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	v.remade = dir
	args, err := v.args()
	if err != nil {
		return err
	}
	var messages bytes.Buffer
	report := reportCommand(&reportFlags{offline: true})
	report.SetArgs(append(args, v.source...))
	report.SetOut(io.Discard)
	report.SetErr(&messages)
	report.SilenceErrors, report.SilenceUsage = true, true
	failed := report.ExecuteContext(v.cmd.Context())
	if len(reportdir.Summaries(dir)) == 0 { // gates and verdicts fail once everything is written
		return fmt.Errorf("%s: %w: the report cannot be made again: %w", v.dir, errUnverified, failed)
	}
	return v.compare()
}

// args returns the arguments of the command that makes the report again.
func (v *verification) args() ([]string, error) {
	args := []string{"--out=" + v.remade, "--markers=never"}
	recipe := v.passport.Recipe
	if recipe == nil {
		return args, nil
	}
	if recipe.Configured {
		path := filepath.Join(v.dir, v.prefix()+reportdir.Config)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%s: %w: the settings of the report are in %s, which is missing", v.dir,
				errUnverified, filepath.Base(path))
		}
		args = append(args, "--config="+path)
	}
	flags := recipeArgs(recipe, v.fromTable())
	if !slices.ContainsFunc(flags, func(arg string) bool { return strings.HasPrefix(arg, "--format=") }) {
		args = append(args, "--format=json,parquet")
	}
	return append(args, flags...), nil
}
