package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// SetSLO parses objectives and makes them the SLO, by which the stages are judged. Bounds on each request among them
// also replace the requests' own bounds in inference-perf's goodput_metrics.
func (o *Options) SetSLO(text string) (err error) {
	if o.Objectives, err = slo.Parse(text); err == nil {
		o.SLO, o.labelSLO = slo.EachOf(o.Objectives, ""), nil
		for _, label := range slo.Labels(o.Objectives) {
			if b := slo.EachOf(o.Objectives, label); b != o.SLO {
				if o.labelSLO == nil {
					o.labelSLO = map[string]record.Bounds{}
				}
				o.labelSLO[label] = b
			}
		}
	}
	return err
}

// CheckLabels returns an error if an objective is about a label that no request of the run has.
func (o Options) CheckLabels(r *run.Run) error {
	named := slo.Labels(slices.Concat(o.Objectives, o.Gates))
	if len(named) == 0 {
		return nil
	}
	known := run.ByLabel.Groups(r, slices.Concat(r.Requests, r.Abandoned))
	delete(known, "")
	return slo.CheckNames("label", named, sortedKeys(known))
}

// Judgement is what became of an objective in a group of requests: a stage, a scenario, an adapter or the whole run.
//
// A failed request and a dropped arrival are over every bound. A request that the end of the run cut off does not
// count. An answer of one token has a TTFT, and no ITL or TPOT that could be over a bound.
type Judgement struct {
	Objective string      `json:"objective"`       // as package slo writes it
	Label     string      `json:"label,omitempty"` // of the requests that it is about; "" means all
	Outcome   slo.Outcome `json:"outcome"`         // kept, broken, no requests
	Requests  int         `json:"requests"`        // that it was judged by, with the dropped arrivals
	Kept      int         `json:"requests_kept"`
	Failed    int         `json:"failed"`
	Dropped   int         `json:"dropped"`
	// Value is what was observed. Of a percentile it is the latency that decides, in seconds, or the real-time factor,
	// and null if that is the latency of a request that failed or was dropped. Of failures it is the share that failed;
	// else the share of the requests that kept all bounds.
	Value *Float `json:"value"`
	// Observed is the value in words, such as "p99 TTFT 612 ms", or the reason why there is none, such as "3.1 %
	// failed".
	Observed string `json:"observed"`
}

// mostOwn is how many different bounds of the requests' own become objectives of their own.
const mostOwn = 10

// objective is an objective and the requests that it is about.
type objective struct {
	slo.Objective
	bounds  func(*run.Request) []slo.Bound // of a request; nil: the objective is not about it
	partial bool                           // it may be about a part of the requests only
}

// given returns an objective that is about all requests, or about those of its label.
func given(o slo.Objective) objective {
	all := o.Bounds
	if all == nil {
		all = []slo.Bound{}
	}
	return objective{Objective: o, partial: o.Label != "", bounds: func(q *run.Request) []slo.Bound {
		if !o.Concerns(q.Label) {
			return nil
		}
		return all
	}}
}

// givenAll returns objectives as they were given.
func givenAll(list []slo.Objective) (out []objective) {
	for _, o := range list {
		out = append(out, given(o))
	}
	return out
}

// judge judges a group by objectives.
type judge struct{ of *subset }

// objectives returns what the group is judged by: the SLO of the options, else the bounds that the requests have.
func (g judge) objectives() []objective {
	if o, any := slo.Of(g.of.opts.SLO); any && len(g.of.opts.Objectives) == 0 {
		return []objective{given(o)}
	}
	if len(g.of.opts.Objectives) > 0 {
		return givenAll(slices.DeleteFunc(slices.Clone(g.of.opts.Objectives), g.others))
	}
	return g.ownObjectives()
}

// others reports whether an objective is about a label that the part of a run does not have.
func (g judge) others(o slo.Objective) bool {
	return g.of.part && !slices.ContainsFunc(g.of.all, func(q *run.Request) bool { return o.Concerns(q.Label) })
}

// owner is a label and the bounds that requests with it have of their own.
type owner struct {
	label string
	slo   record.Bounds
}

