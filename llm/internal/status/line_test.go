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
		Late99: 412 * time.Microsecond, HasLate: true,
	}
	for _, tt := range []struct {
		name   string
		change func(s *Status)
		want   string
	}{
		{"usual", func(*Status) {},
			"llm  stage 2/3 12s  asked 10.0/s sent  9.9/s  in flight  34  TTFT p50 182 p99  411 ms  out 1,240 tok/s " +
				" errors 0  late p99 0.4 ms"},
		{"hanging", func(s *Status) {
			s.InFlight, s.HasTTFT, s.HasLate, s.Tokens = 1200, false, false, 0
		}, "llm  stage 2/3 12s  asked 10.0/s sent  9.9/s  in flight 1,200  TTFT p50   - p99    - ms  out     0 " +
			"tok/s  errors 0  late p99 -"},
		{"failing", func(s *Status) {
			s.Failed, s.NewlyFailed, s.Dropped = 1012, 12, 7
		}, "llm  stage 2/3 12s  asked 10.0/s sent  9.9/s  in flight  34  TTFT p50 182 p99  411 ms  out 1,240 tok/s  " +
			"errors 1,012 (+12)  late p99 0.4 ms  dropped 7"},
		{"failed before", func(s *Status) { s.Failed = 3 },
			"llm  stage 2/3 12s  asked 10.0/s sent  9.9/s  in flight  34  TTFT p50 182 p99  411 ms  out 1,240 tok/s " +
				" errors 3  late p99 0.4 ms"},
		{"large", func(s *Status) {
			s.Asked, s.Sent, s.Tokens, s.TTFT50, s.TTFT99, s.Into = 1500, 999.96, 1234567, 9940*time.Microsecond,
				75*time.Second, 65*time.Minute
		}, "llm  stage 2/3 1h5m0s  asked 1,500/s sent 1,000/s  in flight  34  TTFT p50 9.9 p99 75,000 ms  out " +
			"1,234,567 tok/s  errors 0  late p99 0.4 ms"},
		{"closed loop", func(s *Status) { s.HasAsked, s.Concurrency = false, 8 },
			"llm  stage 2/3 12s  asked 8 at a time sent  9.9/s  in flight  34  TTFT p50 182 p99  411 ms  out 1,240 " +
				"tok/s  errors 0  late p99 0.4 ms"},
		{"setup", func(s *Status) { *s = Status{InFlight: 1} },
			"llm  stage -  asked      - sent  0.0/s  in flight   1  TTFT p50   - p99    - ms  out     0 tok/s  " +
				"errors 0  late p99 -"},
	} {
		s := usual
		tt.change(&s)
		if got := s.String(); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
	if got := len(usual.String()); got > 130 {
		t.Errorf("a usual line has %d columns", got)
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
