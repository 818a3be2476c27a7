package trace

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// lines is a file whose records are lines.
type lines struct {
	text string
	at   int
	line int
}

func (l *lines) Next() (Row, error) {
	if l.at == len(l.text) {
		return Row{}, io.EOF
	}
	text, _, _ := strings.Cut(l.text[l.at:], "\n")
	l.line++
	row := Row{Data: []byte(text), Line: l.line, Offset: int64(l.at), Length: len(text)}
	l.at += len(text) + 1
	return row, nil
}

func (*lines) Resume() bool { return true }

func lineFile(name, text string) File {
	return File{
		Name: name, Records: func(io.Writer) (Records, func(), error) { return &lines{text: text}, func() {}, nil },
		Open: func() (io.ReadCloser, error) {
			return struct {
				io.ReaderAt
				io.ReadCloser
			}{strings.NewReader(text), io.NopCloser(nil)}, nil
		},
	}
}

// linked is a format of records with an id and the ids that they link.
type linked struct{}

func (linked) Name() string        { return "linked" }
func (linked) Detects([]byte) bool { return true }

func (linked) Index(record []byte) (e Entry, err error) {
	r := gjson.ParseBytes(record)
	e.Session, e.Whole, e.Time = r.Get("id").String(), r.Get("whole").Bool(), r.Get("t").String()
	for _, link := range r.Get("links").Array() {
		e.Links = append(e.Links, link.String())
	}
	if r.Get("calls").Exists() {
		e.Calls = int(r.Get("calls").Int())
	}
	return e, nil
}

func (linked) Session(records []Record) (*workload.Session, error) {
	s := &workload.Session{}
	for _, r := range records {
		s.Calls = append(s.Calls, workload.Call{ID: gjson.GetBytes(r.Data, "id").String() + r.Origin,
			Prompt: user(workload.Message{Text: "x"})})
	}
	return s, nil
}

// ids returns the calls of all sessions.
func ids(t *testing.T, text string) (list []string) {
	t.Helper()
	x := indexer{Trace: &Trace{files: []File{lineFile("f", text)}, format: linked{}}}
	if err := x.readFile(0); err != nil {
		t.Fatal(err)
	}
	trace, err := x.finish()
	if err != nil {
		t.Fatal(err)
	}
	for k := range trace.Len() {
		s, err := trace.Session(k)
		if err != nil {
			t.Fatal(err)
		}
		var calls []string
		for _, c := range s.Calls {
			calls = append(calls, c.ID)
		}
		list = append(list, strings.Join(calls, " "))
	}
	return list
}

// Records that link one another are one session, whatever their order in the file; its place is that of its first
// record.
func TestLinks(t *testing.T) {
	t.Parallel()
	got := ids(t, `{"id": "child1"}
{"id": "other"}
{"id": ""}
{"id": "parent", "links": ["child1", "child2", "never"]}
{"id": "", "links": ["other"]}
{"id": "child2", "links": ["grandchild"]}
{"id": "grandchild", "links": ["parent"]}
`)
	want := []string{
		"child1f:1 parentf:4 child2f:6 grandchildf:7", "otherf:2 f:5", "f:3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A session without a call is left out, but a record without one belongs to a session that has others.
func TestNoCall(t *testing.T) {
	t.Parallel()
	got := ids(t, `{"id": "a", "calls": -1}
{"id": "b", "calls": -1}
{"id": "b", "calls": 2}
`)
	if want := []string{"bf:2 bf:3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	x := indexer{Trace: &Trace{format: linked{}, files: []File{
		lineFile("f", `{"id": "a", "whole": true}`+"\n"+`{"id": "b", "whole": true}`+"\n"+`{"id": "a", "whole": true}`),
	}}}
	const want = `f:3: session "a" is in f:1, too: ids must differ`
	if err := x.readFile(0); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSqueeze(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at, want []time.Duration
		limit    time.Duration
	}{
		{[]time.Duration{0, 5, 100, 103}, []time.Duration{0, 5, 15, 18}, 10},
		{[]time.Duration{103, 0, 100, 5}, []time.Duration{18, 0, 15, 5}, 10}, // in any order
		{[]time.Duration{50, 50, 80, 80}, []time.Duration{50, 50, 51, 51}, 1},
		{[]time.Duration{0, 100}, []time.Duration{0, 100}, 0},
		{[]time.Duration{0, 100}, []time.Duration{0, 100}, 100},
		{nil, nil, 5},
	} {
		if got := Squeeze(tt.at, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("%v within %v: got %v, want %v", tt.at, tt.limit, got, tt.want)
		}
	}
}

// A fault keeps its own place, and its cause.
func TestFault(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := placed(Record{Origin: "f:1"}, Record{Origin: "f:2"}.Fault(cause))
	if err.Error() != "f:2: cause" || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if err := placed(Record{Origin: "f:1"}, cause); err.Error() != "f:1: cause" {
		t.Errorf("got %v", err)
	}
}

// A record without an instant keeps its place among the others, also if it is the first.
func TestInOrder(t *testing.T) {
	t.Parallel()
	const never = time.Duration(0)
	at := func(line int, start time.Duration) Record {
		return Record{Line: line, Start: start, Timed: start != never}
	}
	for _, tt := range []struct{ records, want []Record }{
		{[]Record{at(1, 900), at(2, 800), at(3, never)}, []Record{at(2, 800), {Line: 3, Start: 800}, at(1, 900)}},
		{[]Record{at(1, never), at(2, 800), at(3, 700)}, []Record{at(3, 700), {Line: 1, Start: 800}, at(2, 800)}},
		{[]Record{at(1, never), at(2, never)}, []Record{at(1, never), at(2, never)}},
	} {
		if got := inOrder(tt.records); !slices.EqualFunc(got, tt.want, func(a, b Record) bool {
			return a.Line == b.Line && a.Start == b.Start && a.Timed == b.Timed
		}) {
			t.Errorf("got %+v, want %+v", got, tt.want)
		}
	}
}
