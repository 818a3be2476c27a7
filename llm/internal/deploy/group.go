package deploy

import (
	"context"
	"fmt"
	"time"
)

// markName is the name of the variable that marks the processes of a deployment, also those that leave its group.
const markName = "K6_LLM_DEPLOYMENT"

// group is the processes of a command: those of its session, and those that bear its mark.
type group struct {
	PID   int    `json:"pid"`   // of the command, and so of its session and its process group
	Start string `json:"start"` // when it began, in the system's words: no other process has both
	mark  string
	own   bool // a command of this process, so that its number cannot mean another
}

// Times of the end of processes.
const (
	killLimit = 10 * time.Second // for processes to go after SIGKILL
	lookEvery = 20 * time.Millisecond
	lookMost  = 250 * time.Millisecond
)

// gone waits until no process of the group lives, and reports whether that is so when ctx ends.
func (g *group) gone(ctx context.Context) bool {
	for pause := lookEvery; ; pause = min(2*pause, lookMost) {
		if len(g.members()) == 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return len(g.members()) == 0
		case <-time.After(pause):
		}
	}
}

// end waits until the group has ended, and kills what is left of it when ctx ends.
func (g *group) end(ctx context.Context) error {
	if g.gone(ctx) {
		return nil
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), killLimit)
	defer cancel()
	for within.Err() == nil {
		g.kill() // again, for what it forked meanwhile
		again, cancel := context.WithTimeout(within, lookMost)
		gone := g.gone(again)
		cancel()
		if gone {
			return nil
		}
	}
	return fmt.Errorf("processes %v have not ended %v after SIGKILL: see what they wait for", g.members(), killLimit)
}
