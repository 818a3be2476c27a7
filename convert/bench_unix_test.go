//go:build unix

package convert

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns the processor time that the process has used so far. On a shared machine it says more than the
// elapsed time.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
