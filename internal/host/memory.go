package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Memory is how much the system and the control groups leave to this process beside what it has, in bytes; 0 if
// neither tells.
func Memory() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	left := kilobytes(string(text), "MemAvailable")
	if group, bound := groupMemory("/proc"); bound && (left == 0 || group < left) {
		return max(1, group)
	}
	return left
}

// WatchMemory looks at a running process ten times a second, and gives what ends that and tells the most memory the
// process held until then, in bytes; 0 where Linux's /proc is missing. What the kernel tells of a process that has
// ended counts its parent's memory, too, so it does not serve.
func WatchMemory(pid int) (stop func() int64) {
	quit, peak := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for most := int64(0); ; {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
				most = max(most, kilobytes(string(text), "VmHWM"))
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

// kilobytes reads a line of a file in /proc, such as "VmHWM:	   1234 kB", in bytes; 0 if there is none.
func kilobytes(text, name string) int64 {
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
