package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// hurry returns a context for what stops a deployment. It ends with ctx, unless that has ended already: something has
// to be stopped in that case, too.
func hurry(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Stop stops the deployment and waits until it is gone. The end of ctx shortens the grace; a context that has ended
// before does not, for something has to be stopped in that case, too. It may be called again.
func (d *Deployment) Stop(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return nil
	}
	ctx = hurry(ctx)
	var failed error
	err := d.during("being stopped", func() error {
		if failed = d.runStopCommand(ctx); failed != nil { // the server has to be told in the other way
			d.spec.Stop.Command = nil
		}
		return d.server.stop(ctx)
	})
	if err != nil {
		return fmt.Errorf("stopping deployment %q: %w", d.spec.Name, errors.Join(failed, err))
	}
	d.stopped = true
	if err := d.log.redact(); err != nil && !missing(err) { // it may never have begun
		d.options.say("%s: secrets may be in %s: %v", d.spec.Name, d.log.path, err)
	}
	if d.options.State != "" {
		if err := os.Remove(d.options.State); err != nil && !missing(err) {
			return err
		}
	}
	if failed != nil {
		return fmt.Errorf("deployment %q is stopped, but its stop.command was of no use: %w", d.spec.Name, failed)
	}
	return nil
}

// runStopCommand runs the command that stops the server, if there is one.
func (d *Deployment) runStopCommand(ctx context.Context) error {
	command := d.spec.Stop.Command
	if len(command) == 0 {
		return nil
	}
	within, cancel := context.WithTimeoutCause(ctx, d.spec.Stop.Grace, errGrace)
	defer cancel()
	t := &tool{program: command[0], directory: d.spec.Directory, env: d.spec.Environment, log: &d.log}
	out, err := t.run(within, nil, command[1:]...)
	d.log.add(out)
	return err
}

var errGrace = errors.New("its stop.grace is over")

// Down stops what a state file says an earlier process left, also after a crash. Without the file there is nothing to
// do: down reports whether there was.
func Down(ctx context.Context, o Options) (down bool, err error) {
	if o.State == "" {
		return false, nil
	}
	s, err := ReadState(o.State)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	o.say("%s: stopping what runs since %s", s.Deployment, s.Begin.Local().Format(time.DateTime))
	d := s.deployment(o)
	return true, d.Stop(ctx)
}

// Open returns a deployment that another process started, by its state file, to wait for it or to stop it. Of the Spec
// it takes how to see whether it is ready. The error is fs.ErrNotExist if nothing was started.
func Open(s Spec, o Options) (*Deployment, error) {
	state, err := ReadState(o.State)
	if err != nil {
		return nil, err
	}
	d := state.deployment(o)
	s.Values, s.URL = state.Values, state.URL
	kind, err := s.Kind()
	if err == nil && kind != state.Kind {
		err = fmt.Errorf("deployment %q was started as %s and is %s now: take it down", s.Name, state.Kind, kind)
	}
	if err != nil {
		return nil, err
	}
	if d.spec.Ready, err = s.ready(); err != nil {
		return nil, err
	}
	d.spec.Requests = s.Requests
	d.spec.Requests.URL, d.spec.Requests.Model = d.spec.URL, d.spec.Ready.Model
	d.log.mask = secrets(&d.spec)
	return d, nil
}

// Running reports whether what a state file describes runs, as far as is known: false without the file.
func Running(ctx context.Context, state string) (bool, error) {
	s, err := ReadState(state)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.deployment(Options{State: state}).server.runs(ctx), nil
}

// deployment returns what the state describes.
func (s *State) deployment(o Options) *Deployment {
	o.Progress = oneAtATime(o.Progress)
	d := &Deployment{options: o, mark: s.Mark, begin: s.Begin, spec: Spec{
		Name: s.Deployment, URL: s.URL, Directory: s.Directory, Environment: s.Environment, Values: s.Values,
		Stop: Stop{Command: s.StopCommand, Signal: s.StopSignal, Grace: s.StopGrace},
	}}
	d.log.path, d.log.from = s.Log, s.From
	d.log.mask = secrets(&d.spec)
	switch {
	case s.Kind == Command:
		g := &group{mark: s.Mark}
		if s.Process != nil {
			g.PID, g.Start = s.Process.PID, s.Process.Start
		}
		d.spec.Command = []string{s.Deployment}
		d.server = &process{group: g, spec: &d.spec, log: &d.log}
	case s.Kind == Manifests && s.Cluster != nil:
		s.Cluster.d, d.server, d.spec.Manifests = d, s.Cluster, s.Deployment
	case s.Kind == Compose && s.Project != nil:
		s.Project.d, d.server, d.spec.Compose = d, s.Project, s.Project.File
	default:
		d.server = there{}
	}
	return d
}
