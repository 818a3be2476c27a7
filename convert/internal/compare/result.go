package compare

import "github.com/seed-307b789f/xk6-llm/internal/gate"

// Verdict is the outcome of a comparison.
type Verdict string

// The verdicts. Unclear means that there were too few requests, or that the interval spans zero and is too wide to
// call the figures the same.
const (
	Better  Verdict = "better"
	Worse   Verdict = "worse"
	Same    Verdict = "same"
	Unclear Verdict = "unclear"
)

// Status is the answer of a gate, and of a comparison.
type Status = gate.Status

// The answers. An undecided gate does not fail, but it has shown nothing either; its reason names what is missing.
const (
	GatePassed    = gate.Pass
	GateFailed    = gate.Fail
	GateUndecided = gate.Inconclusive
)

// Result is a comparison of two runs. All its numbers are finite; what cannot be known is null.
type Result struct {
	Base SideSummary `json:"base"`
	New  SideSummary `json:"new"`
	// Verdict covers the headline figures of the whole run, or of all groups, corrected for their number. Pairs have
	// none.
	Verdict Verdict `json:"verdict,omitempty"`
	// Loads says how the loads of the runs differ; "" if they do not, or it is unknown.
	Loads string `json:"loads_differ,omitempty"`
	// Status is the answer: that of the gates, or without gates FAIL if the verdict is worse, and PASS if the headline
	// figures rule out that NEW is worse by more than the margin.
	Status Status `json:"status"`
	// Open says of an answer without gates which headline figures leave it open.
	Open []string `json:"open,omitempty"`
	// Settled is what an INCONCLUSIVE answer counts as; "" leaves it open.
	Settled Status `json:"settled_as,omitempty"`
	// Passed is true unless the answer is FAIL, or counts as it.
	Passed bool `json:"passed"`
	// Reasons holds the reasons for the verdict, one per figure.
	Reasons []string     `json:"reasons"`
	Gates   []GateResult `json:"gates,omitempty"`
	Metrics []Metric     `json:"metrics"`
	// Capacities holds what the searches found, for each SLO; the verdict is on them if both runs are searches.
	Capacities []Capacity `json:"capacity,omitempty"`
	// Stages is set if both runs have the same stages, and more than one.
	Stages []Stage `json:"stages,omitempty"`
	// By names what Groups are, such as label; "" for a comparison without groups. The figures are then those of the
	// groups, which both runs have. OnlyBase and OnlyNew name the others.
	By       string    `json:"by,omitempty"`
	Group    string    `json:"group,omitempty"` // of a result in Groups
	Groups   []*Result `json:"groups,omitempty"`
	OnlyBase []string  `json:"groups_only_base,omitempty"`
	OnlyNew  []string  `json:"groups_only_new,omitempty"`
	Notes    []string  `json:"notes,omitempty"`
	// Violations of the SLO by both runs; nil if neither has one.
	Violations *Violations `json:"slo_violations,omitempty"`

	// All makes WriteText print every figure and the stages, in place of the main figures.
	All bool `json:"-"`
	// Columns is the width of the terminal for WriteText; 0 means that lines are not broken.
	Columns int `json:"-"`

	Level     float64 `json:"confidence_level"`
	Resamples int     `json:"resamples"`
	Seed      uint64  `json:"seed"`

	Pairs *PairFacts `json:"pairs,omitempty"` // of a comparison of pairs

	searches bool // both runs are searches
	pairs    bool // the figures are of pairs
}

// SideSummary describes the run of a side.
type SideSummary struct {
	Name     string   `json:"name"`
	Requests int      `json:"requests"`
	Failed   int      `json:"failed"`
	Seconds  *float64 `json:"duration_s"` // null if unknown
	Doubt    string   `json:"doubt,omitempty"`
	Runs     int      `json:"runs,omitempty"` // if there are several
}

