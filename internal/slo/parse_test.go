package slo

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

const ms = time.Millisecond

func TestParse(t *testing.T) {
	t.Parallel()
	ttft := []Bound{{"ttft", 500 * ms, true}}
	for _, tt := range []struct {
		text string
		want []Objective
	}{
		{"", nil},
		{"p99(ttft)<500ms", []Objective{{Percentile, ttft, .99, false, "", "p99(ttft)<500ms"}}},
		{" p99.9( ttft ) <= 0.5s ", []Objective{{Percentile, []Bound{{"ttft", 500 * ms, false}}, .999, false, "",
			"p99.9(ttft)<=0.5s"}}},
		{"p95(latency)<2s", []Objective{{Percentile, []Bound{{"request_latency", 2 * time.Second, true}}, .95, false,
			"", "p95(latency)<2s"}}},
		{"failures<1%", []Objective{{Failures, nil, .01, true, "", "failures<1%"}}},
		{"failures<=0", []Objective{{Failures, nil, 0, false, "", "failures<=0"}}},
		{"failures<.005", []Objective{{Failures, nil, .005, true, "", "failures<.005"}}},
		{"goodput(ttft<500ms,tpot<=50ms)>=95%", []Objective{{Goodput,
			[]Bound{{"ttft", 500 * ms, true}, {"tpot", 50 * ms, false}}, .95, false, "",
			"goodput(ttft<500ms,tpot<=50ms)>=95%"}}},
		{"goodput(ttft=500ms)>0.5", []Objective{{Goodput, []Bound{{"ttft", 500 * ms, false}}, .5, true, "",
			"goodput(ttft=500ms)>0.5"}}},
		{"ttft=500ms,p50(ttft)<100ms,itl=9ms,p50(ttft)<100ms", []Objective{
			{Each, []Bound{{"ttft", 500 * ms, false}, {"itl", 9 * ms, false}}, .99, false, "", "ttft=500ms,itl=9ms"},
			{Percentile, []Bound{{"ttft", 100 * ms, true}}, .5, false, "", "p50(ttft)<100ms"}}},
		{"p99(time_to_first_audio)<300ms, p95(rtf) < 0.8", []Objective{
			{Percentile, []Bound{{"first_audio", 300 * ms, true}}, .99, false, "", "p99(time_to_first_audio)<300ms"},
			{Percentile, []Bound{{"rtf", 800 * ms, true}}, .95, false, "", "p95(rtf)<0.8"}}},
		{"goodput(ttfa<=300ms,real_time_factor<1)>=95%", []Objective{{Goodput,
			[]Bound{{"first_audio", 300 * ms, false}, {"rtf", time.Second, true}}, .95, false, "",
			"goodput(ttfa<=300ms,real_time_factor<1)>=95%"}}},
		{" failures<1% ; big chat : ttft=300ms,p50(itl)<9ms; a:b: ttft=2s ;big chat:itl=9ms", []Objective{
			{Failures, nil, .01, true, "", "failures<1%"},
			{Each, []Bound{{"ttft", 300 * ms, false}, {"itl", 9 * ms, false}}, .99, false, "big chat",
				"ttft=300ms,itl=9ms"},
			{Percentile, []Bound{{"itl", 9 * ms, true}}, .5, false, "big chat", "p50(itl)<9ms"},
			{Each, []Bound{{"ttft", 2 * time.Second, false}}, .99, false, "a:b", "ttft=2s"}}},
	} {
		got, err := Parse(tt.text)
		if err != nil || !slices.EqualFunc(got, tt.want, equal) {
			t.Errorf("%q: got %+v, %v, want %+v", tt.text, got, err, tt.want)
		}
	}
}

