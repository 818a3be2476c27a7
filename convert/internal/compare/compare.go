// Package compare tells whether a run is better than another, worse, or the same as far as can be seen.
//
// Each figure of a run (a mean, a percentile, a rate, a share) is compared with the other run's, with an interval for
// the difference from a block bootstrap. Requests of one run are not independent: a queue that is long for one request
// is long for the next. Resampling them one by one would give intervals that are too narrow, so runs of requests are
// resampled whole. A verdict asks for two things: the interval excludes zero, and the change is larger than a noise
// floor. As many figures are compared at once, some cross the line by chance; the overall verdict and the gates allow
// for that by Holm's method.
//
// Groups of requests are compared as runs are, each with the group of its name. Requests that were sent in pairs are
// compared within the pairs: see [ComparePairs].
//
// The cost is requests × resamples for each latency that is compared: 100,000 requests a side take a few seconds on one
// core. Beside the requests themselves it takes some 30 bytes a request for each processor in use.
package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Side is one of the two runs.
type Side struct {
	// Name is shown to readers: a file, a commit or a model.
	Name string
	// Requests may be in any order.
	Requests []Request
	// Seconds is the length of the run, the divisor of rates. If it is not positive, the span from the first start to
	// the last end is used instead, for both runs.
	Seconds float64
	// Untimed means that the times of sending are unknown: Start holds only the order, and End nothing. Rates are then
	// calculated over Seconds, without an interval; if Seconds is not positive, there are no rates.
	Untimed bool
	// Doubt is a reason why the figures may not be the server's; "" means that there is none. It is reported and does
	// not affect verdicts.
	Doubt string
	// Asked describes the rates that were asked of the run, such as 5, 10 requests/s; "" if none was, or they are
	// unknown.
	Asked string
	// Counted describes by what most answers' tokens were counted, such as the server; "" if that is unknown.
	Counted string
	// Searches holds what the search of the run found; nil if the run is none.
	Searches []Search
	// Sessions holds the sessions of a replay in the form of requests, in any order: Latency is a session's duration,
	// TTFT the time to the first token of its user. Nil if the run is none.
	Sessions []Request
	// Violated tells in which seconds the run violated its SLO; nil if it has none, or is a part of a run.
	Violated *Violated
}

// Judgement is the result of a request's objective.
type Judgement int8

// The judgements. Nothing is known of a request that was not judged; in particular it does not count as bad.
const (
	NotJudged Judgement = iota
	Good
	Bad
)

// Request holds what is compared of a request. Times are in seconds. NaN or infinity means that the request has no such
// figure.
type Request struct {
	Start, End float64 // since the start of the run
	Stage      int
	Group      string // the value of the key by which a comparison groups
	Failed     bool
	Good       Judgement // a failed request that was judged is bad, whatever Good is

	TTFT, TPOT, NTPOT float64
	ITL               float64 // the mean of its gaps
	Latency           float64
	ScheduleDelay     float64

	Input, Output float64 // tokens; a rate of tokens is of the requests that have a number
	// Inputs is the number of texts or documents of a request that generates no text, 0 or NaN if it has none.
	Inputs float64
	Media  *Media // nil without media

	Arrivals *Arrivals // of a request of a pair; nil for others

	ServerOutput float64 // tokens of the answer as the server counts them; NaN if it does not
}

// Options configures a comparison. The zero value has the usual settings.
type Options struct {
	// Gates decide whether NEW passes. Without gates it passes unless the overall verdict is worse.
	Gates []Gate
	// Percentiles lists the percentiles of each latency to compare besides its mean; nil means 50, 90, 95 and 99.
	// Percentiles of gates are added.
	Percentiles []float64
	// Level is the confidence level of the intervals; 0 means 0.95.
	Level float64
	// Seed makes resampling reproducible. The same input and seed give the same result.
	Seed uint64
	// Resamples is the number of resamples of each run; 0 means 1000. Above 200,000 requests there are fewer, down to
	// 200; the result holds the number.
	Resamples int
	// RelativeFloor is the change of a time or a rate, relative to BASE, that is still noise; 0 means 0.02, below 0
	// none.
	RelativeFloor float64
	// TimeFloor is the change of a time in seconds that is still noise, however large beside BASE; 0 means 0.0001,
	// below 0 none.
	TimeFloor float64
	// ShareFloor is the change of a share that is still noise; 0 means 0.001, a tenth of a percentage point, below 0
	// none.
	ShareFloor float64
	// Margin is the relative change that must be ruled out to call a figure the same; 0 means 0.1. An interval that
	// spans zero and reaches beyond the margin is unclear. Shares are held to a fifth of it as a difference: 2
	// percentage points.
	Margin float64
	// By names what the groups of the requests are, such as label: each group that both runs have is then compared by
	// itself, in place of the whole runs. "" compares the runs.
	By string
	// OtherStages means that the sides are of different stages, which are not compared one by one.
	OtherStages bool

	otherLoad bool            // the sides were asked for different rates
	uncounted map[string]bool // quantities that are not judged, because tokens were counted in different ways
}

