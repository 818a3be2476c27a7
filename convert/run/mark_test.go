package run

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// markedRun returns a run from 23:59:00 to 00:01:00 of a zone that is an hour ahead of UTC, and the reader of its
// marks.
func markedRun(t testing.TB) (*Run, *MarkReader) {
	t.Helper()
	zone := time.FixedZone("", 3600)
	start := time.Date(2026, 3, 9, 23, 59, 0, 0, zone)
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: start.UnixNano()}}
	for i := range int64(120) {
		at := start.UnixNano() + i*1e9
		lines = append(lines, &record.Request{ID: fmt.Sprint(i), Index: i, Start: at, End: at + 1e9,
			Chunks: []int64{5}})
	}
	r, err := FromLines(Options{}, Instance{Name: "i", Lines: lines})
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMarkReader(r, zone)
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

func TestMarksByHand(t *testing.T) {
	t.Parallel()
	r, m := markedRun(t)
	for text, want := range map[string]float64{
		"+42s pod killed":                       42,
		" +1m30s  pod\n killed ":                90,
		"23:59:30 pod killed":                   30,
		"00:00:15 pod killed":                   75, // the next day
		"00:00 pod killed":                      60,
		"22:59:30Z pod killed":                  30,
		"23:59:30.25 pod killed":                30.25,
		"2026-03-09T23:00:30Z pod killed":       90,
		"2026-03-10T00:00:30+01:00 pod killed":  90,
		"23:58:59.5 pod killed":                 -0.5, // in whole seconds the run may begin before it does
		"2026-03-09T18:00:30-05:00 pod killed ": 90,
	} {
		got, err := m.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if at := r.Seconds(got.At - FirstStart(r)); at != want || got.Text != "pod killed" ||
			got.Source != record.MarkGiven {
			t.Errorf("%q: got %v s, %+v, want %v s", text, at, got, want)
		}
	}
}

func TestMarksThatAreRefused(t *testing.T) {
	t.Parallel()
	_, m := markedRun(t)
	for text, want := range map[string]string{
		"":                             "when and what",
		"12:01:30":                     "when and what",
		"pod killed":                   `"pod" is no time`,
		"+42 pod killed":               `"+42" is no time after the start`,
		"+-4s pod killed":              `"+-4s" is no time after the start`,
		"25:00:00 pod killed":          "is no time",
		"12:01:30 pod killed":          "from 2026-03-09 23:59:00 to 2026-03-10 00:01:00 (2026-03-09 22:59:00 to ",
		"+122s pod killed":             "it lasted 120 s",
		"9999-01-01T00:00:00Z too far": "outside of the run",
		"0001-01-01T00:00:00Z too far": "outside of the run",
		"+2562047h far":                "outside of the run",
	} {
		if got, err := m.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v, want an error with %q", text, got, err, want)
		}
	}
}

func TestMarksOfFiles(t *testing.T) {
	t.Parallel()
	r, m := markedRun(t)
	start := FirstStart(r)
	lines := fmt.Sprintf("\n{\"time\":%d,\"text\":\"in s\"}\n{\"time\":%d,\"text\":\"in "+
		"ms\"}\r\n{\"time\":%d,\"text\":\"in µs\"}\n"+
		"{\"time\":%d,\"text\":\"in ns\"}\n{\"time\":\"2026-03-09T23:00:30Z\",\"text\":\"by name\",\"more\":1}\n"+
		"{\"time\":%d,\"text\":\"much "+
		"earlier\"}", start/1e9+10, start/1e6+20_000, start/1e3+30e6, start+40e9, start/1e9-3600)
	array := fmt.Sprintf(` [{"id":1,"time":%d,"timeEnd":0,"tags":["deploy","v2"],"text":""},{"time":%d,"text":"%s"}]`,
		start/1e6, start/1e6+1500, strings.Repeat("é", 300))
	for name, tt := range map[string]struct {
		file    string
		want    []string
		outside int
	}{
		"lines": {lines, []string{"10 in s", "20 in ms", "30 in µs", "40 in ns", "90 by name"}, 1},
		"array": {array, []string{"0 deploy, v2", "1.5 " + strings.Repeat("é", 199) + "…"}, 0},
		"empty": {"[]", nil, 0},
	} {
		got, err := m.ReadFile(strings.NewReader(tt.file))
		if err != nil || got.Outside != tt.outside || len(got.Marks) != len(tt.want) {
			t.Errorf("%s: got %+v, %v, want %q", name, got, err, tt.want)
			continue
		}
		for i, k := range got.Marks {
			if text := fmt.Sprintf("%v %s", r.Seconds(k.At-start), k.Text); text != tt.want[i] {
				t.Errorf("%s: got %q, want %q", name, text, tt.want[i])
			}
		}
	}
}

