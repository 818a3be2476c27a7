package deploy

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// Start starts a deployment, after it has stopped what the state file says an earlier process left. It returns as soon
// as the server runs: Wait waits until it is ready. If it fails, nothing of it runs any more.
func Start(ctx context.Context, s Spec, o Options) (*Deployment, error) {
	d, err := prepare(ctx, s, o)
	if err == nil {
		err = d.start(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("deployment %q: %w", s.Name, err)
	}
	return d, nil
}

// prepare stops what was left, and makes a deployment that has still to be started.
func prepare(ctx context.Context, s Spec, o Options) (*Deployment, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if _, err := Down(ctx, o); err != nil {
		return nil, err
	}
	return newDeployment(s, o)
}

// newDeployment makes a deployment of a Spec that was checked.
func newDeployment(s Spec, o Options) (*Deployment, error) {
	expanded, err := s.expanded()
	if err != nil {
		return nil, err
	}
	o.Progress = oneAtATime(o.Progress)
	d := &Deployment{spec: *expanded, options: o, mark: rand.Text(), begin: time.Now()}
	d.log.path, d.log.mask = o.Log, secrets(expanded)
	d.server = d.newServer(s.Namespace != "")
	return d, nil
}

// newServer makes what the kind of the deployment needs. named says that the user chose the namespace.
func (d *Deployment) newServer(named bool) server {
	kind, _ := d.spec.Kind() // was checked
	switch kind {
	case Command:
		return &process{group: &group{mark: d.mark}, spec: &d.spec, log: &d.log, detached: d.options.Detached}
	case Manifests:
		return &cluster{d: d, named: named}
	case Compose:
		return &project{d: d}
	}
	return there{}
}

// start starts the server. A failure stops what was started.
func (d *Deployment) start(ctx context.Context) (err error) {
	begun := false
	defer func() {
		if begun && err == nil {
			return
		}
		if stopped := d.Stop(ctx); stopped != nil {
			d.options.say("%v", stopped)
		}
	}()
	if err := d.save(); err != nil {
		return err
	}
	if err := d.during("being started", func() error { return d.server.start(ctx) }); err != nil {
		return err
	}
	if p, ok := d.server.(*process); ok {
		d.exited = p.done
	}
	if err := d.save(); err != nil {
		return err
	}
	begun = true
	return nil
}

// during does something, and says every few seconds that it is still at it.
func (d *Deployment) during(what string, do func() error) error {
	begin, ended := time.Now(), make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() {
		every(tellEvery, ended, func() {
			d.options.say("%s: %s, for %s now", d.spec.Name, what, seconds(time.Since(begin)))
		})
	})
	defer beside.Wait()
	defer close(ended)
	return do()
}

// every does something again and again, first after the pause, until ended is closed.
func every(pause time.Duration, ended <-chan struct{}, do func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			do()
		}
	}
}

// save writes the state file.
func (d *Deployment) save() error {
	if d.options.State == "" {
		return nil
	}
	kind, _ := d.spec.Kind() // was checked
	s := &State{
		Schema: stateSchema, Deployment: d.spec.Name, Kind: kind, URL: d.spec.URL, Mark: d.mark, Begin: d.begin,
		From: d.log.from, Directory: d.spec.Directory, Environment: d.spec.Environment, Values: d.spec.Values,
		StopCommand: d.spec.Stop.Command, StopSignal: d.spec.Stop.Signal, StopGrace: d.spec.Stop.Grace,
	}
	if d.log.path != "" {
		s.Log, _ = filepath.Abs(d.log.path) // fails without a working directory; then it is not needed
	}
	d.server.state(s)
	if err := os.MkdirAll(filepath.Dir(d.options.State), 0o750); err != nil {
		return err
	}
	return s.write(d.options.State)
}

// Check says what is wrong with a Spec without starting anything. The error is a FieldError where it is about a field.
func (s *Spec) Check() error {
	kind, err := s.Kind()
	if err != nil {
		return err
	}
	if s.Stop.Signal != "" {
		if _, err := signalOf(s.Stop.Signal); err != nil {
			return &FieldError{"stop.signal", err}
		}
	}
	known := s.known()
	for field, texts := range s.texts() {
		for _, text := range texts {
			for _, r := range References(text) {
				if err := r.Check(known); err != nil {
					return &FieldError{field, err}
				}
			}
		}
	}
	switch {
	case kind == Command && s.URL == "" && !s.uses(portName):
		return &FieldError{"command", errors.New("it has no ${port}: write it where the server takes its port, or " +
			"give the url")}
	case (kind == Manifests || kind == Compose) && s.URL == "":
		return &FieldError{string(kind), errors.New("it needs a url, to which requests go")}
	case kind != Manifests && strings.HasPrefix(s.URL, "service/"):
		return &FieldError{"url", errors.New("service/NAME:PORT is for manifests: write http://HOST:PORT")}
	case kind == Manifests && strings.HasPrefix(s.URL, "service/"):
		if _, err := newForward(s.URL); err != nil {
			return &FieldError{"url", err}
		}
	}
	return nil
}

