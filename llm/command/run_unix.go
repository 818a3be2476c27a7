//go:build unix

package command

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// apart keeps a terminal's interrupts from a command: it gets those alone that are handed on to it.
func apart(child *exec.Cmd) { child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// peakMemory is the most memory that a process which has ended held at a time, in bytes.
func peakMemory(ended *os.ProcessState) int64 {
	usage, ok := ended.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	peak := int64(usage.Maxrss) //nolint:unconvert // 32 bits on some systems
	if runtime.GOOS != "darwin" {
		peak *= 1024 // kilobytes elsewhere
	}
	return peak
}
