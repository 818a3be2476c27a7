package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// plan is how many requests a test needs.
type plan struct {
	Confidence float64 `json:"confidence"`
	Precision  float64 `json:"precision"`
	// Change between runs that is to be found; nil for a single run.
	Change *float64 `json:"change"`
	Power  float64  `json:"power"`
	Runs   int      `json:"runs"`
	From   string   `json:"from,omitempty"`
	// Requests is how many each stage of each run needs for all objectives.
	Requests    int             `json:"requests"`
	Objectives  []planObjective `json:"objectives"`
	Stages      []planStage     `json:"stages"`
	Total       planTotal       `json:"total"`
	Assumptions []string        `json:"assumptions"`
	Next        string          `json:"next"`

	assumed float64 // standard deviation of the logarithm of latencies
}

// planObjective is how many requests of a stage one objective needs.
type planObjective struct {
	Objective string `json:"objective"`
	Interval  int    `json:"requests_interval"`
	Precision int    `json:"requests_precision"`
	Change    *int   `json:"requests_change"` // null for a single run
	Requests  int    `json:"requests"`        // the most of these

	Measured     bool     `json:"measured"`      // the spread and the design effect are of a run
	Spread       *float64 `json:"spread"`        // coefficient of variation near the percentile, null for a share
	DesignEffect float64  `json:"design_effect"` // 1 if requests do not depend on one another
	Value        *float64 `json:"value"`         // in the run, in seconds or as a share

	share bool
}

type planStage struct {
	Rate        float64 `json:"rate"`
	Concurrency *int64  `json:"concurrency,omitempty"`
	Seconds     float64 `json:"duration_s"`
}

