//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// apart keeps a terminal's interrupts from a command: it gets those alone that are handed on to it.
func apart(child *exec.Cmd) { child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