// equal compares two objectives up to the rounding of a percentage.
func equal(a, b Objective) bool {
	near := a.Share-b.Share < 1e-12 && b.Share-a.Share < 1e-12
	a.Share = b.Share
	return near && reflect.DeepEqual(a, b)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const (
		known = "ttft, tpot, ntpot, itl, request_latency, first_audio, rtf, latency"
		other = "; other objectives are failures<1% and goodput(ttft<500ms)>=95%"
	)
	for text, want := range map[string]string{
		"p99(ttf)<500ms": `"p99(ttf)<500ms": unknown latency "ttf": did you mean "ttft"? Known are ` + known,
		"p99(ttft)>500ms": `"p99(ttft)>500ms": an objective says what is to hold: write ` +
			`p99(ttft)<500ms`,
		"p99(ttft)=500ms":        `"p99(ttft)=500ms": write p99(ttft)<500ms`,
		"p99(ttft)<500":          `"p99(ttft)<500": 500 has no unit: write 500ms or 500s`,
		"p99(ttft)<fast":         `"p99(ttft)<fast": "fast" is no duration such as 500ms`,
		"p99(ttft)<":             `"p99(ttft)<": "" is no duration such as 500ms`,
		"p99(ttft)":              `"p99(ttft)": write p99(ttft)<500ms`,
		"p99(ttft)<0ms":          `"p99(ttft)<0ms": the bound on p99(ttft) must be positive, got 0s`,
		"p101(ttft)<1s":          `"p101(ttft)<1s": p101 is no percentile: write p0.1 to p100, as in p99(ttft)<500ms`,
		"p0(ttft)<1s":            `"p0(ttft)<1s": p0 is no percentile: write p0.1 to p100, as in p99(ttft)<500ms`,
		"mean(ttft)<1s":          `"mean(ttft)<1s": mean(ttft) says of no share of the requests what holds: write p50(ttft)<500ms`,
		"max(itl)<1s":            `"max(itl)<1s": max(itl) says of no share of the requests what holds: write p100(itl)<500ms`,
		"p(99)<1s":               `"p(99)<1s": p(99) says of no share of the requests what holds: write p99(99)<500ms`,
		"goodputt(ttft<1s)>=95%": `"goodputt(ttft<1s)>=95%": unknown objective "goodputt": did you mean goodput(ttft<500ms)>=95%?`,
		"speed(ttft)<1s":         `"speed(ttft)<1s": unknown objective "speed"; write ` + Forms,
		"goodput>=95%":           `"goodput>=95%": write goodput(ttft<500ms)>=95%, with the bounds that a request keeps`,
		"goodput(ttft<1s)<95%":   `"goodput(ttft<1s)<95%": an objective says what is to hold: write goodput(ttft<1s)>=95%`,
		"goodput(ttft>1s)>=95%":  `"goodput(ttft>1s)>=95%": write ttft<1s`,
		"p99(tfut)<5s": `"p99(tfut)<5s": an objective is about requests, and tfut is of sessions: llmconv compare has ` +
			`gates on it, and k6 thresholds on llm_session_duration and llm_session_failed`,
		"session_failures<1%": `"session_failures<1%": an objective is about requests, and session_failures is of ` +
			`sessions: llmconv compare has gates on it, and k6 thresholds on llm_session_duration and ` +
			`llm_session_failed` + other,
		"goodput()>=95%":         `"goodput()>=95%": unknown latency "", known are ` + known,
		"goodput(ttft<1s)>=95":   `"goodput(ttft<1s)>=95": the share of goodput(ttft<1s) has no unit: write 95%`,
		"goodput(ttft<1s)>=999%": `"goodput(ttft<1s)>=999%": the share of goodput(ttft<1s) must not be above 100%, got 999%`,
		"failures>1%":            `"failures>1%": an objective says what is to hold: write failures<1%`,
		"failures":               `"failures": write failures<1%`,
		"failures<1":             `"failures<1": the share of failures has no unit: write 1%`,
		"failures<few":           `"failures<few": "few" is no share of the requests such as 1%`,
		"failure<1%":             `"failure<1%": unknown objective "failure": did you mean failures<1%?`,
		"error_rate<1%":          `"error_rate<1%": unknown objective "error_rate": did you mean failures<1%?`,
		"ttft<500ms":             `"ttft<500ms": of how many requests? Write p99(ttft)<500ms, or ttft=500ms`,
		"ttft":                   `"ttft": write ttft=500ms`,
		"ttft=500":               `"ttft=500": 500 has no unit: write 500ms or 500s`,
		"ttft=1s,ttft=2s":        `"ttft=2s": ttft is given twice`,
		"ttfb=1s":                `"ttfb=1s": unknown latency "ttfb": did you mean "ttft"? Known are ` + known + other,
		"rate>10":                `"rate>10": unknown latency "rate", known are ` + known + other,
		"p99 ttft < 500ms":       `"p99ttft<500ms": a percentile has parentheses: write p99(ttft)<500ms`,
		"P99_ITL<50ms":           `"P99_ITL<50ms": a percentile has parentheses: write p99(itl)<50ms`,
		"ttft-p99.5=1s":          `"ttft-p99.5=1s": a percentile has parentheses: write p99.5(ttft)<1s`,
		"latency p50":            `"latencyp50": a percentile has parentheses: write p50(latency)<500ms`,
		"p99(rtf)<300ms":         `"p99(rtf)<300ms": "300ms" is no number such as 1: p99(rtf) is latency / seconds of sound`,
		"p99(rtf)<0":             `"p99(rtf)<0": the bound on p99(rtf) must be above 0 and at most 1e+06, got 0`,
		"rtf=1e7":                `"rtf=1e7": the bound on rtf must be above 0 and at most 1e+06, got 1e7`,
		"rtf=NaN":                `"rtf=NaN": "NaN" is no number such as 1: rtf is latency / seconds of sound`,
		"p99(rtf)":               `"p99(rtf)": write p99(rtf)<1`,
		"first_audio=1s,ttfa=2s": `"ttfa=2s": first_audio is given twice`,
		"nonsense":               `"nonsense": unknown latency "nonsense", known are ` + known + other,
		"ttft=1s,":               `"": an objective is missing beside a comma`,
		"p99(ttft<1s":            `"p99(ttft<1s": a parenthesis is not closed`,
		"p99(ttft))<1s":          `"p99(ttft))<1s": a parenthesis too many`,
		"p99(ttft)x<1s":          `"p99(ttft)x<1s": write p99(ttft)<500ms`,
	} {
		if list, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, %v, want %s", text, list, err, want)
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"5%": 0.05, "0.05": 0.05, ".2": 0.2, "100%": 1, "1": 1, "0": 0,
		"": -1, "%": -1, "20": -1, "101%": -1, "-5%": -1, "1e-2": -1, "5 %": -1, "few": -1,
	} {
		switch got, ok := Share(text); {
		case ok != (want >= 0), ok && got != want:
			t.Errorf("%q: got %v, %v, want %v", text, got, ok, want)
		}
	}
}

