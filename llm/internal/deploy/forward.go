package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// servicePrefix begins the URL of a service whose port is forwarded.
const servicePrefix = "service/"

// forward is a port of this machine that kubectl forwards to a service. kubectl ends when the pod behind it does, and
// is then started again.
type forward struct {
	Service string `json:"service"` // as service/NAME
	Port    string `json:"port"`    // of the service
	Path    string `json:"path,omitempty"`
	Local   string `json:"local,omitempty"` // port of this machine
	Process *group `json:"process,omitempty"`

	c    *cluster
	mu   sync.Mutex
	done chan struct{} // closed when kubectl ended; nil if another process started it

	watch  context.CancelFunc // nil if nobody watches
	beside sync.WaitGroup
}

// serviceURL matches service/NAME:PORT, with the path of the API behind it.
var serviceURL = regexp.MustCompile(`^service/([a-z0-9](?:[-.a-z0-9]*[a-z0-9])?):([a-z0-9][-a-z0-9]*)(/[^\s?#]*)?$`)

// newForward reads the URL of a service.
func newForward(text string) (*forward, error) {
	found := serviceURL.FindStringSubmatch(text)
	if found == nil {
		return nil, fmt.Errorf("%q is no service: write service/NAME:PORT, or service/NAME:PORT/PATH", text)
	}
	return &forward{Service: servicePrefix + found[1], Port: found[2], Path: found[3]}, nil
}

// url returns where requests go.
func (f *forward) url(local string) string {
	f.Local = local
	return "http://127.0.0.1:" + local + f.Path
}

// ready sees that kubectl runs, and starts it if it does not.
func (f *forward) ready(context.Context) (missing string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.runs() {
		return "", nil
	}
	if err := f.begin(); err != nil {
		return "", err
	}
	if f.watch == nil && !f.c.d.options.Detached {
		ctx, cancel := context.WithCancel(context.Background())
		f.watch = cancel
		f.beside.Go(func() { f.keep(ctx) })
	}
	return "", f.c.d.save()
}

// watchEvery is how often the forwarding of a port is looked at.
const watchEvery = 500 * time.Millisecond

// keep starts kubectl again whenever it has ended, until ctx ends.
func (f *forward) keep(ctx context.Context) {
	every(watchEvery, ctx.Done(), func() {
		_, _ = f.ready(ctx) // again the next time if it fails
	})
}

// runs reports whether kubectl runs.
func (f *forward) runs() bool {
	if f.done == nil {
		return f.Process != nil && f.Process.alive()
	}
	select {
	case <-f.done:
		return false
	default:
		return true
	}
}

// begin starts kubectl.
func (f *forward) begin() error {
	d := f.c.d
	if _, err := strconv.Atoi(f.Local); err != nil {
		return errors.New("no local port was chosen for " + f.Service)
	}
	file, err := d.log.open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // the command has it
	t := f.c.tool()
	cmd := exec.Command(t.program, append([]string{"port-forward", "--namespace", f.c.Namespace, "--address",
		"127.0.0.1", f.Service, f.Local + ":" + f.Port}, t.after...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(append(os.Environ(), t.env...), markName+"="+d.mark), file, file
	p := &process{group: &group{mark: d.mark}, done: make(chan struct{})}
	s, err := signalOf(DefaultSignal)
	if err != nil {
		return err
	}
	cmd.SysProcAttr = attributes(d.options.Detached, s)
	begun := make(chan error)
	go p.keep(cmd, begun)
	if err := <-begun; err != nil {
		return unstarted(t.program, err)
	}
	f.Process, f.done = p.group, p.done
	return nil
}

// stop ends kubectl.
func (f *forward) stop(ctx context.Context) error {
	f.mu.Lock()
	watch := f.watch
	f.mu.Unlock()
	if watch != nil {
		watch()
		f.beside.Wait()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Process == nil {
		return nil
	}
	f.Process.mark = f.c.d.mark
	s, err := signalOf(DefaultSignal)
	if err != nil {
		return err
	}
	f.Process.signal(s)
	within, cancel := context.WithTimeout(ctx, toolDelay)
	defer cancel()
	if err := f.Process.end(within); err != nil {
		return err
	}
	if f.done != nil {
		<-f.done
	}
	return nil
}
