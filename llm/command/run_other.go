//go:build !unix

package command

import (
	"os"
	"os/exec"
)

// apart does nothing: where there are no process groups, the command gets a terminal's interrupts itself.
func apart(*exec.Cmd) {}

// peakMemory is not known here.
func peakMemory(*os.ProcessState) int64 { return 0 }
