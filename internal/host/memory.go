package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Memory returns how many bytes the system and the control groups leave to this process beside those it has; 0 if
// neither tells.
func Memory() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	left := memoryLine(string(text), "MemAvailable")
	if group, bound := cgroupMemory("/proc"); bound && (left == 0 || group < left) {
		return max(1, group)
	}
	return left
}

// WatchMemory looks at a running process ten times a second. stop ends that, and returns the most memory that the
// process held until then, in bytes; 0 where Linux's /proc is missing. The kernel's figure for a process that has ended
// is of no use here, because it includes the memory of its parent.
func WatchMemory(pid int) (stop func() int64) {
	quit, peak := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for most := int64(0); ; {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
				most = max(most, memoryLine(string(text), "VmHWM"))
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

// memoryLine returns the bytes in a named line of a file in /proc, such as "VmHWM: 1234 kB"; 0 if there is no such
// line.
func memoryLine(text, name string) int64 {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == name+":" && fields[2] == "kB" {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			if err == nil {
				return n << 10
			}
		}
	}
	return 0
}
