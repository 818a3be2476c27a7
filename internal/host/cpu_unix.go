//go:build unix

package host

import (
	"syscall"
	"time"
)

// CPUTime is the processor time the process has used, its own and the system's for it.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
