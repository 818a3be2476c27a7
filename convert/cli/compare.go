package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/internal/terminal"
)

type compareFlags struct {
	failOn, gate     []string
	inconclusive     Inconclusive
	github           bool
	margin           share
	format           string
	markdown, junit  string
	slo              slo.Text
	percentiles      string
	level, floor     share
	resamples        int
	seed             uint64
	force, all       bool
	steady           bool
	by, stages, base string
	paired           bool
	key              run.Key  // of by; without a name without it
	sides            [2][]int // of stages; nil without it
}

func newCompare() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare BASE… [:] NEW… | RUN --stages A:B | RUN… --paired",
		Short: "Compare two runs, stages or endpoints: is the new one better or worse?",
		Long: `Report whether a run is better or worse than another, by the difference of
each figure and its confidence interval.

BASE and NEW are each a file or directory of records, a report directory with
requests.parquet, or results of another load tester. Of a report directory of
inference-perf without requests, only the figures are compared. A difference
counts if its interval (block bootstrap, 95 %) excludes zero and the
difference is above the noise floor.

With a colon between them, each side may have several runs: base1 base2 : new1
new2. By how much runs of one side differ then enters the intervals.

Two searches are compared by the capacity that they found, and by nothing else.

--by compares group by group: those of each label, for instance. --stages 0:1
compares stages of one run, or stage 0 of BASE with stage 1 of NEW; with
--by label it shows whether one class disturbs another.

--paired compares requests of one run that were sent in pairs: to a gateway and
to the server behind it, for instance. The figures are the overhead, other minus
base; what being second of a pair does to a request cancels out. It passes
unless a gate trips.

A gate of --gate says what is to hold of the change of a figure (p99(ttft)<+5%,
requests_per_sec>-3%, of searches capacity>-5%) or of its value in NEW
(p99(ttft)<500ms, failures<1%). It is PASS if its whole interval keeps the
bound, FAIL if the whole interval breaks it, else INCONCLUSIVE. A gate of
--fail-on is written the other way round (p99(ttft)>+5%); it is FAIL if the
change exceeds the bound and its interval excludes zero, and INCONCLUSIVE with
too few requests. After the name of a group and a colon a gate is on this group
alone: --by label --gate 'chat: p99(ttft)<500ms'. Without gates, the comparison
is FAIL if a headline figure is worse, and PASS if all that have enough requests
rule out that NEW is worse by more than --margin.

Exit codes: 0 for PASS; 1 for FAIL; 2 for misuse; 3 if an input is partial; 4
for INCONCLUSIVE, which --inconclusive pass or fail settles.`,
		Example: `  llmconv compare base/ new/
  llmconv compare base/ new/ --fail-on 'p99(ttft)>+5%,failures>1%'
  llmconv compare base/ new/ --gate 'p99(ttft)<+5%,failures<1%'
  llmconv compare base1 base2 base3 : new1 new2 new3
  llmconv compare base/ new/ --markdown comment.md --junit compare.xml
  llmconv compare base/ new/ --steady
  llmconv compare run.jsonl --stages 0:1 --by label
  llmconv compare run.jsonl --paired --by endpoint --fail-on 'p50(ttft)>+2ms'`,
		Args: func(_ *cobra.Command, args []string) error { return f.check(args) },
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.failOn, "fail-on", nil,
		"gate that must not trip; separate several by commas, or repeat the flag; chat: p99(ttft)>+5% is on a group")
	flags.StringArrayVar(&f.gate, "gate", nil, "gate that must hold, written as those of --fail-on: p99(ttft)<+5%")
	f.inconclusive.Register(flags)
	flags.StringVar(&f.by, "by", "", "key whose groups are compared: "+strings.Join(run.KeyNames(), ", "))
	flags.StringVar(&f.stages, "stages", "",
		"stages to compare, as in 0:1 or 0,2:1,3; of one run, or of BASE and of NEW")
	flags.BoolVar(&f.paired, "paired", false,
		"compare the requests of each pair, which differ in the key of --by (default endpoint)")
	flags.StringVar(&f.base, "base", "",
		"with --paired: what the others are compared with (default the first of the pair)")
	flags.StringVar(&f.format, "format", "text", "format of the output: text, markdown, junit, json")
	flags.StringVar(&f.markdown, "markdown", "",
		"file for the comparison as Markdown, for example for a comment on a pull request")
	flags.StringVar(&f.junit, "junit", "", "file for the comparison as JUnit XML, for CI systems")
	flags.BoolVar(&f.github, "github-summary", false,
		"add the comparison as Markdown to the file that $GITHUB_STEP_SUMMARY names")
	flags.Var(&f.slo, "slo", "bounds for goodput, which override the runs' bounds, for example ttft=500ms")
	flags.StringVar(&f.percentiles, "percentiles", "", "percentiles of each latency (default 50,90,95,99)")
	shareFlag(flags, &f.level, "level", 0.95, "confidence level of the intervals")
	shareFlag(flags, &f.floor, "noise", 0.02, "relative change of a time or a rate up to which it counts as noise")
	shareFlag(flags, &f.margin, "margin", 0.1, "relative change for the worse that PASS rules out without gates")
	flags.IntVar(&f.resamples, "resamples", 1000, "number of bootstrap resamples")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap")
	flags.BoolVar(&f.steady, "steady", false,
		"compare the parts of the stages in which load and latency are stationary, and say what is cut and why")
	flags.BoolVar(&f.all, "all", false, "print all figures, and those of each stage")
	flags.BoolVar(&f.force, "force", false, "accept inputs that do not belong together; replace existing files")
	return cmd
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	write, known := writers[f.format]
	if !known {
		return misuse("--format: unknown %q, known are text, markdown, junit, json", f.format)
	}
	opts, report, err := f.options()
	if err != nil {
		return err
	}
	if err := checkOutputs(args, outfile.Options{Replace: f.force}, f.markdown, f.junit); err != nil {
		return err
	}
	result, partial, err := f.compare(cmd, args, opts, report)
	if err != nil {
		return err
	}
	if as := f.inconclusive.status(); as != "" {
		compare.Settle(result, as)
	}
	result.All, result.Columns = f.all, terminal.Columns(cmd.OutOrStdout())
	if err := f.write(cmd.OutOrStdout(), result, write); err != nil {
		return written(err)
	}
	return f.exit(result, partial)
}

