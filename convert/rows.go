package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// row is a row of the tables: a stage, a scenario, an adapter, a group or the whole run.
type row struct {
	label string
	of    *Lifecycle
	whole bool   // the rates of the row are not those of one load
	good  *Float // percent of the requests of a label that are good, as fairness counts them
}

// stageRows returns a row for each stage, under the names of their scenarios if there are several, and one for the
// whole run unless it is a search. The probes of a search are in the order of their loads.
func (p *Report) stageRows() (rows []row) {
	for _, scenario := range p.scenarioNames() {
		var own []row
		for _, stage := range stagesByProbe(p.run.Searches, p.Stages) {
			l := p.Stages[stage]
			if p.scenarioOf(l) != scenario {
				continue
			}
			own = append(own, row{label: strings.TrimSpace(fmt.Sprintf("%s %d", scenario, stage)), of: l})
		}
		if rows = append(rows, own...); len(p.Scenarios) > 0 && len(own) > 1 {
			rows = append(rows, row{label: scenario, of: p.Scenarios[scenario], whole: true})
		}
	}
	if len(rows) > 1 && len(p.run.Searches) == 0 {
		rows = append(rows, row{label: "all", of: p.Summary, whole: true})
	}
	return rows
}

// stagesByProbe returns the numbers of the stages: those of probes by load, others before them as they are.
func stagesByProbe(searches []*record.Search, reports map[int]*Lifecycle) []int {
	load := map[int]float64{}
	for _, s := range searches {
		for _, probe := range s.Probes {
			load[probe.Stage] = probe.Value
		}
	}
	stages := sortedKeys(reports)
	slices.SortStableFunc(stages, func(a, b int) int { return cmp.Compare(load[a], load[b]) })
	return stages
}

// scenarioNames returns the names of the scenarios that have rows of their own, or one empty name if none has.
func (p *Report) scenarioNames() []string {
	if len(p.Scenarios) == 0 {
		return []string{""}
	}
	return sortedKeys(p.Scenarios)
}

// scenarioOf returns the name of a stage's scenario, if scenarios have rows of their own.
func (p *Report) scenarioOf(stage *Lifecycle) string {
	if len(p.Scenarios) == 0 {
		return ""
	}
	return run.LoadName(stage.Additions.Load.Scenario)
}

// mostRows is how many adapters, and how many groups of a key, have a row.
const mostRows = 20

// adapterRows returns a row for each adapter.
func (p *Report) adapterRows() (rows []row) {
	for _, adapter := range sortedKeys(p.Adapters) {
		if len(rows) == mostRows {
			break
		}
		rows = append(rows, row{label: adapter, of: p.Adapters[adapter], whole: len(p.Stages) > 1})
	}
	return rows
}

