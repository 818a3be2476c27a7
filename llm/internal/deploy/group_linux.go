package deploy

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// stat is what /proc says of a process.
type stat struct {
	pid, group, session int
	dead                bool   // it waits for its parent alone
	start               string // with the boot of the system, since which the rest counts
}

// readStat reads /proc of a process, and reports whether there is one.
func readStat(pid int) (s stat, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, false
	}
	const group, session, start = 2, 3, 19 // after the name, which may hold anything
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= start {
		return stat{}, false
	}
	s = stat{pid: pid, dead: fields[0] == "Z" || fields[0] == "X", start: bootID() + ":" + fields[start]}
	if s.group, err = strconv.Atoi(fields[group]); err != nil {
		return stat{}, false
	}
	s.session, err = strconv.Atoi(fields[session])
	return s, err == nil
}

func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// started returns when a process began, "" if there is none.
func started(pid int) string {
	s, _ := readStat(pid)
	return s.start
}

// marked reports whether a process has a mark in its environment.
func marked(pid int, mark string) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && mark != "" && slices.Contains(strings.Split(string(text), "\x00"), markName+"="+mark)
}

// look returns the processes that certainly belong to the group, and those of a session with its number that may
// belong to another since.
func (g *group) look() (sure, unsure []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, nil
	}
	certain, others := g.own, false
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s, ok := readStat(pid)
		inside := ok && g.PID > 0 && (s.group == g.PID || s.session == g.PID)
		bears := ok && marked(pid, g.mark)
		certain = certain || bears && inside || pid == g.PID && ok && s.start == g.Start
		others = others || pid == g.PID && ok && s.start != g.Start // which has got a number that was free
		switch {
		case s.dead:
		case bears:
			sure = append(sure, pid)
		case inside:
			unsure = append(unsure, pid)
		}
	}
	switch {
	case certain:
		return append(sure, unsure...), nil
	case others:
		return sure, nil
	}
	return sure, unsure
}

// members returns the processes of the group that live.
func (g *group) members() []int {
	sure, _ := g.look()
	return sure
}

// strays returns processes that may be left of the group, and may be others.
func (g *group) strays() []int {
	_, unsure := g.look()
	return unsure
}

// alive reports whether the command itself lives, as far as is known.
func (g *group) alive() bool {
	s, ok := readStat(g.PID)
	return ok && !s.dead && s.start == g.Start
}

// signal sends a signal to each process once.
func (g *group) signal(s syscall.Signal) {
	members := g.members()
	inGroup := func(pid int) bool { s, ok := readStat(pid); return ok && g.PID > 0 && s.group == g.PID }
	if slices.ContainsFunc(members, inGroup) {
		_ = syscall.Kill(-g.PID, s) // fails if all have just ended
	}
	for _, pid := range members {
		if !inGroup(pid) {
			_ = syscall.Kill(pid, s) // likewise
		}
	}
}

// attributes gives a command a session of its own. A command that is not to outlive this process gets a signal when
// the thread that started it ends.
func attributes(detached bool, s syscall.Signal) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true}
	if !detached {
		a.Pdeathsig = s
	}
	return a
}
