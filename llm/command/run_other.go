//go:build !unix

package command

import "os/exec"

// separate does nothing, because this system has no process groups: a terminal sends its interrupts to the command,
// too.
func separate(*exec.Cmd) {}
