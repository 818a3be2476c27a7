package convert

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/steady"
)

// whyUnsteady says why no part of a stage is steady.
func whyUnsteady(series []steady.Series, found steady.Finding, width, lasts float64) string {
	if found.Growth < 0 {
		return fmt.Sprintf("load or latency changes throughout: no %s s of it are alike",
			Digits(steady.LeastShare*lasts))
	}
	grows := func(s steady.Series) string {
		return fmt.Sprintf("%s grew by %s/s until the end", s.Name, percentPer(steady.Rise(s)/width))
	}
	// What users feel comes first.
	for _, s := range series {
		if s.Name == steady.TTFT && steady.Rise(s) > 0 {
			return grows(s)
		}
	}
	return grows(series[found.Growth])
}

// whyCut says what sets a part of a stage apart from its steady part.
func whyCut(series []steady.Series, silences []steady.Stretch, part, stretch steady.Stretch, s *steady.Stage) string {
	before := part.From < stretch.From
	for _, gap := range silences {
		if gap.From >= part.From && gap.To <= part.To {
			side := "before"
			if before {
				side = "after"
			}
			return fmt.Sprintf("no answer ended for some time from %.1f to %.1f s, and the longest steady part is "+
				"%s it", s.At(gap.From), s.At(gap.To), side)
		}
	}
	d := steady.Explain(series, part, stretch)
	if d.Len() == 0 {
		return "with it, load or latency would not stay the same"
	}
	when := ""
	if d.Stretch != part {
		when = fmt.Sprintf(" from %.1f to %.1f s", s.At(d.From), s.At(d.To))
	}
	per := percentPer(d.PerBlock / s.Width)
	switch {
	case d.Kind == steady.Share:
		return fmt.Sprintf("%s %% of the requests failed%s", Digits(100*d.Ratio), when)
	case when != "":
	case before && d.Ratio > 1 && d.PerBlock < 0:
		return fmt.Sprintf("%s still fell (%s/s)", d.Series, per)
	case before && d.Ratio < 1 && d.PerBlock > 0:
		return fmt.Sprintf("%s still rose (%s/s)", d.Series, per)
	case !before && d.Ratio > 1 && d.PerBlock > 0:
		return fmt.Sprintf("%s rose (%s/s)", d.Series, per)
	case !before && d.Ratio < 1 && d.PerBlock < 0:
		return fmt.Sprintf("%s fell (%s/s)", d.Series, per)
	}
	verb := "was"
	if strings.HasPrefix(d.Series, "requests ") {
		verb = "were"
	}
	return fmt.Sprintf("%s %s %s the steady level%s", d.Series, verb, timesOf(d.Ratio), when)
}

// percentPer writes a relative change with its sign.
func percentPer(change float64) string {
	text := Digits(100*math.Abs(change)) + " %"
	if change < 0 {
		return "−" + text
	}
	return text
}

// timesOf writes how a level compares with another.
func timesOf(ratio float64) string {
	switch {
	case ratio >= 2:
		return Digits(ratio) + " times"
	case ratio >= 1:
		return Digits(100*(ratio-1)) + " % above"
	}
	return Digits(100*(1-ratio)) + " % below"
}

// Lines tells for people what of each stage is steady: of stages that are not, and of those of which more than a tenth
// is not; with Applied of all.
func (s *Steady) Lines() (lines []string) {
	if s == nil {
		return nil
	}
	for _, stage := range s.Stages {
		if text := stage.text(len(s.Stages) > 1, s.Applied); text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}

// keptUnsaid is the share of a stage's requests that is steady from which on nobody is told unless figures are of it.
const keptUnsaid = 0.9

func (s SteadyStage) text(several, applied bool) string {
	name := "the run"
	if several {
		name = fmt.Sprintf("stage %d", s.Stage)
	}
	switch {
	case !s.Found && (applied || s.Changes):
		return fmt.Sprintf("%s has no steady state: %s", name, s.Reason)
	case !s.Found:
		return ""
	case applied:
		return fmt.Sprintf("of %s: %s to %s s, %d of %d requests%s", name, Digits(float64(*s.From)),
			Digits(float64(*s.To)), s.Requests, s.Of, s.cuts())
	case float64(s.Requests) < keptUnsaid*float64(s.Of):
		return fmt.Sprintf("%s is steady from %s to %s s alone (%d of %d requests)%s; --steady reports on that", name,
			Digits(float64(*s.From)), Digits(float64(*s.To)), s.Requests, s.Of, s.cuts())
	}
	return ""
}

// cuts says what is cut and why.
func (s SteadyStage) cuts() string {
	var parts []string
	for i, c := range s.Cut {
		if c.Reason == loadEnded {
			continue
		}
		lasts := Digits(float64(c.To - c.From))
		where := "last"
		if i == 0 && c.From < *s.From {
			where = "first"
		}
		parts = append(parts, fmt.Sprintf("%s %s s: %s", where, lasts, c.Reason))
	}
	if parts == nil {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}
