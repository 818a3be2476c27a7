package command

import (
	"io"
	"os"
	"os/exec"
	"sync"
)

// leashEnv makes a load test end at once, without a report, when its standard input ends: the program that started it
// has been killed, and nobody wants the load any more.
const leashEnv = "K6_LLM_LEASH"

// leash ends a load test with the program that started it.
type leash struct {
	mu    sync.Mutex
	child *exec.Cmd // that sends the load
	work  string    // its folder of temporary files
}

// follow ends this process when its standard input ends, if leashEnv says so.
func (l *leash) follow() {
	if os.Getenv(leashEnv) == "" {
		return
	}
	go func() { // until the process ends
		_, _ = io.Copy(io.Discard, os.Stdin) // an error is an end, too
		l.mu.Lock()                          // for good: no child starts any more
		if l.child != nil && l.child.Process != nil {
			_ = l.child.Process.Kill() // fails if it has just ended
			_ = os.RemoveAll(l.work)
		}
		os.Exit(1)
	}()
}

// lead makes a child end with this process, which starts it.
func (l *leash) lead(child *exec.Cmd, work string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.child, l.work = child, work
}
