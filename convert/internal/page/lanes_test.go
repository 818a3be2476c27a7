package page

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func replay(t *testing.T) *convert.Report {
	t.Helper()
	return reportOn(t, runtest.Records(t, runtest.Replay()))
}

// Calls of a session that overlap stand in different rows, and a pause and a late start have their own instants.
func TestLanes(t *testing.T) {
	t.Parallel()
	p := replay(t)
	l := lanesOf(p)
	if len(l.Sessions) != len(convert.ReplayedSessions(p)) || l.Note != "" {
		t.Fatalf("got %d lanes and note %q", len(l.Sessions), l.Note)
	}
	for _, s := range l.Sessions {
		if s.Rows < 1 || s.To < s.From {
			t.Errorf("session %s: %d rows, from %v to %v", s.Name, s.Rows, s.From, s.To)
		}
		for i, c := range s.Calls {
			if c.Pause > c.Ready || c.Ready > c.Start || c.Start > c.End || c.First < c.Start || c.First > c.End {
				t.Errorf("session %s, call %s: its instants are out of order: %+v", s.Name, c.Name, c)
			}
			for _, other := range s.Calls[:i] {
				if other.Row == c.Row && other.End > c.Pause {
					t.Errorf("session %s: calls %s and %s overlap in row %d", s.Name, other.Name, c.Name, c.Row)
				}
			}
		}
	}
	var lines []string
	for _, c := range l.Sessions[0].Calls {
		lines = append(lines, fmt.Sprintf("%s row %d %s %.4g-%.4g sent %.4g-%.4g", c.Name, c.Row, c.Kind, c.Pause,
			c.Ready, c.Start, c.End))
	}
	want := "a0 row 0 wait 0-0 sent 0-1\na1 row 0 tool 1-1.5 sent 1.502-2\na2 row 1 think 1-2 sent 2-4\n" +
		"a3 row 0 wait 4-4.25 sent 4.26-5"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What was cut off has not failed, and says by what.
func TestCutLanes(t *testing.T) {
	t.Parallel()
	lines := runtest.Replay()
	for _, line := range lines {
		switch of := line.(type) {
		case *record.Session:
			if of.ID == "d" {
				of.ErrorType = record.ErrorAbandoned
			}
		case *record.Request:
			if of.SessionID == "d" {
				of.ErrorType = record.ErrorAbandoned
			}
		}
	}
	cut := map[string]string{"c": "by the end of the load", "d": "by its user, who left"}
	for _, s := range lanesOf(reportOn(t, runtest.Records(t, lines))).Sessions {
		if bad := s.Name == "b"; s.Cut != cut[s.Name] || (s.Error != "") != bad {
			t.Errorf("session %s: cut %q, error %q", s.Name, s.Cut, s.Error)
		}
		for _, c := range s.Calls {
			if s.Name == "d" && (c.Cut != cut["d"] || c.Error != "") {
				t.Errorf("call %s: cut %q, error %q", c.Name, c.Cut, c.Error)
			}
		}
	}
}

// Of many sessions the slowest, some that failed and others evenly spaced are shown, and no more calls than fit.
func TestLanesAreBounded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ sessions, calls, most int }{
		{10, 3, 10}, {1000, 3, maxLanes}, {1000, 500, 8}, {2, 9000, 1},
	} {
		var all []*run.Session
		for i := range test.sessions {
			s := &run.Session{Session: &record.Session{ID: fmt.Sprint(i), Start: int64(i), End: int64(i) + 10},
				Requests: make([]*run.Request, test.calls)}
			if s.End += int64(i % 7); i == test.sessions/2 {
				s.ErrorType = record.SessionRequestFailed
			}
			all = append(all, s)
		}
		chosen := choose(all)
		if len(chosen) != test.most {
			t.Errorf("%+v: got %d lanes", test, len(chosen))
		}
		failed := false
		for i, s := range chosen {
			failed = failed || s.ErrorType != ""
			if i > 0 && chosen[i-1].Start > s.Start {
				t.Errorf("%+v: lane %d is out of order", test, i)
			}
		}
		if test.most >= 10 && !failed {
			t.Errorf("%+v: no lane failed", test)
		}
	}
}

// A page of a report's directory shows the same sessions as the page of the report itself.
func TestSessionsOfADirectory(t *testing.T) {
	t.Parallel()
	p, dir := replay(t), filepath.Join(t.TempDir(), "rep")
	files := convert.Files{Summary: true, Stages: true, Sessions: true, SessionStages: true, Parquet: true}
	if _, err := p.Write(dir, files); err != nil {
		t.Fatal(err)
	}
	made, err := FromReport("rep", p)
	if err != nil {
		t.Fatal(err)
	}
	read, err := FromDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]*regexp.Regexp{
		"table": regexp.MustCompile(`(?s)<table id="sessions">.*?</table>`), "lanes": regexp.MustCompile(`"lanes":.*`),
	} {
		want, got := part.FindString(written(t, made)), part.FindString(written(t, read))
		if want == "" || got != want {
			t.Errorf("%s of the directory:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// Dragging zooms to a span, a name zooms to its session, and a bar tells of its call.
func TestBrowserDrawsLanes(t *testing.T) {
	t.Parallel()
	r, err := FromReport("replay", replay(t))
	if err != nil {
		t.Fatal(err)
	}
	const steps = `<script>addEventListener("load", () => {
		const canvas = document.querySelector("#lanes-0 canvas"), box = canvas.getBoundingClientRect();
		const at = (type, x, y) =>
			canvas.dispatchEvent(new MouseEvent(type, { clientX: box.left + x, clientY: box.top + y }));
		const calls = () => document.getElementById("lanes-0").dataset.calls, seen = [calls()];
		at("mousemove", box.width * 0.25, 27);
		document.body.dataset.told = document.querySelector("#lanes-0 .tip").innerText;
		at("click", 20, 27); seen.push(calls());
		at("dblclick", 300, 30); seen.push(calls());
		at("mousedown", 180, 30); at("mousemove", 200, 30); at("mouseup", 200, 30); seen.push(calls());
		document.body.dataset.seen = seen.join(" ");
	})</script></body>`
	page := strings.Replace(written(t, r), `http-equiv="Content-Security-Policy"`, "", 1) // it forbids the script above
	dom := drawn(t, strings.Replace(page, "</body>", steps, 1))
	body := bodyTag.FindString(dom)
	for _, want := range []string{`data-errors="0"`, `data-seen="8 6 8 1"`,
		"data-told=\"a\na1\nwaited 500 ms for a tool\nsent 2.0 ms late\nsent at 1.50 s\nfirst token after 50 ms\n" +
			"took 498 ms\""} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q: %s", want, body)
		}
	}
}
