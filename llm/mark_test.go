package llm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What a script says has happened is a line of the records.
func TestMark(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	if _, err := v.RunOnEventLoop(`mark('early')`); err == nil ||
		!strings.Contains(err.Error(), "mark can be called in setup") {
		t.Errorf("in the init context: got %v", err)
	}
	v.start(t)
	begun := time.Now()
	if got := v.run(t, `mark('pod killed')`); got.String() != "undefined" {
		t.Errorf("got %v", got)
	}
	_, lines := v.records()
	if len(lines) != 1 {
		t.Fatalf("got %d lines, want 1", len(lines))
	}
	got, isMark := lines[0].(*record.Mark)
	if !isMark || got.Text != "pod killed" || got.Source != record.MarkScript ||
		got.Time < begun.UnixNano() || got.Time > time.Now().UnixNano() {
		t.Errorf("got %+v", lines[0])
	}
	for code, want := range map[string]string{
		`mark()`:   "mark takes a text that says what happened, got undefined",
		`mark(7)`:  "mark takes a text that says what happened, got 7",
		`mark('')`: "mark takes a text that says what happened",
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", code, err, want)
		}
	}
}

// A script that marks every request is told so.
func TestMarksOfAScriptAreBounded(t *testing.T) {
	t.Parallel()
	const most = 1000
	v := newVU(t, New())
	v.start(t)
	for i := range most {
		v.run(t, fmt.Sprintf(`mark('m%d')`, i))
		v.records()
	}
	_, err := v.RunOnEventLoop(`mark('more')`)
	if err == nil || !strings.Contains(err.Error(), "mark was called more than 1000 times") {
		t.Errorf("got %v", err)
	}
}
