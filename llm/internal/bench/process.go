//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/prometheus/procfs"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// used is what a process used until its end.
type used struct {
	cpu    time.Duration
	memory int64 // at its peak, in bytes
}

// watch runs a command. Its error contains what the process printed.
func watch(cmd *exec.Cmd) (u used, err error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return u, err
	}
	peak := host.WatchMemory(cmd.Process.Pid)
	err = cmd.Wait()
	u.memory = peak()
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", cmd.Path, err, bytes.TrimSpace(output.Bytes()))
	}
	return u, nil
}

// on returns a command that runs on some processors, such as "0" or "0,1", if the system has taskset; "" means all.
func on(processors string, args ...string) *exec.Cmd {
	if path, err := exec.LookPath("taskset"); err == nil && processors != "" {
		args = append([]string{path, "-c", processors}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// runServer acts as the simulator.
func runServer() error {
	o, err := sim.ParseQuery(os.Getenv("BENCH_SIM"))
	if err != nil {
		return err
	}
	host.Reserve(int64(min(o.MaxNumSeqs, maxStreams)))
	host.CalmCollector()
	s, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		return err
	}
	fmt.Println(s.URL())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	return s.Close()
}

// server is a simulator in a process of its own, so that its CPU does not count.
type server struct {
	url string
	cmd *exec.Cmd
}

// serve runs this program as the simulator, on some processors or "" for all, with the options of a query.
func serve(processors, query string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := on(processors, self, "-serve")
	cmd.Env = append(os.Environ(), "BENCH_SIM="+query)
	if processors != "" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd}
	if _, err := fmt.Fscanln(out, &s.url); err != nil {
		return nil, fmt.Errorf("the simulator did not start: %w", err)
	}
	return s, nil
}

// stop ends the simulator, which has then written all truths.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
}

// cpu returns the CPU time that the simulator has used; 0 where Linux's /proc is missing.
func (s *server) cpu() time.Duration {
	p, err := procfs.NewProc(s.cmd.Process.Pid)
	if err != nil {
		return 0
	}
	stat, err := p.Stat()
	if err != nil {
		return 0
	}
	return time.Duration(stat.CPUTime() * float64(time.Second))
}
