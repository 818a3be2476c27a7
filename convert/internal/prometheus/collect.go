// Package prometheus asks a Prometheus what the model servers and their accelerators measured during a run and each of
// its stages. Its documents are the files summary_prometheus_metrics.json and stage_N_prometheus_metrics.json. They
// hold inference-perf's figures by inference-perf's own queries and, under the key xk6_llm, the same figures exactly
// over the window, figures of accelerators, and a comparison with what the client counted.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/internal/network"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Window is a span of time.
type Window struct{ Start, End time.Time }

// Stage is a stage of a run.
type Stage struct {
	Number int
	Window
	Client Client
}

// Run holds the times of a run and of its stages, and what the client counted.
type Run struct {
	Window
	Client Client
	Stages []Stage // in order of time
}

// Settings selects what is asked.
type Settings struct {
	Engine      Engine
	Model       string   // the server's name of the model; empty means any model
	Filters     []string // label matchers of PromQL, such as namespace='a'
	Accelerator []string // label matchers for the metrics of accelerators
	// ScrapeInterval is the interval at which the Prometheus scrapes the servers; 0 means 30 s.
	ScrapeInterval  time.Duration
	Summary, Stages bool // which documents to make
}

func (s Settings) scrape() time.Duration {
	if s.ScrapeInterval <= 0 {
		return 30 * time.Second // as in inference-perf
	}
	return s.ScrapeInterval
}

// settle returns how long after an instant everything counted until then has surely been scraped.
func (s Settings) settle() time.Duration { return s.scrape() + 2*time.Second }

// File is a document and the name of its file.
type File struct {
	Name string
	*Document
}

// maxSkew is the difference of the clocks, in seconds, above which there is a warning.
const maxSkew = 5

// Collect asks everything that the settings select, once the last scrape of the run is surely over. It reports to tell,
// a line each, that it waits and what a reader should know. An error means that nothing could be asked, or that ctx has
// ended.
func (c *Prometheus) Collect(ctx context.Context, s Settings, r Run, tell func(line string)) ([]File, error) {
	skew, err := c.skew(ctx)
	if err != nil {
		return nil, err
	}
	if skew != nil && math.Abs(*skew) > maxSkew {
		tell(skewed(*skew))
	}
	if err := wait(ctx, s, r.End, tell); err != nil {
		return nil, err
	}
	var files []File
	add := func(name string, span Window, evaluated, limit time.Time, client Client) error {
		d, err := c.document(ctx, s, span, evaluated, limit, client, skew)
		files = append(files, File{name, d})
		return err
	}
	now := time.Now()
	if s.Summary {
		evaluated := earlier(now, r.End.Add(s.settle()))
		if err := add(reportdir.PrometheusSummary, r.Window, evaluated, now, r.Client); err != nil {
			return nil, err
		}
	}
	for i, stage := range r.Stages {
		if !s.Stages {
			break
		}
		limit := now
		if i+1 < len(r.Stages) {
			limit = r.Stages[i+1].Start
		}
		name := reportdir.PrometheusStage(stage.Number)
		if err := add(name, stage.Window, stage.End.Add(s.settle()), limit, stage.Client); err != nil {
			return nil, err
		}
	}
	tellWarnings(files, tell)
	if f := c.over.Load(); f != nil {
		tell("given up, figures are missing: " + f.Error())
	}
	return files, nil
}

