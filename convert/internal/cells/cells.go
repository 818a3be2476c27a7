// Package cells reads what the cells of an experiment have measured from their report directories.
package cells

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/internal/outcome"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Read reads the reports of the cells of an experiment, whose results are in a directory. What cannot be read is a
// problem of its cell alone. A cell whose load has several stages becomes several cells, one for each. It calls done
// after each cell, from several goroutines.
func Read(dir string, r *experiment.Results, done func()) []outcome.Cell {
	lists := make([][]outcome.Cell, len(r.Cells))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(r.Cells)) {
		workers.Go(func() {
			for at := int(next.Add(1)) - 1; at < len(lists); at = int(next.Add(1)) - 1 {
				lists[at] = read(dir, r.Cells[at])
				done()
			}
		})
	}
	workers.Wait()
	return slices.Concat(lists...)
}

// report is what a report directory holds.
type report struct {
	dir     string
	summary gjson.Result
	run     *run.Run // nil without the requests
}

func read(root string, of experiment.Cell) []outcome.Cell {
	c := outcome.Cell{Cell: of}
	checkLog(root, &c)
	if of.Status != experiment.Done {
		return []outcome.Cell{c}
	}
	local := filepath.FromSlash(of.Directory)
	if !filepath.IsLocal(local) {
		c.Problem = fmt.Sprintf("its directory %q leads out of that of the experiment", of.Directory)
		return []outcome.Cell{c}
	}
	p := report{dir: filepath.Join(root, local)}
	if err := p.open(); err != nil {
		inside := p.dir + string(filepath.Separator)
		c.Problem = "its report cannot be read: " + strings.ReplaceAll(err.Error(), inside, "")
		return []outcome.Cell{c}
	}
	c.HasReport = true
	if info, err := os.Stat(filepath.Join(p.dir, reportdir.Page)); err == nil && info.Mode().IsRegular() {
		c.HasPage = true
	}
	p.describe(&c)
	return p.cells(c)
}

// checkLog forgets the log of a failed cell unless it is a file in the directory of the experiment.
func checkLog(root string, c *outcome.Cell) {
	local := filepath.FromSlash(c.Log)
	info, err := os.Stat(filepath.Join(root, local))
	if !filepath.IsLocal(local) || err != nil || !info.Mode().IsRegular() {
		c.Log = ""
	}
}

// open reads the summary, and the requests if they are there.
func (p *report) open() error {
	summaries := reportdir.Summaries(p.dir)
	if len(summaries) == 0 {
		if _, err := os.Stat(p.dir); errors.Is(err, fs.ErrNotExist) {
			return errors.New("its directory is missing")
		}
		return fmt.Errorf("it has no %s", reportdir.Summary)
	}
	var err error
	if p.summary, err = document(summaries[0]); err != nil {
		return err
	}
	if paths := run.RequestFiles(p.dir); len(paths) > 0 {
		p.run, err = run.ReadFiles(run.Options{}, paths...)
	}
	return err
}

