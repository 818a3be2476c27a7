package limits

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// Scheduler reads what Linux tells of a process and its control group. It is for one goroutine. A reading costs a file for
// each thread.
type Scheduler struct {
	groups []string // the directories of the control group and of those around it
	waits  map[int]uint64
	waited time.Duration
}

// NewScheduler finds the control group of this process.
func NewScheduler() *Scheduler { return &Scheduler{groups: cpuGroups(procfs.DefaultMountPoint)} }

// Read returns what is known so far.
func (s *Scheduler) Read() (p Pressure) {
	if s.countWaits() {
		p.Waited = new(s.waited)
	}
	for _, dir := range s.groups {
		if t := throttled(dir); t != nil && (p.Throttled == nil || *t > *p.Throttled) {
			p.Throttled = t
		}
	}
	p.Stalled = s.stalled()
	return p
}

// countWaits adds up what the threads have waited since the last call. A thread that has ended takes its own count with it.
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
			s.waited += time.Duration(stat.WaitingNanoseconds - before) //nolint:gosec // nanoseconds of a process
		}
	}
	s.waits = waits
	return known
}

// stalled reads the pressure of the innermost group that tells it, else the system's.
func (s *Scheduler) stalled() *time.Duration {
	for _, dir := range s.groups {
		if text, err := os.ReadFile(filepath.Join(dir, "cpu.pressure")); err == nil {
			return total(string(text))
		}
	}
	text, _ := os.ReadFile(filepath.Join(procfs.DefaultMountPoint, "pressure", "cpu"))
	return total(string(text))
}

// total reads "some avg10=0.00 avg60=0.00 avg300=0.00 total=123" in microseconds.
func total(text string) *time.Duration {
	line, _, _ := strings.Cut(text, "\n")
	_, value, found := strings.Cut(line, "total=")
	us, err := strconv.ParseInt(value, 10, 64)
	if !found || err != nil {
		return nil
	}
	return new(time.Duration(us) * time.Microsecond)
}

// throttled reads for how long a group of either version was held back.
func throttled(dir string) *time.Duration {
	text, err := os.ReadFile(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		return nil
	}
	units := map[string]time.Duration{"throttled_usec": time.Microsecond, "throttled_time": time.Nanosecond}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		if unit, known := units[name]; known && err == nil {
			return new(time.Duration(n) * unit)
		}
	}
	return nil
}

// readQuota is how many processors the control groups of this process leave it; 0 for no bound.
func readQuota() (processors float64) {
	for _, dir := range cpuGroups(procfs.DefaultMountPoint) {
		if q := quota(dir); q > 0 && (processors == 0 || q < processors) {
			processors = q
		}
	}
	return processors
}

// quota reads the bound of one group: "max 100000" or "15000 100000" of version 2, two files of version 1.
func quota(dir string) float64 {
	text, err := os.ReadFile(filepath.Join(dir, "cpu.max"))
	if err != nil {
		used, _ := os.ReadFile(filepath.Join(dir, "cpu.cfs_quota_us"))
		of, _ := os.ReadFile(filepath.Join(dir, "cpu.cfs_period_us"))
		text = append(append(used, ' '), of...)
	}
	fields := strings.Fields(string(text))
	if len(fields) != 2 {
		return 0
	}
	used, err := strconv.ParseFloat(fields[0], 64)
	of, errOf := strconv.ParseFloat(fields[1], 64)
	if err != nil || errOf != nil || used <= 0 || of <= 0 {
		return 0
	}
	return used / of
}

// cpuGroups are the directories that hold the files of this process's group for processors, the innermost first, then those
// of the groups around it, as far as they can be seen from here.
func cpuGroups(proc string) (dirs []string) {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return nil
	}
	self, err := fs.Self()
	if err != nil {
		return nil
	}
	groups, err := self.Cgroups()
	if err != nil {
		return nil
	}
	mounts, err := procfs.GetMounts()
	if err != nil {
		return nil
	}
	for _, group := range groups {
		for _, mount := range mounts {
			if holds(mount, group) {
				dirs = append(dirs, groupDirs(mount, group.Path)...)
			}
		}
	}
	return dirs
}

// holds reports whether a mount shows the groups of a hierarchy that may bound processors.
func holds(mount *procfs.MountInfo, group procfs.Cgroup) bool {
	if group.HierarchyID == 0 {
		return mount.FSType == "cgroup2"
	}
	_, of := mount.SuperOptions["cpu"]
	for _, controller := range group.Controllers {
		if controller == "cpu" {
			return of && mount.FSType == "cgroup"
		}
	}
	return false
}

// groupDirs are the directories from a group to the mount's root. In a container the path may be the host's, of which the
// mount shows but the end: the root of the mount is the container's group then.
func groupDirs(mount *procfs.MountInfo, path string) (dirs []string) {
	if inner, ok := strings.CutPrefix(path, mount.Root); ok && mount.Root != "/" {
		path = inner
	}
	for at := filepath.Join(mount.MountPoint, filepath.Join("/", path)); strings.HasPrefix(at, mount.MountPoint); at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			dirs = append(dirs, at)
		}
	}
	return dirs
}