// Stage is the comparison of one stage.
type Stage struct {
	Stage   int      `json:"stage"`
	Metrics []Metric `json:"metrics"`
}

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Metric is one figure of both runs. Values and changes are in its unit.
type Metric struct {
	Name      string    `json:"name"`
	Unit      Unit      `json:"unit"`
	Direction Direction `json:"direction"`
	// Headline figures make the overall verdict.
	Headline bool `json:"headline"`

	Base *float64 `json:"base"` // null where a run does not have it
	New  *float64 `json:"new"`
	// Change is NEW − BASE; Interval is its confidence interval at the result's level.
	Change   *float64  `json:"change"`
	Interval *Interval `json:"change_interval"`
	// Relative is Change over BASE's value, 0.1 for ten percent, with the interval likewise; null where that value is
	// zero.
	Relative         *float64  `json:"relative_change"`
	RelativeInterval *Interval `json:"relative_change_interval"`

	PValue *float64 `json:"p_value"` // two-sided, of this figure alone
	// AdjustedP is corrected for the number of headline figures, or of all others. Figures not judged have none.
	AdjustedP *float64 `json:"p_value_adjusted,omitempty"`

	// Detectable is the change that would have been found, its interval excluding zero, in four of five runs like
	// these; null without an interval.
	Detectable *float64 `json:"detectable_change"`

	Verdict  Verdict  `json:"verdict"` // by AdjustedP, where there is one
	Warnings []string `json:"warnings,omitempty"`

	BaseSample Sample `json:"base_sample"`
	NewSample  Sample `json:"new_sample"`

	Runs *RunSpread `json:"runs,omitempty"` // nil with one run a side

	questions map[string]*question // of gates that say what is to hold, by their texts

	opens  string // what of it leaves an answer without gates open
	tiny   bool   // it is the same for the noise floor of times alone: changes are shown in ms
	paired bool   // within pairs: changes are shown in ms
	judged bool   // there were enough requests
	gated  bool   // there were enough for a gate
	// a percentile nearer to the end than so few requests tell of, or a rate that follows from different loads
	sparse bool
}

// Sample describes the data of one side's figure.
type Sample struct {
	Requests int `json:"requests"`
	// Block is the number of requests in a row that were resampled together: the longer requests depend on each other,
	// the longer the blocks.
	Block int `json:"block_requests"`
}

// GateResult is the outcome of a gate and its reason.
type GateResult struct {
	Expression string   `json:"expression"`
	Metric     string   `json:"metric"`
	Status     Status   `json:"status"`
	Settled    Status   `json:"settled_as,omitempty"` // what INCONCLUSIVE counts as
	Reason     string   `json:"reason"`
	AdjustedP  *float64 `json:"p_value_adjusted,omitempty"` // corrected for the number of gates that ask for a change

	// Of gates that say what is to hold. Interval is of what has the bound: the value of NEW, the change, or the
	// relative change; an end that is not known, or a request that failed, is null.
	Interval *GateInterval `json:"interval,omitempty"`
	Power    *Power        `json:"power,omitempty"`
	// Needs is of how many requests a side an inconclusive gate would be decided, with the chance of the power, and
	// NeedsRuns of how many runs a side, if runs of a side differ by more than their requests explain.
	Needs     *int64 `json:"needs_requests,omitempty"`
	NeedsRuns *int64 `json:"needs_runs,omitempty"`
}

// GateInterval is the interval by which a gate was decided.
type GateInterval struct {
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
	Level float64  `json:"level"` // of this gate: all gates together are right at the level of the result
}

// Power tells what a gate could have seen with a probability: values of what has the bound, or, of a percentile with a
// bound of its own, shares of the requests that are over it. Null means that so few requests cannot tell.
type Power struct {
	Probability float64  `json:"probability"`
	PassesTo    *float64 `json:"passes_to"`
	FailsFrom   *float64 `json:"fails_from"`
	Of          string   `json:"of"` // change, relative_change, value, or share_over
}

// RunSpread tells how much the runs of one side differ.
type RunSpread struct {
	Base []float64 `json:"base"` // the figure of each run
	New  []float64 `json:"new"`
	// Deviation is the standard deviation of runs of one side, of both sides together, relative to the figure, or of a
	// share as it is; null if no side has two runs with the figure.
	Deviation *float64 `json:"deviation"`
	Relative  bool     `json:"relative"`
	Freedom   int      `json:"degrees_of_freedom"`
}

// metric returns an overall figure by its name, or nil if neither run has it.
func (r *Result) metric(name string) *Metric {
	for i := range r.Metrics {
		if r.Metrics[i].Name == name {
			return &r.Metrics[i]
		}
	}
	return nil
}

// known returns a pointer to a number that JSON can hold, or nil for another.
func known(v float64) *float64 {
	if !finite(v) {
		return nil
	}
	return &v
}

func knownInterval(low, high float64) *Interval {
	if !finite(low) || !finite(high) {
		return nil
	}
	return &Interval{low, high}
}
