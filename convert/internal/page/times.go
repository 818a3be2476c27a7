package page

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
)

// list returns the numbers of a time series, with NaN for null.
func list(doc gjson.Result) (values []float64) {
	for _, v := range doc.Array() {
		values = append(values, number(v))
	}
	return values
}

// overInterval returns the thinned values of a time series, times a factor, at the middles of their intervals.
func overInterval(values []float64, interval, factor float64) xy {
	var p xy
	for i, v := range values {
		p.add((float64(i)+0.5)*interval, v*factor)
	}
	return extremes(p, 2*maxSpans, maxSpans)
}

// overTime returns the charts over the time of the run.
func overTime(runs []Run) chartGroup {
	g := chartGroup{title: "Over time"}
	rates := chart{ID: "time-rates", Title: "Requests per second", Y: axis{Label: "requests per second", Unit: "/s"},
		Note: ratesNote(runs), wide: true}
	flight := chart{ID: "time-flight", Title: "Requests in flight", Y: axis{Label: "requests", Unit: "requests"},
		Note: "Sent and not ended yet. A steady rise is a queue that grows.", wide: true}
	first := chart{ID: "time-ttft", Title: "TTFT over time", Y: axis{Label: "TTFT, ms", Unit: "ms"},
		Note: "Dots are requests, at the time they were sent (of more than 5000 the lowest and the highest of each " +
			"moment); lines are percentiles of each interval.", wide: true}
	gaps := chart{ID: "time-itl", Title: "ITL over time", Y: axis{Label: "ITL, ms", Unit: "ms"},
		Note: "Dots are the mean gap of each request, at the time it was sent; the line is the mean of the gaps " +
			"between chunks that ended in each interval.", wide: true}
	whole := chart{ID: "time-latency", Title: "Request latency over time", Y: axis{Label: "request latency, ms",
		Unit: "ms"}, Note: "Of answers that are no text. Dots are requests, at the time they were sent.", wide: true}
	audio := chart{ID: "time-first-audio", Title: "First audio over time", Y: axis{Label: "first audio, ms",
		Unit: "ms"}, Note: "Of speech. Dots are requests, at the time they were sent.", wide: true}
	for i, r := range runs {
		ts := r.summary.Get("xk6_llm.time_series")
		step := ts.Get("interval_seconds").Float()
		rates.rates(runs, i, ts, step)
		if step > 0 {
			flight.add(plainLine(named(runs, i, "in flight"), i, 0, overInterval(list(ts.Get("in_flight")), step, 1)))
		}
		first.latency(runs, i, r.dots(curves.ofTTFT), []timed{{"p50", overInterval(list(ts.Get("ttft_p50")), step, 1)},
			{"p99", overInterval(list(ts.Get("ttft_p99")), step, 1)}})
		gaps.latency(runs, i, r.dots(curves.ofITL),
			[]timed{{"mean", overInterval(list(ts.Get("chunk_gap_mean")), step, 1)}})
		audio.latency(runs, i, r.dots(curves.ofAudio), nil)
		whole.latency(runs, i, r.dots(curves.ofLatency), nil)
	}
	first.limits(runs, ttft)
	gaps.limits(runs, itl)
	whole.limits(runs, requestLatency)
	g.note = bandNote(runs)
	g.charts = append([]chart{rates, flight, first, gaps, audio, whole}, overSeconds(runs)...)
	cut := cutBands(runs)
	if cut != nil {
		g.note = strings.TrimSpace(g.note + " Grey: not of the steady state of its stage.")
	}
	for i := range g.charts {
		g.charts[i].X = axis{Label: "seconds since the first request", Unit: "s"}
		g.charts[i].Marks = append(g.charts[i].Marks, stageMarks(runs)...)
		g.charts[i].Marks = append(g.charts[i].Marks, eventMarks(runs)...)
		g.charts[i].Bands = slices.Concat(cut, violationBands(runs))
		g.charts[i].Spans = stageSpans(runs)
	}
	return g
}

// cutBands returns what of a single run's stages is not of their steady parts.
func cutBands(runs []Run) (bands []band) {
	if len(runs) != 1 {
		return nil
	}
	steady := runs[0].summary.Get("xk6_llm.steady")
	begin := steady.Get("begin_seconds").Float()
	for _, stage := range steady.Get("stages").Array() {
		for _, c := range stage.Get("cut").Array() {
			from, to := c.Get("from_seconds").Float()-begin, c.Get("to_seconds").Float()-begin
			if to > max(from, 0) && len(bands) < maxSpans {
				bands = append(bands, band{From: rounded(max(from, 0)), To: rounded(to), Weak: true, Grey: true})
			}
		}
	}
	return bands
}

