package status

import (
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	t.Parallel()
	usual := Status{
		Stage: 2, Stages: 3, Into: 12400 * time.Millisecond, Asked: 10, HasAsked: true, Sent: 9.94, InFlight: 34,
		TTFT50: 182 * time.Millisecond, TTFT99: 411 * time.Millisecond, HasTTFT: true, Tokens: 1240.4,
		Delay99: 412 * time.Microsecond, HasDelay: true,
	}
	for _, tt := range []struct {
		name   string
		width  int
		change func(s *Status)
		want   string
	}{
		{"usual", 80, func(*Status) {}, "llm  2/3 12s  9.9/10.0/s  34 open  TTFT 182/411 ms  1,240 tok/s  0 failed"},
		{"wide", 120, func(*Status) {},
			"llm  2/3 12s  9.9/10.0/s  34 open  TTFT 182/411 ms  1,240 tok/s  0 failed  schedule delay p99 0.4 ms"},
		{"no due instants", 120, func(s *Status) { s.HasDelay = false },
			"llm  2/3 12s  9.9/10.0/s  34 open  TTFT 182/411 ms  1,240 tok/s  0 failed"},
		{"hanging", 80, func(s *Status) { s.InFlight, s.HasTTFT, s.HasDelay, s.Tokens = 1200, false, false, 0 },
			"llm  2/3 12s  9.9/10.0/s  1,200 open  TTFT -      0 tok/s  0 failed"},
		{"failing", 80, func(s *Status) { s.Failed, s.NewlyFailed, s.Dropped = 112, 12, 7 },
			"llm 2/3 12s  9.9/10.0/s  34 open  TTFT 182/411 ms  112 failed (+12)  7 dropped"},
		{"failing, wide", 100, func(s *Status) { s.Failed, s.NewlyFailed, s.Dropped = 112, 12, 7 },
			"llm  2/3 12s  9.9/10.0/s  34 open  TTFT 182/411 ms  1,240 tok/s  112 failed (+12)  7 dropped"},
		{"large", 80, func(s *Status) {
			s.Asked, s.Sent, s.Tokens, s.TTFT50, s.TTFT99, s.Into = 1500, 999.96, 1234567, 9940*time.Microsecond,
				75*time.Second, 65*time.Minute
		}, "llm 2/3 1h5m0s  1,000/1,500/s  34 open  TTFT 9.9/75,000 ms  0 failed"},
		{"huge", 80, func(s *Status) {
			s.Stage, s.Stages, s.Into, s.Asked, s.Sent = 48, 60, 65*time.Minute, 20000, 20000
			s.InFlight, s.TTFT50, s.TTFT99 = 123456, 75*time.Second, 750*time.Second
			s.Failed, s.NewlyFailed, s.Dropped = 123456, 2345, 100
		}, "llm 48/60 1h5m0s  20,000/20,000/s  123,456 open  123,456 failed  100 dropped"},
		{"closed loop", 80, func(s *Status) { s.HasAsked, s.Concurrency = false, 48 },
			"llm  2/3 12s      9.9/s  34/48 open  TTFT 182/411 ms  1,240 tok/s  0 failed"},
		{"vectors", 80, func(s *Status) { s.HasInputs, s.Inputs, s.HasTTFT, s.Tokens = true, 1280.4, false, 0 },
			"llm  2/3 12s  9.9/10.0/s  34 open  1,280 inputs/s  0 failed"},
		{"vectors, narrow", 55, func(s *Status) { s.HasInputs, s.Inputs, s.HasTTFT, s.Tokens = true, 1280.4, false, 0 },
			"llm 2/3 12s  9.9/10.0/s  34 open  0 failed"},
		{"sessions", 160, func(s *Status) { s.HasSessions, s.Sessions = true, SessionCounts{12, 1, 40} },
			"llm  2/3 12s      9.9/s  34 open  TTFT 182/411 ms  1,240 tok/s  0 failed  " +
				"sessions 12 done, 1 failed, 40 in flight  schedule delay p99 0.4 ms"},
		{"sessions, narrow", 80, func(s *Status) { s.HasSessions, s.Sessions = true, SessionCounts{12, 1, 40} },
			"llm 2/3 12s  9.9/s  34 open  0 failed  sessions 12 done, 1 failed, 40 in flight"},
		{"setup", 80, func(s *Status) { *s = Status{InFlight: 1} },
			"llm  -      0.0/s   1 open  TTFT -      0 tok/s  0 failed"},
	} {
		s := usual
		tt.change(&s)
		if got := s.Line(tt.width); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		} else if len(got) >= tt.width {
			t.Errorf("%s: %d columns of %d: %s", tt.name, len(got), tt.width, got)
		}
	}
	if got := len(Legend); got >= narrow {
		t.Errorf("the legend has %d columns", got)
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1: "-1",
		-123: "-123", -1234: "-1,234"} {
		if got := Grouped(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestParseInterval(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 5 * time.Second, "off": 0, "10s": 10 * time.Second,
		"100ms": 100 * time.Millisecond, "1m30s": 90 * time.Second} {
		if got, err := ParseInterval(text); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"5": `must be off, or an interval such as 10s, got "5"`, "OFF": "must be off",
		"0s": `must be off, or at least 100ms, got "0s"`, "-5s": "at least 100ms", "\n": `got "\n"`,
	} {
		if got, err := ParseInterval(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %q", text, got, err, want)
		}
	}
}
