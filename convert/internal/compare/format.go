package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// value formats a figure: times below ten seconds in ms, shares in percent.
func value(v float64, unit Unit) string {
	switch {
	case unit == Share:
		return digits(v*100) + " %"
	case unit == Seconds && math.Abs(v) >= 10:
		return digits(v) + " s"
	case unit == Seconds:
		return digits(v*1000) + " ms"
	case unit == Factor:
		return digits(v)
	}
	return digits(v) + "/s"
}

// digits formats a number with at least three significant digits and all digits before the point.
func digits(v float64) string {
	decimals := 2
	switch a := math.Abs(v); {
	case v == 0:
		decimals = 0
	case a >= 1e9:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case a >= 99.95:
		decimals = 0
	case a >= 9.995:
		decimals = 1
	case a < 0.0995:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// optional formats a figure, or a dash for nil.
func optional(v *float64, unit Unit) string {
	if v == nil {
		return "-"
	}
	return value(*v, unit)
}

// change formats the change of a figure with its interval: +9.6 % [+6.1, +13.0]. Changes of shares are in percentage
// points, and changes from zero are amounts.
func (m *Metric) change() string {
	if m.paired {
		return m.overhead() + " ms"
	}
	v, interval, unit, scale := m.Relative, m.RelativeInterval, " %", 100.0
	switch {
	case m.Change == nil:
		return "-"
	case m.Unit == Share:
		v, interval, unit = m.Change, m.Interval, " pp"
	case v == nil && m.Unit == Seconds:
		v, interval, unit, scale = m.Change, m.Interval, " ms", 1000
	case v == nil && m.Unit == Factor:
		v, interval, unit, scale = m.Change, m.Interval, "", 1
	case v == nil:
		v, interval, unit, scale = m.Change, m.Interval, "/s", 1
	}
	if (m.tiny || vague(m.RelativeInterval)) && m.Unit == Seconds && unit == " %" {
		v, interval, unit, scale = m.Change, m.Interval, " ms", 1000
	}
	text := signed(*v*scale) + unit
	if interval != nil && unit == " %" && vague(interval) && interval.Low <= 0 && interval.High >= 0 {
		return text + " [too few requests to tell]"
	}
	if interval != nil {
		text += fmt.Sprintf(" [%s, %s]", signed(interval.Low*scale), signed(interval.High*scale))
	}
	return text
}

// vague reports whether the interval of a relative change says nothing: it reaches to a fall by all, or spans more than
// twice the value.
func vague(i *Interval) bool { return i != nil && (i.Low <= -1 || i.High-i.Low > 2) }

// signed formats a number with one decimal, or more for small ones: a change of +0.04 is not +0.0.
func signed(v float64) string {
	decimals := 1
	if a := math.Abs(v); a > 0 && a < 0.1 {
		decimals = 2
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if math.Abs(v) >= 1e6 {
		text = strconv.FormatFloat(v, 'g', 4, 64)
	}
	if strings.Trim(text, "-0.") == "" {
		return "0.0"
	}
	if v > 0 {
		return "+" + text
	}
	return text
}

// sentence describes a figure in one line: p99(ttft) 512 ms → 561 ms (+9.6 % [+6.1, +13.0]) worse.
func (m *Metric) sentence(v Verdict) string {
	text := fmt.Sprintf("%s %s → %s", m.Name, optional(m.Base, m.Unit), optional(m.New, m.Unit))
	if m.Change != nil {
		text += " (" + m.change() + ")"
	}
	if v != "" {
		text += " " + string(v)
	}
	return text
}

// judgement is the sentence of a figure with its verdict, and with the reason if that is less than the interval shows.
func (m *Metric) judgement() string {
	text := m.sentence(m.Verdict)
	if m.doubted() {
		text += ": " + strings.Join(m.Warnings, "; ")
	}
	return text
}

// doubted reports whether the verdict is unclear for a reason beside the interval, which excludes zero.
func (m *Metric) doubted() bool {
	return m.Verdict == Unclear && len(m.Warnings) > 0 && m.Interval != nil &&
		(m.Interval.Low > 0 || m.Interval.High < 0)
}

func pText(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}
