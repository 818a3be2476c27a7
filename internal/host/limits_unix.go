//go:build unix

package host

import (
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ReadLimits reads the limits of this process and machine. Go raised the soft limit of files to the hard one when the
// process began.
func ReadLimits() Limits {
	var l Limits
	var files syscall.Rlimit
	// signed on some systems
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && uint64(files.Cur) < math.MaxInt64 {
		l.Files = int64(files.Cur) // bounded above
	}
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		l.Ports = portRange(string(text))
	}
	return l
}

// Reserve makes the process's table of open files large enough for a number of files. Otherwise the kernel doubles the
// table as files are opened, and each time stops every thread of the process, in the middle of a measurement. Reserve
// does nothing where it cannot.
func Reserve(files int64) {
	if most := ReadLimits().Files; most > 0 {
		files = min(files, most-1)
	}
	if files < 1 || files > math.MaxInt32 {
		return
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return
	}
	defer func() { _ = null.Close() }()
	if fd, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, int(files)); err == nil {
		_ = unix.Close(fd)
	}
}
