package datasets

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// ofLengths is a trace of n sessions of one call, one a second, whose prompts have as many tokens as their number.
func ofLengths(n int) File {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"timestamp": %d, "input_length": %d, "output_length": 1}`+"\n", 1000*i, i+1)
	}
	return seekable("n.jsonl", b.String())
}

// promptLengths returns the lengths of the prompts of all sessions.
func promptLengths(t *testing.T, w workload.Source) (list []int) {
	t.Helper()
	n, _ := w.Len()
	for i := range n {
		s, err := w.Session(i)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s.Calls[0].PromptTokens)
	}
	return list
}

func TestTraceSelection(t *testing.T) {
	t.Parallel()
	open := func(n int, o TraceOptions) *Traced {
		t.Helper()
		w, err := OpenTrace([]File{ofLengths(n)}, o)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if got := promptLengths(t, open(5, TraceOptions{Entries: 3})); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("three entries: got %v", got)
	}
	shuffled := open(1000, TraceOptions{Shuffle: new(int64(7))})
	again := open(1000, TraceOptions{Shuffle: new(int64(7))})
	other := open(1000, TraceOptions{Shuffle: new(int64(8))})
	one := promptLengths(t, shuffled)
	if !slices.Equal(one, promptLengths(t, again)) || slices.Equal(one, promptLengths(t, other)) ||
		slices.IsSorted(one) {
		t.Error("shuffles of one seed must be equal, and of another not")
	}
	if s, _ := shuffled.Session(9); s.Start != 9*time.Second || shuffled.Starts()[9] != 9*time.Second {
		t.Errorf("a shuffled session goes at %v, want the instant of its place", s.Start)
	}

	share := open(10_000, TraceOptions{Share: 0.3, Seed: 1})
	kept := promptLengths(t, share)
	if n := len(kept); n < 2850 || n > 3150 || !slices.IsSorted(kept) {
		t.Errorf("of 10000 sessions a share of 0.3 has %d", n)
	}
	if s, _ := share.Session(0); s.Start != 0 {
		t.Errorf("the first of a share goes at %v", s.Start)
	}
	if slices.Equal(kept, promptLengths(t, open(10_000, TraceOptions{Share: 0.3, Seed: 2}))) {
		t.Error("shares of two seeds are equal")
	}
	smaller := promptLengths(t, open(5_000, TraceOptions{Share: 0.3, Seed: 1}))
	if !slices.Equal(smaller, kept[:len(smaller)]) {
		t.Error("whether a session is drawn depends on those that follow")
	}
}

func TestTraceDuplicates(t *testing.T) {
	t.Parallel()
	w, err := OpenTrace([]File{ofLengths(3)}, TraceOptions{Duplicates: 8})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range int64(8) {
		s, err := w.Session(i)
		if err != nil {
			t.Fatal(err)
		}
		if repeats := strings.Contains(s.ID, "_dup"); s.Duplicate != repeats {
			t.Errorf("session %s: Duplicate is %v", s.ID, s.Duplicate)
		}
		ids = append(ids, fmt.Sprintf("%s at %v", s.ID, s.Start))
	}
	want := []string{
		"mooncake-1 at 0s", "mooncake-2 at 1s", "mooncake-3 at 2s", "mooncake-1_dup1 at 3s", "mooncake-2_dup1 at 4s",
		"mooncake-3_dup1 at 5s", "mooncake-1_dup2 at 6s", "mooncake-2_dup2 at 7s",
	}
	if !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
	if c := w.Counts(); c.Sessions != 8 || c.Calls != 8 {
		t.Errorf("got %+v, want 8 sessions and calls", c)
	}
	few, err := OpenTrace([]File{ofLengths(3)}, TraceOptions{Duplicates: 2})
	if err != nil || few.Counts().Sessions != 3 {
		t.Errorf("a target below the number of sessions: got %+v, %v", few.Counts(), err)
	}
}

// Repetitions do not go beyond the times that there are.
func TestTraceDuplicatesOfAges(t *testing.T) {
	t.Parallel()
	text := `{"timestamp": 0, "input_length": 1}` + "\n" + `{"timestamp": 3e12, "input_length": 1}`
	f := seekable("t.jsonl", strings.ReplaceAll(text, "}", `, "output_length": 1}`))
	w, err := OpenTrace([]File{f}, TraceOptions{Duplicates: 4})
	if err != nil || !slices.IsSorted(w.Starts()) {
		t.Errorf("got %v, %v", w, err)
	}
	if _, err := OpenTrace([]File{f}, TraceOptions{Duplicates: 8}); err == nil ||
		!strings.Contains(err.Error(), "last for more than 292 years") {
		t.Errorf("got %v", err)
	}
}

// Idle times are cut over all calls of a session.
func TestTraceIdleGaps(t *testing.T) {
	t.Parallel()
	const lines = `{"ts": 0, "session": "a", "prompt": "x"}
{"ts": 5, "session": "a", "prompt": "x"}
{"ts": 100, "session": "a", "prompt": "x"}
{"ts": 103, "session": "a", "prompt": "x"}
`
	w, err := OpenTrace([]File{seekable("l.jsonl", lines)}, TraceOptions{IdleGapCap: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Session(0)
	if err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	for _, c := range s.Calls {
		waits = append(waits, c.Wait/time.Second)
	}
	if want := []time.Duration{0, 5, 15, 18}; !slices.Equal(waits, want) {
		t.Errorf("got waits %v, want %v", waits, want)
	}
}

// What is invalid is refused with its place, or left out and counted.
func TestTraceFaults(t *testing.T) {
	t.Parallel()
	const good = `{"timestamp": 1, "input_length": 5, "output_length": 1}` + "\n"
	for _, tt := range []struct {
		name, text string
		options    TraceOptions
		want       string
		left       int64 // sessions that are left if what is invalid is left out
	}{
		{"t.jsonl", "", TraceOptions{}, "t.jsonl:1: the file is empty", 0},
		{"t.jsonl", "\n\n", TraceOptions{}, "t.jsonl:3: the file is empty", 0},
		{"t.csv", "a,b\n", TraceOptions{}, "t.csv: no record in it", 0},
		{"t.csv", "a,b\n1,2\n", TraceOptions{},
			"t.csv:2: the record is of no known format: say in workload.columns which of its fields (a, b) hold ", 0},
		{"t.jsonl", good, TraceOptions{Format: "tarot"}, `unknown format "tarot" of traces: `, -1},
		{"t.jsonl", good + `{"timestamp": 2, "input_le`, TraceOptions{}, "t.jsonl:2: the file ends within a value", 1},
		{"t.jsonl", good + `{"timestamp": 2, "input_length": }` + "\n" + good, TraceOptions{},
			"t.jsonl:2: invalid character", 2},
		{"t.jsonl", good + `{"timestamp": 2, "text_input": "cu` + "\n" + good, TraceOptions{},
			"t.jsonl:2: the line ends within a value", 2},
		{"t.jsonl", good + `{"timestamp": 2, "extra": {"a": 5` + "\n" + good + good, TraceOptions{},
			"t.jsonl:2: the line ends within a value", 3},
		{"t.jsonl", good + "{\"timestamp\": 2, \"text_input\": \"\xff\"}\n" + good, TraceOptions{},
			"t.jsonl:2: the text is not UTF-8", 2},
		{"t.jsonl", good + "oops\n" + good, TraceOptions{}, "t.jsonl:2: invalid character 'o' looking for", 2},
		{"t.json", "[" + good + ", oops]", TraceOptions{}, "t.json:2: invalid character 'o'", 1},
		{"t.jsonl", good + `{"timestamp": "noon", "input_length": 5, "output_length": 1}`, TraceOptions{},
			`t.jsonl:2: "noon" is neither a time such as`, 1},
		{"t.jsonl", good + `{"timestamp": 1e300, "input_length": 5, "output_length": 1}`, TraceOptions{},
			`t.jsonl:2: 1e+300 is too large for an instant in milliseconds`, 1},

		{"t.jsonl", good + `{"timestamp": "2026-03-01 12:00:00", "input_length": 5, "output_length": 1}`, TraceOptions{},
			"t.jsonl:2: the instant is not of the kind of the first", 1},
		{"t.jsonl", good + `{"input_length": 5, "output_length": 1}`, TraceOptions{},
			"t.jsonl:2: the session has no instant, and others have", 1},
		{"t.jsonl", good + "{\"timestamp\": 1, \"text_input\": \"\xff\"}", TraceOptions{},
			"t.jsonl:2: the text is not UTF-8", 1},
		{"t.csv", "Timestamp,Request tokens,Response tokens\n1,2,3\n1,2\n", TraceOptions{},
			"t.csv:3: wrong number of fields", 1},
		{"t.csv", "Timestamp,Request tokens,Response tokens\n1,2,3\n1,2,many\n", TraceOptions{},
			`t.csv:3: Response tokens must be a whole number up to 16777216, got "many"`, 1},
		{"t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n,5,5\n", TraceOptions{}, "t.csv:2: no TIMESTAMP", 0},
		{"t.jsonl", `{"chat_id": 7, "parent_chat_id": -1, "input_length": 1, "output_length": 1}`, TraceOptions{},
			"t.jsonl:1: no timestamp", 0},
		{"t.csv", "when,prompt\n1,hi\n", TraceOptions{Format: "log", Columns: map[string]string{"time": "ts"}},
			`t.csv:2: no field "ts", the column of time`, 0},
	} {
		_, err := OpenTrace([]File{seekable(tt.name, tt.text)}, tt.options)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s", tt.text, err, tt.want)
		}
		if tt.left < 0 {
			continue
		}
		tt.options.SkipInvalid = true
		w, err := OpenTrace([]File{seekable(tt.name, tt.text)}, tt.options)
		switch {
		case tt.left == 0 && err == nil:
			t.Errorf("%q: got no error although nothing is left", tt.text)
		case tt.left == 0:
		case err != nil:
			t.Errorf("%q: got %v, want %d sessions", tt.text, err, tt.left)
		case w.Counts().Sessions != tt.left || w.Counts().Skipped != 1 || len(w.Counts().Faults) != 1 ||
			!strings.HasPrefix(w.Counts().Faults[0], tt.want):
			t.Errorf("%q: got %+v, want %d sessions and %s", tt.text, w.Counts(), tt.left, tt.want)
		}
	}
}

