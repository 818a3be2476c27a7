package record

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

func TestSLOHeaders(t *testing.T) {
	t.Parallel()
	own := Bounds{TTFT: 9, TPOT: 8, ITL: 7}
	for _, tt := range []struct {
		name    string
		h       SLOHeaders
		headers map[string]string
		want    Bounds
	}{
		{"none", SLOHeaders{}, map[string]string{"x-slo-class": "gold", "x-slo-deadline-at": "9", "x-other-ms": "a"},
			own},
		{"by default milliseconds", SLOHeaders{}, map[string]string{"X-SLO-TTFT-MS": " 500 ", "x-slo-tpot-ms": "1e1"},
			Bounds{TTFT: 500, TPOT: 10, ITL: 7}},
		{"seconds", SLOHeaders{Unit: "S"}, map[string]string{"x-slo-ttft-s": "0.5"},
			Bounds{TTFT: 500, TPOT: 8, ITL: 7}},
		{"microseconds", SLOHeaders{Unit: "us"}, map[string]string{"x-slo-tpot-us": "20000"},
			Bounds{TTFT: 9, TPOT: 20, ITL: 7}},
		{"names of their own", SLOHeaders{TTFT: "A", TPOT: "b"},
			map[string]string{"a": "1", "B": "2", "x-slo-ttft-ms": "x"}, Bounds{TTFT: 1, TPOT: 2, ITL: 7}},
		{"one name for both", SLOHeaders{TTFT: "a", TPOT: "a"}, map[string]string{"a": "3"},
			Bounds{TTFT: 3, TPOT: 3, ITL: 7}},
		{"the server's default", SLOHeaders{}, map[string]string{"x-slo-ttft-ms": "default"}, own},
	} {
		if got, err := tt.h.Bounds(tt.headers, own); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestSLOHeadersRefuse(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "secret", "0", "-1", "NaN", "+Inf", "1 2"} {
		_, err := SLOHeaders{}.Bounds(map[string]string{"X-Slo-Ttft-Ms": value}, Bounds{})
		if want := `the value of header "X-Slo-Ttft-Ms" must be a positive number of ms, or "default"`; err == nil ||
			err.Error() != want {
			t.Errorf("%q: got %v, want %s", value, err, want)
		}
	}
	if _, err := (SLOHeaders{Unit: "min"}).Bounds(nil, Bounds{}); err == nil ||
		!strings.Contains(err.Error(), `unknown unit "min", known are s, ms, us`) {
		t.Errorf("got %v", err)
	}
	for name, want := range map[string]string{
		"X-SLO-TTFT-s": `header "X-SLO-TTFT-s" is not read: bounds are in ms, of the headers ` +
			`x-slo-ttft-ms and x-slo-tpot-ms`,
		"x-slo-tpot-us": `header "x-slo-tpot-us" is not read: bounds are in ms, of the headers ` +
			`x-slo-ttft-ms and x-slo-tpot-ms`,
		"x-slo-itl-ms": `header "x-slo-itl-ms": no bound is read from it, known are x-slo-ttft-ms ` +
			`and x-slo-tpot-ms`,
		"x-slo-time-to-first-token-sec": "",
		"x-slo-time-to-first-token-ms": `header "x-slo-time-to-first-token-ms": no bound is read from it, known ` +
			`are x-slo-ttft-ms and x-slo-tpot-ms`,
	} {
		_, err := SLOHeaders{}.Bounds(map[string]string{name: "1"}, Bounds{})
		if got := fmt.Sprint(err); got != cmp.Or(want, "<nil>") {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Whatever headers a request has, the bounds are positive numbers that a record can hold, and no error contains the
// value.
func FuzzSLOHeaders(f *testing.F) {
	for _, value := range []string{"500", "1e308", "5e-324", "0x1p-2", "1_000", "default", "NaN", "-1",
		"9223372036854775807", "sk-0123456789", "\x1b[2J\u202e", strings.Repeat("9", 400)} {
		f.Add("X-SLO-TTFT-ms", value, "ms")
		f.Add("x-slo-tpot-s", value, "S")
		f.Add("x-slo-"+value+"-us", value, "us")
	}
	f.Fuzz(func(t *testing.T, name, value, unit string) {
		own := Bounds{TTFT: 1, TPOT: 2, ITL: 3}
		got, err := SLOHeaders{Unit: unit}.Bounds(map[string]string{name: value}, own)
		if err != nil {
			if len(value) > 8 && strings.Contains(err.Error(), value) && !strings.Contains(name+unit, value) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %q in %q: got %q", name, value, unit, err)
			}
			return
		}
		if !(got.TTFT > 0 && got.TPOT > 0) || got.ITL != own.ITL || max(got.TTFT, got.TPOT) > 1e300 {
			t.Errorf("%q: %q in %q: got %+v", name, value, unit, got)
		}
	})
}
