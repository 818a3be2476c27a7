package page

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// part is the report of a stage, a scenario, an adapter or a group.
type part struct {
	by       string // the key of the group; "" if it is none
	index    int    // number of the stage
	name     string // such as "stage 3"
	scenario string // name of the stage's scenario; "" if the run has only one, or it is unknown
	doc      gjson.Result
	plan     record.Stage // what was asked of the stage; the zero value if that is unknown
	loops    bool         // it has stages that are closed loops
	search   *record.Search
	probe    *record.SearchProbe // of search, if the stage is one
	only     *convert.Load       // of the stage that a group is all of; nil if it is not
}

// wholeRun is the name of the part that is all of a run.
const wholeRun = "whole run"

// stages are the stages of a run, in the order in which the page lists them.
type stages []part

// title returns the name of a part, with its scenario if the run has several.
func (p part) title() string {
	if p.scenario == "" {
		return p.name
	}
	return p.scenario + ", " + p.name
}

// asked returns the rate that a part was to send, in requests per second. It returns NaN for a closed loop, which has
// no such rate, and for a part of which nobody recorded it. If no rate was asked for, a report repeats the achieved
// rate.
func (p part) asked() float64 {
	switch rate := number(p.doc.Get("load_summary.requested_rate")); {
	case p.plan.Rate != nil:
		return p.plan.MeanRate()
	case p.doc.Get("xk6_llm.load").IsObject():
		return number(p.doc.Get("xk6_llm.load.asked_rate"))
	case p.atATime() > 0 || rate == number(p.doc.Get("load_summary.achieved_rate")):
		return math.NaN()
	default:
		return rate
	}
}

// atATime returns the number of requests that a closed loop kept open at a time, or NaN.
func (p part) atATime() float64 {
	if p.plan.Concurrency != nil {
		return float64(*p.plan.Concurrency)
	}
	if c := number(p.doc.Get("load_summary.concurrency")); c > 0 {
		return c
	}
	return math.NaN()
}

// isLoop reports whether a part is a closed loop.
func (p part) isLoop() bool { return p.atATime() > 0 }

// done returns the successes per second.
func (p part) done() float64 {
	if p.only != nil && p.only.Done != nil {
		return float64(*p.only.Done)
	}
	if rate := number(p.doc.Get("xk6_llm.load.done_rate")); !math.IsNaN(rate) {
		return rate
	}
	return throughput(p.doc, "requests")
}

// requests is what most loads are made of. Others are made of sessions or iterations, which send several requests.
const requests = "requests"

// of returns what the load of a part is made of.
func (p part) of() string { return cmp.Or(p.doc.Get("xk6_llm.load.unit").String(), requests) }

// unit returns a number with what the load of a part is made of, if that is not requests.
func (p part) unit(number string) string {
	switch {
	case p.of() == requests || number == missing:
		return number
	case number == "1":
		return "1 " + strings.TrimSuffix(p.of(), "s")
	}
	return number + " " + p.of()
}

// load returns the load of a part as text: what was asked, or what was sent where nothing was asked.
func (p part) load() string {
	sent := achieved(p.doc)
	switch asked := p.asked(); {
	case !math.IsNaN(p.atATime()):
		return p.unit(exactly(p.atATime())) + " at a time"
	case math.IsNaN(asked) && math.IsNaN(sent):
		return ""
	case math.IsNaN(asked):
		return digits(sent) + "/s"
	case p.plan.From != nil && *p.plan.From != *p.plan.Rate:
		return fmt.Sprintf("%s → %s/s", exactly(*p.plan.From), p.unit(exactly(*p.plan.Rate)))
	default:
		return p.unit(exactly(asked)) + "/s"
	}
}

// exactly formats a number that somebody chose: with the digits it was written with, and no more than four of a
// fraction.
func exactly(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return missing
	}
	text := strconv.FormatFloat(v, 'f', 3, 64)
	text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	if v >= 1000 {
		text = grouped(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return text
}

// axisKind says which load the stages of a page have in common, so that charts can have it as their x axis.
type axisKind int

// The axes of charts of stages.
const (
	byStage axisKind = iota // the stages one beside the other
	byRate                  // the asked rate, or the sent rate where none was asked
	byConcurrency
)

// axisOf returns the axis that suits all runs: the load if all stages have one of the same kind, and a run has several.
func axisOf(runs []Run) axisKind {
	rates, loops, several, known := true, true, false, false
	for i := range runs {
		r := &runs[i]
		if r.parallel() {
			return byStage
		}
		rate, loop := map[float64]bool{}, map[float64]bool{}
		for _, s := range r.stages {
			at := s.atATime()
			loops = loops && !math.IsNaN(at)
			rates, known = rates && math.IsNaN(at), known || !math.IsNaN(r.stages.rate(s))
			rate[r.stages.rate(s)], loop[at] = true, true
		}
		several = several || rates && len(rate) > 1 || loops && len(loop) > 1
	}
	switch {
	case several && loops:
		return byConcurrency
	case several && rates && known:
		return byRate
	}
	return byStage
}

// rate returns the rate at which a stage stands in charts: the one that was asked, if it is known of all stages, lest
// short stages, of which chance sends more or fewer, change places.
func (all stages) rate(s part) float64 {
	for _, other := range all {
		if math.IsNaN(other.asked()) {
			return achieved(s.doc)
		}
	}
	return s.asked()
}

// place returns where the i-th stage of a run stands on an axis.
func (a axisKind) place(r *Run, i int) float64 {
	switch a {
	case byRate:
		return r.stages.rate(r.stages[i])
	case byConcurrency:
		return r.stages[i].atATime()
	}
	return float64(i)
}