type planTotal struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"duration_s"`
}

// add adds an objective, by what a run tells of it if there is one.
func (p *plan) add(o slo.Objective, r *run.Run) error {
	if err := plannable(o); err != nil {
		return err
	}
	percentile := len(o.Bounds) == 1
	d := quantile.Design{Level: p.Confidence, Power: p.Power, Sigma: p.assumed, Effect: 1}
	out := planObjective{Objective: o.String(), share: !percentile}
	scale := 1.0 // requests of the stage for each that the objective is about
	switch {
	case r != nil:
		s := convert.SampleForPlan(r, o)
		if s.Requests == 0 || percentile && !s.Known {
			return fmt.Errorf("%s: %s has too few requests to plan by: %d that it could be judged by", o, p.From,
				s.Requests)
		}
		d.Effect, scale, out.Measured = s.Effect, float64(s.Of)/float64(s.Requests), true
		if !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0) {
			out.Value = &s.Value
		}
		if percentile {
			d.Sigma = s.Sigma
		}
		p.describe(o, s)
	case o.Label != "":
		return fmt.Errorf("%s: which share of the requests has the label? Give --from RUN", o)
	}
	out.DesignEffect = d.Effect
	change := 0
	if percentile {
		spread := math.Round(1e4*math.Sqrt(math.Expm1(d.Sigma*d.Sigma))) / 1e4
		out.Spread = &spread
		out.Interval, out.Precision = quantile.Needs(o.Share, p.Confidence, d.Effect), d.Precise(o.Share, p.Precision)
		if p.Change != nil {
			change = d.Change(o.Share, *p.Change)
		}
	} else {
		share := missing(o)
		out.Interval, out.Precision, change = d.None(share), d.Below(share), d.Doubled(share)
	}
	of := func(n float64) int { return int(min(quantile.Most, math.Ceil(n*scale))) }
	out.Interval, out.Precision = of(float64(out.Interval)), of(float64(out.Precision))
	out.Requests = max(out.Interval, out.Precision)
	if p.Change != nil {
		n := of(float64(change) / float64(p.Runs/2))
		out.Change, out.Requests = &n, max(out.Requests, n)
	}
	p.Objectives, p.Requests = append(p.Objectives, out), max(p.Requests, out.Requests)
	return nil
}

// missing returns the share of the requests that may miss an objective.
func missing(o slo.Objective) float64 {
	if o.Kind == slo.Failures {
		return o.Share
	}
	return 1 - o.Share
}

// plannable returns why no number of requests decides an objective, and nil if some does.
func plannable(o slo.Objective) error {
	switch share := missing(o); {
	case o.Strict && (o.Kind == slo.Failures && o.Share == 0 || o.Kind == slo.Goodput && o.Share == 1):
		return fmt.Errorf("%s cannot be met: a share is never beyond that", o)
	case share < 1e-7:
		return fmt.Errorf("%s: no number of requests shows that none misses it; allow a share, as in p99.9 or "+
			"failures<0.1%%", o)
	case share > 1-1e-7:
		return fmt.Errorf("%s is always met, so it needs no requests", o)
	}
	return nil
}

// describe adds what a run tells of an objective.
func (p *plan) describe(o slo.Objective, s convert.PlanSample) {
	text := fmt.Sprintf("%s: by %d requests of %s, of which %.3g count as one", o, s.Requests, p.From, s.Effect)
	if s.Effect < 1.005 {
		text = fmt.Sprintf("%s: by %d requests of %s, which do not depend on one another", o, s.Requests, p.From)
	}
	if s.Far {
		text += "; too few of them are near the percentile, so the answer is a guess"
	}
	p.Assumptions = append(p.Assumptions, text)
}

// finish adds the times, the assumptions and what to do next.
func (p *plan) finish(list []slo.Objective) {
	var loads []string
	for i := range p.Stages {
		s := &p.Stages[i]
		s.Seconds = math.Ceil(float64(p.Requests) / s.Rate)
		p.Total.Requests += p.Requests * p.Runs // at most 10^12 for each stage
		p.Total.Seconds += s.Seconds * float64(p.Runs)
		if loads = append(loads, tidyNumber(s.Rate)); s.Concurrency != nil {
			loads[i] = strconv.FormatInt(*s.Concurrency, 10)
		}
	}
	load, end := "--rate", "--requests "+strconv.Itoa(p.Requests)
	if p.Stages[0].Concurrency != nil {
		load = "--concurrency"
	} else if len(p.Stages) == 1 {
		end = fmt.Sprintf("--duration %.0fs", p.Stages[0].Seconds)
	}
	objectives := strings.ReplaceAll(slo.Join(list), "'", `'\''`)
	p.Next = fmt.Sprintf("k6 x llm bench URL %s %s %s --slo '%s'", load, strings.Join(loads, ","), end, objectives)
	if p.From != "" {
		p.Assumptions = append(p.Assumptions, fmt.Sprintf("the runs to come are like %s; at a higher load more "+
			"requests are needed", p.From))
		return
	}
	for _, o := range p.Objectives {
		if o.Spread != nil {
			p.Assumptions = append(p.Assumptions, fmt.Sprintf("latencies are log-normal with a coefficient of "+
				"variation of %s (--spread), which without --from RUN is a guess: if they spread more, more requests "+
				"are needed, and if less, fewer", tidyNumber(*o.Spread)))
			break
		}
	}
	p.Assumptions = append(p.Assumptions, "requests do not depend on one another; near the limit of a server they do, "+
		"and many times as many are needed (--from RUN)")
}

func tidyNumber(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// writeText prints the plan.
func (p *plan) writeText(out io.Writer) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	found := ""
	if p.Change != nil {
		found = fmt.Sprintf("\t+%s %% found", tidyNumber(100**p.Change))
	}
	fmt.Fprintf(w, "objective\tinterval\t±%s %%%s\trequests\n", tidyNumber(100*p.Precision), found)
	shares := false
	for _, o := range p.Objectives {
		mark, change := "", ""
		if o.share {
			mark, shares = " *", true
		}
		if o.Change != nil {
			change = "\t" + countText(*o.Change) + mark
		}
		fmt.Fprintf(w, "%s\t%s\t%s%s%s\t%s\n", plain.Terminal(o.Objective), countText(o.Interval),
			countText(o.Precision), mark, change, countText(o.Requests))
	}
	fmt.Fprint(w, "\nload\trequests\tduration\n")
	for _, s := range p.Stages {
		load := tidyNumber(s.Rate) + "/s"
		if s.Concurrency != nil {
			load = fmt.Sprintf("%d at a time", *s.Concurrency)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", load, countText(p.Requests), secondsText(s.Seconds))
	}
	if len(p.Stages) > 1 || p.Runs > 1 {
		total := "total"
		if p.Runs > 1 {
			total = fmt.Sprintf("total of %d runs", p.Runs)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", total, countText(p.Total.Requests), secondsText(p.Total.Seconds))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if shares {
		b.WriteString("* certain if half as many requests miss it as may")
		if p.Change != nil {
			b.WriteString(", and a rise from half to all of it found")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for _, text := range p.Assumptions {
		b.WriteString("assumption: " + plain.Terminal(text) + "\n")
	}
	b.WriteString("next: " + plain.Terminal(p.Next) + "\n")
	_, err := io.WriteString(out, b.String())
	return err
}

func countText(n int) string {
	if n >= quantile.Most {
		return "> " + strconv.Itoa(quantile.Most)
	}
	return strconv.Itoa(n)
}

func secondsText(seconds float64) string {
	const day = 86400
	if seconds > 100*day {
		return fmt.Sprintf("%.0f days", seconds/day)
	}
	return (time.Duration(seconds) * time.Second).String()
}
