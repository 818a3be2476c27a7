package host

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs"
)

// machine writes files below a directory, whose path replaces ROOT in them. Its proc/self leads to process 1.
func machine(t *testing.T, files map[string]string) (proc string) {
	t.Helper()
	root := t.TempDir()
	proc = filepath.Join(root, "proc")
	put := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	put(os.MkdirAll(filepath.Join(proc, "1"), 0o750))
	put(os.Symlink("1", filepath.Join(proc, "self")))
	for name, text := range files {
		path := filepath.Join(root, name)
		put(os.MkdirAll(filepath.Dir(path), 0o750))
		put(os.WriteFile(path, []byte(strings.ReplaceAll(text, "ROOT", root)+"\n"), 0o600))
	}
	return proc
}

func TestCgroupMemory(t *testing.T) {
	t.Parallel()
	const (
		v1 = "35 31 0:32 / ROOT/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
		v2 = "41 31 0:38 / ROOT/sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw"
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
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1000",
			"sys/fs/cgroup/memory/job/memory.usage_in_bytes": "700",
			"sys/fs/cgroup/memory/job/memory.stat":           "inactive_file 1\ntotal_inactive_file 200",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712",
			"sys/fs/cgroup/memory/memory.usage_in_bytes":     "5000",
		}, 500, true},
		{"version 1 without a limit", map[string]string{
			"proc/self/cgroup": "4:cpu,memory:/", "proc/self/mountinfo": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
			"sys/fs/cgroup/memory/memory.usage_in_bytes": "5000",
		}, 0, false},
		{"version 2: a group above has less left", map[string]string{
			"proc/self/cgroup": "0::/pod/job", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/pod/job/memory.max": "1000", "sys/fs/cgroup/pod/job/memory.current": "100",
			"sys/fs/cgroup/pod/memory.max": "2000", "sys/fs/cgroup/pod/memory.current": "1900",
			"sys/fs/cgroup/pod/memory.stat": "inactive_file 50",
		}, 150, true},
		{"version 2: the innermost group has least left", map[string]string{
			"proc/self/cgroup": "0::/pod/job", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/pod/job/memory.max": "1000", "sys/fs/cgroup/pod/job/memory.current": "900",
			"sys/fs/cgroup/pod/memory.max": "2000", "sys/fs/cgroup/pod/memory.current": "1000",
		}, 100, true},
		{"version 2, max", map[string]string{
			"proc/self/cgroup": "0::/job", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/job/memory.max": "max", "sys/fs/cgroup/job/memory.current": "100",
		}, 0, false},
		{"a container whose mount shows its own group alone", map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc", "proc/self/mountinfo": strings.Replace(v1, "/ ROOT",
				"/docker/abc ROOT", 1),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000", "sys/fs/cgroup/memory/memory.usage_in_bytes": "1100",
		}, -100, true},
		{"a container whose path is not the mount's", map[string]string{
			"proc/self/cgroup": "4:memory:/", "proc/self/mountinfo": strings.Replace(v1, "/ ROOT", "/docker/abc ROOT",
				1),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000", "sys/fs/cgroup/memory/memory.usage_in_bytes": "400",
		}, 600, true},
	} {
		left, bound := cgroupMemory(machine(t, tt.files))
		if bound != tt.bound || bound && left != tt.left {
			t.Errorf("%s: got %d, %t, want %d, %t", tt.name, left, bound, tt.left, tt.bound)
		}
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		files map[string]string
		want  float64
	}{
		{nil, 0},
		{map[string]string{"cpu.max": "max 100000\n"}, 0},
		{map[string]string{"cpu.max": "150000 100000\n"}, 1.5},
		{map[string]string{"cpu.max": "nonsense\n"}, 0},
		{map[string]string{"cpu.max": "1 0\n"}, 0},
		{map[string]string{"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, 0},
		{map[string]string{"cpu.cfs_quota_us": "15000\n", "cpu.cfs_period_us": "100000\n"}, 0.15},
	} {
		if got := quota(group(t, tt.files)); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.files, got, tt.want)
		}
	}
}

// A container sees only a part of the hierarchy, and its path may be the host's.
func TestCgroupDirs(t *testing.T) {
	t.Parallel()
	mount := t.TempDir()
	inner := filepath.Join(mount, "a", "b")
	if err := os.MkdirAll(inner, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		root, path string
		want       []string
	}{
		{"/", "/a/b", []string{inner, filepath.Dir(inner), mount}},
		{"/", "/", []string{mount}},
		{"/docker/1", "/docker/1", []string{mount}},
		{"/docker/1", "/docker/1/a", []string{filepath.Dir(inner), mount}},
		{"/", "/docker/1", []string{mount}},
		{"/", "/../../x", []string{mount}},
	} {
		if got := cgroupDirs(&procfs.MountInfo{Root: tt.root, MountPoint: mount}, tt.path); !reflect.DeepEqual(got,
			tt.want) {
			t.Errorf("%q of a mount of %q: got %q, want %q", tt.path, tt.root, got, tt.want)
		}
	}
}