// String returns what is started, as a line for people: a command with the references left that only Start knows, and
// without secrets; or the manifests, the compose file or the URL.
func (s *Spec) String() string {
	values := map[string]string{}
	for _, name := range Reserved() {
		values[name] = "${" + name + "}"
	}
	maps.Copy(values, s.Values)
	if kind, _ := s.Kind(); kind != Command {
		text, _ := Expand(cmp.Or(s.Manifests, s.Compose, secret.WithoutUser(s.URL)), values) // "" if it cannot
		return string(kind) + " " + plain.Argument(text)
	}
	known := Spec{Command: slices.Clone(s.Command), Environment: s.Environment}
	for i, word := range s.Command {
		if text, err := Expand(word, values); err == nil {
			known.Command[i] = text
		}
	}
	mask := secrets(&known)
	var words []string
	for _, word := range known.Command {
		words = append(words, plain.Argument(mask.Text(word)))
	}
	return strings.Join(words, " ")
}

// known returns the names that may be referred to.
func (s *Spec) known() []string { return append(slices.Collect(maps.Keys(s.Values)), Reserved()...) }

// texts returns the texts with references, by the keys of their fields.
func (s *Spec) texts() map[string][]string {
	return map[string][]string{
		"command": s.Command, "manifests": {s.Manifests}, "compose": {s.Compose}, "url": {s.URL},
		"namespace": {s.Namespace}, "directory": {s.Directory}, "environment": s.Environment,
		"stop.command": s.Stop.Command, "ready.path": {s.Ready.Path}, "ready.model": {s.Ready.Model},
	}
}

// uses reports whether a text refers to a name.
func (s *Spec) uses(name string) bool {
	for _, texts := range s.texts() {
		for _, text := range texts {
			if slices.ContainsFunc(References(text), func(r Reference) bool { return r.Name == name }) {
				return true
			}
		}
	}
	return false
}

// expanded returns the Spec with defaults and without references.
func (s *Spec) expanded() (*Spec, error) {
	e := *s
	e.Values = maps.Clone(s.Values)
	if e.Values == nil {
		e.Values = map[string]string{}
	}
	kind, err := s.Kind()
	if err != nil {
		return nil, err
	}
	if e.URL == "" {
		e.URL = "http://127.0.0.1:${port}"
	}
	e.Values[deployedName] = s.Name
	e.Values[namespaceName] = namespaceOf(s.Name)
	if kind != There || e.uses(portName) {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		e.Values[portName] = strconv.Itoa(port)
	}
	e.Ready.Timeout = cmp.Or(e.Ready.Timeout, DefaultTimeout)
	e.Ready.Path = cmp.Or(e.Ready.Path, DefaultPath)
	e.Stop.Signal = cmp.Or(e.Stop.Signal, DefaultSignal)
	e.Stop.Grace = cmp.Or(e.Stop.Grace, DefaultGrace)
	if err := e.expand(); err != nil {
		return nil, err
	}
	e.Requests.URL, e.Requests.Model = e.URL, e.Ready.Model
	if kind == Command || kind == Compose || len(e.Stop.Command) > 0 {
		if e.Directory, err = filepath.Abs(e.Directory); err != nil {
			return nil, err
		}
	}
	return &e, nil
}

// expand replaces the references in place.
func (s *Spec) expand() (err error) {
	one := func(text *string) {
		if err == nil {
			*text, err = Expand(*text, s.Values)
		}
	}
	if one(&s.Namespace); err == nil && s.Namespace != "" {
		s.Values[namespaceName] = s.Namespace
	}
	s.Namespace = s.Values[namespaceName]
	for _, list := range []*[]string{&s.Command, &s.Environment, &s.Stop.Command} {
		*list = slices.Clone(*list)
		for i := range *list {
			one(&(*list)[i])
		}
	}
	for _, text := range []*string{&s.Manifests, &s.Compose, &s.URL, &s.Directory, &s.Ready.Path, &s.Ready.Model} {
		one(text)
	}
	return err
}

// there is a server that nobody here starts.
type there struct{}

func (there) start(context.Context) error           { return nil }
func (there) ready(context.Context) (string, error) { return "", nil }
func (there) runs(context.Context) bool             { return true }
func (there) lines(context.Context) []string        { return nil }
func (there) stop(context.Context) error            { return nil }
func (there) state(*State)                          {}
