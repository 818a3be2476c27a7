package host

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limits      Limits
		connections int64
		want        []string
	}{
		{Limits{1024, 28232}, 924, nil},
		{Limits{1024, 28232}, 925, []string{"925 requests at once", "1024 files only", "ulimit -n 1025"}},
		{Limits{1 << 20, 28232}, 28233, []string{"28233 requests at once", "28232 local ports", "ip_local_port_range"}},
		{Limits{}, 1e9, nil},
	} {
		got := strings.Join(tt.limits.Warnings(tt.connections), "\n")
		if (got == "") != (tt.want == nil) {
			t.Errorf("%+v, %d connections: got %q, want %q", tt.limits, tt.connections, got, tt.want)
		}
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%+v, %d connections: %q is not in %q", tt.limits, tt.connections, want, got)
			}
		}
	}
	if both := (Limits{1024, 28232}).Warnings(30000); len(both) != 2 {
		t.Errorf("both limits are exceeded: %q", both)
	}
}

func TestPortRange(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"32768\t60999\n": 28232, "1024 65535": 64512, "5 5": 1, "": 0, "x y": 0,
		"9 5": 0, "1 70000": 0, "-1 5": 0} {
		if got := portRange(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	if l := ReadLimits(); runtime.GOOS == "linux" && (l.Files < 16 || l.Ports < 1) {
		t.Errorf("got %+v", l)
	}
}

func TestSteal(t *testing.T) {
	t.Parallel()
	a, b := parseSteal("cpu  100 0 50 800 10 0 5 35 0 0"), parseSteal("cpu  150 0 80 950 10 0 5 65 0 0")
	if got, want := b.Since(a), 30.0/260; math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, line := range []string{"", "cpu", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8"} {
		if got := parseSteal(line); got != (Steal{}) {
			t.Errorf("%q: got %+v", line, got)
		}
	}
	// counts that stepped back
	for back, want := range map[Steal]float64{{all: 2000, taken: 10}: 0, {all: 1010, taken: 100}: 1} {
		if got := back.Since(a); got != want {
			t.Errorf("%v since %v: got %v, want %v", back, a, got, want)
		}
	}
	if got := (Steal{}).Since(Steal{}); got != 0 {
		t.Errorf("without readings: got %v, want 0", got)
	}
}

func TestHighWater(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"Name:\tk6\nVmPeak:\t 99 kB\nVmHWM:\t   1234 kB\nVmRSS:\t 1000 kB\n": 1234 * 1024, "": 0, "\nVmHWM:\n": 0,
		"\nVmHWM: x kB\n": 0,
	} {
		if got := memoryLine(text, "VmHWM"); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	if got := WatchMemory(os.Getpid())(); runtime.GOOS == "linux" && got < 1<<20 {
		t.Errorf("this process holds %d bytes", got)
	}
}

func TestReserve(t *testing.T) {
	size := func() (n int) {
		text, err := os.ReadFile("/proc/self/status")
		if err != nil {
			testenv.Skip(t, "/proc", "run the tests on Linux", err)
		}
		_, rest, _ := strings.Cut(string(text), "\nFDSize:")
		_, _ = fmt.Sscan(rest, &n)
		return n
	}
	size()
	if ReadLimits().Files < 3000 {
		testenv.Skip(t, "3000 open files", "ulimit -n 4096")
	}
	Reserve(2500)
	if got := size(); got < 2500 {
		t.Errorf("the table holds %d files, want 2500", got)
	}
	Reserve(-1)
	Reserve(1 << 40) // no more than may be opened, and no harm
}

func TestMemInfo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"MemTotal: 8 kB\nMemAvailable:    5 kB\n": 5 << 10, "": 0,
		"MemAvailable: x kB\n": 0, "MemAvailable: 5\n": 0} {
		if got := memoryLine(text, "MemAvailable"); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}
