package study

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
)

// Server is a deployment that was started.
type Server interface {
	URL() string
	Wait(ctx context.Context) error // until it is ready
	Exited() <-chan struct{}        // closed when it ended by itself; nil if that is not seen
	Stop(ctx context.Context) error
}

// Finding is what the report of a cell says.
type Finding struct {
	Text  string // in short
	Fault string // why the cell counts as failed; "" if it does not
}

// Runner runs the cells of a plan.
type Runner struct {
	Plan    *Plan
	Program string // name and version

	// Start starts a deployment.
	Start func(ctx context.Context, s deploy.Spec, o deploy.Options) (Server, error)
	// Run runs a test of a server, with its output in a log, and returns the exit code. When ctx ends, so does the
	// test.
	Run func(ctx context.Context, t Test, url, log string) (code int, err error)
	// Requests says how requests look that such flags describe.
	Requests func(flags []Flag) (probe.Options, error)
	// Find reads the report of a test. Its error says that there is none.
	Find func(dir string) (Finding, error)
	// Tell is told what happens, line by line.
	Tell func(line string)
	// Hurry ends when nobody wants to wait any longer for a deployment to stop. Execute may end before.
	Hurry context.Context

	secrets secret.Set
	todo    []*Planned // that are left
	failed  int
	stuck   error // deployments that could not be stopped
}

// ErrInterrupted reports that a run ended before its end.
var ErrInterrupted = errors.New("interrupted")

// FailedError reports how many cells failed.
type FailedError struct{ Failed, Cells int }

// Error says how many.
func (e *FailedError) Error() string {
	return fmt.Sprintf("%d of %d cells failed", e.Failed, e.Cells)
}

// Execute runs what is to run, deployment by deployment. Whatever happens, each deployment that it started is stopped.
// Its error is ErrInterrupted if ctx ended, and a FailedError if cells failed; the results of the others are there.
func (r *Runner) Execute(ctx context.Context) error {
	s := r.Plan.Store
	r.todo = r.Plan.ToRun()
	s.Results.Program = r.Program
	if err := s.save(); err != nil {
		return err
	}
	for len(r.todo) > 0 && ctx.Err() == nil {
		first := r.todo[0]
		var cells []*Planned
		for _, c := range r.todo {
			if r.Plan.together(first, c) {
				cells = append(cells, c)
			}
		}
		if err := r.variant(ctx, first.Variant, cells); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return errors.Join(ErrInterrupted, r.stuck)
	case r.failed > 0:
		return errors.Join(&FailedError{r.failed, len(r.Plan.Cells)}, r.stuck)
	}
	return r.stuck
}

// variant runs the cells of a deployment. One that ends by itself is started again for the cells that are left, once.
func (r *Runner) variant(ctx context.Context, v *Variant, cells []*Planned) error {
	for starts := 1; len(cells) > 0 && ctx.Err() == nil; starts++ {
		left, err := r.serve(ctx, v, cells)
		if err != nil {
			return err
		}
		cells = left
		if starts == 2 && len(cells) > 0 && ctx.Err() == nil {
			return r.fail(cells, "the deployment ended by itself twice: see "+r.Plan.Store.Log(v.Label), nil)
		}
	}
	return nil
}

