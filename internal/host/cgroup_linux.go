package host

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// cgroups returns the directories of this process's control group for a controller, the innermost first, then those of
// the groups around it, as far as this process can see them. proc is the path of /proc.
func cgroups(proc, controller string) (dirs []string) {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return nil
	}
	self, err := fs.Self()
	if err != nil {
		return nil
	}
	own, err := self.Cgroups()
	if err != nil {
		return nil
	}
	mounts, err := fs.GetMounts()
	if err != nil {
		return nil
	}
	for _, group := range own {
		for _, mount := range mounts {
			if showsController(mount, group, controller) {
				dirs = append(dirs, cgroupDirs(mount, group.Path)...)
			}
		}
	}
	return dirs
}

// showsController reports whether a mount shows the groups of a hierarchy that may have the controller.
func showsController(mount *procfs.MountInfo, group procfs.Cgroup, controller string) bool {
	if group.HierarchyID == 0 {
		return mount.FSType == "cgroup2"
	}
	_, shown := mount.SuperOptions[controller]
	return shown && mount.FSType == "cgroup" && slices.Contains(group.Controllers, controller)
}

// cgroupDirs returns the directories from a group up to the mount's root. In a container the path may be the host's, of
// which the mount shows only the end: then the root of the mount is the container's group.
func cgroupDirs(mount *procfs.MountInfo, path string) (dirs []string) {
	if inner, ok := strings.CutPrefix(path, mount.Root); ok && mount.Root != "/" {
		path = inner
	}
	for at := filepath.Join(mount.MountPoint, filepath.Join("/", path)); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			dirs = append(dirs, at)
		}
		if len(at) <= len(mount.MountPoint) {
			return dirs
		}
	}
}

// cgroupMemory returns the smallest number of bytes that any control group around this process has left; bound is false
// where no group has a limit. A group's use is the sum over its processes, without the pages of files that the kernel
// gives up before it kills a process.
func cgroupMemory(proc string) (left int64, bound bool) {
	left = math.MaxInt64
	for _, dir := range cgroups(proc, "memory") {
		limit, limited := readNumber(dir, "memory.max", "memory.limit_in_bytes")
		used, told := readNumber(dir, "memory.current", "memory.usage_in_bytes")
		if !limited || !told || limit > math.MaxInt64/2 { // version 1 writes such a number for no limit
			continue
		}
		files, _ := readStatistic(dir, "memory.stat", "total_inactive_file", "inactive_file")
		left, bound = min(left, limit-used+files), true
	}
	return left, bound
}

// readNumber reads a file of a group that holds a number. names are its names in either version; "max" is no number.
func readNumber(dir string, names ...string) (n int64, found bool) {
	for _, name := range names {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return parseNatural(strings.TrimSpace(string(text)))
		}
	}
	return 0, false
}

// readStatistic reads the line of the first of the names in a file of a group, such as "inactive_file 4096".
func readStatistic(dir, file string, names ...string) (n int64, found bool) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0, false
	}
	for _, name := range names {
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				return parseNatural(strings.TrimSpace(value))
			}
		}
	}
	return 0, false
}

// parseNatural parses a number that is not negative.
func parseNatural(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0
}

// cgroupQuota returns how many processors the control groups of this process leave it; 0 means no bound.
func cgroupQuota() (processors float64) {
	for _, dir := range cgroups(procfs.DefaultMountPoint, "cpu") {
		if q := quota(dir); q > 0 && (processors == 0 || q < processors) {
			processors = q
		}
	}
	return processors
}

// quota returns the bound of one group. Version 2 has one file, such as "max 100000" or "15000 100000", version 1 two.
func quota(dir string) float64 {
	text, err := os.ReadFile(filepath.Join(dir, "cpu.max"))
	if err != nil {
		used, _ := os.ReadFile(filepath.Join(dir, "cpu.cfs_quota_us"))
		period, _ := os.ReadFile(filepath.Join(dir, "cpu.cfs_period_us"))
		text = append(append(used, ' '), period...)
	}
	fields := strings.Fields(string(text))
	if len(fields) != 2 {
		return 0
	}
	used, _ := parseNatural(fields[0])
	period, _ := parseNatural(fields[1])
	if used <= 0 || period <= 0 {
		return 0
	}
	return float64(used) / float64(period)
}
