package e2e

import "testing"

// Agents run on a server whose model calls no tools: the recorded calls take the place of its answers. No call is sent
// before those that it waits for have ended, and the server finds in its cache what a session repeats.
func TestLlamaCPPRunsAgents(t *testing.T) {
	t.Parallel()
	s := newLlamaCPP(t, "fast")
	o := s.run(t, s.settings("agentic", "BAD_TOOL_CALLS=use_recorded", "SESSIONS=6", "CONCURRENCY=3", "FANOUT=0.3",
		"SYSTEM_LEN=60", "INPUT_LEN=100", "OUTPUT_LEN=16", "TOOLS=1", "TOOL_LOOP=1", "TURNS=1", "SPEED=50")...)
	ends := map[[2]int64]int64{}
	for _, q := range o.requests {
		ends[[2]int64{q.Index, int64(q.Call.Number)}] = q.End
	}
	cached := 0
	for _, q := range o.requests {
		if q.Failed() {
			t.Errorf("session %d, call %s: %s: %s", q.Index, q.Call.ID, q.ErrorType, q.Error)
		}
		for _, before := range q.Call.After {
			if end := ends[[2]int64{q.Index, int64(before)}]; end == 0 || q.Start < end {
				t.Errorf("session %d: call %s began at %d, call %d ended at %d",
					q.Index, q.Call.ID, q.Start, before, end)
			}
		}
		c := q.Counts()
		cached += max(0, c.ServerCached)
	}
	if len(o.requests) < 12 || cached == 0 {
		t.Errorf("got %d requests with %d tokens from the cache, want at least two of each session, and some",
			len(o.requests), cached)
	}
}
