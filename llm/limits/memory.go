package limits

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Memory is how much the system and the control group leave to this process, in bytes; 0 if neither tells. In a control group
// the process is taken to be alone.
func Memory() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	left := memInfo(string(text))
	group, err := memlimit.FromCgroup()
	if err != nil || group > math.MaxInt64 || left > 0 && int64(group) > left {
		return left
	}
	return int64(group)
}

// memInfo reads MemAvailable of /proc/meminfo, in bytes.
func memInfo(text string) int64 {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// WatchMemory looks at a running process ten times a second, and gives what ends that and tells the most memory the process
// held until then, in bytes; 0 where Linux's /proc is missing. What the kernel tells of a process that has ended counts its
// parent's memory, too, so it does not serve.
func WatchMemory(pid int) (stop func() int64) {
	quit, peak := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for most := int64(0); ; {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
				most = max(most, highWater(string(text)))
			}
			select {
			case <-tick.C:
			case <-quit:
				peak <- most
				return
			}
		}
	}()
	return func() int64 {
		close(quit)
		return <-peak
	}
}

// highWater reads "VmHWM:	   1234 kB" of a status.
func highWater(status string) int64 {
	_, rest, _ := strings.Cut(status, "\nVmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return 1024 * kilobytes
}