// serve starts a deployment, runs its cells, and stops it. It returns the cells that are left because the deployment
// ended.
func (r *Runner) serve(ctx context.Context, v *Variant, cells []*Planned) (left []*Planned, err error) {
	begin := time.Now()
	server, err := r.start(ctx, v)
	if server != nil {
		defer func() {
			if stop := server.Stop(r.Hurry); stop != nil {
				stop = fmt.Errorf("%s: not stopped: %s", v.Label, r.masked(stop.Error()))
				r.tell("%v", stop)
				r.stuck = errors.Join(r.stuck, stop)
			}
		}()
	}
	if err != nil {
		if ctx.Err() != nil {
			return cells, nil
		}
		var failure *deploy.Failure
		var lines []string
		if errors.As(err, &failure) {
			lines = failure.Lines
		}
		return nil, r.fail(cells, r.masked(err.Error()), lines)
	}
	r.Plan.Store.started(v, time.Since(begin).Seconds())
	if err := r.Plan.Store.save(); err != nil {
		return nil, err
	}
	r.warm(ctx, v, server)
	for i, c := range cells {
		select {
		case <-server.Exited():
			return cells[i:], nil
		case <-ctx.Done():
			return cells[i:], nil
		default:
		}
		if err := r.cell(ctx, c, server); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// start starts a deployment and waits until it is ready. What it returns is to be stopped, with an error, too.
func (r *Runner) start(ctx context.Context, v *Variant) (Server, error) {
	spec := v.Spec()
	requests, err := r.Requests(v.Flags(r.Plan.Experiment))
	if err != nil {
		return nil, err
	}
	r.secrets.Add(requests.APIKey)
	for _, line := range spec.Environment {
		r.secret(line)
	}
	spec.Requests = requests
	doing := "starting …"
	if kind, err := spec.Kind(); err == nil && kind == deploy.There {
		doing = "asking " + secret.WithoutUser(spec.URL) + " …"
	}
	r.tell("%s: %s", v.Label, doing)
	server, err := r.Start(ctx, spec, deploy.Options{Log: r.Plan.Store.Log(v.Label), State: r.Plan.Store.State(),
		Progress: func(line string) { r.tell("%s", v.Relabeled(line)) }})
	if err != nil {
		return nil, err
	}
	return server, server.Wait(ctx)
}

// warm sends the load of the warm-up, whose report is thrown away.
func (r *Runner) warm(ctx context.Context, v *Variant, server Server) {
	if v.warmup == nil {
		return
	}
	r.tell("%s: warming up …", v.Label)
	dir, err := os.MkdirTemp(r.Plan.Store.dir, "warmup-")
	if err != nil {
		r.tell("%s: no warm-up: %v", v.Label, err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	log := r.Plan.Store.Log(v.Label + " warmup")
	test := Test{Flags: r.Plan.Experiment.warmupOf(v), Directory: filepath.Join(dir, "report")}
	code, err := r.Run(ctx, test, server.URL(), log)
	if ctx.Err() == nil && (err != nil || code != 0) {
		r.tell("%s: the warm-up ended with exit code %d: see %s", v.Label, code, log)
	}
}

// cell runs one cell. Its error is one of the store.
func (r *Runner) cell(ctx context.Context, c *Planned, server Server) error {
	store := r.Plan.Store
	cell := &store.Results.Cells[c.index]
	if err := store.vacate(cell); err != nil {
		return err
	}
	cell.Status, cell.Start, cell.ExitCode, cell.Seconds = experiment.Running, time.Now(), 0, 0
	cell.Error, cell.Log = "", ""
	if err := store.save(); err != nil {
		return err
	}
	test := c.Test
	test.Directory = filepath.Join(store.dir, cell.Directory)
	log := store.Log(c.Name)
	_ = os.Remove(log) // of an earlier run; if it stays, the new output follows
	code, gone, err := r.test(ctx, test, server, log)
	cell.ExitCode, cell.Seconds = code, time.Since(cell.Start).Seconds()
	r.todo = without(r.todo, c)
	if ctx.Err() != nil && !gone {
		cell.Status, cell.ExitCode, cell.Seconds = experiment.Planned, 0, 0
		return errors.Join(os.RemoveAll(test.Directory), store.save()) // a report of half a load
	}
	finding, fault := r.judge(test, store.Log(c.Variant.Label), log, code, gone, err)
	if gone {
		log = store.Log(c.Variant.Label)
	}
	cell.Status = experiment.Done
	if fault != "" {
		cell.Status, cell.Error, cell.Log = experiment.Failed, r.masked(fault), store.relative(log)
		r.failed++
	}
	r.report(c, cell, finding, log)
	return store.save()
}

// test runs the test of a cell, and ends it when its deployment is gone.
func (r *Runner) test(ctx context.Context, t Test, server Server, log string) (code int, gone bool, err error) {
	within, cancel := context.WithCancel(ctx)
	ended := make(chan bool, 1)
	go func() {
		select {
		case <-server.Exited():
			ended <- true
			cancel()
		case <-within.Done():
			ended <- false
		}
	}()
	code, err = r.Run(within, t, server.URL(), log)
	cancel()
	return code, <-ended, err
}

// partialCode is the exit code of a test of which records are missing.
const partialCode = 3

// judge returns what a cell found, and why it failed; "" if it did not.
func (r *Runner) judge(t Test, server, log string, code int, gone bool, err error) (Finding, string) {
	finding, none := r.Find(t.Directory)
	switch {
	case gone:
		return finding, "the deployment ended by itself" + ending(server)
	case err != nil:
		return finding, err.Error()
	case none != nil:
		return finding, fmt.Sprintf("exit code %d%s", code, ending(log))
	case finding.Fault != "":
		return finding, finding.Fault + ": see " + log
	case code == partialCode:
		return finding, "records are missing" + ending(log)
	}
	return finding, ""
}

// fail notes that cells failed for one reason. The lines are the last ones of a log.
func (r *Runner) fail(cells []*Planned, reason string, lines []string) error {
	store := r.Plan.Store
	for _, c := range cells {
		cell := &store.Results.Cells[c.index]
		if err := store.vacate(cell); err != nil {
			return err
		}
		cell.Status, cell.Error, cell.ExitCode, cell.Seconds = experiment.Failed, plain.OneLine(reason, 500), 0, 0
		cell.Log = store.relative(store.Log(c.Variant.Label))
		r.todo = without(r.todo, c)
		r.failed++
	}
	r.tell("%s: FAILED, and its %s with it: %s", cells[0].Variant.Label, counted(len(cells), "cell"), reason)
	for _, line := range lines {
		r.tell("  | %s", line)
	}
	return store.save()
}
