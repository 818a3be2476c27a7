package limits

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// group makes the directory of a control group with some files.
func group(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
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

func TestThrottled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stat string
		want *time.Duration
	}{
		{"nr_periods 0\nnr_throttled 0\nthrottled_time 7\n", new(7 * time.Nanosecond)},
		{"usage_usec 12\nnr_throttled 3\nthrottled_usec 7\n", new(7 * time.Microsecond)},
		{"usage_usec 12\n", nil},
		{"throttled_usec x\n", nil},
	} {
		if got := throttled(group(t, map[string]string{"cpu.stat": tt.stat})); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %v, want %v", tt.stat, got, tt.want)
		}
	}
	if got := throttled(t.TempDir()); got != nil {
		t.Errorf("without a file: got %v", *got)
	}
}

func TestPressureOfAGroupIsReadFirst(t *testing.T) {
	t.Parallel()
	dir := group(t, map[string]string{"cpu.pressure": "some avg10=0.00 avg60=0.58 avg300=7.64 total=43\nfull avg10=0.00 total=1\n"})
	if got := (&Scheduler{groups: []string{t.TempDir(), dir}}).stalled(); got == nil || *got != 43*time.Microsecond {
		t.Errorf("got %v, want 43 µs", got)
	}
	if got := total("nothing"); got != nil {
		t.Errorf("got %v of nonsense", *got)
	}
}

// A container sees but a part of the hierarchy, and may see a path that is the host's.
func TestGroupDirs(t *testing.T) {
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
		if got := groupDirs(&procfs.MountInfo{Root: tt.root, MountPoint: mount}, tt.path); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q of a mount of %q: got %q, want %q", tt.path, tt.root, got, tt.want)
		}
	}
}

// Threads that could have run have waited by the time that many of them have wanted to.
func TestSchedulerReadsThisProcess(t *testing.T) {
	t.Parallel()
	s := NewScheduler()
	if p := s.Read(); p.Waited == nil || *p.Waited <= 0 {
		t.Errorf("got %v of waiting, want some since the process began", p.Waited)
	}
}
