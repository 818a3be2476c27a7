package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// sidesApart parts the runs of the two sides.
const sidesApart = ":"

// splitSides returns the runs of each side: those before and behind the colon, or one each.
func splitSides(args []string) (base, fresh []string) {
	at := slices.Index(args, sidesApart)
	if at < 0 {
		return args[:1], args[1:]
	}
	return args[:at], args[at+1:]
}

// stuck returns the first argument that is no file and has the colon within that parts the sides, or "".
func stuck(args []string) string {
	for _, arg := range args {
		if arg == sidesApart || !strings.Contains(arg, sidesApart) {
			continue
		}
		if _, err := os.Stat(arg); errors.Is(err, fs.ErrNotExist) {
			return arg
		}
	}
	return ""
}

// input is a run that is compared, or the figures of a report without requests.
type input struct {
	name    string
	run     *run.Run
	figures compare.Figures
	bare    bool
}

// compareInputs reads the runs of both sides and compares them by their requests. If one of them is a report without
// requests, the figures of the reports are compared.
func (f *compareFlags) compareInputs(cmd *cobra.Command, names [2][]string, opts compare.Options,
	report convert.Options) (*compare.Result, bool, error) {
	var inputs [2][]*input
	partial, bare := false, false
	known := map[string]*input{}
	for i := range names {
		for _, name := range names[i] {
			in := known[name]
			if in == nil {
				var err error
				if in, err = f.readInput(cmd, name); err != nil {
					return nil, false, err
				}
				known[name] = in
			}
			inputs[i] = append(inputs[i], in)
			partial, bare = partial || in.run != nil && in.run.Partial, bare || in.bare
		}
	}
	if err := f.checkInputs(inputs, bare); err != nil {
		return nil, false, err
	}
	if bare {
		result, err := compareFigures(inputs[0][0], inputs[1][0], opts, report)
		return result, partial, err
	}
	var sides [2][]compare.Side
	for i := range inputs {
		for _, in := range inputs[i] {
			side, err := f.partOf(in.run, in.name, i, report)
			if err != nil {
				return nil, false, misuse("%w", err)
			}
			sides[i] = append(sides[i], side)
		}
	}
	result, err := compare.CompareSides(sides[0], sides[1], opts)
	if err != nil {
		return nil, false, misuse("%w", err)
	}
	return result, partial, nil
}

func (f *compareFlags) readInput(cmd *cobra.Command, name string) (*input, error) {
	figures, found, err := convert.ReadFigures(name)
	if err != nil {
		return nil, misuse("%w", err)
	}
	if found {
		return &input{name: name, figures: figures, bare: true}, nil
	}
	r, err := Read(cmd, run.Options{Force: f.force}, []string{name})
	if err == nil && f.steady {
		err = keepSteady(cmd, r, name)
	}
	return &input{name: name, run: r}, err
}

// keepSteady leaves out of a run what is not steady, and says what is.
func keepSteady(cmd *cobra.Command, r *run.Run, name string) error {
	if r.Untimed {
		return misuse("--steady needs start times, which results of %s do not have", r.Origin)
	}
	for _, line := range KeepSteady(cmd, r).Lines() {
		remark(cmd, []string{name + ": " + line})
	}
	return nil
}

// checkInputs refuses inputs that cannot be compared in the way that was asked for.
func (f *compareFlags) checkInputs(inputs [2][]*input, bare bool) error {
	several := len(inputs[0]) > 1 || len(inputs[1]) > 1
	switch {
	case bare && f.steady:
		return misuse("a report without requests has no steady part to find: give the records")
	case bare && (f.by != "" || f.stages != ""):
		return misuse("a report without requests has no groups and stages to compare: give the records")
	case bare && several:
		return misuse("a report without requests is compared with one other: give the records of several runs a side")
	case !several:
		return nil
	}
	for i := range inputs {
		for k, in := range inputs[i] {
			switch {
			case len(in.run.Searches) > 0:
				return misuse("%s is a search, which is compared with one other: several runs a side need plain runs",
					in.name)
			case slices.Contains(inputs[i][:k], in):
				return misuse("%s is given twice on one side: a run is no replicate of itself", in.name)
			}
		}
	}
	return nil
}

