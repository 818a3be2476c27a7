//go:build unix && !linux

package deploy

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// started returns when a process began, "" if there is none.
func started(pid int) string {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// exists reports whether the process group has members.
func (g *group) exists() bool {
	if g.PID <= 0 {
		return false
	}
	err := syscall.Kill(-g.PID, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// members returns the command if processes of its group live. A group whose command has ended may be another's, unless
// this process started it.
func (g *group) members() []int {
	if g.exists() && (g.own || g.alive()) {
		return []int{g.PID}
	}
	return nil
}

// strays returns processes that may be left of the group, and may be others.
func (g *group) strays() []int {
	if g.exists() && g.members() == nil && started(g.PID) == "" { // else the number was free, and is another's
		return []int{g.PID}
	}
	return nil
}

// alive reports whether the command itself lives.
func (g *group) alive() bool { return g.Start != "" && started(g.PID) == g.Start }

// signal sends a signal to the group.
func (g *group) signal(s syscall.Signal) {
	if g.members() != nil {
		_ = syscall.Kill(-g.PID, s) // fails if all have just ended
	}
}

// attributes gives a command a session of its own. This system cannot end it with this process.
func attributes(bool, syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