func TestParseShowsTheColumn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"p99(tft)<500ms":                     5,
		"failures<1%, p99( tft )<500ms":      19,
		"p99(ttft)<500ms, p99(ttft)>1s":      27,
		"p99(ttft) < fast":                   13,
		"p99(ttft) <":                        12,
		"p99(ttft)":                          10,
		"p101(ttft)<1s":                      1,
		"goodput(ttft<1s, tpot>1s)>=95%":     22,
		"goodput(ttft<1s, tpot<1)>=95%":      23,
		"goodput(ttft<1s, tbot<1s)>=95%":     18,
		"goodput(ttft<1s)<=95%":              17,
		"goodput(ttft<1s)>=95":               19,
		"failures<few":                       10,
		"  failures":                         11,
		"ttft=1s, ttft=2s":                   10,
		"ttft=1s,":                           9,
		"ttft=1s,,":                          9,
		"ttft <= 1s":                         6,
		"ttft = 0ms":                         8,
		"p99(ttft)<1s, p99(ttft<1s":          18,
		"p99(ttft)) < 1s":                    10,
		"errors<1%":                          1,
		"p99(ttft)<1ş, p99(ttft)<1s":         11,
		"p99(ş)<1s":                          5,
		"goodput(\nttft<1s,\n ş<1s)>=95%":    20,
		"p99(ttft)<1s,\tp99(ttft)<=1s x,x=1": 26,
		"ş: ttft=1s; chat: itl<":             22,
		"ttft=1s; chat:":                     9,
		"ttft=1s;":                           9,
	} {
		_, err := Parse(text)
		var fault *SyntaxError
		if !errors.As(err, &fault) || fault.Column != want {
			t.Errorf("%q: got %v at %+v, want it in column %d", text, err, fault, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	bounds := record.Bounds{TTFT: 500, TPOT: 20, NTPOT: 40, ITL: 0.5, Latency: 60_000, FirstAudio: 300, RTF: 0.8}
	o, any := Of(bounds)
	if want := "ttft=500ms,tpot=20ms,ntpot=40ms,itl=500µs,request_latency=1m0s," +
		"first_audio=300ms,rtf=0.8"; !any || o.String() != want {
		t.Errorf("got %s, want %s", o, want)
	}
	list, err := Parse(o.String())
	if err != nil || EachOf(list, "") != bounds || Join(list) != o.String() {
		t.Errorf("got %+v, %v, want the bounds again", list, err)
	}
	if _, any := Of(record.Bounds{}); any {
		t.Error("got an objective without a bound")
	}
}

// FuzzParse checks that what is read means something, and that its text means the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"p99(ttft)<500ms", "p99.9(latency)<=1m30s", "failures<1%", "failures<=.0",
		"goodput(ttft<500ms,tpot<50ms)>=95%", "ttft=500ms,itl=9ms", "p99(ttft)>1s", ",", "((", "p1e9(ttft)<1s",
		"failures<99999999%", "p99(ttft)<9999999h", "goodput(ttft<1s)>=NaN", "\x1b[2J\u202e(itl)<1s",
		"p99(ttft)<\n1s", "p99(rtf)<0.8,ttfa=1s", "rtf<1e999",
		"failures<1%;chat: ttft=1s; a:b:itl=1s; chat: failures<1%", ";", "chat:", ":ttft=1s", "\n:\nttft=1s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: the error has several lines: %v", text, err)
			}
			return
		}
		for _, o := range list {
			if !(o.Share >= 0 && o.Share <= 1) || (o.Kind == Failures) != (len(o.Bounds) == 0) {
				t.Errorf("%q: got %+v", text, o)
			}
			for _, b := range o.Bounds {
				if b.Limit <= 0 || record.KnownLatency(b.Latency) != nil {
					t.Errorf("%q: got %+v", text, b)
				}
			}
		}
		if again, err := Parse(Join(list)); err != nil || !reflect.DeepEqual(again, list) {
			t.Errorf("%q: %q means %+v, %v, want %+v", text, Join(list), again, err, list)
		}
	})
}