const (
	minResamples = 100
	maxResamples = 100_000
	// Above this much work a latency gets fewer resamples, but not fewer than fewestResamples.
	workPerSide     = 200_000 * 1000
	fewestResamples = 200
)

// withDefaults replaces zeros by the defaults and returns an error that names invalid options.
func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		option *float64
		usual  float64
	}{{&o.Level, 0.95}, {&o.RelativeFloor, 0.02}, {&o.TimeFloor, 1e-4}, {&o.ShareFloor, 1e-3}, {&o.Margin, 0.1}} {
		if *d.option == 0 {
			*d.option = d.usual
		}
	}
	if o.Resamples == 0 {
		o.Resamples = 1000
	}
	if o.Percentiles == nil {
		o.Percentiles = []float64{50, 90, 95, 99}
	}
	switch {
	case !(o.Level >= 0.5 && o.Level <= 0.999):
		return o, fmt.Errorf("level must be from 0.5 to 0.999, got %v", o.Level)
	case o.Resamples < minResamples || o.Resamples > maxResamples:
		return o, fmt.Errorf("resamples must be from %d to %d, got %d", minResamples, maxResamples, o.Resamples)
	case math.IsNaN(o.RelativeFloor) || math.IsNaN(o.TimeFloor) || math.IsNaN(o.ShareFloor):
		return o, fmt.Errorf("a noise floor must be a number, got %v, %v and %v", o.RelativeFloor, o.TimeFloor,
			o.ShareFloor)
	case !(o.Margin > 0):
		return o, fmt.Errorf("margin must be positive, got %v", o.Margin)
	}
	o.Percentiles = slices.Clone(o.Percentiles)
	for _, g := range o.Gates {
		if g.group != "" && o.By == "" {
			return o, fmt.Errorf("gate %q is on a group: give --by label, or the key that has the group", g)
		}
		if g.metric.isPercentile() {
			o.Percentiles = append(o.Percentiles, g.metric.percentile)
		}
	}
	for _, p := range o.Percentiles {
		if !(p >= 0 && p <= 100) {
			return o, fmt.Errorf("percentile must be from 0 to 100, got %v", p)
		}
	}
	slices.Sort(o.Percentiles)
	o.Percentiles = slices.Compact(o.Percentiles)
	return o, nil
}

// resamplesFor returns the number of resamples for a number of requests.
func (o Options) resamplesFor(requests int) int {
	if requests*o.Resamples <= workPerSide {
		return o.Resamples
	}
	return min(o.Resamples, max(fewestResamples, workPerSide/requests))
}

// Compare compares two runs. It only reads the sides, so several comparisons may share them. It returns an error only
// for invalid options; oddities of a run are noted in the result.
func Compare(base, fresh Side, o Options) (*Result, error) {
	return CompareSides([]Side{base}, []Side{fresh}, o)
}

