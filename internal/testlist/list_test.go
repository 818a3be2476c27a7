package main

import (
	"slices"
	"strings"
	"testing"
)

const events = `{"Action":"build-output","ImportPath":"m/broken","Output":"broken.go:1:1: syntax error\n"}
{"Action":"fail","Package":"m/broken"}
{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"    a_test.go:3: chatter\n"}
{"Action":"output","Package":"m/a","Test":"TestGood/sub","Output":"    a_test.go:4: chatter\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood/sub"}
{"Action":"pass","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestBad","Output":"    a_test.go:9: got 1, want 2\n"}
{"Action":"output","Package":"m/a","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad"}
{"Action":"output","Package":"m/a","Test":"TestDrawn","Output":"    a_test.go:12: needs chromium: apt-get install chromium\n"}
{"Action":"output","Package":"m/a","Test":"TestDrawn","Output":"        exec: not found\n"}
{"Action":"skip","Package":"m/a","Test":"TestDrawn"}
{"Action":"output","Package":"m/a","Test":"TestDrawn2/sub","Output":"    a_test.go:12: needs chromium: apt-get install chromium\n"}
{"Action":"skip","Package":"m/a","Test":"TestDrawn2/sub"}
{"Action":"skip","Package":"m/a","Test":"TestSilent"}
{"Action":"output","Package":"m/a","Test":"TestPanics","Output":"panic: oh\n"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t0.1s\n"}
{"Action":"fail","Package":"m/a"}
plain text
{"Action":"output","Package":"m/b","Output":"PASS\n"}
{"Action":"output","Package":"m/b","Output":"ok  \tm/b\t0.1s\n"}
{"Action":"pass","Package":"m/b"}
`

const wanted = `broken.go:1:1: syntax error
    a_test.go:9: got 1, want 2
--- FAIL: TestBad (0.00s)
FAIL	m/a	0.1s
panic: oh
plain text
ok  	m/b	0.1s

1 tests passed, 3 failed, 3 skipped
  FAILED   the package (broken)
  FAILED   TestBad (a)
  FAILED   TestPanics (a)
  SKIPPED  needs chromium: apt-get install chromium
             TestDrawn (a)
             TestDrawn2/sub (a)
  SKIPPED  no reason given
             TestSilent (a)
`

func TestList(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := newList(&out, "m/")
	if err := l.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	l.print()
	if got := out.String(); got != wanted {
		t.Errorf("got:\n%s\nwant:\n%s", got, wanted)
	}
}

func TestVerboseListPrintsWhatTestsWrote(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := newList(&out, "m/")
	l.verbose = true
	if err := l.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"    a_test.go:3: chatter\n", "    a_test.go:4: chatter\n", "needs chromium"} {
		if strings.Count(out.String(), text) != 1+strings.Count(text, "needs") {
			t.Errorf("want the output of tests that pass or are skipped, got:\n%s", &out)
		}
	}
	if strings.Contains(out.String(), "=== RUN") {
		t.Errorf("want no progress, got:\n%s", &out)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	got := split([]string{"A=1", "-race", "./a", "--", "./b"})
	if len(got) != 2 || !slices.Equal(got[0], []string{"A=1", "-race", "./a"}) ||
		!slices.Equal(got[1], []string{"./b"}) {
		t.Errorf("got %q", got)
	}
}
