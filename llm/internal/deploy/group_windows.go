package deploy

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// known lists the signals that may be named. This system knows none: each ends the processes.
var known = []string{"TERM", "INT", "QUIT", "HUP", "KILL", "USR1", "USR2"}

// signalOf returns a signal by its name, with or without SIG.
func signalOf(name string) (syscall.Signal, error) {
	if slices.Contains(known, strings.TrimPrefix(strings.ToUpper(name), "SIG")) {
		return syscall.SIGTERM, nil
	}
	return 0, fmt.Errorf("unknown signal %q: write a name such as TERM, INT or QUIT", name)
}

// started returns when a process began, "" if it does not run.
func started(pid int) string {
	const query, running = 0x1000, 259 // PROCESS_QUERY_LIMITED_INFORMATION, STILL_ACTIVE
	process, err := syscall.OpenProcess(query, false, uint32(pid))
	if err != nil {
		return ""
	}
	defer func() { _ = syscall.CloseHandle(process) }()
	var code uint32
	var begin, end, kernel, user syscall.Filetime
	if syscall.GetExitCodeProcess(process, &code) != nil || code != running ||
		syscall.GetProcessTimes(process, &begin, &end, &kernel, &user) != nil {
		return ""
	}
	return strconv.FormatInt(begin.Nanoseconds(), 10)
}

// members returns the command if it lives.
func (g *group) members() []int {
	if g.alive() {
		return []int{g.PID}
	}
	return nil
}

// strays returns processes that may be left of the group, and may be others: this system does not tell.
func (g *group) strays() []int { return nil }

// alive reports whether the command lives.
func (g *group) alive() bool { return g.Start != "" && started(g.PID) == g.Start }

// signal ends the command and its children: this system has no signals.
func (g *group) signal(syscall.Signal) { g.kill() }

// kill ends the command and its children.
func (g *group) kill() {
	if g.alive() {
		_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(g.PID)).Run() // fails if it has just ended
	}
}

// attributes gives a command a process group of its own, so that Ctrl-C of the console does not reach it.
func attributes(bool, syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
