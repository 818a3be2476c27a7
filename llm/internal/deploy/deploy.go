// Package deploy starts the servers that an experiment measures, waits until they answer, and stops them: a command, as
// a process group of its own; manifests, which kubectl applies; a compose file of Docker; or nothing, for a server that
// is there. A state file lets a later process find, wait for and stop what an earlier one started, even if that was
// killed.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
)

// Spec says what to start. Exactly one of Command, Manifests and Compose is set, or URL alone for a server that is
// there. References such as ${port} are in the texts still; Start replaces them.
type Spec struct {
	Name      string
	Command   []string // the program and its arguments
	Manifests string   // a folder with a kustomization, or a file
	Compose   string   // a compose file
	// URL is where requests go; "" means http://127.0.0.1:${port} for a command. For manifests it may be
	// service/NAME:PORT, to which kubectl forwards a port of this machine.
	URL         string
	Namespace   string   // of the manifests; "" means llm- and Name. Deleted only if Start made it.
	Directory   string   // working directory of a command; "" means that of this process
	Environment []string // NAME=value, beside the environment of this process

	// Values are what ${NAME} stands for, beside port, name and namespace, which Start knows.
	Values map[string]string
	Ready  Ready
	Stop   Stop
	// Requests says how requests look that see whether the server is ready: its API, key and headers. URL, Model and
	// Timeout are not used.
	Requests probe.Options
}

// Ready says when a deployment is ready.
type Ready struct {
	Timeout time.Duration // 0 means DefaultTimeout
	Path    string        // a page that answers 200 then, skipped if there is none; "" means DefaultPath
	Model   string        // that the server lists then; "" means any
	NoToken bool          // to list the model is enough: no request is sent
}

// Stop says how a deployment ends.
type Stop struct {
	Command []string      // run in place of the signal; run for every kind
	Signal  string        // to a command's process group, such as TERM or INT; "" means DefaultSignal
	Grace   time.Duration // from the signal, or the end of Command, to SIGKILL; 0 means DefaultGrace
}

// Defaults of Ready and Stop.
const (
	DefaultTimeout = 10 * time.Minute
	DefaultPath    = "/health"
	DefaultSignal  = "TERM"
	DefaultGrace   = 30 * time.Second
)

// Kind is what a deployment is made of.
type Kind string

// The kinds, with the names of their keys.
const (
	Command   Kind = "command"
	Manifests Kind = "manifests"
	Compose   Kind = "compose"
	There     Kind = "url"
)

// Kind returns the kind. Its error says that there is none, or more than one.
func (s *Spec) Kind() (Kind, error) {
	var kinds []Kind
	if len(s.Command) > 0 {
		kinds = append(kinds, Command)
	}
	if s.Manifests != "" {
		kinds = append(kinds, Manifests)
	}
	if s.Compose != "" {
		kinds = append(kinds, Compose)
	}
	switch {
	case len(kinds) > 1:
		return "", fmt.Errorf("%s and %s exclude each other: a deployment has one of them", kinds[0], kinds[1])
	case len(kinds) == 1:
		return kinds[0], nil
	case s.URL == "":
		return "", errors.New("a deployment needs one of command, manifests, compose and url")
	}
	return There, nil
}

// Options says where a deployment leaves its traces.
type Options struct {
	Log   string // file to which the server's output is appended; "" discards it
	State string // file that says what runs, for later processes; "" writes none
	// Detached leaves the server running when this process ends. Without it the system stops a command whose parent
	// was killed, where it can (Linux).
	Detached bool
	Progress func(line string) // told what is waited for, a line at a time; nil means nobody is
}

// oneAtATime returns a function that calls another for one caller at a time.
func oneAtATime(tell func(line string)) func(line string) {
	if tell == nil {
		return nil
	}
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		tell(line)
	}
}

// say tells what happens.
func (o *Options) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// FieldError is a fault of a field of a Spec. Field is the field's key in an experiment's file, such as stop.signal.
type FieldError struct {
	Field string
	Err   error
}

// Error returns the message.
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the fault itself.
func (e *FieldError) Unwrap() error { return e.Err }

// Failure is why a deployment did not become ready, with the last lines of its output.
type Failure struct {
	Reason string   // in one line
	Lines  []string // the last ones of the server's output, without secrets
	Log    string   // the file with all of them; "" if there is none
}

// Error returns the reason with the line of the output that says most.
func (f *Failure) Error() string {
	text := f.Reason
	if line := telling(f.Lines); line != "" {
		text += "; its output says " + plain.Quote(line)
	}
	if f.Log != "" {
		text += " (see " + f.Log + ")"
	}
	return text
}

// server is what one kind of deployment does.
type server interface {
	// preflight is what Preflight does.
	preflight(ctx context.Context) (refers func(name string) bool, err error)
	// start starts it. What it started before it failed is stopped by stop.
	start(ctx context.Context) error
	// ready says what is still missing before requests make sense, "" for nothing. Its error is final.
	ready(ctx context.Context) (missing string, err error)
	// runs reports whether it still runs, ready or not, as far as is known. It starts nothing.
	runs(ctx context.Context) bool
	// lines returns the last lines of its output.
	lines(ctx context.Context) []string
	// stop stops it. The end of ctx shortens what can be shortened. Stopping what does not run is no error.
	stop(ctx context.Context) error
	// state adds to a state what is needed to stop it later.
	state(*State)
}

// Deployment is a server that was started. Its methods may be called concurrently.
type Deployment struct {
	spec    Spec // without references
	options Options
	mark    string
	begin   time.Time
	log     output
	server  server
	exited  chan struct{} // nil unless it is a command of this process

	mu      sync.Mutex // one stops it at a time
	stopped bool
}

// URL returns where requests go.
func (d *Deployment) URL() string { return d.spec.URL }

// Exited returns a channel that is closed when the command ended; nil for other kinds, and for a command that another
// process started.
func (d *Deployment) Exited() <-chan struct{} { return d.exited }

// Values returns what references stand for, including the port.
func (d *Deployment) Values() map[string]string { return maps.Clone(d.spec.Values) }
