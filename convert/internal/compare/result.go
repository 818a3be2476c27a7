package compare

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

// Status is the outcome of a gate.
type Status string

// The statuses. An undecided gate does not fail, but it has shown nothing either; its reason names what is missing.
const (
	GatePassed    Status = "passed"
	GateFailed    Status = "failed"
	GateUndecided Status = "undecided"
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
	// Passed is true if no gate failed, or, without gates, if the verdict is not worse.
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

	Verdict  Verdict  `json:"verdict"` // by AdjustedP, where there is one
	Warnings []string `json:"warnings,omitempty"`

	BaseSample Sample `json:"base_sample"`
	NewSample  Sample `json:"new_sample"`

	paired bool // within pairs: changes are shown in ms
	judged bool // there were enough requests
	gated  bool // there were enough for a gate
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
	Reason     string   `json:"reason"`
	AdjustedP  *float64 `json:"p_value_adjusted,omitempty"` // corrected for the number of gates that ask for a change
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
