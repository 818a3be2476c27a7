package e2e

import (
	"encoding/json"
	"runtime"
	"testing"
)

// The self-test measures this machine. The test does not require that it trusts the machine, because those of other
// packages run meanwhile.
func TestSelfTestMeasuresThisMachine(t *testing.T) {
	r := k6(t, "x", "llm", "selftest", "--levels", "4x50", "--length", "1s", "--json")
	if r.code != 0 && r.code != 1 {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	type spread struct {
		P50 float64 `json:"p50_ms"`
		P99 float64 `json:"p99_ms"`
		Max float64 `json:"max_ms"`
	}
	var got struct {
		Schema string
		CPUs   int
		Levels []struct {
			Streams, Sent, Failed, Unknown, Tokens int
			First                                  spread `json:"first_token"`
			Gaps, End                              spread
			Lateness                               float64 `json:"lateness_p99_ms"`
			CPU                                    float64 `json:"cpu_share"`
			Memory                                 int64   `json:"peak_memory_bytes"`
			Trusted                                bool
		}
		UpTo []struct{ Streams int } `json:"trusted_up_to"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || len(got.Levels) != 1 {
		t.Fatalf("%v of\n%s", err, r.stdout)
	}
	// Four streams of ten seconds each begin within eleven seconds: a few arrivals, each of 500 tokens.
	l := got.Levels[0]
	if l.Streams != 4 || l.Sent < 3 || l.Failed != 0 || l.Unknown != 0 || l.Tokens != 500*l.Sent {
		t.Errorf("%+v", l)
	}
	for name, s := range map[string]spread{"first token": l.First, "gaps": l.Gaps, "end": l.End} {
		if s.P50 <= 0 || s.P99 < s.P50 || s.Max < s.P99 || s.Max > 2000 {
			t.Errorf("%s: %+v ms", name, s)
		}
	}
	if l.Lateness <= 0 || l.CPU <= 0 || runtime.GOOS == "linux" && l.Memory < 10<<20 || got.CPUs != runtime.NumCPU() {
		t.Errorf("%+v on %d processors", l, got.CPUs)
	}
	if l.Trusted != (len(got.UpTo) == 1) || l.Trusted != (r.code == 0) {
		t.Errorf("trusted %t, up to %v, exit code %d", l.Trusted, got.UpTo, r.code)
	}
}
