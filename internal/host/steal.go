package host

import (
	"os"
	"strconv"
	"strings"
)

// Steal is the time of the processors so far, and how much of it the host of a virtual machine took, in the kernel's
// ticks.
type Steal struct{ all, taken float64 }

// ReadSteal reads Linux's /proc/stat; elsewhere nothing is known, which counts as none.
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

// Since is the share that the host took between two readings, 0 to 1: a kernel's count may step back.
func (s Steal) Since(before Steal) float64 {
	if s.all <= before.all {
		return 0
	}
	return max(0, min(1, (s.taken-before.taken)/(s.all-before.all)))
}
