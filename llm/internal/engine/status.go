package engine

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/js/common"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/commandline"
	"github.com/seed-307b789f/xk6-llm/llm/internal/lifecycle"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// statusInterval reads the interval between status lines from -e or the environment; 0 means no status lines. An
// interval that is set counts more than --quiet. k6 does not pass --quiet to modules, so statusInterval searches the
// command line for it, as k6 does for --verbose.
func statusInterval(env *common.InitEnvironment, args []string) (time.Duration, error) {
	text, given := env.RuntimeOptions.Env[record.StatusEnv]
	if !given && env.LookupEnv != nil {
		if value, set := env.LookupEnv(record.StatusEnv); set {
			text = value
		}
	}
	every, err := status.ParseInterval(text)
	if err != nil {
		return 0, fmt.Errorf("%s %w", record.StatusEnv, err)
	}
	if text == "" && commandline.Quiet(args) {
		return 0, nil
	}
	return every, nil
}

// sent counts a request on the board.
func sent(board *status.Board, p *Position) status.Ticket {
	at := status.Position{Scenario: p.scenario, Started: p.started}
	if p.due != nil {
		at.HasStage, at.Stage, at.Due, at.Dropped = true, p.due.Stage, p.due.Due, p.due.Dropped
		at.Probe = p.due.Probe
	}
	return board.Sent(time.Now(), at)
}

// board returns the board of the process. The first request makes it and starts the lines, so that nothing runs where a
// script is only read.
func (v *VU) board(state *lib.State) *status.Board {
	v.process.status.once.Do(func() {
		v.process.prepare(state)
		share := 1.0
		if segment := state.Options.ExecutionSegment; segment != nil {
			share = segment.FloatLength()
		}
		board := status.New(time.Now(), v.process.scenarioPlan(state), share)
		v.process.status.board.Store(board)
		if v.statusEvery == 0 || !lifecycle.Emits(v.k6.Events()) {
			return
		}
		show := printer(state.Logger)
		width := func() int { return plain.Columns(os.Stderr) }
		lifecycle.UntilTestEnd(v.k6.Events(), func(stop <-chan struct{}) {
			board.Watch(stop, v.statusEvery, width, show)
		})
	})
	return v.process.status.board.Load()
}

// prepare prepares the machine for the load, once. It keeps the garbage collector out of the way, because k6's own
// executors do not. It reserves file descriptors for the VUs, and warns of limits that they will exceed with a
// connection each.
func (p *Process) prepare(state *lib.State) {
	p.lifeCycle.prepare.Do(func() {
		if slices.ContainsFunc(p.scenarioPlan(state), func(s record.Scenario) bool {
			return s.Executor != record.ExecutorName
		}) {
			host.CalmCollector()
		}
		vus, streams, err := samples.Planned(state.Options)
		if err != nil {
			return
		}
		host.Reserve(vus + streams)
		for _, warning := range host.ReadLimits().Warnings(vus + streams) {
			state.Logger.Warn(warning)
		}
	})
}

// printer returns a function that prints a line above k6's progress bars. The lock of the bars is in the writer behind
// k6's log, which draws them again after each write. A log that is not plain text, or goes elsewhere, gets the line
// like any other message.
func printer(log logrus.FieldLogger) func(line string) {
	logger, ok := log.(*logrus.Logger)
	if ok && logger.Out != io.Discard {
		if _, plain := logger.Formatter.(*logrus.TextFormatter); plain {
			return func(line string) { _, _ = io.WriteString(logger.Out, line+"\n") } // nowhere to report a failure
		}
	}
	return func(line string) { log.Info(line) }
}