// exit returns the error with the exit code for a result. That an input is partial comes before that it is
// inconclusive.
func (f *compareFlags) exit(result *compare.Result, partial bool) error {
	reason := fmt.Errorf("%s does not pass against %s", result.New.Name, result.Base.Name)
	if result.Status == gate.Inconclusive {
		reason = fmt.Errorf("whether %s passes against %s is INCONCLUSIVE", result.New.Name, result.Base.Name)
	}
	if partial && result.Status != gate.Fail {
		return &ExitError{Partial, fmt.Errorf("an input is partial, and so is the comparison")}
	}
	return f.inconclusive.exit(result.Status, reason)
}

// check refuses arguments and options that do not belong together.
func (f *compareFlags) check(args []string) (err error) {
	switch {
	case f.paired && len(args) == 0:
		return misuse("compare what? Give the run whose pairs are to be compared")
	case f.paired && f.stages != "":
		return misuse("--stages compares stages with each other, --paired the requests of each pair: give one of them")
	case f.paired && f.steady:
		return misuse("--paired compares requests that were sent side by side, steady or not: leave --steady out")
	case f.base != "" && !f.paired:
		return misuse("--base names the base of pairs: give --paired, too")
	case stuck(args) != "":
		return misuse("there is no file %q: write a blank on both sides of the colon that parts the runs of two "+
			"sides: base1 base2 : new1 new2", stuck(args))
	case f.paired && slices.Contains(args, sidesApart):
		return misuse("a colon parts the runs of two sides, and --paired takes both sides from each run")
	case slices.Contains(args, sidesApart):
		if base, fresh := splitSides(args); len(base) == 0 || len(fresh) == 0 || slices.Contains(fresh, sidesApart) {
			return misuse("which runs? Write those of each side on either side of one colon: base1 base2 : new1 new2")
		}
	case !f.paired && f.stages != "" && (len(args) == 0 || len(args) > 2):
		return misuse("compare what? Give one run whose stages are to be compared, or two")
	case !f.paired && f.stages == "" && len(args) == 1:
		return misuse("compare what? Give two runs, the old one first, or --stages A:B or --paired with one")
	case !f.paired && f.stages == "" && len(args) > 2:
		return misuse("compare what? Give two runs, the old one first, or several with a colon between the sides: " +
			"base1 base2 : new1 new2")
	case !f.paired && f.stages == "" && len(args) != 2:
		return misuse("compare what? Give two runs, the old one first")
	}
	if f.paired && f.by == "" {
		f.by = run.ByEndpoint.Name
	}
	if f.by != "" {
		keys, err := run.Keys([]string{f.by})
		if err != nil {
			return misuse("--by: %w", err)
		}
		f.key = keys[0]
	}
	if f.stages != "" {
		if f.sides, err = parseSides(f.stages); err != nil {
			return misuse("--stages: %w", err)
		}
		base := func(stage int) bool { return slices.Contains(f.sides[0], stage) }
		if at := slices.IndexFunc(f.sides[1], base); at >= 0 && len(args) == 1 {
			return misuse("--stages %s: stage %d of one run is on both sides", f.stages, f.sides[1][at])
		}
	}
	return nil
}

// parseSides reads the stages of the two sides: A:B, each a number or several with commas.
func parseSides(text string) (sides [2][]int, err error) {
	parts := strings.Split(text, ":")
	if len(parts) != 2 {
		return sides, fmt.Errorf("%q is not of the form A:B, as in 0:1 or 0,2:1,3", text)
	}
	for i, part := range parts {
		for number := range strings.SplitSeq(part, ",") {
			stage, err := strconv.Atoi(strings.TrimSpace(number))
			if err != nil || stage < 0 {
				return sides, fmt.Errorf("%q is no number of a stage; write A:B, as in 0:1 or 0,2:1,3", number)
			}
			sides[i] = append(sides[i], stage)
		}
	}
	return sides, nil
}

// compare reads the inputs and compares them. It reports whether one of them is partial.
func (f *compareFlags) compare(cmd *cobra.Command, args []string, opts compare.Options,
	report convert.Options) (*compare.Result, bool, error) {
	opts.By, opts.OtherStages = f.key.Name, f.stages != ""
	if f.paired {
		r, err := Read(cmd, run.Options{Force: f.force}, args)
		if err != nil {
			return nil, false, err
		}
		result, err := convert.ComparePairs(r, f.key, f.base, report, opts)
		if err != nil {
			return nil, false, misuse("%s: %w", strings.Join(args, " "), err)
		}
		return result, r.Partial, nil
	}
	if f.stages != "" && len(args) == 1 {
		args = []string{args[0], args[0]}
	}
	base, fresh := splitSides(args)
	return f.compareInputs(cmd, [2][]string{base, fresh}, opts, report)
}

// writers maps the formats of --format to functions that print a result.
var writers = map[string]func(*compare.Result, io.Writer) error{
	"text": (*compare.Result).WriteText, "markdown": (*compare.Result).WriteMarkdown,
	"junit": (*compare.Result).WriteJUnit, "json": (*compare.Result).WriteJSON,
}
