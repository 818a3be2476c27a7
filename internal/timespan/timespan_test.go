package timespan

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func TestValue(t *testing.T) {
	t.Parallel()
	const long, none = "must not be longer than 1000000h", "is no duration such as 1.5s"
	for _, tt := range []struct {
		given any
		want  time.Duration
		fault string
	}{
		{int64(1500), 1500 * time.Millisecond, ""},
		{0.25, 250 * time.Microsecond, ""},
		{"1.5s", 1500 * time.Millisecond, ""},
		{"1500", 1500 * time.Millisecond, ""},
		{"1e3", time.Second, ""},
		{"-1h30m", -90 * time.Minute, ""},
		{"2d12h", 60 * time.Hour, ""},
		{"2d", 48 * time.Hour, ""},
		{"1000000h", Max, ""},
		{"0", 0, ""},
		{time.Minute, time.Minute, ""},
		{"1000000h1ns", 0, long},
		{"9999999h", 0, long},
		{"99999999999999999999h", 0, long},
		{"-9999999h", 0, long},
		{"41667d", 0, long},
		{"213504d", 0, long}, // k6 reads a negative number
		{"41666d999h", 0, long},
		{"99999999999999999999999d", 0, long},
		{int64(math.MaxInt64), 0, long},
		{int64(18446744074000), 0, long}, // once wrapped around to 0.29 s
		{1e300, 0, long},
		{"1e300", 0, long},
		{"1e999", 0, long},
		{math.Inf(1), 0, long},
		{math.Inf(-1), 0, long},
		{"Infinity", 0, long},
		{math.NaN(), 0, none},
		{"NaN", 0, none},
		{"1e300s", 0, none},
		{"1d2d", 0, none},
		{"d", 0, none},
		{"", 0, none},
		{"-", 0, none},
		{"soon", 0, none},
		{"1 s", 0, none},
		{nil, 0, none},
		{true, 0, none},
		{[]any{int64(1)}, 0, none},
	} {
		got, err := Value(tt.given)
		if got != tt.want || (err == nil) != (tt.fault == "") || err != nil &&
			!strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%v: got %v, %v, want %v, %q", tt.given, got, err, tt.want, tt.fault)
		}
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for x, fault := range map[float64]string{
		3.6e9: "", -3.6e9: "", 0: "",
		3.6e9 + 1:   "must not be longer than 1000000h, which is 114 years, got 3600000001s",
		99999999999: "got 99999999999s", 18446744074: "must not be longer", math.MaxFloat64: "must not be longer",
		math.Inf(-1): "got -Infs",
	} {
		got, err := Seconds(x)
		if want := x; fault == "" && (err != nil || got.Seconds() != want) {
			t.Errorf("%v: got %v, %v", x, got, err)
		}
		if fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("%v: got %v, %v, want %q", x, got, err, fault)
		}
	}
}

// FuzzValue checks that every result is within bounds, and that texts mean the same as to time.ParseDuration.
func FuzzValue(f *testing.F) {
	for _, text := range []string{`"1.5s"`, `1500`, `"2d12h"`, `"1e300"`, `"-9999999h"`, `null`, `"µs"`, `"1µs"`,
		`99999999999`, `"18446744074s"`, `-1`, `"9223372036854775808ns"`, `"\u0000\u202e1s"`, `[[1]]`, `1e308`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var given any
		if json.Unmarshal([]byte(text), &given) != nil {
			given = text
		}
		got, err := Value(given)
		if got > Max || got < -Max || err != nil && got != 0 {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
		s, isText := given.(string)
		if want, perr := time.ParseDuration(s); isText && perr == nil && s != "" && want <= Max && want >= -Max &&
			got != want && s != "+0" && s != "-0" {
			t.Errorf("%q: got %v, %v, want %v", s, got, err, want)
		}
	})
}