func document(path string) (gjson.Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return gjson.Result{}, err
	}
	if text, err = reportdir.JSON(text); err != nil {
		return gjson.Result{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if doc := gjson.ParseBytes(text); gjson.ValidBytes(text) && doc.IsObject() {
		return doc, nil
	}
	return gjson.Result{}, fmt.Errorf("%s: it is no JSON object", filepath.Base(path))
}

// describe adds what holds for all stages of the load.
func (p *report) describe(c *outcome.Cell) {
	c.Partial = p.summary.Get("xk6_llm.partial").Bool()
	c.Simulator = p.summary.Get("xk6_llm.simulator").Bool()
	p.judge(c, p.summary)
	if p.run == nil {
		return
	}
	for _, q := range p.run.Requests {
		if q.Model != "" {
			c.Model = q.Model
			break
		}
	}
}

// judge adds what a report on the run or on a stage says of the load generator and of the SLO.
func (p *report) judge(c *outcome.Cell, doc gjson.Result) {
	health := doc.Get("xk6_llm.client_health")
	if verdict := health.Get("verdict").String(); verdict != "" {
		c.Verdict, c.Reasons = verdict, nil
		for _, reason := range health.Get("reasons").Array() {
			c.Reasons = append(c.Reasons, reason.String())
		}
	}
	canceled := doc.Get("xk6_llm.requests.canceled").Int()
	c.Requests = int(doc.Get("load_summary.count").Int() - canceled)
	c.Failed = int(doc.Get("failures.count").Int() - canceled)
	var objectives []string
	c.Kept, c.Observed = true, ""
	for _, j := range doc.Get("xk6_llm.slo").Array() {
		objectives = append(objectives, j.Get("objective").String())
		if slo.Outcome(j.Get("outcome").String()) != slo.Kept {
			c.Kept = false
			if c.Observed == "" {
				c.Observed = j.Get("observed").String()
			}
		}
	}
	c.SLO = strings.Join(objectives, ", ")
	c.Kept = c.Kept && c.SLO != ""
}

// cells returns the cell, or one for each stage.
func (p *report) cells(c outcome.Cell) []outcome.Cell {
	if p.run == nil {
		p.readFigures(&c)
		return []outcome.Cell{c}
	}
	if len(p.run.Searches) > 0 {
		p.readSearch(&c, p.run.Searches[0])
		return []outcome.Cell{c}
	}
	stages := p.stages()
	if len(stages) < 2 {
		p.measure(&c, nil)
		return []outcome.Cell{c}
	}
	var list []outcome.Cell
	plan, paths := p.run.StagePlan(), maps.Collect(reportdir.Stages(p.dir))
	for _, number := range slices.Sorted(maps.Keys(paths)) {
		if !slices.Contains(stages, number) {
			continue
		}
		one := c
		one.Stage = fmt.Sprintf("stage %d", number)
		if ramp, known := plan[number].Ramp(); known {
			one.Stage += ": " + convert.Digits(ramp.To) + "/s"
		}
		if doc, err := document(paths[number]); err != nil {
			one.Problem = "its report cannot be read: " + err.Error()
		} else {
			p.judge(&one, doc)
			p.measure(&one, []int{number})
		}
		list = append(list, one)
	}
	if list == nil { // the report was written without its stages
		c.Problem = "its load has several stages, and the report has no files of them"
		list = append(list, c)
	}
	return list
}

// stages returns the numbers of the stages that have requests.
func (p *report) stages() (list []int) {
	for stage := range run.ByStage(p.run, p.run.Requests) {
		if stage >= 0 {
			list = append(list, stage)
		}
	}
	return list
}

// resamples are enough for a standard error that is known to a twentieth.
const resamples = 300

// measure adds the figures of a part of the run.
func (p *report) measure(c *outcome.Cell, stages []int) {
	figures, err := p.figures(stages, resamples)
	if err != nil {
		c.Problem = err.Error()
		return
	}
	c.Figures = figures
}

func (p *report) figures(stages []int, resamples int) (map[string]outcome.Figure, error) {
	side := convert.Part{Stages: stages}.Side(p.run, "", convert.Options{})
	singles, err := compare.Singles(side, compare.Options{Percentiles: []float64{50, 99}, Resamples: resamples})
	if err != nil {
		return nil, err
	}
	figures := map[string]outcome.Figure{}
	for _, s := range singles {
		figures[s.Name] = outcome.Known(s.Value, s.Low, s.High, s.LogError, s.Freedom)
	}
	return figures, nil
}

// readFigures adds the figures of a report without requests, which have no intervals.
func (p *report) readFigures(c *outcome.Cell) {
	f, found, err := convert.ReadFigures(p.dir)
	switch {
	case err != nil:
		c.Problem = "its report cannot be read: " + err.Error()
	case !found:
		c.Problem = "its report has neither figures nor requests"
	}
	nan := math.NaN()
	c.Figures = map[string]outcome.Figure{}
	for name, v := range f.Values {
		c.Figures[name] = outcome.Known(v, nan, nan, nan, nan)
	}
}

// probeResamples are as few as a comparison takes: of probes the values alone are shown.
const probeResamples = 100

// readSearch adds what a search found: the figures of the probe that its answer rests on, and where its other probes
// lie.
func (p *report) readSearch(c *outcome.Cell, s *record.Search) {
	c.Answer, c.SLO, c.Kept = s.Text, s.SLO, s.HighestPassing != nil
	answer := -1
	for i, probe := range s.Probes {
		if s.HighestPassing != nil && probe.Value == *s.HighestPassing && probe.Outcome == record.ProbePassed {
			answer = i
		}
	}
	for i, probe := range s.Probes {
		stages := []int{probe.Stage}
		shown := outcome.Probe{Load: loadOf(s.Over, probe.Value), Outcome: probe.Outcome, Verdict: probe.Verdict,
			PerUser: math.NaN(), Output: math.NaN()}
		if figures, err := p.figures(stages, probeResamples); err == nil {
			shown.Output = valueOf(figures, outcome.Output)
			shown.PerUser = 1 / valueOf(figures, outcome.MedianTPOT)
		}
		if c.Probes = append(c.Probes, shown); i == answer {
			p.measure(c, stages)
		}
	}
	if s.HighestPassing == nil || answer < 0 {
		c.Problem = "its search has no answer: " + s.Text
		return
	}
	c.Requests, c.Failed = s.Probes[answer].Requests, s.Probes[answer].Failed
	low, high := math.NaN(), math.NaN()
	if s.Interval[0] != nil && s.Interval[1] != nil {
		low, high = *s.Interval[0], *s.Interval[1]
	}
	nan := math.NaN()
	if c.Figures != nil {
		c.Figures[outcome.Capacity] = outcome.Known(*s.HighestPassing, low, high, nan, nan)
	}
}

func valueOf(figures map[string]outcome.Figure, name string) float64 {
	if f, has := figures[name]; has {
		return f.Value
	}
	return math.NaN()
}

func loadOf(over string, load float64) string {
	if over == record.OverConcurrency {
		return convert.Digits(load) + " at a time"
	}
	return convert.Digits(load) + "/s"
}
