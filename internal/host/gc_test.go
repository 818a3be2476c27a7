package host

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// TestCalmCollector starts itself in other processes, each of which prints the settings of its collector.
func TestCalmCollector(t *testing.T) {
	t.Parallel()
	if os.Getenv("LIMITS_TEST_CALM") != "" {
		before := debug.SetMemoryLimit(-1)
		runtime.GC()
		CountCollections()
		if n, paused := Collections(); n != 0 || paused != 0 {
			fmt.Printf("no collection, counted as %d, %v; ", n, paused)
		}
		CalmCollector()
		runtime.GC()
		if n, paused := Collections(); n != 1 || paused <= 0 {
			fmt.Printf("one collection, counted as %d, %v; ", n, paused)
		}
		after := debug.SetMemoryLimit(-1)
		fmt.Printf("percent %d, limited %v, changed %v\n", debug.SetGCPercent(100), after < math.MaxInt64,
			before != after)
		return
	}
	here := runtime.GOOS == "linux" // elsewhere the memory is not known
	for _, tt := range []struct{ env, want string }{
		{"", fmt.Sprintf("percent 400, limited %v, changed %v\n", here, here)},
		{"GOMEMLIMIT=1GiB", "percent 400, limited true, changed false\n"},
		{"AUTOMEMLIMIT=off", "percent 400, limited false, changed false\n"},
		{"GOGC=50", "percent 50, limited false, changed false\n"},
		{strings.Join(CalmStart(), " "), fmt.Sprintf("percent 400, limited %v, changed %v\n", here, here)},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCalmCollector$")
		cmd.Env = append(strings.Fields(tt.env), "LIMITS_TEST_CALM=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), tt.want) {
			t.Errorf("with %q: got %q, %v, want %q", tt.env, out, err, tt.want)
		}
	}
}

func TestProcessMemoryIncludesUsedMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		testenv.Skip(t, "/proc", "run the tests on Linux")
	}
	left := Memory()
	own, err := processMemory()
	if err != nil || left <= 0 || own < uint64(left)/2 {
		t.Errorf("got %d bytes left, %d in total, %v", left, own, err)
	}
}
