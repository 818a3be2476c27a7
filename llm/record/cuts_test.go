package record

import (
	"testing"
	"time"
)

func TestCutsAlike(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, tt := range []struct {
		name  string
		after []time.Duration
		want  string // "" for times that are not alike
	}{
		{"none", nil, ""},
		{"by a clock", []time.Duration{503 * ms, 501 * ms, 540 * ms}, "0.5 s"},
		{"a minute", []time.Duration{60_000 * ms, 60_002 * ms, 60_900 * ms, 60_001 * ms}, "60.0 s"},
		{"two alone", []time.Duration{503 * ms, 501 * ms}, ""},
		{"a server that died", []time.Duration{503 * ms, 901 * ms, 700 * ms}, ""},
		{"short answers", []time.Duration{40 * ms, 40 * ms, 41 * ms}, ""},
	} {
		var c Cuts
		for _, after := range tt.after {
			c.Add(0, after)
		}
		if got, alike := c.Alike(); got != tt.want || alike != (tt.want != "") {
			t.Errorf("%s: got %q, %t, want %q", tt.name, got, alike, tt.want)
		}
	}
	var c Cuts
	for i := range 3 { // a connection that stays open for up to a minute
		c.Add(500*ms, 500*ms+time.Duration(i)*time.Minute)
	}
	if got, _ := c.Alike(); got != "0.5 s" {
		t.Errorf("by the last chunk: got %q, want 0.5 s", got)
	}
}
