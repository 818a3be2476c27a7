//go:build !unix

package command

import "os/exec"

// apart does nothing: where there are no process groups, the command gets a terminal's interrupts itself.
func apart(*exec.Cmd) {}
