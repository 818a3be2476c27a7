package compare

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// Gate is a condition under which NEW fails. ParseGates makes gates; the zero Gate is none.
//
// A gate on a change trips if the change is beyond the bound, and significant: its interval excludes zero, at the level
// of the result and corrected by Holm's method for the number of gates on changes, so that many gates do not make more
// false alarms than one. The point estimate alone would trip on noise; to ask that the whole interval be beyond the
// bound would let changes pass that are twice the bound. A gate on a value trips by what NEW measured, whatever BASE
// did.
type Gate struct {
	metric metricID
	above  bool // trips above the bound, else below
	kind   gateKind
	bound  float64 // a value or change in the metric's unit, or a relative change
	group  string  // of the requests that it is about; "" means each
	text   string
	// kept means that the gate says what is to hold, not what is to fail: it has three answers, by its interval.
	kept bool
}

type gateKind int8

const (
	relative gateKind = iota // of the change over BASE
	change                   // of the change
	absolute                 // of NEW
)

// String returns the gate as it was written, without spaces but after the name of its group.
func (g Gate) String() string {
	if g.group == "" {
		return g.text
	}
	return g.group + ": " + g.text
}

func (g Gate) trips(v float64) bool {
	if g.above {
		return v > g.bound
	}
	return v < g.bound
}

// ParseGates reads gates, several in a text where commas part them. A gate is METRIC, > or <, and a bound:
//
//	p99(ttft)>+5%          the change from BASE, relative to it
//	mean(itl)>+2ms         the change
//	requests_per_sec<-3%   a fall
//	failures>+0.5pp        the change of a share, in percentage points
//	p99(ttft)>500ms        without a sign: the value of NEW
//	failures>1%            likewise, of a share
//
// The name of a group and a colon before gates make them those of this group alone; semicolons part them from gates of
// others: chat: p99(ttft)>+5%,failures>1%; rag: p99(ttft)>2s.
//
// Metrics are mean(L) and pN(L) of a latency L, N from 0 to 100 with or without decimals, and the rates and shares by
// name. Times have the unit us, ms or s, rates none. The error tells of all that could not be read.
func ParseGates(texts ...string) ([]Gate, error) { return parseGates(false, texts) }

// ParseBounds reads gates that say what is to hold, with the opposite sign:
//
//	p99(ttft)<+5%          the whole interval of the change is below 5 %
//	requests_per_sec>-3%   no larger fall
//	p99(ttft)<500ms        in NEW 99 % of the requests, failed ones among them, are faster
//	failures<1%            likewise, of a share
//
// Such a gate passes if the whole interval is within the bound, and fails if the whole interval is beyond it. A sign on
// the bad side of the figure, as of mean(ttft)>+5%, is an error: it is one of a gate of ParseGates.
func ParseBounds(texts ...string) ([]Gate, error) { return parseGates(true, texts) }

