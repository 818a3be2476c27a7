package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

type planFlags struct {
	slo                          slo.Text
	rates, concurrencies         []string
	latency                      time.Duration
	precision, power, confidence string
	change                       string
	spread                       float64
	runs                         int
	from                         string
	json, force                  bool
}

func newPlan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan --slo OBJECTIVES --rate R",
		Short: "Tell how many requests a test needs, and how long it takes",
		Long: `Tell how many requests a test needs for its figures to be worth something, and
how long they take at a rate.

For each objective: how many requests there must be for the percentile to have
an interval at all, and for the interval to be as narrow as --precision. With
--change 5%, or --runs 2, also for a change of that size between two runs to be
found with --power, which takes about three times as many.

How wide an interval is depends on how latencies are spread near the percentile
and on how requests depend on one another. Without --from both are assumptions,
which the answer states. --from RUN takes them from a run: a file or directory
of records, or a report directory with requests.parquet.

Of a share, as in failures<1%, the second number is that of which it is certain
to be kept if half as many requests miss it as may. The number for a change is
that of which a rise from half to all of these is found.

Exit codes: 0 for success; 2 for misuse.`,
		Example: `  llmconv plan --slo 'p99(ttft)<500ms,failures<1%' --rate 10
  llmconv plan --slo 'p99(ttft)<500ms' --rate 2,4 --precision 10% --from run
  llmconv plan --slo 'p99(ttft)<500ms' --rate 10 --change 10%
  llmconv plan --slo 'p95(latency)<5s' --concurrency 16 --latency 2s --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return misuse("plan takes no argument such as %q: a run is given by --from", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.Var(&f.slo, "slo", "what the test is to decide, for example p99(ttft)<500ms,failures<1%")
	flags.StringSliceVar(&f.rates, "rate", nil, "requests per second; a stage for each of several: 2,4,8")
	flags.StringSliceVar(&f.concurrencies, "concurrency", nil,
		"requests at a time, in place of rates; needs --latency or --from")
	flags.DurationVar(&f.latency, "latency", 0, "with --concurrency: mean latency of a request")
	flags.StringVar(&f.precision, "precision", "",
		"how far an interval may reach to either side (default 5%, or as --change)")
	flags.StringVar(&f.change, "change", "", "change between runs that is to be found, as in 5%")
	flags.StringVar(&f.power, "power", "80%", "with which the change is found")
	flags.StringVar(&f.confidence, "confidence", "95%", "confidence of the intervals")
	flags.Float64Var(&f.spread, "spread", 1, "assumed coefficient of variation of log-normal latencies")
	flags.IntVar(&f.runs, "runs", 0,
		"runs that are compared, half of them the base (default 1, which compares none; 2 with --change)")
	flags.StringVar(&f.from, "from", "", "run whose spread and dependence are taken")
	flags.BoolVar(&f.json, "json", false, "print the plan as JSON")
	flags.BoolVar(&f.force, "force", false, "accept inputs of --from that do not belong together")
	return cmd
}

func (f *planFlags) run(cmd *cobra.Command) error {
	p, list, err := f.plan()
	if err != nil {
		return misuse("%w", err)
	}
	var r *run.Run
	if f.from != "" {
		if r, err = Read(cmd, run.Options{Force: f.force}, []string{f.from}); err != nil {
			return err
		}
		if f.latency == 0 {
			f.latency = time.Duration(convert.MeanLatency(r) * float64(time.Second))
		}
	}
	for _, o := range list {
		if err := p.add(o, r); err != nil {
			return misuse("--slo: %w", err)
		}
	}
	if err := p.addStages(f.rates, f.concurrencies, f.latency); err != nil {
		return misuse("%w", err)
	}
	p.finish(list)
	if f.json {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(p)
	}
	return p.writeText(cmd.OutOrStdout())
}

// planShare is a flag that holds a share.
type planShare struct {
	flag, text  string
	least, most float64
	to          *float64
}

// defaults fills in what is left open. Of the precision and the change that is to be found, one stands for both.
func (f *planFlags) defaults() {
	switch {
	case f.runs == 0 && f.change != "":
		f.runs = 2
	case f.runs == 0:
		f.runs = 1
	}
	f.precision = cmp.Or(f.precision, f.change, "5%")
	if f.runs > 1 {
		f.change = cmp.Or(f.change, f.precision)
	}
}

// plan returns a plan without objectives and stages, and the objectives.
func (f *planFlags) plan() (p *plan, list []slo.Objective, err error) {
	f.defaults()
	list, err = slo.Parse(string(f.slo))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("--slo: %w", err)
	case len(list) == 0:
		return nil, nil, fmt.Errorf("what is to be decided? Give --slo, for example 'p99(ttft)<500ms,failures<1%%'")
	case len(f.rates) == 0 && len(f.concurrencies) == 0:
		return nil, nil, fmt.Errorf("at what load? Give --rate, in requests per second, or --concurrency")
	case len(f.rates) > 0 && len(f.concurrencies) > 0:
		return nil, nil, fmt.Errorf("--rate and --concurrency are two loads: give one of them")
	case f.runs == 1 && f.change != "":
		return nil, nil, fmt.Errorf("--change is between runs: give --runs 2, or leave it out")
	case f.runs < 1 || f.runs > 1 && f.runs%2 == 1 || f.runs > 1000:
		return nil, nil, fmt.Errorf("--runs: must be 1, or an even number up to 1000, half of which are the base, "+
			"got %d", f.runs)
	case !(f.spread > 0 && f.spread <= 100):
		return nil, nil, fmt.Errorf("--spread: must be above 0 and at most 100, got %v", f.spread)
	case f.latency < 0:
		return nil, nil, fmt.Errorf("--latency: must be positive, got %v", f.latency)
	}
	p = &plan{Runs: f.runs, From: f.from, assumed: quantile.Sigma(f.spread)}
	var shares []planShare
	if f.runs > 1 {
		p.Change = new(float64)
		shares = append(shares, planShare{"change", f.change, 1e-4, 1, p.Change})
	}
	shares = append(shares, planShare{"precision", f.precision, 1e-4, 1, &p.Precision},
		planShare{"power", f.power, 0.5, 0.999, &p.Power},
		planShare{"confidence", f.confidence, 0.5, 0.999, &p.Confidence})
	for _, one := range shares {
		share, ok := slo.Share(one.text)
		if !ok || share < one.least || share > one.most {
			return nil, nil, fmt.Errorf("--%s: must be from %v%% to %v%%, got %q%s", one.flag, 100*one.least,
				100*one.most, one.text, writePercent(one.text))
		}
		*one.to = share
	}
	return p, list, nil
}

// addStages adds a stage for each load.
func (p *plan) addStages(rates, concurrencies []string, latency time.Duration) error {
	for _, text := range rates {
		rate, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(rate > 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("--rate: %q is no rate above 0; several are written as 2,4,8", text)
		}
		p.Stages = append(p.Stages, planStage{Rate: rate})
	}
	for _, text := range concurrencies {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		switch {
		case err != nil || n < 1:
			return fmt.Errorf("--concurrency: %q is no number of requests at a time; several are written as 4,16,64",
				text)
		case latency <= 0:
			return fmt.Errorf("how long does a request take? With --concurrency give --latency, or --from RUN")
		}
		p.Stages = append(p.Stages, planStage{Concurrency: &n, Rate: float64(n) / latency.Seconds()})
	}
	return nil
}
