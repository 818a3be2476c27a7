package convert

import (
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// column is a group of columns in the tables of stages, for media and answers of one kind.
type column struct {
	api   string // of which the figures are; "" of all
	heads []string
	cells func(*Lifecycle) []string // noFigure where there is none; the group is left out if no row has a figure
}

// answerColumns are the columns for all kinds of answers. Rates are over the time of the throughput.
var answerColumns = []column{
	{record.APISpeech, []string{"first audio p50", "p99"}, ofSpeech(func(s *Speech) []string {
		return percentileCells(s.FirstAudio, 1000, 50, 99)
	})},
	{record.APISpeech, []string{"RTF p50", "p99", "stalled %"}, ofSpeech(func(s *Speech) []string {
		stalled := noFigure
		if p := s.Players[0]; p.Requests > 0 {
			stalled = Digits(100 * float64(p.Stalled) / float64(p.Requests))
		}
		return append(percentileCells(s.RealTime, 1, 50, 99), stalled)
	})},
	{record.APISpeech, []string{"s of audio/s"}, ofSpeech(func(s *Speech) []string {
		return someRate(Float(s.AudioRate))
	})},
	{record.APITranscription, []string{"RTF p50", "p99"}, func(l *Lifecycle) []string {
		if l.Additions.Transcription == nil {
			return []string{noFigure, noFigure}
		}
		return percentileCells(l.Additions.Transcription.RealTime, 1, 50, 99)
	}},
	{record.APITranscription, []string{"s of audio/s"}, func(l *Lifecycle) []string {
		if l.Additions.Transcription == nil {
			return []string{noFigure}
		}
		return someRate(Float(l.Additions.Transcription.AudioRate))
	}},
	{record.APIVideo, []string{"RTF p50", "p99"}, func(l *Lifecycle) []string {
		if l.Additions.Video == nil {
			return []string{noFigure, noFigure}
		}
		return percentileCells(l.Additions.Video.RealTime, 1, 50, 99)
	}},
}

// ofSpeech returns the cells of a figure of speech, of one or several columns.
func ofSpeech(f func(*Speech) []string) func(*Lifecycle) []string {
	none := f(&Speech{Players: []Player{{}}, Sounds: Sounds{AudioRate: Maybe(unknown)}})
	return func(l *Lifecycle) []string {
		if l.Additions.Speech == nil {
			return none
		}
		return f(l.Additions.Speech)
	}
}

// someRate returns the cell of a rate other than 0.
func someRate(f Float) []string {
	if !(f > 0) {
		return []string{noFigure}
	}
	return []string{Digits(float64(f))}
}

// answerGroups returns the columns of the rows. Where requests are of several APIs, those of one of them name it.
func answerGroups(rows []row) []group {
	groups := itemGroups(rows)
	mixed := slices.ContainsFunc(rows, func(r row) bool { return r.of.mixed() })
	for _, c := range answerColumns {
		g := group{heads: slices.Clone(c.heads)}
		if mixed {
			g.heads[0] = c.api + " " + g.heads[0]
		}
		for _, r := range rows {
			g.cells = append(g.cells, c.cells(r.of))
		}
		groups = append(groups, g)
	}
	return groups
}

// itemGroups returns the columns of media per second. Where each request has one, done/s is that rate.
func itemGroups(rows []row) (groups []group) {
	for _, kind := range []struct {
		head string
		rate func(*Throughput) Float
		each func(*Successes) *Distribution
	}{
		{"images/s", func(t *Throughput) Float { return t.Images },
			func(s *Successes) *Distribution { return s.Image.Count }},
		{"videos/s", func(t *Throughput) Float { return t.Videos },
			func(s *Successes) *Distribution { return s.Video.Count }},
		{"audios/s", func(t *Throughput) Float { return t.Audios },
			func(s *Successes) *Distribution { return s.Audio.Count }},
	} {
		g, one := group{heads: []string{kind.head}}, true
		for _, r := range rows {
			g.cells = append(g.cells, someRate(kind.rate(&r.of.Successes.Throughput)))
			d := kind.each(&r.of.Successes)
			one = one && (r.of.Successes.Count == 0 || d != nil && d.Min == 1 && d.Max == 1)
		}
		if !one {
			groups = append(groups, g)
		}
	}
	return groups
}

// mixed reports whether the successes are of several APIs of which one answers with media or takes sounds: then a
// latency of all of them says nothing.
func (l *Lifecycle) mixed() bool {
	blocks := l.Additions.blocks()
	return len(blocks) > 1 || len(blocks) == 1 && blocks[0].common().Requests < l.Successes.Count
}

// addAPIs adds the reports on the APIs if requests are of several.
func (p *Report) addAPIs() {
	groups := map[string][]*run.Request{}
	for _, q := range p.run.Requests {
		groups[q.API] = append(groups[q.API], q)
	}
	if len(groups) < 2 {
		return
	}
	for api, requests := range groups {
		p.APIs[api] = partOf(p.run, requests, p.opts).lifecycle()
	}
}

// apis prints a row for each API if there are several.
func (t *table) apis(all map[string]*Lifecycle) {
	var labels []string
	groups := []group{
		{heads: []string{"requests", "failed"}}, {heads: []string{"latency p50", "p99"}},
		{heads: []string{"first figure of its own"}, left: true},
	}
	for _, api := range sortedKeys(all) {
		l := all[api]
		labels = append(labels, api)
		for i, cells := range [][]string{
			{fmt.Sprint(l.Load.Count), fmt.Sprint(l.Additions.Requests.Failed - l.Additions.Requests.Canceled)},
			percentileCells(l.Successes.Latency.Request, 1000, 50, 99), {l.firstFigure()},
		} {
			groups[i].cells = append(groups[i].cells, cells)
		}
	}
	if len(labels) > 0 {
		t.grid("API", labels, groups)
	}
}

// firstFigure returns the cell of what readers ask first about requests of one API.
func (l *Lifecycle) firstFigure() string {
	for _, b := range l.Additions.blocks() {
		return b.first()
	}
	if len(l.Additions.Inputs) > 0 {
		api := sortedKeys(l.Additions.Inputs)[0]
		return Digits(float64(l.Additions.Inputs[api].Rate)) + " " + inputName(api) + "s/s"
	}
	return middle("TTFT", l.Additions.Latency.TTFT, 1000, " ms")
}

// middle names the median and the 99th percentile of a figure, "-" if there is none.
func middle(name string, d *Distribution, scale float64, unit string) string {
	if d == nil {
		return noFigure
	}
	cells := percentileCells(d, scale, 50, 99)
	return name + " p50 " + cells[0] + ", p99 " + cells[1] + unit
}
