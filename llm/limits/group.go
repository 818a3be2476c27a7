package limits

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// hierarchy is a tree of control groups that counts memory, and the names of its files.
type hierarchy struct {
	mount, root string // where it is mounted, and which of its groups is there
	group       string // of this process
	limit, used string
	inactive    string // a line of memory.stat: pages of files that the kernel takes back before it kills
}

// groupMemory is the least that any control group above this process has left, and false where none has a limit. A group's
// use is that of all its processes; what it keeps of files is not counted.
func groupMemory(root fs.FS) (left int64, bound bool) {
	h, known := memoryHierarchy(root)
	if !known {
		return 0, false
	}
	inside, ok := strings.CutPrefix(h.group, strings.TrimSuffix(h.root, "/"))
	if !ok { // a container that sees its own group as the mount's root
		inside = ""
	}
	left = math.MaxInt64
	for group := path.Join("/", inside); ; group = path.Dir(group) {
		dir := strings.TrimPrefix(path.Join(h.mount, group), "/")
		limit, limited := number(root, path.Join(dir, h.limit))
		used, told := number(root, path.Join(dir, h.used))
		if limited && told && limit < math.MaxInt64/2 { // which stands for no limit in version 1
			left, bound = min(left, limit-used+stat(root, path.Join(dir, "memory.stat"), h.inactive)), true
		}
		if group == "/" {
			return left, bound
		}
	}
}

// memoryHierarchy finds the tree that has the memory controller: that of version 1 if there is one.
func memoryHierarchy(root fs.FS) (hierarchy, bool) {
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	mounts, _ := fs.ReadFile(root, "proc/self/mountinfo")
	var second *hierarchy
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			h := hierarchy{group: fields[2], limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", inactive: "total_inactive_file"}
			return h, h.find(string(mounts), "cgroup", "memory")
		case fields[0] == "0":
			second = &hierarchy{group: fields[2], limit: "memory.max", used: "memory.current", inactive: "inactive_file"}
		}
	}
	if second == nil || !second.find(string(mounts), "cgroup2", "") {
		return hierarchy{}, false
	}
	return *second, true
}

// find finds the mount of a kind of file system, and of a controller, in /proc/self/mountinfo: "36 35 98:0 /root /mount opts
// [optional …] - type source options".
func (h *hierarchy) find(mounts, kind, controller string) bool {
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		place, system := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(system) < 3 || system[0] != kind {
			continue
		}
		if controller == "" || slices.Contains(strings.Split(system[2], ","), controller) {
			h.root, h.mount = unescape(place[3]), unescape(place[4])
			return true
		}
	}
	return false
}

// unescape writes out the spaces of a path in /proc/self/mountinfo.
func unescape(path string) string { return strings.ReplaceAll(path, `\040`, " ") }

// number reads a file that holds a number; "max" is none.
func number(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil && n >= 0
}

// stat reads a line such as "inactive_file 4096", 0 if there is none.
func stat(root fs.FS, name, line string) int64 {
	text, _ := fs.ReadFile(root, name)
	for each := range strings.Lines(string(text)) {
		if fields := strings.Fields(each); len(fields) == 2 && fields[0] == line {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			return max(0, n)
		}
	}
	return 0
}
