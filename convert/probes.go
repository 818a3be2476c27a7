package convert

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// searchReasons prints below the answers why each search ended, and between which loads its answer is certain.
func (t *table) searchReasons(searches []*record.Search) {
	for _, s := range searches {
		name := "search"
		if len(searches) > 1 {
			name += " of " + s.Scenario
		}
		t.say("%s: %s", name, SearchEnd(s))
		for _, remark := range SearchRemarks(s) {
			t.say("  %s", remark)
		}
	}
}

// SearchEnd says how a search ended, and why.
func SearchEnd(s *record.Search) string {
	return fmt.Sprintf("%s in %s, %s: %s", plural(len(s.Probes), "probe"), Minutes(probedSeconds(s)), stopText(s),
		reasonOf(s))
}

// SearchRemarks returns what to know about the answers of a search: what of them is certain, and what is odd.
func SearchRemarks(s *record.Search) (list []string) {
	for _, t := range tiersOf(s) {
		list = append(list, tierRemarks(s, t)...)
	}
	return list
}

func tierRemarks(s *record.Search, t record.SearchTier) (list []string) {
	name := ""
	if len(s.Tiers) > 1 {
		name = t.Name + ": "
	}
	told := len(s.Tiers) < 2 && strings.Contains(s.Reason, "certain") // of a search that ended by itself
	if text := certainText(s, t.SearchAnswer); text != "" && !told {
		list = append(list, name+text)
	}
	if t.Cliff {
		list = append(list, name+"a cliff: the latency jumps between the two loads")
	}
	if t.NonMonotone {
		list = append(list, name+"not monotone: a load breaks the SLO for certain below one that keeps it for certain")
	}
	return list
}

// certainText says what is certain of an answer, "" if nothing is.
func certainText(s *record.Search, a record.SearchAnswer) string {
	low, high := a.Interval[0], a.Interval[1]
	level := fmt.Sprintf("certain (%v %%)", tidy(100*s.Confidence))
	switch {
	case low == nil && high == nil:
		return ""
	case sameLoad(low, a.HighestPassing) && sameLoad(high, a.LowestFailing):
		return "the answer is " + level
	case low != nil && high != nil:
		return fmt.Sprintf("%s: the edge lies between %s and %s", level, loadText(s, *low), loadText(s, *high))
	case low != nil:
		return fmt.Sprintf("%s: the edge is above %s", level, loadText(s, *low))
	}
	return fmt.Sprintf("%s: the edge is below %s", level, loadText(s, *high))
}

func sameLoad(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }

// loadText returns a load of a search with the digits of its answer, such as 14.6/s or 16 at a time.
func loadText(s *record.Search, load float64) string {
	text := strconv.FormatFloat(load, 'f', -1, 64)
	if s.Over == record.OverConcurrency {
		return text + atATime
	}
	return text + "/s"
}

// ProbedSeconds returns how long the longest of searches took, with all that their probes do not measure.
func ProbedSeconds(searches []*record.Search) (longest float64) {
	for _, s := range searches {
		longest = max(longest, probedSeconds(s))
	}
	return longest
}

func probedSeconds(s *record.Search) (total float64) {
	for _, p := range s.Probes {
		total += p.Seconds
	}
	return total
}

// Minutes returns a duration such as 42 s or 3 min 7 s.
func Minutes(seconds float64) string {
	whole := int(math.Round(seconds))
	if whole < 60 {
		return fmt.Sprintf("%d s", whole)
	}
	return fmt.Sprintf("%d min %d s", whole/60, whole%60)
}

// searches prints a table of the probes of each search, sorted by load.
func (t *table) searches(searches []*record.Search) {
	for _, s := range searches {
		if len(s.Probes) == 0 {
			continue
		}
		t.line("")
		t.say("the probes of the search by load; latencies in ms from %s", sinceWhen(s))
		t.probes(s)
		t.line("")
		t.say("figures of all probes together, below, are those of no single load")
	}
}

// atATime is the unit of a concurrency behind its number.
const atATime = " at a time"

func shareCell(share *float64) string {
	if share == nil {
		return noFigure
	}
	return percentText(*share) + " %"
}

// percentText returns a share in percent with one decimal. It rounds to 100 or 0 only what is.
func percentText(share float64) string {
	text := fmt.Sprintf("%.1f", 100*share)
	switch {
	case share < 1 && text == "100.0":
		return "99.9"
	case share > 0 && text == "0.0":
		return "0.1"
	}
	return strings.TrimSuffix(text, ".0")
}

func boundsCell(bounds [2]*float64) string {
	if bounds[0] == nil || bounds[1] == nil {
		return noFigure
	}
	return percentText(*bounds[0]) + "–" + percentText(*bounds[1])
}

// probeLatency returns the latency that decided a probe.
func probeLatency(p record.SearchProbe) string {
	for _, s := range p.Shares {
		if s.Objective == p.Binding && s.Latency != nil {
			if slo.OnFactor(s.Objective) {
				return Digits(*s.Latency)
			}
			return Digits(1000 * *s.Latency)
		}
	}
	return noFigure
}

// ProbeOutcome returns what became of a probe, and whether that is certain. An unstable one has failed.
func ProbeOutcome(p record.SearchProbe) string {
	switch {
	case p.Outcome == record.ProbeRefused:
		return p.Outcome
	case p.Unstable: // which is certain
		return "unstable"
	case p.Certain:
		return p.Outcome + ", certain"
	}
	return p.Outcome
}

// ProbeEdge returns holds for the probe that gave the highest load that keeps the SLO, breaks for the one that gave the
// lowest load above it that does not, and "" for others. Of several probes of a load the last counts.
func ProbeEdge(s *record.Search, p record.SearchProbe) string {
	gave := func(load *float64, outcome string) bool {
		for _, other := range slices.Backward(s.Probes) {
			if load != nil && other.Value == *load && other.Outcome == outcome {
				return other.Stage == p.Stage
			}
		}
		return false
	}
	switch {
	case gave(s.HighestPassing, record.ProbePassed):
		return "holds"
	case gave(s.LowestFailing, record.ProbeFailed):
		return "breaks"
	}
	return ""
}