// ownObjectives returns an objective for each different set of bounds that requests of the group have, of each label
// apart. If there are too many, each request is judged by its own bounds, in one objective.
func (g judge) ownObjectives() (list []objective) {
	own := map[owner]slo.Objective{}
	var order []owner
	bare := false
	var last *run.Traits
	for _, q := range g.of.all {
		if q.Traits == last { // as most are
			continue
		}
		last = q.Traits
		of := owner{q.Label, q.SLO}
		if _, known := own[of]; known {
			continue
		}
		o, any := slo.Of(q.SLO)
		own[of] = o.Of(q.Label)
		if bare = bare || !any; any {
			order = append(order, of)
		}
	}
	if len(order) > mostOwn {
		each := slo.Objective{Kind: slo.Each, Share: slo.KeptFrom}
		return []objective{{each, func(q *run.Request) []slo.Bound { return own[owner{q.Label, q.SLO}].Bounds }, bare}}
	}
	slices.SortStableFunc(order, func(a, b owner) int {
		return cmp.Or(cmp.Compare(a.label, b.label), compareBounds(own[a], own[b]))
	})
	for _, of := range order {
		list = append(list, objective{own[of], func(q *run.Request) []slo.Bound {
			if of != (owner{q.Label, q.SLO}) {
				return nil
			}
			return own[of].Bounds
		}, bare || len(order) > 1})
	}
	return list
}

// compareBounds orders objectives by the latency of their first bounds, the tighter first.
func compareBounds(a, b slo.Objective) int {
	return cmp.Compare(a.Bounds[0].Limit, b.Bounds[0].Limit)
}

// text returns the objective as people read it.
func (o objective) text() string {
	if o.String() == "" {
		return "the bounds of each request"
	}
	return o.String()
}

// judgements judges the group by each objective.
func (g judge) judgements(list []objective) []Judgement {
	var out []Judgement
	for _, o := range list {
		out = append(out, g.by(o))
	}
	return out
}

// by judges the group by an objective.
func (g judge) by(o objective) Judgement {
	j, _ := g.judged(o, nil)
	return j
}

// judged judges the group by an objective, and adds what it judged to a series, which may be nil. It returns the
// latencies of the successes, in ascending order, if the objective is about one.
func (g judge) judged(o objective, s *judgedSeries) (j Judgement, values []float64) {
	j = Judgement{Objective: o.text(), Label: o.Label}
	foreign := 0
	for _, q := range g.of.all {
		bounds := o.bounds(q)
		if bounds == nil || unfinished(q) || q.LeftOut && o.Kind != slo.Failures {
			continue
		}
		if !bearOn(q, bounds) {
			foreign++
			continue
		}
		if q.Failed() {
			j.Failed++
			s.add(q, math.Inf(1), false)
			continue
		}
		kept, known := g.keeps(q, bounds)
		if !known {
			continue
		}
		j.Requests++
		if kept {
			j.Kept++
		}
		v := 0.0
		if o.single() {
			v, _ = g.latency(q, bounds[0].Latency)
			values = append(values, v)
		}
		s.add(q, v, kept)
	}
	if only := foreign > 0 && j.Requests+j.Failed == 0; !only && !o.partial && !g.of.part && o.Kind != slo.Failures {
		j.Dropped = int(g.of.dropped())
	}
	j.Requests += j.Failed + j.Dropped
	j.Outcome = o.Judge(slo.Counts{Judged: j.Requests, Kept: j.Kept})
	if j.observe(o, values); j.Requests == 0 && foreign > 0 {
		j.Observed += ": " + o.foreign()
	}
	return j, values
}

// single reports whether the objective is about one latency, and thus about a percentile of it.
func (o objective) single() bool { return o.Kind != slo.Failures && len(o.Bounds) == 1 }

// foreign says why an objective is about no request.
func (o objective) foreign() string {
	name := "other figure"
	if len(o.Bounds) > 0 {
		name = slo.Name(o.Bounds[0].Latency)
		switch o.Bounds[0].Latency {
		case "first_audio":
			return "only speech has a " + name
		case "rtf":
			return "only speech and transcriptions have an " + name
		}
	}
	return "requests that ask for no text have a latency and no " + name
}

// bearOn reports whether bounds are about a request. Bounds on what requests of its API do not have are not, not even
// if it fails.
func bearOn(q *run.Request, bounds []slo.Bound) bool {
	return len(bounds) == 0 || slices.ContainsFunc(bounds, func(b slo.Bound) bool { return concerns(q, b.Latency) })
}

// concerns reports whether requests of the API can have a latency.
func concerns(q *run.Request, latency string) bool {
	return record.Concerns(latency, q.API, !q.Textless)
}

// unfinished reports whether the end of the run cut the request off. Such a request neither succeeded nor failed.
func unfinished(q *run.Request) bool { return q.ErrorType == record.ErrorCanceled }

