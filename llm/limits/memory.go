package limits

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

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
