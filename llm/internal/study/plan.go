package study

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
)

// Plan is what an experiment would do: the cells in their order, of which some are done.
type Plan struct {
	Experiment *Experiment
	Store      *Store
	Cells      []*Planned

	again   string // how the command line asks for cells that run again
	refused bool   // something keeps it from running here
}

// Planned is a cell with what is known of it.
type Planned struct {
	*Cell
	Estimate Estimate
	Why      string // it is to run, such as changed; "" if it is done
	Verdict  string // of the report that is there on the load generator, "" for none

	index int // among the results
}

// The reasons for which cells run.
const (
	isNew       = "new"
	isChanged   = "changed"
	isFailed    = "failed before"
	interrupted = "interrupted before"
	isLost      = "its report is gone"
	isAgain     = "again"
)

// Plan compares the experiment with the results of earlier runs. It changes the results in the store to those that are
// to come: Save keeps them.
func (e *Experiment) Plan(s *Store, t Tool) (*Plan, error) {
	p := &Plan{Experiment: e, Store: s}
	digester, estimates := new(Digester), map[string]Estimate{}
	var next []experiment.Cell
	for i, c := range e.Cells() {
		id := signature(c.Test)
		estimate, known := estimates[id]
		if !known {
			var err error
			if estimate, err = t.Check(c.Test); err != nil {
				return nil, err // not after Read
			}
			estimates[id] = estimate
		}
		cell := experiment.Cell{Name: c.Name, Deployment: c.Variant.Name, Parameters: c.Variant.Parameters,
			Workload: c.Workload.Name, Load: c.Load.Name, Repeat: c.Repeat, Price: c.Variant.Price,
			Digest: digester.Digest(e, c), Directory: filepath.ToSlash(filepath.Join(cellsFolder, c.Name)),
			Status: experiment.Planned}
		if c.Variant.Units != "" {
			cell.Units, _ = units(c.Variant.Units) // was read before
		}
		planned := &Planned{Cell: c, Estimate: estimate, index: i}
		planned.Why, planned.Verdict = s.why(&cell, t)
		next, p.Cells = append(next, cell), append(p.Cells, planned)
	}
	s.replace(next)
	return p, nil
}

// why returns why a cell is to run; "" if it is done, and then it takes over what is known of it, and returns the
// verdict of its report.
func (s *Store) why(c *experiment.Cell, t Tool) (why, verdict string) {
	before, known := s.before(c.Name)
	if !known {
		return isNew, ""
	}
	verdict, reported := t.Reported(filepath.Join(s.dir, before.Directory))
	switch {
	case before.Status == experiment.Planned:
		return isNew, ""
	case before.Digest != c.Digest:
		if before.Status == experiment.Running || before.Status == experiment.Failed {
			c.Status = before.Status // its report is not whole
		}
		return isChanged, ""
	case before.Status == experiment.Running:
		c.Status = before.Status
		return interrupted, ""
	case before.Status == experiment.Failed:
		takeOver(c, &before)
		return isFailed, ""
	case !reported:
		return isLost, ""
	}
	takeOver(c, &before)
	return "", verdict
}

// takeOver notes of a cell how it ended before.
func takeOver(c, before *experiment.Cell) {
	c.Status, c.Error, c.Log, c.ExitCode = before.Status, before.Error, before.Log, before.ExitCode
	c.Start, c.Seconds = before.Start, before.Seconds
}

// replace takes the cells of a plan as the results. Those that are done and no longer in the plan are kept beside.
func (s *Store) replace(next []experiment.Cell) {
	named := map[string]bool{}
	for _, c := range next {
		named[c.Name] = true
	}
	var earlier []experiment.Cell
	for _, c := range slices.Concat(s.Results.Earlier, s.Results.Cells) {
		if !named[c.Name] && c.Status == experiment.Done {
			earlier = append(earlier, c)
		}
	}
	s.Results.Cells, s.Results.Earlier = next, earlier
}

// Done returns how many cells are done by now.
func (p *Plan) Done() (n int) {
	for _, c := range p.Store.Results.Cells {
		if c.Status == experiment.Done {
			n++
		}
	}
	return n
}

// ToRun returns the cells that were not done when the plan was made.
func (p *Plan) ToRun() (list []*Planned) {
	for _, c := range p.Cells {
		if c.Why != "" {
			list = append(list, c)
		}
	}
	return list
}

// together reports whether two cells run in one start of a deployment.
func (p *Plan) together(a, b *Planned) bool {
	return a.Variant == b.Variant && (a.Repeat == b.Repeat || !p.Experiment.Restart)
}

// starts returns how often deployments are started for cells.
func (p *Plan) starts(cells []*Planned) (n int) {
	for i, c := range cells {
		if i == 0 || !p.together(cells[i-1], c) {
			n++
		}
	}
	return n
}

// Left is how long cells are likely to take.
type Left struct {
	Cells  time.Duration
	Starts time.Duration // of deployments and their warm-ups
	Open   bool          // part of it is not known: nothing like it has run
}

// Total returns the whole.
func (l Left) Total() time.Duration { return l.Cells + l.Starts }

// Left estimates how long cells take, by their loads and by what like cells took.
func (p *Plan) Left(cells []*Planned) (l Left) {
	past := p.past()
	for _, c := range cells {
		seconds, known := past.of(c)
		l.Cells += asDuration(seconds)
		l.Open = l.Open || !known
	}
	if n := p.starts(cells); n > 0 {
		sum, count := 0.0, 0
		for _, s := range p.Store.Results.Starts {
			sum, count = sum+s.Seconds, count+1
		}
		if count > 0 {
			l.Starts = asDuration(float64(n) * sum / float64(count))
		} else {
			l.Open = true
		}
	}
	return l
}

// past is what the cells that are done took.
type past struct {
	like  map[string][]float64 // seconds, by workload and load
	extra []float64            // seconds beyond the load itself
}

// usualExtra is how many seconds a load test takes beside its load, until one has run.
const usualExtra = 4

func (p *Plan) past() past {
	seen := past{like: map[string][]float64{}}
	for _, c := range p.Cells {
		done := p.Store.Results.Cells[c.index]
		if done.Status != experiment.Done || done.Seconds <= 0 {
			continue
		}
		id := c.Workload.Name + "\x00" + c.Load.Name
		seen.like[id] = append(seen.like[id], done.Seconds)
		if !c.Estimate.Open {
			seen.extra = append(seen.extra, max(0, done.Seconds-c.Estimate.Duration.Seconds()))
		}
	}
	return seen
}

// of returns how many seconds a cell is likely to take, and whether anything says so.
func (p past) of(c *Planned) (seconds float64, known bool) {
	if like := p.like[c.Workload.Name+"\x00"+c.Load.Name]; len(like) > 0 {
		return mean(like), true
	}
	extra := float64(usualExtra)
	if len(p.extra) > 0 {
		extra = mean(p.extra)
	}
	return c.Estimate.Duration.Seconds() + extra, !c.Estimate.Open
}

func mean(list []float64) (sum float64) {
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}
