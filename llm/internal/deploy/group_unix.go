//go:build unix

package deploy

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalOf returns a signal by its name, with or without SIG.
func signalOf(name string) (syscall.Signal, error) {
	upper := strings.ToUpper(name)
	if s := unix.SignalNum("SIG" + strings.TrimPrefix(upper, "SIG")); s != 0 {
		return s, nil
	}
	return 0, fmt.Errorf("unknown signal %q: write a name such as TERM, INT or QUIT", name)
}

// kill ends the group at once.
func (g *group) kill() { g.signal(syscall.SIGKILL) }
