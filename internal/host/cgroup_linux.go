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

// groups are the directories with the files of this process's control group for a controller, the innermost first, then
// those of the groups around it, as far as they can be seen from here. proc is where /proc is mounted.
func groups(proc, controller string) (dirs []string) {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return nil
	}
	self, err := fs.Self()
	if err != nil {
		return nil
	}
	of, err := self.Cgroups()
	if err != nil {
		return nil
	}
	mounts, err := fs.GetMounts()
	if err != nil {
		return nil
	}
	for _, group := range of {
		for _, mount := range mounts {
			if holds(mount, group, controller) {
				dirs = append(dirs, groupDirs(mount, group.Path)...)
			}
		}
	}
	return dirs
}

// holds reports whether a mount shows the groups of a hierarchy that may have the controller.
func holds(mount *procfs.MountInfo, group procfs.Cgroup, controller string) bool {
	if group.HierarchyID == 0 {
		return mount.FSType == "cgroup2"
	}
	_, shown := mount.SuperOptions[controller]
	return shown && mount.FSType == "cgroup" && slices.Contains(group.Controllers, controller)
}

// groupDirs are the directories from a group to the mount's root. In a container the path may be the host's, of which
// the mount shows but the end: the root of the mount is the container's group then.
func groupDirs(mount *procfs.MountInfo, path string) (dirs []string) {
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

// groupMemory is the least that any control group around this process has left, and false where none has a limit. A
// group's use is that of all its processes; what the kernel keeps of files, and takes back before it kills, does not
// count.
func groupMemory(proc string) (left int64, bound bool) {
	left = math.MaxInt64
	for _, dir := range groups(proc, "memory") {
		limit, limited := number(dir, "memory.max", "memory.limit_in_bytes")
		used, told := number(dir, "memory.current", "memory.usage_in_bytes")
		if !limited || !told || limit > math.MaxInt64/2 { // which stands for no limit in version 1
			continue
		}
		files, _ := statistic(dir, "memory.stat", "total_inactive_file", "inactive_file")
		left, bound = min(left, limit-used+files), true
	}
	return left, bound
}

// number reads a file of a group that holds a number, by its name in either version; "max" is none.
func number(dir string, names ...string) (n int64, found bool) {
	for _, name := range names {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return whole(strings.TrimSpace(string(text)))
		}
	}
	return 0, false
}

// statistic reads the line of the first of the names in a file of a group, such as "inactive_file 4096".
func statistic(dir, file string, names ...string) (n int64, found bool) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0, false
	}
	for _, name := range names {
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				return whole(strings.TrimSpace(value))
			}
		}
	}
	return 0, false
}

// whole reads a number that is not negative.
func whole(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0
}

// readQuota is how many processors the control groups of this process leave it; 0 for no bound.
func readQuota() (processors float64) {
	for _, dir := range groups(procfs.DefaultMountPoint, "cpu") {
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
	used, _ := whole(fields[0])
	of, _ := whole(fields[1])
	if used <= 0 || of <= 0 {
		return 0
	}
	return float64(used) / float64(of)
}
