package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// Scheduler reads what Linux tells about the scheduling of this process and its control group. It is for one goroutine.
// A reading opens a file for each thread.
type Scheduler struct {
	groups []string // directories of the control group and the groups around it
	waits  map[int]uint64
	waited time.Duration
}

// NewScheduler finds the control group of this process.
func NewScheduler() *Scheduler { return &Scheduler{groups: cgroups(procfs.DefaultMountPoint, "cpu")} }

// Read returns the pressure since the process began.
func (s *Scheduler) Read() (p Pressure) {
	if s.countWaits() {
		p.Waited = new(s.waited)
	}
	for _, dir := range s.groups {
		if t := readThrottled(dir); t != nil && (p.Throttled == nil || *t > *p.Throttled) {
			p.Throttled = t
		}
	}
	p.Stalled = s.stalled()
	return p
}

// countWaits adds up how long the threads have waited since the last call, and reports whether that is known. The count
// of a thread is lost when the thread ends.
func (s *Scheduler) countWaits() bool {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return false
	}
	threads, err := fs.AllThreads(os.Getpid())
	if err != nil {
		return false
	}
	waits, known := make(map[int]uint64, len(threads)), false
	for _, thread := range threads {
		stat, err := thread.Schedstat()
		if err != nil {
			continue
		}
		known, waits[thread.PID] = true, stat.WaitingNanoseconds
		if before := s.waits[thread.PID]; before <= stat.WaitingNanoseconds {
			s.waited += time.Duration(stat.WaitingNanoseconds - before) // nanoseconds of a process
		}
	}
	s.waits = waits
	return known
}

// stalled returns the pressure of the innermost group that tells it, else the system's.
func (s *Scheduler) stalled() *time.Duration {
	for _, dir := range s.groups {
		if text, err := os.ReadFile(filepath.Join(dir, "cpu.pressure")); err == nil {
			return parseTotal(string(text))
		}
	}
	text, _ := os.ReadFile(filepath.Join(procfs.DefaultMountPoint, "pressure", "cpu"))
	return parseTotal(string(text))
}

// parseTotal reads the total of "some avg10=0.00 avg60=0.00 avg300=0.00 total=123" in microseconds.
func parseTotal(text string) *time.Duration {
	line, _, _ := strings.Cut(text, "\n")
	_, value, found := strings.Cut(line, "total=")
	us, err := strconv.ParseInt(value, 10, 64)
	if !found || err != nil {
		return nil
	}
	return new(time.Duration(us) * time.Microsecond)
}

// readThrottled returns for how long a group of either version was held back.
func readThrottled(dir string) *time.Duration {
	if us, found := readStatistic(dir, "cpu.stat", "throttled_usec"); found {
		return new(time.Duration(us) * time.Microsecond)
	}
	if ns, found := readStatistic(dir, "cpu.stat", "throttled_time"); found {
		return new(time.Duration(ns))
	}
	return nil
}
