package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// process is a command that serves until it is stopped.
type process struct {
	*group
	spec     *Spec
	log      *output
	detached bool
	done     chan struct{} // closed when it ended; nil if another process started it
	ended    error         // why; valid after done
}

// start starts the command, unless its port is taken.
func (p *process) start(context.Context) error {
	if err := vacant(p.spec.URL); err != nil {
		return err
	}
	if err := p.log.begin(strings.Join(p.spec.Command, " ")); err != nil {
		return err
	}
	file, err := p.log.open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // the command has it
	s, err := signalOf(p.spec.Stop.Signal)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.spec.Command[0], p.spec.Command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.spec.Directory, file, file
	cmd.Env = append(append(os.Environ(), p.spec.Environment...), markName+"="+p.mark)
	cmd.SysProcAttr = attributes(p.detached, s)
	input, kept, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(input.Close(), kept.Close()) }() // the command has both
	if cmd.Stdin = input; runtime.GOOS != "windows" {               // which passes no other files on
		cmd.ExtraFiles = []*os.File{kept} // its input does not end while it runs: some servers end with it
	}
	begun := make(chan error)
	p.done = make(chan struct{})
	go p.keep(cmd, begun)
	if err := <-begun; err != nil {
		return unstarted(p.spec.Command[0], err)
	}
	return nil
}

// keep starts the command, and waits for its end. It keeps its thread, because the system ends the command when the
// thread ends that started it.
func (p *process) keep(cmd *exec.Cmd, begun chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := cmd.Start()
	if err == nil {
		p.PID, p.Start, p.own = cmd.Process.Pid, started(cmd.Process.Pid), true
	}
	begun <- err
	if err == nil {
		p.ended = cmd.Wait()
	}
}

// unstarted explains why a program does not start.
func unstarted(program string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("there is no program %q in PATH: install it, or write its path", program)
	}
	return fmt.Errorf("starting %q: %w", program, err)
}

// ready reports an end.
func (p *process) ready(context.Context) (string, error) {
	if p.done == nil {
		if !p.alive() {
			return "", errors.New("the command is gone")
		}
		return "", nil
	}
	select {
	case <-p.done:
	default:
		return "", nil
	}
	why := ending(p.ended)
	switch {
	case p.ended == nil:
		why += " (it must stay in the foreground)"
	case strings.Contains(why, syscall.SIGKILL.String()):
		why += " (perhaps memory ran out)"
	}
	return "", fmt.Errorf("the command ended before it was ready: %s", why)
}

func (p *process) runs(context.Context) bool { return p.alive() }

func (p *process) lines(context.Context) []string { return p.log.lines() }

// stop ends the command and all that it started.
func (p *process) stop(ctx context.Context) error {
	if strays := p.strays(); len(strays) > 0 {
		return fmt.Errorf("processes %v may be left of the command, or others with their numbers: look at them and "+
			"end them", strays)
	}
	if s, err := signalOf(p.spec.Stop.Signal); len(p.spec.Stop.Command) == 0 && err == nil {
		p.signal(s)
	}
	within, cancel := context.WithTimeout(ctx, p.spec.Stop.Grace)
	defer cancel()
	if err := p.end(within); err != nil {
		return err
	}
	if p.done != nil {
		<-p.done
	}
	return nil
}

func (p *process) state(s *State) {
	if p.PID != 0 {
		s.Process = p.group
	}
}