func compareFigures(base, fresh *input, opts compare.Options, report convert.Options) (*compare.Result, error) {
	for _, in := range []*input{base, fresh} {
		if in.bare {
			continue
		}
		var err error
		if in.figures, err = convert.RunFigures(in.run, in.name, report); err != nil {
			return nil, &ExitError{Failed, err}
		}
	}
	result, err := compare.CompareFigures(base.figures, fresh.figures, opts)
	if err != nil {
		return nil, misuse("%w", err)
	}
	return result, nil
}

// partOf returns what of a run on a side is compared.
func (f *compareFlags) partOf(r *run.Run, name string, side int, o convert.Options) (compare.Side, error) {
	part := convert.Part{By: f.key, Stages: f.sides[side]}
	if part.Stages != nil {
		if err := part.Check(r); err != nil {
			return compare.Side{}, fmt.Errorf("--stages: %s: %w", name, err)
		}
		name += " stage " + strings.Trim(fmt.Sprint(part.Stages), "[]")
	} else if f.by != "" && len(r.Searches) > 0 {
		return compare.Side{}, fmt.Errorf("--by: %s is a search, whose groups are of no single load: compare its "+
			"stages, with --stages", name)
	}
	return part.Side(r, name, o), nil
}

func (f *compareFlags) options() (opts compare.Options, report convert.Options, err error) {
	trips, err := compare.ParseGates(f.failOn...)
	if err != nil {
		return opts, report, misuse("--fail-on: %w", err)
	}
	kept, err := compare.ParseBounds(f.gate...)
	if err != nil {
		return opts, report, misuse("--gate: %w", err)
	}
	opts.Gates = slices.Concat(trips, kept)
	if err = report.SetSLO(string(f.slo)); err != nil {
		return opts, report, misuse("--slo: %w", err)
	}
	for _, o := range report.Objectives {
		if o.Kind != slo.Each {
			return opts, report, misuse("--slo: %q: a comparison takes bounds on each request, such as ttft=500ms", o)
		}
	}
	if opts.Percentiles, err = percentiles(f.percentiles); err != nil {
		return opts, report, err
	}
	opts.Level, opts.RelativeFloor, opts.Resamples, opts.Seed = float64(f.level), float64(f.floor), f.resamples, f.seed
	if f.floor <= 0 {
		opts.RelativeFloor = -1
	}
	if opts.Margin = float64(f.margin); !(f.margin > 0) {
		return opts, report, misuse("--margin must be above 0, got %v", f.margin)
	}
	if f.github && os.Getenv(githubSummary) == "" {
		return opts, report, misuse("--github-summary: $%s is not set: it is in a step of GitHub Actions",
			githubSummary)
	}
	return opts, report, nil
}

// githubSummary names the file to which a step of GitHub Actions writes Markdown for the page of the run.
const githubSummary = "GITHUB_STEP_SUMMARY"

// write prints the result, and writes the files of --markdown and --junit, and the summary of a step.
func (f *compareFlags) write(out io.Writer, result *compare.Result,
	print func(*compare.Result, io.Writer) error) error {
	for path, write := range map[string]func(*compare.Result, io.Writer) error{
		f.markdown: writers["markdown"], f.junit: writers["junit"]} {
		if path == "" {
			continue
		}
		var text bytes.Buffer
		if err := write(result, &text); err != nil {
			return err
		}
		if err := outfile.WriteBytes(path, outfile.Options{Replace: f.force}, text.Bytes()); err != nil {
			return err
		}
	}
	if f.github {
		if err := appendSummary(os.Getenv(githubSummary), result.WriteMarkdown); err != nil {
			return err
		}
	}
	return print(result, out)
}

// appendSummary adds Markdown to the summary of a step, which other steps write, too.
func appendSummary(path string, write func(io.Writer) error) (err error) {
	var text bytes.Buffer
	if err = write(&text); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("--github-summary: %w", err)
	}
	_, err = file.Write(append(text.Bytes(), '\n'))
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
