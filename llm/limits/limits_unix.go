//go:build unix

package limits

import (
	"math"
	"os"
	"syscall"
)

// Here reads this machine's limits. Go has raised the soft limit of files to the hard one when the process began.
func Here() Limits {
	var l Limits
	var files syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && uint64(files.Cur) < math.MaxInt64 { //nolint:unconvert // signed on some systems
		l.Files = int64(files.Cur) //nolint:gosec // bounded above
	}
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		l.Ports = portRange(string(text))
	}
	return l
}
