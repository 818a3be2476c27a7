package host

import (
	"os"
	"strconv"
	"strings"
)

// Steal holds the time of the processors since the system began, and how much of it the host of a virtual machine took,
// in the kernel's ticks.
type Steal struct{ all, taken float64 }

// ReadSteal reads Linux's /proc/stat. Elsewhere it returns the zero value, which counts as no steal.
func ReadSteal() Steal {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Steal{}
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return parseSteal(line)
}

// parseSteal reads "cpu user nice system idle iowait irq softirq steal guest guest_nice".
func parseSteal(line string) (s Steal) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return Steal{}
	}
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return Steal{}
		}
		s.all += ticks
		if i == 7 {
			s.taken = ticks
		}
	}
	return s
}

// Since returns the share that the host took between two readings. It is kept within 0 and 1, because a kernel's count
// may step back.
func (s Steal) Since(before Steal) float64 {
	if s.all <= before.all {
		return 0
	}
	return max(0, min(1, (s.taken-before.taken)/(s.all-before.all)))
}