// CompareSides compares several runs with several. Those of one side are replicates: by how much they differ enters the
// intervals, also of a side with one run. Neither side may be empty, and searches are alone on their sides.
func CompareSides(base, fresh []Side, o Options) (*Result, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	base, fresh = slices.Clone(base), slices.Clone(fresh)
	counts := o.settleCounts(slices.Concat(pointers(base), pointers(fresh)), len(base))
	a, b := newSide(base), newSide(fresh)
	if isSpanned := func(r *run) bool { return r.spanned }; a.is(isSpanned) || b.is(isSpanned) {
		for _, r := range slices.Concat(a, b) { // measured alike, or the rates could not be compared
			r.useSpan()
		}
	}
	r := &Result{Level: o.Level, Seed: o.Seed, Resamples: o.resamplesFor(max(a.requests(), b.requests()))}
	r.Base, r.New = a.summary(), b.summary()
	r.Base.Doubt, r.New.Doubt = doubtOf(base), doubtOf(fresh)
	if len(base) == 1 && len(fresh) == 1 {
		r.Violations = violationsOf(base[0], fresh[0])
	}
	if r.addCapacities(base[0].Searches, fresh[0].Searches, o); r.searches {
		r.searched(o)
		return r, nil
	}
	loads, asked := loadsOf(base), loadsOf(fresh)
	if o.otherLoad = loads != "" && asked != "" && loads != asked; o.otherLoad {
		r.Loads = fmt.Sprintf("the loads differ: BASE was asked for %s, NEW for %s; so rates are not judged, and "+
			"latencies are of different loads", loads, asked)
	}
	r.Notes = append(append(r.Notes, counts...), notes(a, b, o, r.Resamples)...)
	if o.By != "" {
		r.compareGroups(a, b, o)
		if err := checkGates(o.Gates, r); err != nil {
			return nil, err
		}
	} else {
		r.compareRuns(a, b, o)
	}
	r.conclude(o)
	return r, nil
}

func pointers(list []Side) (out []*Side) {
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

func newSide(list []Side) (s replicas) {
	for _, of := range list {
		s = append(s, newRun(of))
	}
	return s
}

// doubtOf returns the doubts about the runs of a side, with their names if there are several.
func doubtOf(list []Side) string {
	var doubts []string
	for _, s := range list {
		switch {
		case s.Doubt != "" && len(list) > 1:
			doubts = append(doubts, s.Name+": "+s.Doubt)
		case s.Doubt != "":
			doubts = append(doubts, s.Doubt)
		}
	}
	return strings.Join(doubts, "; ")
}

// loadsOf returns the rates that were asked of the runs of a side, each once; "" if that of a run is unknown.
func loadsOf(list []Side) string {
	var loads []string
	for _, s := range list {
		if s.Asked == "" {
			return ""
		}
		loads = append(loads, s.Asked)
	}
	slices.Sort(loads)
	return strings.Join(slices.Compact(loads), " and ")
}

// compareRuns compares all figures, and those of each stage.
func (r *Result) compareRuns(a, b replicas, o Options) {
	scopes := []scope{{a, b, allStages}}
	if !o.OtherStages {
		for _, stage := range sharedStages(a, b) {
			scopes = append(scopes, scope{a.stage(stage), b.stage(stage), stage})
		}
	}
	for i, metrics := range compareScopes(scopes, o, r.Resamples) {
		if i == 0 {
			r.Metrics = metrics
			continue
		}
		r.Stages = append(r.Stages, Stage{Stage: scopes[i].stage, Metrics: metrics})
	}
}

// notes returns what a reader should know of the input and of its treatment.
func notes(base, fresh replicas, o Options, resamples int) (list []string) {
	for _, side := range []struct {
		label string
		runs  replicas
	}{{"BASE", base}, {"NEW", fresh}} {
		switch n := side.runs.requests(); n {
		case 0:
			list = append(list, side.label+" has no requests")
		case side.runs.failed():
			list = append(list, fmt.Sprintf("all %d requests of %s failed, so it has no latencies", n, side.label))
		}
	}
	if base[0].spanned && !fresh.is(isUntimed) {
		list = append(list,
			fmt.Sprintf("the length of a run was not given; rates are over the time from the first start to the "+
				"last end, %.4g s of BASE and %.4g s of NEW", base.seconds(), fresh.seconds()))
	}
	if resamples < o.Resamples {
		list = append(list, fmt.Sprintf("%d resamples were drawn instead of %d, as the runs are large", resamples,
			o.Resamples))
	}
	if !o.OtherStages && base.requests() > 0 && fresh.requests() > 0 && !slices.Equal(base.stages(), fresh.stages()) {
		list = append(list, fmt.Sprintf("not compared stage by stage: BASE has the stages %v, NEW %v", base.stages(),
			fresh.stages()))
	}
	return list
}