// What is found only in the whole session is refused when it is read, or left out when the trace is opened.
func TestTraceSessionFaults(t *testing.T) {
	t.Parallel()
	const good = `{"timestamp": 1, "input_length": 5, "output_length": 1}` + "\n"
	for _, tt := range []struct{ first, bad, want string }{
		{good, `{"timestamp": 2, "input_length": -1, "output_length": 1}`,
			`t.jsonl:2: input_length must be a whole number up to 16777216, got "-1"`},
		{good, `{"timestamp": 2, "input_length": 1, "output_length": 1.5}`,
			`t.jsonl:2: output_length must be a whole number up to 16777216, got "1.5"`},
		{good, `{"timestamp": 2, "input_length": 1, "hash_ids": 5}`, "t.jsonl:2: hash_ids must be a list, got 5"},
		{good, `{"timestamp": 2, "output_length": 1}`,
			"t.jsonl:2: it has none of input_length, text_input, messages and payload"},
		{good, `{"timestamp": 2, "messages": []}`, "t.jsonl:2: messages has none"},
		{good, `{"timestamp": 2, "messages": ["hi"]}`, "t.jsonl:2: message 1: it is not an object"},
		{good, `{"timestamp": 2, "messages": [{"content": "hi"}]}`, "t.jsonl:2: message 1: it has no role"},
		{good, `{"timestamp": 2, "messages": [{"role": "user", "content": 5}]}`,
			"t.jsonl:2: message 1: its content must be a text or a list, got 5"},
		{good, `{"timestamp": 2, "messages": [{"role": "assistant", "tool_calls": [{}]}]}`,
			"t.jsonl:2: message 1: one of its tool_calls has no function name"},
		{good, `{"timestamp": 2, "payload": {"max_tokens": 5}}`,
			"t.jsonl:2: the body has neither messages nor a prompt"},
		{good, `{"timestamp": 2, "payload": {"prompt": ["a", "b"]}}`, "t.jsonl:2: the prompt must be one text, got "},
		{good, `{"timestamp": 2, "delay": -5, "text_input": "x"}`,
			"t.jsonl:2: delay must be a number from 0 to 1000000000"},
		{`{"chat_id": 1, "timestamp": 1, "input_length": 1, "output_length": 1, "parent_chat_id": -1}` + "\n",
			`{"chat_id": 7, "timestamp": 2, "input_length": 1, "output_length": 1, "parent_chat_id": 7}`,
			`t.jsonl:2: chat "7" is its own ancestor`},
		{`{"chat_id": 1, "timestamp": 1, "input_length": 1, "output_length": 1, "parent_chat_id": -1}` + "\n",
			strings.Repeat(`{"chat_id": 7, "timestamp": 2, "input_length": 1, "output_length": 1}`+"\n", 2),
			`t.jsonl:3: chat "7" is in t.jsonl:2, too`},
	} {
		w, err := OpenTrace([]File{seekable("t.jsonl", tt.first+tt.bad)}, TraceOptions{})
		if err != nil {
			t.Errorf("%s: %v", tt.bad, err)
			continue
		}
		if _, err := w.Session(1); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.bad, err, tt.want)
		}
		w, err = OpenTrace([]File{seekable("t.jsonl", tt.first+tt.bad)}, TraceOptions{SkipInvalid: true})
		if err != nil || w.Counts().Sessions != 1 || w.Counts().Skipped != 1 ||
			!strings.HasPrefix(w.Counts().Faults[0], tt.want) {
			t.Errorf("%s: got %+v, %v, want one session and %s", tt.bad, w.Counts(), err, tt.want)
		}
	}
}

