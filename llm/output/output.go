// Package output is the k6 output --out llm=PATH: it takes the records out of the sample containers that carry them and
// appends them to a file as JSON lines, at least once a second, so that a killed run loses only its last second.
//
// One goroutine makes lines of the records, soon after k6 hands them over, and another one writes them. So a slow disk
// holds up neither k6 nor the heartbeats.
package output

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/metrics"
	"go.k6.io/k6/v2/output"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/storage"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/vitals"
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
	file    *file
	writer  *writer
	started time.Time
	vitals  *vitals.Vitals
	unwatch func() // ends the watch for hang-ups

	mu      sync.Mutex
	pending []metrics.SampleContainer
	more    chan struct{} // holds an element when pending may have grown

	// Used by the goroutine of encode, and by Stop after that has ended.
	taken    []metrics.SampleContainer
	block    block // the lines to be written next
	end      record.End
	delays   []time.Duration
	refused  int // lines that could not be encoded
	stopping chan struct{}
	encoded  chan struct{} // closed when encode has ended
}

var _ output.WithStopWithTestError = new(Output)

// New reads the path from the --out argument. It refuses a file that exists, before the run begins, unless that is the
// record of a run without a request.
func New(params output.Params) (output.Output, error) {
	lookup := func(name string) (string, bool) { v, ok := params.Environment[name]; return v, ok }
	samples.HashBinary()
	run := samples.NewRun(params.ScriptOptions, lookup)
	run.Files = samples.Scripts(params.FS, params.ScriptPath)
	path, err := recordPath(params.ConfigArgument, run.Instance)
	if err != nil {
		return nil, err
	}
	// Outputs are made before the VUs, and no other part of the extension knows the scenarios of k6's own executors by
	// then.
	vus, streams, err := samples.Planned(params.ScriptOptions)
	if err != nil {
		return nil, err
	}
	if err := host.CheckVUs(vus, streams, params.Logger); err != nil {
		return nil, err
	}
	o := &Output{path: path, run: run, log: params.Logger}
	if storage.IsURL(path) {
		return o, o.spool()
	}
	overwrite, _ := lookup(record.OverwriteEnv)
	o.replace = overwrite == "true" || vacant(path)
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
	if program, ok := samples.Binary(); ok {
		o.run.Files = append(o.run.Files, program)
	}
	o.encode(o.run)
	if err := o.file.write(o.block); err != nil {
		return err
	}
	o.block = block{}
	host.CountCollections() // repeated when the load begins
	o.vitals = vitals.Start()
	o.unwatch = watchHangup(o.log)
	o.begin()
	return nil
}

// begin starts the goroutines.
func (o *Output) begin() {
	o.writer = startWriter(o.file, o.log)
	o.more, o.stopping, o.encoded = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go o.encodeAll()
}

// AddMetricSamples keeps the samples from which the file is made and ignores the rest. It does not wait for the disk.
func (o *Output) AddMetricSamples(containers []metrics.SampleContainer) {
	o.mu.Lock()
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
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
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

// encodeAll makes lines of what k6 hands over, until the output stops.
func (o *Output) encodeAll() {
	defer close(o.encoded)
	seconds := time.NewTicker(flushPeriod)
	defer seconds.Stop()
	for {
		select {
		case <-o.more:
			o.encodePending()
		case <-seconds.C:
			o.flush()
		case <-o.stopping:
			o.flush()
			return
		}
	}
}

// flush hands all lines to the writer.
func (o *Output) flush() {
	o.encodePending()
	if beat := o.vitals.Beat(); beat != nil {
		o.encode(beat)
	}
	o.put()
	o.writer.tell()
}

// put hands the lines of a block to the writer.
func (o *Output) put() {
	if o.block.lines > 0 {
		o.writer.put(o.block)
		o.block = block{text: o.writer.room()}
	}
}

// turn is how many lines are made before other goroutines get the processor. A thousand lines in a row would make
// tokens and arrivals 2 ms late where Go has one processor.
const turn = 32

func (o *Output) encodePending() {
	o.mu.Lock()
	o.taken, o.pending = o.pending, o.taken[:0]
	o.mu.Unlock()
	for i, c := range o.taken {
		if i%turn == turn-1 {
			runtime.Gosched()
		}
		switch c := c.(type) {
		case *samples.Container:
			o.take(c)
		case metrics.Sample:
			o.encode(o.dropped(c))
		}
		if len(o.block.text) >= fullBlock {
			o.block.full = true
			o.put()
		}
	}
	clear(o.taken)
}

// take appends one line. The run line is in the file already; every other line comes once.
func (o *Output) take(c *samples.Container) {
	switch line := c.Line().(type) {
	case *record.Run:
		return
	case *record.Request:
		o.countRequest(line)
		o.block.private = o.block.private || line.RequestBody != "" || line.ResponseBody != ""
	case *record.Dropped:
		o.end.Dropped += line.Count
	}
	o.add(c.AppendText)
}

func (o *Output) countRequest(r *record.Request) {
	o.end.Requests++
	switch {
	case r.Unfinished():
		o.end.Unfinished++
	case r.Failed():
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
	o.add(func(dst []byte) ([]byte, error) { return record.Append(dst, line) })
}

// add appends a line to the block. It logs the first line that JSON cannot hold.
func (o *Output) add(appendLine func([]byte) ([]byte, error)) {
	text, err := appendLine(o.block.text)
	if err != nil {
		if o.refused++; o.refused == 1 {
			o.log.WithError(err).Error("a record cannot be written")
		}
		return
	}
	if o.block.lines++; o.block.lines == 1 {
		o.block.made = time.Now()
	}
	o.block.text = append(text, '\n')
}

// Stop ends the file of a run that ended by itself.
func (o *Output) Stop() error { return o.StopWithTestError(nil) }

// StopWithTestError writes the last line, which records how the run ended, and closes the file.
func (o *Output) StopWithTestError(runErr error) error {
	close(o.stopping)
	<-o.encoded
	o.end.Status = "finished"
	if runErr != nil {
		o.end.Status = runErr.Error()
	}
	o.end.Time = record.UnixNano(time.Now())
	o.end.Health = o.vitals.Stop(o.delays)
	if advice := spareProcessors(o.end.Health, os.Getenv("GOMAXPROCS") != ""); advice != "" {
		o.log.Info(advice)
	}
	defer o.unwatch()
	o.encode(&o.end)
	err := o.writer.finish(o.block)
	o.file.lost += o.refused + o.writer.lost
	return o.finish(err)
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
	if info, err := os.Stat(argument); err == nil && !info.IsDir() {
		return "", fmt.Errorf("--out llm: %s is neither a directory nor a path that ends in %s", argument,
			strings.Join(recordEnds, ", "))
	}
	return instanceFile(argument, instance), nil
}