func TestFilesOfMarksThatAreRefused(t *testing.T) {
	t.Parallel()
	_, m := markedRun(t)
	good := `{"time":"2026-03-09T23:00:30Z","text":"x"}` + "\n"
	for file, want := range map[string]string{
		"":                                   "no marks in it",
		" \n\t":                              "no marks in it",
		good + "{":                           "line 2: not a mark",
		good + "\nx":                         "line 3: not a mark",
		good + `{"text":"x"}`:                "line 2: a mark needs a time",
		good + `{"time":null,"text":"x"}`:    "line 2: a mark needs a time",
		`{"time":true,"text":"x"}`:           "line 1: time true is neither",
		`{"time":"soon","text":"x"}`:         `line 1: time "soon" is not such as`,
		`{"time":12,"text":"x"}`:             "line 1: time 12 is no number of seconds",
		`{"time":1e300,"text":"x"}`:          "line 1: time 1e300 is no number",
		`{"time":-5,"text":"x"}`:             "line 1: time -5 is no number",
		`{"time":1773097230,"text":" "}`:     "line 1: a mark needs a text",
		strings.Repeat("y", 2<<20):           "line 1: longer than",
		`[{"time":1773097230,"text":"x"},3]`: "annotation 2: ",
		`[{"time":1773097230,"text":"x"}`:    "the array is cut",
		strings.Repeat(good, MostMarks+1):    fmt.Sprintf("line %d: there are more than", MostMarks+1),
	} {
		if got, err := m.ReadFile(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50q: got %d marks, %v, want an error with %q", file, len(got.Marks), err, want)
		}
	}
}

// A run keeps its marks in order, and no more than can be shown.
func TestMarksAreBounded(t *testing.T) {
	t.Parallel()
	r := new(Run)
	if err := AddMarks(r, []Mark{{At: 5, Text: "b"}, {At: 3, Text: "a"}}); err != nil || r.Marks[0].Text != "a" {
		t.Errorf("got %+v, %v", r.Marks, err)
	}
	many := make([]Mark, MostMarks)
	for i := range many {
		many[i].At = int64(i)
	}
	if err := AddMarks(r, many); err == nil || len(r.Marks) != 2 {
		t.Errorf("got %v and %d marks", err, len(r.Marks))
	}
}

