// Package output is the k6 output --out llm=PATH: it takes the records out of the sample containers that carry them and
// appends them to a file as JSON lines, at least once a second, so that a killed run loses only its last second.
package output

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/metrics"
	"go.k6.io/k6/v2/output"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/storage"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// flushPeriod bounds how much of a run's end a killed process loses.
const flushPeriod = time.Second

// Output writes records. k6 calls its methods, see the output package of k6.
type Output struct {
	path    string // path of the file
	replace bool   // whether to replace a file that exists
	object  string // URL of the object that the file becomes in the end; empty if there is none
	run     *record.Run
	log     logrus.FieldLogger
	flusher *output.PeriodicFlusher
	file    *file
	started time.Time
	health  *health
	unwatch func() // ends the watch for hang-ups

	mu      sync.Mutex
	pending []metrics.SampleContainer

	// Used by the flusher's goroutine, and by Stop after that has ended.
	end     record.End
	delays  []time.Duration
	failing bool
}

var _ output.WithStopWithTestError = new(Output)

// New reads the path from the --out argument. It refuses a file that exists, before the run begins.
func New(params output.Params) (output.Output, error) {
	lookup := func(name string) (string, bool) { v, ok := params.Environment[name]; return v, ok }
	run := samples.NewRun(params.ScriptOptions, lookup)
	path, err := recordPath(params.ConfigArgument, run.Instance)
	if err != nil {
		return nil, err
	}
	// Outputs are made before the VUs, and no other part of the extension knows the scenarios of k6's own executors by
	// then.
	vus, _, err := samples.Planned(params.ScriptOptions)
	if err != nil {
		return nil, err
	}
	if err := host.CheckVUs(vus, params.Logger); err != nil {
		return nil, err
	}
	o := &Output{path: path, run: run, log: params.Logger}
	if storage.IsURL(path) {
		return o, o.spool()
	}
	overwrite, _ := lookup(record.OverwriteEnv)
	o.replace = overwrite == "true"
	return o, refuseExisting(path, o.replace)
}

// Description returns the text by which k6 shows where the records go.
func (o *Output) Description() string {
	if o.object != "" {
		return fmt.Sprintf("llm records (%s, at the end)", o.object)
	}
	return fmt.Sprintf("llm records (%s)", o.path)
}

// Start creates the file and writes its first line.
func (o *Output) Start() (err error) {
	waits := time.AfterFunc(2*time.Second, func() { o.log.Infof("the test waits for a reader of the pipe %s", o.path) })
	o.file, err = create(o.path, o.replace)
	waits.Stop()
	if err != nil {
		return err
	}
	o.started = time.Now()
	o.run.Start = record.UnixNano(o.started)
	if err := o.write(o.run); err != nil {
		return err
	}
	o.health = startHealth()
	o.unwatch = watchHangup(o.log)
	o.flusher, err = output.NewPeriodicFlusher(flushPeriod, o.flush)
	return err
}

// AddMetricSamples keeps the samples from which the file is made and ignores the rest.
func (o *Output) AddMetricSamples(containers []metrics.SampleContainer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range containers {
		switch s := c.(type) {
		case *samples.Container:
			o.pending = append(o.pending, c)
		case metrics.Sample: // k6's own executors push each drop alone
			if s.Metric.Name == metrics.DroppedIterationsName && !o.recordsDrops(s) {
				o.pending = append(o.pending, c)
			}
		}
	}
}

// recordsDrops reports whether the scenario of a drop pushes a line of its own for it.
func (o *Output) recordsDrops(s metrics.Sample) bool {
	name, _ := s.Tags.Get("scenario")
	for _, scenario := range o.run.Scenarios {
		if scenario.Name == name {
			return scenario.Executor == record.ExecutorName
		}
	}
	return false
}

func (o *Output) flush() {
	o.mu.Lock()
	pending := o.pending
	o.pending = make([]metrics.SampleContainer, 0, len(pending))
	o.mu.Unlock()
	for _, c := range pending {
		switch c := c.(type) {
		case *samples.Container:
			o.take(c)
		case metrics.Sample:
			o.encode(o.dropped(c))
		}
	}
	if beat := o.health.beat(); beat != nil {
		o.encode(beat)
	}
	o.report(o.flushFile())
}

// take appends one line. The run line is in the file already; every other line comes once.
func (o *Output) take(c *samples.Container) {
	switch line := c.Line().(type) {
	case *record.Run:
		return
	case *record.Request:
		o.countRequest(line)
		if line.RequestBody != "" || line.ResponseBody != "" {
			o.keepPrivate()
		}
	case *record.Dropped:
		o.end.Dropped += line.Count
	}
	text, err := c.AppendText(nil)
	if err != nil {
		o.report(err)
		return
	}
	o.file.add(text)
}

func (o *Output) countRequest(r *record.Request) {
	o.end.Requests++
	if r.Failed() {
		o.end.Failed++
	}
	if delay, ok := r.ScheduleDelay(); ok {
		o.delays = append(o.delays, delay)
	}
}

// dropped makes the line of an arrival for which one of k6's own executors had no VU. The executor does not report
// which arrival it was.
func (o *Output) dropped(s metrics.Sample) *record.Dropped {
	line := &record.Dropped{Stage: -1, Count: int64(s.Value)}
	line.Scenario, _ = s.Tags.Get("scenario")
	for _, scenario := range o.run.Scenarios {
		if scenario.Name == line.Scenario && len(scenario.Stages) == 1 {
			line.Stage = scenario.Stages[0].Index
		}
	}
	o.end.Dropped += line.Count
	return line
}

func (o *Output) encode(line record.Line) {
	text, err := record.Append(nil, line)
	if err != nil {
		o.report(err)
		return
	}
	o.file.add(text)
}

func (o *Output) write(line record.Line) error {
	o.encode(line)
	return o.file.flush()
}

// report logs the first of several errors in a row.
func (o *Output) report(err error) {
	if err != nil && !o.failing {
		o.log.WithError(err).Errorf("records are not being written to %s; what fits in memory is kept and tried again",
			plain.Terminal(o.path))
	}
	o.failing = err != nil
}

// Stop ends the file of a run that ended by itself.
func (o *Output) Stop() error { return o.StopWithTestError(nil) }

// StopWithTestError writes the last line, which records how the run ended, and closes the file.
func (o *Output) StopWithTestError(runErr error) error {
	o.flusher.Stop()
	o.end.Status = "finished"
	if runErr != nil {
		o.end.Status = runErr.Error()
	}
	o.end.Time = record.UnixNano(time.Now())
	o.end.Health = o.health.stop(o.delays)
	if advice := spareProcessors(o.end.Health, os.Getenv("GOMAXPROCS") != ""); advice != "" {
		o.log.Info(advice)
	}
	defer o.unwatch()
	return o.finish()
}

// recordEnds are the extensions of record files; the latter two are compressed.
var recordEnds = []string{".jsonl", ".jsonl.gz", ".jsonl.zst"}

// recordPath turns the argument of --out into a file's path: the argument itself if it has the extension of a record
// file, else this instance's file in that directory.
func recordPath(argument, instance string) (string, error) {
	switch {
	case argument == "":
		return "", errors.New("--out llm needs a path, as in --out llm=results/ or --out llm=run.jsonl")
	case slices.ContainsFunc(recordEnds, func(end string) bool { return strings.HasSuffix(argument, end) }):
		return argument, nil
	}
	return instanceFile(argument, instance), nil
}
