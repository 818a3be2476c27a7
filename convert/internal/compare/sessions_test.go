package compare

import (
	"slices"
	"testing"
)

// Sessions are compared by themselves: slower ones trip a gate on them, and leave those on requests alone.
func TestSessionsAreCompared(t *testing.T) {
	t.Parallel()
	gates, err := ParseGates("mean(session_duration)>+5%,mean(tfut)>+5%,mean(request_latency)>+5%",
		"session_failures>+5pp")
	if err != nil {
		t.Fatal(err)
	}
	slower, failing := usual(400), usual(400)
	slower.slower, failing.failureRate = 1.3, 0.3
	for _, tt := range []struct {
		name     string
		sessions Side
		tripped  map[string]bool
	}{
		{"alike", usual(400).run(3), nil},
		{"slower", slower.run(3), map[string]bool{"mean(session_duration)": true, "mean(tfut)": true}},
		{"failing", failing.run(3), map[string]bool{"session_failures": true}},
	} {
		base, fresh := usual(400).run(1), usual(400).run(1)
		base.Sessions, fresh.Sessions = usual(400).run(2).Requests, tt.sessions.Requests
		r, err := Compare(base, fresh, Options{Gates: gates})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range r.Gates {
			if tripped := g.Status == GateFailed; tripped != tt.tripped[g.Metric] {
				t.Errorf("%s: gate %s: %+v", tt.name, g.Expression, g)
			}
		}
		for _, m := range r.Metrics {
			if m.Name == "mean(session_duration)" && m.BaseSample.Requests != 400 {
				t.Errorf("%s: %d sessions, want 400", tt.name, m.BaseSample.Requests)
			}
		}
	}
}

// Of too few sessions it is said that they are sessions.
func TestTooFewSessions(t *testing.T) {
	t.Parallel()
	base, fresh := usual(400).run(1), usual(400).run(1)
	base.Sessions, fresh.Sessions = usual(15).run(2).Requests, usual(15).run(3).Requests
	r, err := Compare(base, fresh, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.Metrics {
		if m.Name == "mean(session_duration)" &&
			!slices.Contains(m.Warnings, "too few sessions: 15, where 30 are needed") {
			t.Errorf("got %q", m.Warnings)
		}
	}
}