// tellWarnings reports each distinct warning once, except the warning about clocks, which Collect has reported already.
func tellWarnings(files []File, tell func(string)) {
	reported := map[string]bool{}
	for _, f := range files {
		for _, text := range f.Additions.Warnings {
			if !reported[text] && !strings.HasPrefix(text, skewStart) {
				tell(f.Name + ": " + text)
			}
			reported[text] = true
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

const skewStart = "the clock of Prometheus"

func skewed(skew float64) string {
	return fmt.Sprintf("%s is %+.1f s off from this machine's: windows are cut by as much in the wrong place",
		skewStart, skew)
}

// wait waits until the last scrape of the run is over.
func wait(ctx context.Context, s Settings, end time.Time, tell func(string)) error {
	rest := time.Until(end.Add(s.settle()))
	if rest <= 0 {
		return ctx.Err()
	}
	tell(fmt.Sprintf("waiting %.0f s for Prometheus' last scrape", math.Ceil(rest.Seconds())))
	return network.Sleep(ctx, rest)
}

// window returns the window of the exact figures. Its counters are read a scrape after its end, or when the next stage
// begins.
func (s Settings) window(span Window, limit time.Time) window {
	settled := earlier(span.End.Add(s.settle()), limit)
	if settled.Before(span.End) {
		settled = span.End
	}
	return window{start: span.Start, end: span.End, settled: settled, step: s.scrape()}
}

// document asks for all figures of a window. The range of inference-perf's queries goes from the start of the window to
// the time of evaluation.
func (c *Prometheus) document(ctx context.Context, s Settings, span Window, evaluated, limit time.Time, client Client,
	skew *float64) (*Document, error) {
	matchers := s.Engine.matchers(s.Model, s.Filters)
	w := s.window(span, limit)
	for _, a := range c.askAll(ctx, restarts(s.Engine, matchers, w)) {
		value, why := a.only()
		w.restarted = w.restarted || why == "" && value > 0
	}
	f := &filler{engine: s.Engine, doc: newDocument(), questions: map[string]question{}}
	asked := originals(s.Engine, matchers, evaluated.Sub(span.Start), evaluated)
	own := exactly(s.Engine, matchers, w)
	var all []question
	for _, q := range slices.Concat(asked, own) {
		all = append(all, q.question)
	}
	for _, q := range asked {
		f.questions[q.name] = q.question
	}
	f.answers = c.askAll(ctx, all)
	additions := &f.doc.Additions
	additions.Source = From{c.base, s.Engine, matchers, s.scrape().Seconds(), skew}
	additions.Window = Exact{stamp(w.start), stamp(w.end), w.seconds(), stamp(w.settled), w.restarted}
	additions.Original.Time, additions.Original.Range = seconds(evaluated), rangeSeconds(evaluated.Sub(span.Start))
	f.original()
	f.exact(own)
	c.accelerators(ctx, f, s.Accelerator, w, client)
	additions.Reconciliation = reconcile(additions.Figures, client)
	c.warn(ctx, f, s, w, skew)
	return f.doc, ctx.Err()
}

func newDocument() *Document {
	d := new(Document)
	d.Additions = Additions{Figures: map[string]Figure{}, Reasons: map[string]string{}, Warnings: []string{},
		Original: Asked{Queries: map[string]string{}}}
	return d
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

// accelerators adds the devices of the vendors that have any series.
func (c *Prometheus) accelerators(ctx context.Context, f *filler, filters []string, w window, client Client) {
	probes := []question{anyAccelerator(NVIDIA, filters, w), anyAccelerator(AMD, filters, w)}
	found := c.askAll(ctx, probes)
	var list []acceleratorQuestion
	var all []question
	for _, q := range aboutAccelerators(filters, w) {
		if q.vendor == NVIDIA && len(found[probes[0]].samples) > 0 || q.vendor == AMD &&
			len(found[probes[1]].samples) > 0 {
			list, all = append(list, q), append(all, q.question)
		}
	}
	if len(list) == 0 {
		why := "no samples of NVIDIA's DCGM exporter or AMD's device metrics exporter in the window"
		if err := errors.Join(found[probes[0]].err, found[probes[1]].err); err != nil {
			why = plain.Excerpt(err.Error())
		}
		f.doc.Additions.Reasons["accelerators"] = why
		return
	}
	a := devices(list, c.askAll(ctx, all), w)
	a.add(client.OutputTokens)
	c.addEnergy(ctx, a, filters, client)
	f.doc.Additions.Accelerators = a
}

// warn adds warnings that a reader should know.
func (c *Prometheus) warn(ctx context.Context, f *filler, s Settings, w window, skew *float64) {
	additions := &f.doc.Additions
	warn := func(when bool, format string, args ...any) {
		if when {
			additions.Warnings = append(additions.Warnings, fmt.Sprintf(format, args...))
		}
	}
	if skew != nil && math.Abs(*skew) > maxSkew {
		warn(true, "%s", skewed(*skew))
	}
	known, fault := 0, ""
	for name, figure := range additions.Figures {
		if figure.Value != nil {
			known++
		} else if why := additions.Reasons["figures."+name]; !strings.HasPrefix(why, "no samples") &&
			!strings.HasPrefix(why, "not a number") {
			fault = why
		}
	}
	switch {
	case known > 0:
	case fault != "":
		warn(true, "no figure could be had: %s", fault)
	default:
		warn(true, "Prometheus has no samples of %s in the window%s", s.Engine, c.hint(ctx, s, w))
	}
	warn(w.restarted, "a server began anew in the window: what it had counted since its last scrape is lost")
	warn(f.several > 0,
		"%d of inference-perf's queries gave several series, of which it takes the first; see figures for all of them",
		f.several)
	short := w.seconds() < 2*s.scrape().Seconds()
	warn(short, "the window of %.3g s has fewer than two scrapes, %g s apart: rates and gauges may be missing or rough",
		w.seconds(), s.scrape().Seconds())
	if a := additions.Accelerators; a != nil {
		warn(len(s.Accelerator) == 0,
			"the accelerators are all that Prometheus knows (%d): if some are not of this server, narrow them by "+
				"--prometheus-accelerator-filter", len(a.Devices))
	}
}

// hint returns a likely reason for missing samples: a wrong name of the model, or a server that is not scraped.
func (c *Prometheus) hint(ctx context.Context, s Settings, w window) string {
	var models []string
	for _, a := range c.askAll(ctx, []question{present(s.Engine, w.settled)}) {
		for _, series := range a.samples {
			models = append(models, fmt.Sprintf("%q", series.labels["model_name"]))
		}
	}
	slices.Sort(models)
	switch matchers := s.Engine.matchers(s.Model, s.Filters); {
	case len(models) == 0:
		return ": does it scrape the server, and is that " + string(s.Engine) + "?"
	case s.Engine != TGI && s.Model != "":
		return fmt.Sprintf(" with {%s}; there are those of the models %s", matchers, strings.Join(models, ", "))
	default:
		return fmt.Sprintf(" with {%s}, while there are others without it", matchers)
	}
}
