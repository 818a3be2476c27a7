package limits

import (
	"strings"
	"testing"
	"testing/fstest"
)

// machine is a file system of control groups.
func machine(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	return m
}

func TestGroupMemory(t *testing.T) {
	t.Parallel()
	const (
		v1 = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
		v2 = "41 31 0:38 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw"
	)
	for _, tt := range []struct {
		name  string
		files map[string]string
		left  int64
		bound bool
	}{
		{"no groups", nil, 0, false},
		{"version 1: the limit less what is used, but for pages of files", map[string]string{
			"proc/self/cgroup": "4:memory:/job\n0::/", "proc/self/mountinfo": v1 + "\n" + v2,
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1000", "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "700",
			"sys/fs/cgroup/memory/job/memory.stat":       "inactive_file 1\ntotal_inactive_file 200",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712", "sys/fs/cgroup/memory/memory.usage_in_bytes": "5000",
		}, 500, true},
		{"version 1 without a limit", map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/", "proc/self/mountinfo": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712", "sys/fs/cgroup/memory/memory.usage_in_bytes": "5000",
		}, 0, false},
		{"version 2: a group above has less left", map[string]string{
			"proc/self/cgroup": "0::/pod/job", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/pod/job/memory.max": "1000", "sys/fs/cgroup/pod/job/memory.current": "100",
			"sys/fs/cgroup/pod/memory.max": "2000", "sys/fs/cgroup/pod/memory.current": "1900", "sys/fs/cgroup/pod/memory.stat": "inactive_file 50",
		}, 150, true},
		{"version 2, max", map[string]string{
			"proc/self/cgroup": "0::/job", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/job/memory.max": "max", "sys/fs/cgroup/job/memory.current": "100",
		}, 0, false},
		{"a container whose mount shows its own group alone", map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc", "proc/self/mountinfo": strings.Replace(v1, "/ /sys", "/docker/abc /sys", 1),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000", "sys/fs/cgroup/memory/memory.usage_in_bytes": "1100",
		}, -100, true},
		{"a container whose path is not the mount's", map[string]string{
			"proc/self/cgroup": "4:memory:/", "proc/self/mountinfo": strings.Replace(v1, "/ /sys", "/docker/abc /sys", 1),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000", "sys/fs/cgroup/memory/memory.usage_in_bytes": "400",
		}, 600, true},
	} {
		left, bound := groupMemory(machine(tt.files))
		if bound != tt.bound || bound && left != tt.left {
			t.Errorf("%s: got %d, %t, want %d, %t", tt.name, left, bound, tt.left, tt.bound)
		}
	}
}

func TestVUsFitIntoMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		vus, left    int64
		warning, err string
	}{
		{1000, 0, "", ""}, // not known
		{400, 105e6, "", ""},
		{1000, 105e6, "", "1000 VUs take some 120 MB of memory before they send anything, and 105 MB are left: have fewer"},
		{1000, 190e6, "1000 VUs take some 160 MB of memory when each has a stream, and 190 MB are left: have fewer", ""},
		{1000, 210e6, "", ""},
		{200_000, 1.5e9, "", "200000 VUs take some 24000 MB"},
		{1, 1, "", "1 VUs take"},
	} {
		warning, err := fit(tt.vus, tt.left)
		if !strings.HasPrefix(warning, tt.warning) || (warning == "") != (tt.warning == "") {
			t.Errorf("%d VUs, %d bytes: got warning %q, want %q", tt.vus, tt.left, warning, tt.warning)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
			t.Errorf("%d VUs, %d bytes: got %v, want %q", tt.vus, tt.left, err, tt.err)
		}
	}
}