// A file that is changed while it is replayed is noticed.
func TestTraceOfChangedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "t.jsonl")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const line = `{"timestamp": 1, "input_length": 5, "output_length": 1}`
	write(line + "\n" + line)
	w, err := OpenTrace([]File{disk(path)}, TraceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{line[:20], strings.Repeat("x", 200)} {
		write(text)
		if _, err := w.Session(1); err == nil || !strings.HasSuffix(err.Error(),
			"t.jsonl:2: the file has changed since it was opened") {
			t.Errorf("got %v", err)
		}
	}
}

// Rows of one session may lie in several files, and be read by many at once.
func TestTraceOfSeveralFiles(t *testing.T) {
	t.Parallel()
	rows := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, `{"ts": %d, "session": "s%d", "prompt": "%d"}`+"\n", i, i%10, i)
		}
		return b.String()
	}
	w, err := OpenTrace([]File{
		seekable("a.jsonl", rows(0, 55)), file("b.jsonl.gz", packed(t, "b.jsonl.gz", rows(55, 100))),
	}, TraceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c := w.Counts(); c.Sessions != 10 || c.Calls != 100 {
		t.Fatalf("got %+v, want 10 sessions of 10 calls", c)
	}
	var wait sync.WaitGroup
	for i := range int64(10) {
		for range 8 {
			wait.Go(func() {
				s, err := w.Session(i)
				if err != nil || len(s.Calls) != 10 {
					t.Errorf("session %d: got %+v, %v", i, s, err)
					return
				}
				for k, c := range s.Calls {
					own := c.Prompt[len(c.Prompt)-1].Messages[0].Text
					if want := fmt.Sprint(10*k + int(i)); own != want {
						t.Errorf("session %d, call %d: got %q, want %q", i, k, own, want)
					}
				}
			})
		}
	}
	wait.Wait()
}

