package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// daemon is a program of the cluster's that runs until it is stopped.
type daemon struct {
	name, log string
	cmd       *exec.Cmd
	ended     chan struct{}
}

// startDaemon starts a program whose output goes to a file in dir.
func startDaemon(dir, name string, args ...string) (*daemon, error) {
	d := &daemon{name: name, log: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	log, err := os.Create(d.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	d.cmd = exec.Command(program(name), args...)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = dir, log, log
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (make test-cluster builds it): %w", name, err)
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// stop ends the program, by force after five seconds.
func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(5 * time.Second):
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
}

// failure returns an error with the last lines of the program's log.
func (d *daemon) failure(err error) error {
	text, readErr := os.ReadFile(d.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := strings.Join(lines[max(0, len(lines)-15):], "\n")
	return errors.Join(fmt.Errorf("%s: %w\n%s", d.name, err, last), readErr)
}

// await calls ready until it succeeds, and fails when the program ends or the time is over.
func (d *daemon) await(ctx context.Context, limit time.Duration, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-d.ended:
			return d.failure(errors.New("it has ended"))
		case <-ctx.Done():
			return d.failure(fmt.Errorf("not ready after %s: %w", limit, err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
