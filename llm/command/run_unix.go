//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// separate puts a command into a process group of its own, so that it gets only forwarded interrupts, not the
// terminal's.
func separate(child *exec.Cmd) { child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
