package compare

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func nan() float64 { return math.NaN() }

var formats = map[string]func(*Result, io.Writer) error{
	"txt": (*Result).WriteText, "md": (*Result).WriteMarkdown, "xml": (*Result).WriteJUnit, "json": (*Result).WriteJSON,
}

// goldenPair is a run and a slower one, with a name that means mischief.
func goldenPair() (base, fresh Side) {
	p, slower := usual(1200), usual(1200)
	slower.slower, slower.failureRate = 1.1, 0.02
	base, fresh = p.run(1), slower.run(2)
	base.Name, fresh.Name = "main", "feature|<b>`x`\n@all\x00"
	for i := range base.Requests {
		base.Requests[i].Stage, fresh.Requests[i].Stage = i/600, i/600
		base.Requests[i].NTPOT = nan()
		fresh.Requests[i].TPOT = nan()
	}
	return base, fresh
}

func TestGolden(t *testing.T) {
	t.Parallel()
	base, fresh := goldenPair()
	short := Side{Name: "short", Requests: base.Requests[:50], Seconds: 5}
	a, b := goldenGroups()
	for name, r := range map[string]*Result{
		"gates": mustCompare(t, base, fresh, Options{Resamples: 300},
			"p99(ttft)>+5%,mean(ttft)>+20%,failures>1%,mean(tpot)>1s,p99.9(ttft)>+1%"),
		"default": mustCompare(t, base, fresh, Options{Resamples: 300}),
		"short":   mustCompare(t, short, short, Options{Resamples: 300}),
		"empty":   mustCompare(t, short, Side{Name: "nothing"}, Options{Resamples: 300}),
		"groups":  mustCompare(t, a, b, Options{Resamples: 300, By: "label"}, "mean(ttft)>+5%"),
		"pairs":   goldenPairs(t),
	} {
		r.All = name != "default" && name != "groups"
		for ext, write := range formats {
			var buf bytes.Buffer
			if err := write(r, &buf); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+ext, buf.Bytes())
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from its golden file; -update writes it anew", path)
	}
}

func TestJUnitCountsItsCases(t *testing.T) {
	t.Parallel()
	base, fresh := goldenPair()
	for _, gates := range [][]string{nil, {"p99(ttft)>+5%,mean(tpot)>1s,p99.9(ttft)>+1%,failures>0"}} {
		var buf bytes.Buffer
		r := mustCompare(t, base, fresh, Options{Resamples: 200}, gates...)
		if err := r.WriteJUnit(&buf); err != nil {
			t.Fatal(err)
		}
		var got junitSuites
		var failures, skipped int
		if err := xml.Unmarshal(buf.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var read struct {
			Suites []struct {
				Cases []junitCase `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(buf.Bytes(), &read); err != nil {
			t.Fatal(err)
		}
		for _, c := range read.Suites[0].Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		if got.Tests != len(read.Suites[0].Cases) || got.Failures != failures || got.Skipped != skipped ||
			(failures > 0) == r.Passed {
			t.Errorf("gates %v: %d cases, %d failed, %d skipped; the counts say %d, %d, %d; passed %t", gates,
				len(read.Suites[0].Cases), failures, skipped, got.Tests, got.Failures, got.Skipped, r.Passed)
		}
	}
}

func TestJSONReadsBack(t *testing.T) {
	t.Parallel()
	base, fresh := goldenPair()
	want := mustCompare(t, base, fresh, Options{Resamples: 100})
	var buf bytes.Buffer
	if err := want.WriteJSON(&buf); err != nil {
		t.Fatal(err)
	}
	var got Result
	if err := json.Unmarshal(buf.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Metrics) != len(want.Metrics) || *got.metric("mean(ttft)").Change != *want.metric("mean(ttft)").Change ||
		got.metric("mean(tpot)").New != nil {
		t.Errorf("got %+v", got.metric("mean(ttft)"))
	}
}

var errFull = errors.New("disk full")

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

func TestWritersTellOfErrors(t *testing.T) {
	t.Parallel()
	r := mustCompare(t, Side{}, Side{}, Options{})
	for ext, write := range formats {
		if err := write(r, fullWriter{}); !errors.Is(err, errFull) {
			t.Errorf("%s: got %v", ext, err)
		}
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		m    Metric
		want string
	}{
		{Metric{Name: "p99(ttft)", Unit: Seconds, Base: new(0.512), New: new(0.561), Change: new(0.049),
			Relative: new(0.0957), RelativeInterval: &Interval{0.061, 0.13}},
			"p99(ttft) 512 ms → 561 ms (+9.6 % [+6.1, +13.0]) worse"},
		{Metric{Name: "failures", Unit: Share, Base: new(0.002), New: new(0.026), Change: new(0.024),
			Interval: &Interval{0.01, 0.04}},
			"failures 0.20 % → 2.60 % (+2.4 pp [+1.0, +4.0]) worse"},
		{Metric{Name: "mean(itl)", Unit: Seconds, Base: new(0.0), New: new(12.34), Change: new(12.34)},
			"mean(itl) 0 ms → 12.3 s (+12340.0 ms) worse"},
		{Metric{Name: "goodput", Unit: RequestsPerSec, Base: new(4.25)}, "goodput 4.25/s → - worse"},
	} {
		if got := tt.m.sentence(Worse); got != tt.want {
			t.Errorf("got %s\nwant %s", got, tt.want)
		}
	}
}

// Names of runs and reasons come from files: they are inert in each form that is read by people or CI.
func TestHostileNamesAreInert(t *testing.T) {
	t.Parallel()
	const hostile = "a\x1b[31m\u009b\u202e|<script>`@all\nverdict: better\r\ufffe"
	r := Result{
		Base: SideSummary{Name: hostile}, New: SideSummary{Name: hostile}, Reasons: []string{hostile},
		Notes: []string{hostile},
		Metrics: []Metric{{Name: hostile, Headline: true, judged: true, Base: new(1.0), New: new(1.0),
			Warnings: []string{hostile}}},
	}
	for form, write := range map[string]func(io.Writer) error{"text": r.WriteText, "markdown": r.WriteMarkdown,
		"junit": r.WriteJUnit, "json": r.WriteJSON} {
		var out strings.Builder
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if bad := regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x{80}-\x{9f}\x{202e}\x{fffe}]|\nverdict: better`).FindString(
			out.String()); bad != "" {
			t.Errorf("%s holds %q: %q", form, bad, out.String())
		}
		if form != "text" && form != "json" && strings.Contains(out.String(), "<script") {
			t.Errorf("%s holds an element: %s", form, out.String())
		}
		if !strings.Contains(out.String(), `1b[31m`) && !strings.Contains(out.String(), `x1b\[31m`) {
			t.Errorf("%s does not show the escape: %s", form, out.String())
		}
	}
}