// A file that cannot be opened again, such as one that was removed, fails with its name.
func TestTraceOfNoFile(t *testing.T) {
	t.Parallel()
	missing := File{Name: "t.jsonl", Open: func() (io.ReadCloser, error) { return os.Open("/nowhere/t.jsonl") }}
	_, err := OpenTrace([]File{missing}, TraceOptions{})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/t.jsonl") {
		t.Errorf("got %v", err)
	}
	if _, err := OpenTrace(nil, TraceOptions{}); err == nil {
		t.Error("got no error for no file")
	}
	for _, o := range []TraceOptions{
		{Entries: -1}, {Duplicates: -1}, {Share: 1.5}, {Share: -0.1}, {Scope: "world"}, {BlockSize: -1},
		{IdleGapCap: -1},
	} {
		if _, err := OpenTrace([]File{ofLengths(1)}, o); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
}

// A file of which some records can be read where they are, and others not, is read right: JSON has no NaN.
func TestTraceOfMixedPlaces(t *testing.T) {
	t.Parallel()
	w, err := OpenTrace([]File{seekable("t.jsonl", `{"timestamp": 1, "input_length": 5, "output_length": 1}
{"timestamp": 2, "input_length": 6, "output_length": 1, "cost": NaN}
{"timestamp": 3, "input_length": 7, "output_length": 1}
`)}, TraceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := promptLengths(t, w); !slices.Equal(got, []int{5, 6, 7}) {
		t.Errorf("got %v, want 5, 6 and 7", got)
	}
}

// Lines that are cut end where the next begins, so that they cost no more than themselves.
func TestTraceOfCutLines(t *testing.T) {
	t.Parallel()
	const good, cut = `{"timestamp": 1, "input_length": 5, "output_length": 1}`, `{"timestamp": 2, "extra": {"a": 5`
	text := strings.Repeat(good+" \r\n \n"+cut+"\n", 1000)
	w, err := OpenTrace([]File{seekable("t.jsonl", text)}, TraceOptions{SkipInvalid: true})
	if err != nil {
		t.Fatal(err)
	}
	if c := w.Counts(); c.Sessions != 1000 || c.Skipped != 1000 || !strings.HasPrefix(c.Faults[4], "t.jsonl:15: ") {
		t.Errorf("got %+v, want 1000 sessions, and 1000 skipped", c)
	}
}

// A full disk is no fault of the records that could not be copied. The test is not parallel because it moves TMPDIR.
func TestTraceWithoutRoomForACopy(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	_, err := OpenTrace([]File{file("a.csv", azureRows)}, TraceOptions{SkipInvalid: true})
	const want = "a copy of the trace's records, which TMPDIR can place elsewhere: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// Prompts of which only the length is known differ, also in files of one name.
func TestTracePromptsOfTheirOwn(t *testing.T) {
	t.Parallel()
	w, err := OpenTrace([]File{file("a/t.csv", azureRows), file("b/t.csv", azureRows)}, TraceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for i := range int64(6) {
		s, err := w.Session(i)
		if err != nil {
			t.Fatal(err)
		}
		seen[s.Calls[0].Prompt[0].Messages[0].Blocks[0].Hash] = true
	}
	if len(seen) != 6 {
		t.Errorf("got %d prompts, want 6", len(seen))
	}
}