func TestMarksOfTheServersPage(t *testing.T) {
	t.Parallel()
	const second = int64(1e9)
	sample := func(at, failed int64, start float64) *record.Server {
		return &record.Server{Time: at * second, Source: "http://a", Failed: failed,
			Values: map[string]float64{record.ServerRunning: 1, record.ServerProcessStart: start}}
	}
	gone := &record.Server{Time: 60 * second, Source: "http://a", Failed: 2}
	other := &record.Server{Time: 26 * second, Source: "http://a", Failed: 7, Values: map[string]float64{"running": 1}}
	r, err := FromLines(Options{Force: true}, Instance{Name: "i", Lines: []record.Line{
		sample(10, 0, 1), sample(12, 0, 1.1), sample(20, 3, 1), sample(30, 0, 25), sample(40, 1, 33), gone}},
		Instance{Name: "j", Lines: []record.Line{other}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range r.Marks {
		got = append(got, fmt.Sprintf("%v %s", float64(k.At)/1e9, k.Text))
	}
	want := "14 http://a does not answer|20 http://a answers again|30 http://a shows a new process|" +
		"35 http://a does not answer|40 http://a answers again, with a new process|" +
		fmt.Sprintf("%v http://a does not answer", float64(40*second+20*second/3)/1e9)
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// A page names the models of its server. Those of its first sample were loaded before, unless nobody answered then.
func TestModelsAreMarked(t *testing.T) {
	t.Parallel()
	const second = int64(1e9)
	sample := func(at, failed int64, start float64, models ...string) *record.Server {
		return &record.Server{Time: at * second, Source: "http://a", Failed: failed, Models: models,
			Values: map[string]float64{record.ServerRunning: 1, record.ServerProcessStart: start}}
	}
	late := sample(15, 3, 1, "m")
	late.Source = "http://b"
	r, err := FromLines(Options{Force: true}, Instance{Name: "i", Lines: []record.Line{
		sample(10, 0, 1, "m"), sample(20, 0, 1, "m"), sample(30, 0, 1, "m", "n"), sample(40, 0, 1, "n"),
		sample(45, 0, 41, "n"), sample(50, 0, 41, "o"), late}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range r.Marks {
		got = append(got, fmt.Sprintf("%v %s", float64(k.At)/1e9, k.Text))
	}
	want := "15 http://b answers again, model m loaded|15 http://b does not answer|30 http://a model n loaded|" +
		"45 http://a shows a new process, model n loaded|50 http://a model o loaded"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestMarksNeedTheTimeOfTheRun(t *testing.T) {
	t.Parallel()
	if _, err := NewMarkReader(new(Run), time.UTC); err == nil {
		t.Error("a run without requests: got no error")
	}
	if _, err := NewMarkReader(&Run{Untimed: true, Origin: "x"}, time.UTC); err == nil {
		t.Error("a run without starts: got no error")
	}
	r, m := markedRun(t)
	r.Origin = "vllm"
	if _, err := m.Parse("23:59:30 x"); err == nil || !strings.Contains(err.Error(), "write such as +42s") {
		t.Errorf("the time of day: got %v", err)
	}
	if _, err := m.Parse("+3s x"); err != nil {
		t.Errorf("after the start: got %v", err)
	}
}

func FuzzMark(f *testing.F) {
	for _, text := range []string{"+42s a", "12:01 b", "2026-03-09T23:00:30Z c", "23:59:30.5Z d", "+1e9h e", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, m := markedRun(t)
		got, err := m.Parse(text)
		if at := r.Seconds(got.At - FirstStart(r)); err == nil && (at < -1 || at > 121 || got.Text == "") {
			t.Errorf("%q: got %+v", text, got)
		}
	})
}

func FuzzMarksFile(f *testing.F) {
	for _, text := range []string{`{"time":1773097230,"text":"x"}`, `[{"time":1773097230000,"tags":["x"]}]`,
		`{"time":"2026-03-09T23:00:30Z","text":"x"}` + "\n\n{", "[[", "\ufeff[]", `{"time":1e9,"text":"\ud800"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, m := markedRun(t)
		got, err := m.ReadFile(strings.NewReader(string(file)))
		if errors.Is(err, ErrOutside) {
			t.Errorf("got %v: such marks are counted", err)
		}
		for _, k := range got.Marks {
			if at := r.Seconds(k.At - FirstStart(r)); at < -1 || at > 121 || k.Text == "" ||
				len([]rune(k.Text)) > longestMark {
				t.Errorf("got %+v", k)
			}
		}
	})
}

// A mark that is given twice is one.
func TestMarksGivenAgain(t *testing.T) {
	t.Parallel()
	r, a, b := &Run{}, Mark{5, "a", record.MarkGiven}, Mark{5, "b", record.MarkGiven}
	for range 2 {
		if err := AddMarks(r, []Mark{b, a, a}); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.Marks) != 2 || r.Marks[0] != a || r.Marks[1] != b {
		t.Errorf("got %v, want a and b", r.Marks)
	}
}
