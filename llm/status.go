package llm

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/js/common"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/internal/commandline"
	"github.com/seed-307b789f/xk6-llm/llm/internal/lifecycle"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// statusInterval reads how often a status line is wanted, from -e or the environment; 0 means never. k6 does not tell
// modules of --quiet, so the command line is looked at, as k6 does for --verbose.
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
	if commandline.Quiet(args) {
		return 0, nil
	}
	return every, nil
}

// statusLine is the board of the process, nil when no line is wanted.
type statusLine struct{ board *status.Board }

func (s *statusLine) sent(p position) {
	if s == nil {
		return
	}
	at := status.Position{Scenario: p.scenario, Started: p.started}
	if p.due != nil {
		at.HasStage, at.Stage, at.Due, at.Dropped = true, p.due.Stage, p.due.Due, p.due.Dropped
	}
	s.board.Sent(time.Now(), at)
}

func (s *statusLine) lost() {
	if s != nil {
		s.board.Lost()
	}
}

func (s *statusLine) done(r *record.Request, tokens int) {
	if s != nil {
		s.board.Done(r, tokens)
	}
}

// statusLine gives the board. The first request of the process, on whichever VU, makes it and begins the lines, so that
// nothing is left running where a script is only read.
func (m *ModuleInstance) statusLine(state *lib.State) *statusLine {
	m.root.status.once.Do(func() {
		m.root.prepare(state)
		if m.statusEvery == 0 || !lifecycle.Emits(m.vu.Events()) {
			return
		}
		share := 1.0
		if segment := state.Options.ExecutionSegment; segment != nil {
			share = segment.FloatLength()
		}
		m.root.status.line = &statusLine{status.New(time.Now(), m.root.scenarioPlan(state), share)}
		board, show := m.root.status.line.board, printer(state.Logger)
		lifecycle.UntilTestEnd(m.vu.Events(), func(stop <-chan struct{}) { board.Watch(stop, m.statusEvery, show) })
	})
	return m.root.status.line
}

// prepare does once what the machine is asked before a load: it keeps the collector out of the way, for k6's own
// executors do not, tells of limits that the VUs of the test, with a connection each, will exceed, and has room made
// for them.
func (r *RootModule) prepare(state *lib.State) {
	r.lifeCycle.prepare.Do(func() {
		if slices.ContainsFunc(r.scenarioPlan(state), func(s record.Scenario) bool {
			return s.Executor != record.ExecutorName
		}) {
			host.CalmCollector()
		}
		vus, err := samples.PlannedVUs(state.Options)
		if err != nil {
			return
		}
		host.Reserve(vus)
		for _, warning := range host.ReadLimits().Warnings(vus) {
			state.Logger.Warn(warning)
		}
	})
}

// printer gives what prints a line above k6's progress bars. Their lock is in the writer behind k6's log, which draws
// them again after each write. Logs that are not plain text, or go elsewhere, get the line as any other message.
func printer(log logrus.FieldLogger) func(line string) {
	logger, ok := log.(*logrus.Logger)
	if ok && logger.Out != io.Discard {
		if _, plain := logger.Formatter.(*logrus.TextFormatter); plain {
			return func(line string) { _, _ = io.WriteString(logger.Out, line+"\n") } // nowhere to report a failure
		}
	}
	return func(line string) { log.Info(line) }
}