func TestLabelsOfObjectives(t *testing.T) {
	t.Parallel()
	list, err := Parse("ttft=1s,tpot=50ms; chat: ttft=300ms; rag: ttft=2s,failures<1%")
	if err != nil {
		t.Fatal(err)
	}
	if got := Labels(list); !slices.Equal(got, []string{"chat", "rag"}) {
		t.Errorf("got %q, want chat and rag", got)
	}
	for label, want := range map[string]record.Bounds{"": {TTFT: 1000, TPOT: 50}, "chat": {TTFT: 300, TPOT: 50},
		"rag": {TTFT: 1000, TPOT: 50}, "other": {TTFT: 1000, TPOT: 50}} {
		if got := EachOf(list, label); got != want {
			t.Errorf("%q: got %+v, want %+v", label, got, want)
		}
	}
	for text, want := range map[string]string{
		"chat:":             `what is to hold for "chat"? Write chat: ttft=500ms`,
		" : ttft=1s":        "a label is missing before the colon: write chat: ttft=500ms",
		"p99(ttft)<1s:chat": "a label stands first, as in chat: ttft=500ms",
		"ttft=1s;;itl=1s":   "an objective is missing beside a semicolon",
		"chat: ttft=1s,":    "an objective is missing beside a comma",
	} {
		if _, err := Parse(text); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	var flag Text
	if err := errors.Join(flag.Set("failures<1%"), flag.Set("chat: ttft=1s")); err != nil ||
		flag.String() != "failures<1%; chat: ttft=1s" {
		t.Errorf("got %s, %v", flag.String(), err)
	}
}