// rowsOfGroups returns a row for each group of a key.
func rowsOfGroups(p *Report, key string) (rows []row) {
	for _, g := range p.Groups.By(key) {
		if len(rows) == mostRows {
			break
		}
		r := row{label: g.Shown(), of: g.Lifecycle, whole: len(p.Stages) > 1}
		if f := p.Summary.Additions.Fairness; f != nil && f.By == key {
			if share, known := f.Attained[g.Name]; known {
				r.good = new(100 * share)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// results prints the figures of the rows.
func (t *table) results(label string, rows []row) {
	var labels []string
	for _, r := range rows {
		labels = append(labels, r.label)
	}
	ms := func(d *Distribution, list ...float64) (cells []string) { return percentileCells(d, 1000, list...) }
	groups := []group{
		{heads: []string{askedHead(rows)}}, {heads: []string{atATimeHead(rows)}}, {heads: []string{"sent/s"}},
		{heads: []string{"done/s"}}, {heads: []string{"requests"}}, {heads: []string{"failed"}},
		{heads: []string{"unfinished"}}, {heads: []string{"left"}}, {heads: []string{"dropped"}},
		{heads: []string{"TTFT p50", "p90", "p99"}}, {heads: []string{"ITL p50", "p99"}},
		{heads: []string{inputHead(rows)}},
		{heads: []string{"latency p50", "p99"}}, {heads: []string{"out tok/s"}}, {heads: []string{"good %"}},
		{heads: []string{"SLO"}, left: true},
	}
	for _, r := range rows {
		l, a := r.of.Successes.Latency, r.of.Additions
		loads, gaps := r.loadCells(), cmp.Or(l.ITL, a.Latency.ITLMean) // of imported runs the mean gaps alone are known
		for i, cells := range [][]string{
			loads[:1], loads[1:2], loads[2:3], loads[3:], {fmt.Sprint(a.Requests.Sent)},
			{fmt.Sprint(a.Requests.Failed - a.Requests.Canceled)}, {fmt.Sprint(a.Requests.Canceled)},
			{fmt.Sprint(a.Abandoned.count())}, {fmt.Sprint(a.Requests.Dropped)}, ms(a.Latency.TTFT, 50, 90, 99),
			ms(gaps, 50, 99), {r.of.inputCell()}, r.latencyCells(), {r.outputCell()}, {maybeDigits(r.good)},
			{sloCell(a.SLO)},
		} {
			groups[i].cells = append(groups[i].cells, cells)
		}
	}
	groups = slices.Insert(groups, len(groups)-4, answerGroups(rows)...)
	t.grid(label, labels, groups)
}

// atATimeHead names the column of closed loops, of which replays keep sessions open.
func atATimeHead(rows []row) string {
	for _, r := range rows {
		if l := r.of.Additions.Load; l != nil && l.AtATime != nil && l.Unit != Sessions {
			return "at a time"
		}
	}
	for _, r := range rows {
		if l := r.of.Additions.Load; l != nil && l.AtATime != nil {
			return "sessions at a time"
		}
	}
	return "at a time"
}

// iterates reports whether what was asked for is iterations, of several requests.
func iterates(r row) bool {
	l := r.of.Additions.Load
	return l != nil && l.Unit == Iterations
}

// askedHead names the column of the rates that were asked for.
func askedHead(rows []row) string {
	if slices.ContainsFunc(rows, iterates) {
		return "iterations/s"
	}
	return "asked/s"
}

// latencyCells returns the latency, unless it is of requests of several kinds.
func (r row) latencyCells() []string {
	if r.of.mixed() {
		return []string{noFigure, noFigure}
	}
	return percentileCells(r.of.Successes.Latency.Request, 1000, 50, 99)
}

// outputCell returns the output tokens per second, if a request generates text.
func (r row) outputCell() string {
	if !r.of.generates() {
		return noFigure
	}
	return Digits(float64(r.of.Successes.Throughput.OutputTokens))
}

// loadCells returns the rates that were asked for, requests at a time, and the rates that were sent and done.
func (r row) loadCells() []string {
	asked, atATime, sent, done := noFigure, noFigure, noFigure, noFigure
	if r.whole {
		return []string{asked, atATime, sent, done}
	}
	if l := r.of.Additions.Load; l != nil {
		asked, done = maybeDigits(l.Asked), maybeDigits(l.Done)
		if l.AtATime != nil {
			atATime = fmt.Sprint(*l.AtATime)
		}
	}
	if atATime == noFigure {
		sent = maybeDigits(r.of.Additions.Requests.SentRate)
	}
	return []string{asked, atATime, sent, done}
}

func maybeDigits(f *Float) string {
	if f == nil {
		return noFigure
	}
	return Digits(float64(*f))
}

// percentileCells returns percentiles of a distribution that tables show.
func percentileCells(d *Distribution, scale float64, list ...float64) (cells []string) {
	for _, p := range list {
		v, known := d.At(p)
		if !known {
			cells = append(cells, noFigure)
			continue
		}
		cells = append(cells, d.certainty.signed(p, v, scale))
	}
	return cells
}

// Signs before a percentile for which there are not enough requests.
const (
	atLeast = "≥ " // and the lower end that independent requests tell, since nothing tells how high it is
	about   = "~ " // and what was seen
)

// signed returns a percentile as a cell: as it is if it is certified or if nothing is told of it. Of another the cell
// says how high it is at least, if no number of independent requests as small would bound it, or else about how high.
func (c *Certainty) signed(p, value, scale float64) string {
	of, told := c.of(p)
	switch {
	case !told || of.Certified:
		return Digits(value * scale)
	case c.unbounded(of):
		return atLeast + Digits(of.AtLeast*scale)
	}
	return about + Digits(value*scale)
}

// signsOf explains the signs of the rows' percentiles, each in a line.
func signsOf(rows []row) (lines []string) {
	mixed, few := false, false
	for _, r := range rows {
		for _, d := range [...]*Distribution{r.of.Additions.Latency.TTFT, r.of.Successes.Latency.Request} {
			of, told := d.known(99)
			mixed = mixed || told && d.certainty.Mixed
			few = few || told && !d.certainty.Mixed && !of.Certified
		}
	}
	if few {
		lines = append(lines, SignsMeaning())
	}
	if mixed {
		lines = append(lines, "~ in a row of several loads: percentiles of the mixture, which are those of no load")
	}
	return lines
}

// SignsMeaning explains the signs before percentiles in a line. How many requests a p99 needs is told of independent
// ones: an estimate of how much they depend on one another varies too much from run to run.
func SignsMeaning() string {
	return "≥: at least this, too few requests for an upper bound; ~: about this, too few to be 95 % sure. A p99 " +
		"needs " +
		plural(quantile.Least(0.99, certaintyLevel), "request") + " a row, more where requests depend on one another."
}

// sloCell returns whether all objectives are kept, and what was observed if not.
func sloCell(list []Judgement) string {
	cell := noFigure
	for _, j := range list {
		switch {
		case j.Outcome == slo.Broken && j.Label != "" && len(list) > 1:
			return "✗ " + GroupName{Name: j.Label}.brief() + ": " + j.Observed
		case j.Outcome == slo.Broken:
			return "✗ " + j.Observed
		case j.Outcome == slo.Kept:
			cell = "✓"
		}
	}
	return cell
}

// lengths prints the tokens of the prompts and answers, in one row if all stages have the same.
func (t *table) lengths(label string, rows []row) {
	var labels []string
	prompt := group{heads: []string{"prompt tokens p50", "p99"}}
	client := group{heads: []string{"output tokens p50", "p99"}}
	server := group{heads: []string{"by the server p50", "p99"}}
	for _, r := range rows {
		s := r.of.Successes
		labels = append(labels, r.label)
		prompt.cells = append(prompt.cells, percentileCells(s.PromptLen, 1, 50, 99))
		client.cells = append(client.cells, percentileCells(s.OutputLen, 1, 50, 99))
		reported := s.OutputTokens.PerRequest
		if s.ClientFallback.Output == r.of.texts() {
			reported = nil
		}
		server.cells = append(server.cells, percentileCells(reported, 1, 50, 99))
	}
	groups := []group{prompt, client}
	if !slices.EqualFunc(server.cells, client.cells, slices.Equal) {
		groups = append(groups, server)
	}
	if len(rows) > 1 && !slices.ContainsFunc(groups, group.differs) {
		labels = []string{"all"}
		for i := range groups {
			groups[i].cells = groups[i].cells[:1]
		}
	}
	t.grid(label, labels, groups)
}