// finished reports whether the request ended, well or badly.
func finished(q *run.Request) bool { return !unfinished(q) }

// keeps reports whether a success keeps all bounds. It is unknown if the success has none of the latencies, unless it
// is an answer of one token, which has a TTFT alone.
func (g judge) keeps(q *run.Request, bounds []slo.Bound) (kept, known bool) {
	kept, known = true, len(bounds) == 0
	for _, b := range bounds {
		if v, has := g.latency(q, b.Latency); has && concerns(q, b.Latency) {
			known, kept = true, kept && b.Keeps(v)
		}
	}
	return kept, known
}

// latency returns a latency of a success in seconds, by the definitions of [OwnLatencies], and false if it has none. A
// streamed answer without content never had a first token, however long one waits.
func (g judge) latency(q *run.Request, name string) (seconds float64, known bool) {
	switch name {
	case "ttft":
		if seconds = q.TTFT; math.IsNaN(seconds) && lacksContent(g.of, q) {
			seconds = math.Inf(1)
		}
	case "tpot":
		seconds = q.TPOT
	case "ntpot":
		seconds = q.NTPOT()
	case "itl":
		seconds = q.MeanITL()
	case "first_audio":
		seconds = firstArrival(g.of, q)
	case "rtf":
		seconds = realTimeFactor(g.of, q)
	default:
		seconds = requestLatency(g.of, q)
	}
	return seconds, !math.IsNaN(seconds)
}

// observe sets the value and its words. values are the latencies of the successes if the objective is about one.
func (j *Judgement) observe(o objective, values []float64) {
	if j.Requests == 0 {
		j.Observed = "no requests to judge by"
		return
	}
	over := j.Requests - j.Kept
	switch share := Float(float64(j.Kept) / float64(j.Requests)); {
	case o.Kind == slo.Failures:
		j.Value = new(Float(float64(over) / float64(j.Requests)))
		if j.Observed = "none failed"; over > 0 {
			j.Observed = percentOf(over, j.Requests) + " failed"
		}
	case len(o.Bounds) == 1:
		j.observePercentile(o, values)
	default:
		j.Value = new(share)
		j.Observed = percentOf(j.Kept, j.Requests) + " keep it"
		j.blameFailures(o)
	}
}

// observePercentile sets the latency that decides.
func (j *Judgement) observePercentile(o objective, values []float64) {
	slices.Sort(values)
	rank := o.Rank(j.Requests)
	if rank < len(values) && !math.IsInf(values[rank], 1) {
		j.Value = new(Float(values[rank]))
		j.Observed = fmt.Sprintf("p%v %s %s", tidy(100*o.Share), slo.Name(o.Bounds[0].Latency),
			withUnit(o.Bounds[0].Latency, values[rank]))
		return
	}
	j.Observed = percentOf(len(values)-finite(values), j.Requests) + " without a token"
	j.blameFailures(o)
}

// withUnit returns a latency in milliseconds, or a factor.
func withUnit(latency string, value float64) string {
	if slo.IsFactor(latency) {
		return Digits(value)
	}
	return Digits(1000*value) + " ms"
}

// finite returns how many of the sorted values are finite.
func finite(values []float64) int {
	n := len(values)
	for n > 0 && math.IsInf(values[n-1], 1) {
		n--
	}
	return n
}

// blameFailures names failures and drops as what was observed if they alone break the objective.
func (j *Judgement) blameFailures(o objective) {
	alone := func(n int) bool {
		return n > 0 && o.Judge(slo.Counts{Judged: j.Requests, Kept: j.Requests - n}) == slo.Broken
	}
	switch {
	case alone(j.Failed):
		j.Observed = percentOf(j.Failed, j.Requests) + " failed"
	case alone(j.Dropped):
		j.Observed = percentOf(j.Dropped, j.Requests) + " dropped"
	case alone(j.Failed + j.Dropped):
		j.Observed = percentOf(j.Failed+j.Dropped, j.Requests) + " failed or dropped"
	}
}

// tidy rounds off what a percentage as a share cost: 0.999 · 100.
func tidy(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// percentOf returns n of all as a percentage. It rounds to 100 % or 0 % only what is.
func percentOf(n, all int) string {
	share := 100 * float64(n) / float64(max(all, 1))
	switch {
	case n == 0:
		return "0 %"
	case n == all:
		return "100 %"
	case share < 0.1:
		return "<0.1 %"
	case share > 99.9:
		return ">99.9 %"
	}
	return fmt.Sprintf("%.1f %%", share)
}
