package input

import (
	"slices"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
)

// listed are sessions in memory.
type listed []workload.Session

func (l listed) Session(i int64) (*workload.Session, error) { return &l[i], nil }
func (l listed) Len() (int64, bool)                         { return int64(len(l)), true }

func (l listed) Starts() (starts []time.Duration) {
	for _, s := range l {
		starts = append(starts, s.Start)
	}
	return starts
}

func (l listed) Counts() workload.Counts {
	return workload.Counts{Sessions: 1, Calls: 20, Skipped: 1, Filtered: 3, Faults: []string{"a.json: no span"}}
}

var two = listed{{ID: "a", Timed: true}, {ID: "b", Timed: true, Start: 3 * time.Second}}

// Past its end a workload begins again, under ids that no earlier replay had.
func TestReplaysOfAWorkload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, prefix string
		i            int64
		id           string
		session      string
		pass         int64
	}{
		{workloadReplay, "", 0, "a", "a", 0},
		{workloadReplay, "", 3, "b_pass1", "b", 1},
		{otelReplay, "", 1, "trace1_b", "b", 0},
		{wekaReplay, "2-", 4, "2-wekatrace0_a_pass2", "a", 2},
		{agentic, "", 2, "a_pass1", "a", 1},
	} {
		s := &Sessions{Source: two, Player: new(replay.Player), kind: tt.kind, prefix: tt.prefix}
		turn, err := s.Turn(tt.i)
		if err != nil || turn.ID != tt.id || turn.Session.ID != tt.session || turn.Pass != tt.pass ||
			turn.Number != tt.i {
			t.Errorf("%s %d: got %+v, %v, want id %s", tt.kind, tt.i, turn, err, tt.id)
		}
	}
}

func TestStartsAtASpeed(t *testing.T) {
	t.Parallel()
	s := &Sessions{Source: two, Player: &replay.Player{Rules: replay.Rules{Speed: 4}}}
	if got := s.Starts(); !slices.Equal(got, []float64{0, 0.75}) {
		t.Errorf("starts %v", got)
	}
	if at, timed := s.Start(&two[1]); at != 750*time.Millisecond || !timed {
		t.Errorf("the second begins at %v, %t", at, timed)
	}
}

// The log says what was opened, and what was left out.
func TestOpenedSessions(t *testing.T) {
	t.Parallel()
	s := &Sessions{Source: two, Player: &replay.Player{Rules: replay.DefaultRules()}}
	const want = "data set x: 1 session, 20 calls, beginning within 3s, 3 filtered out, 1 invalid and skipped: " +
		"a.json: no span"
	if got := s.opened("x"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// VUs with equal options share a set of sessions; other rules are another set, whose ids differ.
func TestSessionsAreOpenedOnce(t *testing.T) {
	t.Parallel()
	log, hook := test.NewNullLogger()
	s := &Source{Shared: new(Shared), Log: log, Abs: func(path string) string { return path }}
	open := func(speed float64) *Set {
		t.Helper()
		o := DefaultDatasetOptions()
		o.Kind, o.Path, o.Session.Workload.Format, o.Session.Rules.Speed = workloadReplay, sampleName, "mooncake", speed
		set, err := s.OpenSet(&o)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	first, same, other := open(1), open(1), open(2)
	if first != same || first == other {
		t.Error("equal options must share a set, others must not")
	}
	if n := len(hook.AllEntries()); n != 4 { // that it is the sample, and what it has
		t.Errorf("%d lines in the log, want 2 for each set", n)
	}
	a, err := first.Sessions.Turn(0)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := other.Sessions.Turn(0); err != nil || b.ID != "2-"+a.ID {
		t.Errorf("got id %s beside %s, %v", b.ID, a.ID, err)
	}
}

// A number of sessions to reach that the trace has already does nothing, which the log says.
func TestDuplicatesOfALongerTrace(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		1: "duplicates: none of the trace's 2 sessions is repeated, because they are more than 1: entries keeps fewer",
		2: "", 3: "", 0: "",
	} {
		log, hook := test.NewNullLogger()
		s := &Source{Shared: new(Shared), Log: log, Files: fsext.NewMemMapFs(),
			Abs: func(path string) string { return path }}
		const rows = `{"timestamp":1,"input_length":5,"output_length":1}` + "\n"
		if err := fsext.WriteFile(s.Files, "/t.jsonl", []byte(rows+rows), 0o600); err != nil {
			t.Fatal(err)
		}
		o := DefaultDatasetOptions()
		o.Kind, o.Path, o.Session.Workload.Duplicates = workloadReplay, "/t.jsonl", n
		if _, err := s.OpenSet(&o); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range hook.AllEntries() {
			if e.Level == logrus.WarnLevel {
				got = e.Message
			}
		}
		if got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