func parseGates(kept bool, texts []string) ([]Gate, error) {
	var gates []Gate
	var faults []error
	seen := map[string]bool{}
	var clauses []string
	for _, text := range texts {
		clauses = append(clauses, strings.Split(text, ";")...)
	}
	for _, clause := range clauses {
		group, list, err := slo.CutLabel(clause, "p99(ttft)"+exampleOf(kept))
		if strings.TrimSpace(clause) != "" && err != nil {
			faults = append(faults, fmt.Errorf("gate %q: %w", strings.TrimSpace(clause), err))
			continue
		}
		for part := range strings.SplitSeq(list, ",") {
			g, err := parseGate(part, kept)
			g.group = group
			switch {
			case err != nil:
				faults = append(faults, fmt.Errorf("gate %q: %w", strings.TrimSpace(part), err))
			case !seen[g.String()]:
				seen[g.String()] = true
				gates = append(gates, g)
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return gates, nil
}

func exampleOf(kept bool) string {
	if kept {
		return "<+5%"
	}
	return ">+5%"
}

func parseGate(text string, kept bool) (g Gate, err error) {
	text = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, text)
	at := strings.IndexAny(text, "<>")
	if at < 0 {
		return g, fmt.Errorf("no comparison in it; write METRIC>BOUND or METRIC<BOUND, as in p99(ttft)%s",
			exampleOf(kept))
	}
	var q quantity
	if g.metric, q, err = parseMetric(text[:at]); err != nil {
		return g, err
	}
	bound := text[at+1:]
	if kept {
		bound = strings.TrimPrefix(bound, "=")
	}
	g.above, g.text, g.kept = (text[at] == '>') != kept, g.metric.String()+text[at:at+1]+bound, kept
	if err := g.parseBound(bound, q.unit); err != nil {
		return g, err
	}
	return g, g.checkSide(bound, q.worse())
}

// checkSide refuses a gate that is written the wrong way round, as those of the other flag are: it would pass what it
// is to stop. A change for the better may be what is to fail, as that of a server that answers less.
func (g *Gate) checkSide(bound string, worseAbove bool) error {
	switch {
	case g.above == worseAbove:
		return nil
	case g.kept && g.above:
		return fmt.Errorf("--gate says what is to hold: write %s>%s", g.metric, bound)
	case g.kept:
		return fmt.Errorf("--gate says what is to hold: write %s<%s", g.metric, bound)
	case g.kind == absolute && g.above:
		return fmt.Errorf("--fail-on says what is to fail: write %s<%s", g.metric, bound)
	case g.kind == absolute:
		return fmt.Errorf("--fail-on says what is to fail: write %s>%s", g.metric, bound)
	}
	return nil
}

// parseMetric reads the name of a figure.
func parseMetric(text string) (id metricID, q quantity, err error) {
	outer, inner, call := strings.Cut(text, "(")
	name := text
	if call {
		name = strings.TrimSuffix(inner, ")")
	}
	q, found := quantityOf(name)
	switch {
	case text == capacityName, outer == capacityName && len(name) > 0 && strings.HasSuffix(inner, ")"):
		return metricID{quantity: text}, quantity{unit: Load}, nil
	case !found || call && !strings.HasSuffix(inner, ")"):
		return id, q, fmt.Errorf("unknown metric %q, known are %s", text, strings.Join(metricNames(), ", "))
	case q.latency == nil && call:
		return id, q, fmt.Errorf("%q has one value only; write it without %s()", name, outer)
	case q.latency == nil:
		return metricID{quantity: q.name}, q, nil
	case !call:
		return id, q, fmt.Errorf("%q has many values; write mean(%s) or p99(%s)", name, name, name)
	case outer == "mean":
		return metricID{quantity: q.name, statistic: mean}, q, nil
	}
	p, ok := parsePercentile(outer)
	if !ok {
		return id, q, fmt.Errorf("unknown statistic %q, known are mean and p0 to p100, as in p99 or p99.9", outer)
	}
	return metricID{quantity: q.name, statistic: percentile, percentile: p}, q, nil
}

func quantityOf(name string) (quantity, bool) {
	if whole, found := otherNames[name]; found {
		name = whole
	}
	for _, q := range quantities() {
		if q.name == name {
			return q, true
		}
	}
	return quantity{}, false
}

// metricNames returns the names that gates accept, with N for a number.
func metricNames() (names []string) {
	for _, q := range quantities() {
		if q.latency != nil {
			names = append(names, "mean("+q.name+")", "pN("+q.name+")")
		} else {
			names = append(names, q.name)
		}
	}
	return append(names, capacityName)
}

func parsePercentile(text string) (float64, bool) {
	digits, ok := strings.CutPrefix(text, "p")
	if !ok {
		return 0, false
	}
	p, err := plainNumber(digits)
	return p, err == nil && p <= 100
}

// plainNumber reads digits with or without decimals: no sign, exponent, or word.
func plainNumber(text string) (float64, error) {
	if text == "" || strings.Trim(text, "0123456789.") != "" || len(text) > 20 {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return v, nil
}

// parseBound reads the text after the comparison sign.
func (g *Gate) parseBound(text string, unit Unit) error {
	sign, rest := "", text
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
		sign, rest = text[:1], text[1:]
	}
	end := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
	number, err := plainNumber(rest[:end])
	if err != nil {
		return fmt.Errorf("bound %q is not a number with a unit, as in +5%%, 500ms or +0.5pp", text)
	}
	g.bound = number
	if sign == "-" {
		g.bound = -number
	}
	if sign != "" && (sign == "+") != g.above && !g.kept {
		return fmt.Errorf("it would trip without any change; write >+%s for a rise, or <-%s for a fall", rest, rest)
	}
	return g.setKind(text, rest[end:], unit, sign != "")
}

// setKind checks the suffix of the text of a bound against the unit, and sets the kind of the gate.
func (g *Gate) setKind(text, suffix string, unit Unit, signed bool) error {
	g.kind = absolute
	if signed {
		g.kind = change
	}
	scale := map[string]float64{"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1}[suffix]
	switch {
	case suffix == "%" && signed:
		g.kind, scale = relative, 0.01
	case suffix == "%" && unit == Share, suffix == "pp" && unit == Share && signed:
		scale = 0.01
	case suffix == "%":
		return fmt.Errorf("a percentage of what? Write +%v%% for a rise against BASE, or -%v%% for a fall", g.bound,
			g.bound)
	case scale != 0 && unit == Seconds:
	case suffix == "" && (g.bound == 0 || unit != Seconds && unit != Share):
		scale = 1
	case suffix == "" && unit == Seconds:
		return fmt.Errorf("%s has no unit: write %sms or %ss", text, text, text)
	case suffix == "" && unit == Share && !signed:
		return fmt.Errorf("%s has no unit: write %s%% or %s%%", text, text, digits(100*g.bound))
	default:
		return fmt.Errorf("unit %q does not fit %s; %s", suffix, g.metric, unitAdvice(unit))
	}
	g.bound *= scale
	return nil
}

func unitAdvice(unit Unit) string {
	switch unit {
	case Seconds:
		return "use %, us, ms or s"
	case Share:
		return "use %, or pp with a sign for percentage points"
	}
	if unit == Factor {
		return "use % with a sign, or a bare number"
	}
	if unit == Load {
		return "use % with a sign, or a bare number of requests/s or of requests at a time"
	}
	return "use % with a sign, or a bare number of " + string(unit)
}
