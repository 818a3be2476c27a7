package host

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
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
		if got := readThrottled(group(t, map[string]string{"cpu.stat": tt.stat})); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: got %v, want %v", tt.stat, got, tt.want)
		}
	}
	if got := readThrottled(t.TempDir()); got != nil {
		t.Errorf("without a file: got %v", *got)
	}
}

func TestPressureOfAGroupIsReadFirst(t *testing.T) {
	t.Parallel()
	dir := group(t, map[string]string{"cpu.pressure": "some avg10=0.00 avg60=0.58 avg300=7.64 total=43\nfull " +
		"avg10=0.00 total=1\n"})
	if got := (&Scheduler{groups: []string{t.TempDir(), dir}}).stalled(); got == nil || *got != 43*time.Microsecond {
		t.Errorf("got %v, want 43 µs", got)
	}
	if got := parseTotal("nothing"); got != nil {
		t.Errorf("got %v for nonsense, want nil", *got)
	}
}

// A process that has run several threads has waited for a processor.
func TestSchedulerReadsThisProcess(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		testenv.Skip(t, "a kernel with CONFIG_SCHED_INFO", "boot one that has /proc/self/schedstat", err)
	}
	s := NewScheduler()
	if p := s.Read(); p.Waited == nil || *p.Waited <= 0 {
		t.Errorf("got %v of waiting, want some since the process began", p.Waited)
	}
}