// ratesNote says what the distances between the lines of the rates mean.
func ratesNote(runs []Run) string {
	open, closed, fail := false, false, false
	for _, r := range runs {
		fail = fail || failedCount(r.summary) > 0
		for _, s := range r.stages {
			closed, open = closed || s.isLoop(), open || !s.isLoop()
		}
	}
	ofRates := "Sent below asked: the load generator did not keep up. Done below sent: the server does not."
	if fail {
		ofRates = strings.TrimSuffix(ofRates, ".") + ", or requests fail."
	}
	const ofClosed = "A closed loop asks for no rate: it sends when an answer ends, so that sent follows done."
	switch {
	case closed && open:
		return ofRates + " " + ofClosed
	case closed:
		return ofClosed
	}
	if unitOf(runs) == convert.Iterations {
		return "Asked iterations, and requests sent, done and failed: an iteration sends several."
	}
	return "Asked, sent, done and failed. " + ofRates
}

// timed returns a named series over time.
type timed struct {
	name string
	xy
}

func plainLine(name string, run, role int, p xy) series {
	return series{Name: name, Run: run, Role: role, Kind: "line", X: scaled(p.X, 1), Y: scaled(p.Y, 1)}
}

// dots returns a series of the run's requests: one of those below.
func (r *Run) dots(of func(curves) xy) xy {
	if r.curves == nil {
		return xy{}
	}
	return of(*r.curves)
}

func (c curves) ofTTFT() xy    { return c.ttftDots }
func (c curves) ofITL() xy     { return c.itlDots } // the mean gaps between tokens
func (c curves) ofLatency() xy { return c.latencyDots }
func (c curves) ofAudio() xy   { return c.audioDots }

// rates adds the numbers of requests asked, sent, done and failed per second.
func (c *chart) rates(runs []Run, number int, ts gjson.Result, step float64) {
	if step <= 0 {
		return
	}
	failed, left := list(ts.Get("failed")), list(ts.Get("abandoned"))
	for role, s := range []struct {
		name   string
		counts []float64
	}{{"asked", list(ts.Get("due"))}, {"sent", list(ts.Get("sent"))},
		{"done", less(less(list(ts.Get("ended")), failed), left)}, {"failed", failed}, {"left", left}} {
		p := overInterval(s.counts, step, 1/step)
		if _, highest := bounds(p.Y); highest == 0 && s.name != "sent" {
			continue // due instants are unknown, no request failed, or no user left
		}
		out := plainLine(named(runs, number, s.name), number, role, p)
		out.Hide = len(runs) > 1 && s.name != "sent"
		c.add(out)
	}
}

// less returns counts less others, which may be missing.
func less(counts, others []float64) []float64 {
	for i := range min(len(counts), len(others)) {
		counts[i] -= others[i]
	}
	return counts
}

// latency adds the dots of a run, and lines over its intervals.
func (c *chart) latency(runs []Run, number int, dots xy, lines []timed) {
	cloud := line(named(runs, number, "requests"), number, roles["requests"], "dots", dots)
	cloud.Hide = len(runs) > 1
	c.add(cloud)
	for _, l := range lines {
		c.add(line(named(runs, number, l.name), number, roles[l.name], "line", l.xy))
	}
}

// stageMarks returns marks at the starts of a single run's stages, as far as there is room.
func stageMarks(runs []Run) (marks []mark) {
	spans := stageSpans(runs)
	if len(spans) < 2 || len(spans) > 2*maxNames {
		return nil
	}
	for _, s := range spans {
		text := ""
		if len(spans) <= maxNames {
			text, _, _ = strings.Cut(s.Name, ":")
		}
		marks = append(marks, mark{X: new(s.From), Text: text, Run: -1})
	}
	return marks
}

// stageSpans returns the stages of a single run in the order in which they began. Stages of parallel scenarios have no
// spans of their own.
func stageSpans(runs []Run) (spans []span) {
	if len(runs) != 1 || runs[0].curves == nil || runs[0].parallel() {
		return nil
	}
	for _, s := range runs[0].stages {
		if from, sent := runs[0].curves.begins[s.index]; sent {
			spans = append(spans, span{rounded(from), pointName(s)})
		}
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.From, b.From) })
	return spans
}
