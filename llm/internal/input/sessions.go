package input

import (
	"fmt"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
)

// Sessions is a data set of whole sessions, with the rules of their replay. It may be used concurrently.
type Sessions struct {
	workload.Source
	Player *replay.Player

	kind   string
	prefix string // of ids, which tells the sessions of several sets apart
}

// Turn returns replay number i of the workload: past its last session it begins again.
func (s *Sessions) Turn(i int64) (replay.Turn, error) {
	t := replay.Turn{Number: i}
	number := i
	if n, finite := s.Len(); finite {
		t.Pass, number = i/n, i%n
	}
	var err error
	if t.Session, err = s.Session(number); err != nil {
		return t, err
	}
	t.ID = s.prefix + sessionID(s.kind, number, t.Session.ID)
	if t.Pass > 0 {
		t.ID += "_pass" + strconv.FormatInt(t.Pass, 10)
	}
	return t, nil
}

// sessionID returns the id of a session's replay. Of inference-perf's types it is inference-perf's.
func sessionID(kind string, number int64, id string) string {
	switch kind {
	case otelReplay:
		return fmt.Sprintf("trace%d_%s", number, id)
	case wekaReplay:
		return fmt.Sprintf("wekatrace%d_%s", number, id)
	}
	return id
}

// Start returns when a session begins after the first one, at the speed of the replay, and false if its trace does not
// tell.
func (s *Sessions) Start(of *workload.Session) (time.Duration, bool) {
	return s.atSpeed(of.Start), of.Timed
}

// Starts returns when the sessions begin, in seconds after the first one, at the speed of the replay; nil if the trace
// does not tell.
func (s *Sessions) Starts() []float64 {
	clocked, ok := s.Source.(workload.Clocked)
	if !ok || clocked.Starts() == nil {
		return nil
	}
	starts := clocked.Starts()
	seconds := make([]float64, len(starts))
	for i, at := range starts {
		seconds[i] = s.atSpeed(at).Seconds()
	}
	return seconds
}

func (s *Sessions) atSpeed(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Player.Rules.Speed)
}
