package convert

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
)

// MarkReport is something that happened during the run, and how long it took until the SLO held again.
type MarkReport struct {
	At     Float  `json:"at_seconds"`        // since the first start; negative before it
	Time   int64  `json:"time_ns,omitempty"` // since the Unix epoch; absent for an imported run
	Text   string `json:"text"`
	Source string `json:"source"` // as in the record
	// Outcome is recovered, not recovered, no violation, or no SLO.
	Outcome string `json:"outcome"`
	// Recovered is the time from the mark until the violation after it was over: 0 without one, null if it was not
	// over, and without an SLO.
	Recovered *Float `json:"recovered_after_seconds"`
}

// Values of MarkReport.Outcome.
const (
	MarkRecovered    = "recovered"
	MarkNotRecovered = "not recovered"
	MarkNoViolation  = "no violation"
	MarkNoSLO        = "no SLO"
)

const (
	// clearFor is how many seconds in a row without violation make a recovery.
	clearFor = 5
	// aftermath is within how many seconds after a mark a violation has to begin to be taken for its consequence.
	aftermath = 30
)

const marksDefinition = "what happened at an instant, in seconds after the first start; recovered_after_seconds: " +
	"from " +
	"there to the end of the violation that contains the mark or begins within 30 s after it, at the first of 5 " +
	"seconds " +
	"in a row without violation, of which one at least has requests to judge by; 0 without such a violation, null if " +
	"those 5 seconds never came"

// recoveries finds when violations were over.
type recoveries struct {
	violated, judged []bool
	step             float64
}

// reported returns the marks of a run as the report has them.
func (s *seriesMaker) reported(c recoveries) (list []MarkReport) {
	for _, m := range s.run.Marks {
		at := s.run.Seconds(m.At - s.zero)
		r := MarkReport{At: Float(at), Text: m.Text, Source: m.Source, Outcome: MarkNoSLO}
		if s.Start != 0 {
			r.Time = m.At
		}
		if c.violated != nil {
			r.Outcome, r.Recovered = c.after(at)
		}
		list = append(list, r)
	}
	return list
}

// after returns when the violation was over that followed an instant.
func (c recoveries) after(at float64) (outcome string, seconds *Float) {
	k := max(0, min(int(at/c.step), len(c.violated)))
	latest := min(int((at+aftermath)/c.step)+1, len(c.violated))
	for k < latest && !c.violated[k] {
		k++
	}
	if k >= latest {
		return MarkNoViolation, new(Float(0))
	}
	over := k // the interval after the last in violation
	calm, known := 0, false
	for ; k < len(c.violated); k++ {
		if c.violated[k] {
			over, calm, known = k+1, 0, false
			continue
		}
		calm, known = calm+1, known || c.judged[k]
		if known && float64(calm)*c.step >= clearFor {
			return MarkRecovered, new(Float(max(0, float64(over)*c.step-at)))
		}
	}
	return MarkNotRecovered, nil
}

// comparedViolations returns what a comparison tells of the seconds of a whole run, and nil of a run without an SLO and
// of a search, whose probes are to violate it.
func comparedViolations(g *subset) *compare.Violated {
	s := newSeriesMaker(g.run)
	if s == nil || len(g.run.Searches) > 0 {
		return nil
	}
	dropped := s.dropped()
	v, violated, judged := violations(g, s, dropped, make([]int, len(dropped)))
	if v == nil {
		return nil
	}
	c := &compare.Violated{Seconds: float64(v.Seconds), Of: float64(v.Of), Longest: float64(v.Longest)}
	for _, m := range s.reported(recoveries{violated, judged, s.step}) {
		c.Marks = append(c.Marks, compare.Mark{At: float64(m.At), Text: m.Text, Outcome: m.Outcome,
			Recovered: (*float64)(m.Recovered)})
	}
	return c
}

// addTimeline sets what the report on a whole run tells of its seconds. s may be nil.
func (a *Additions) addTimeline(g *subset, s *seriesMaker) {
	if a.Timeline = s.timeline(); a.Timeline == nil {
		return
	}
	a.define("timeline", timelineDefinition)
	var c recoveries
	counts := make([]int, len(s.Sent))
	if a.Violations, c.violated, c.judged = violations(g, s, a.Timeline.Dropped, counts); a.Violations != nil {
		a.Timeline.Violated = counts
		a.define("violations", violationsDefinition)
	}
	c.step = s.step
	if a.Marks = s.reported(c); a.Marks != nil {
		a.define("marks", marksDefinition)
	}
}

// showMarks prints what became of the SLO after each mark.
func showMarks(t *table, a *Additions) {
	const most = 20
	for _, m := range a.Marks[:min(len(a.Marks), most)] {
		t.say("%s", m.sentence())
	}
	if left := len(a.Marks) - most; left > 0 {
		t.say("and %s: the summary has all", plural(left, "other mark"))
	}
}

// sentence says how long the SLO was violated, if it was.
func (v *Violations) sentence() string {
	return fmt.Sprintf("SLO violated in %s of %s s, longest %s s (at %s s)", wholeSeconds(float64(v.Seconds)),
		wholeSeconds(float64(v.Of)), wholeSeconds(float64(v.Longest)), wholeSeconds(float64(*v.LongestAt)))
}

// sentence says what became of the SLO after a mark.
func (m MarkReport) sentence() string {
	text := fmt.Sprintf("mark at %.1f s: %s", float64(m.At), m.Text)
	if m.At <= -0.05 {
		text = fmt.Sprintf("mark %.1f s before the first request: %s", -float64(m.At), m.Text)
	}
	switch m.Outcome {
	case MarkRecovered:
		return text + fmt.Sprintf(": SLO kept again after %.1f s", float64(*m.Recovered))
	case MarkNotRecovered:
		return text + ": SLO not kept again"
	case MarkNoViolation:
		return text + ": no violation followed"
	}
	return text
}
