package datasets

import (
	"slices"
	"strings"
	"testing"
)

// One broken line takes no other with it, whatever is broken in it.
func TestTraceWithBrokenLine(t *testing.T) {
	t.Parallel()
	line := func(length string) string {
		return `{"timestamp": 1, "input_length": ` + length + `, "output_length": 1}`
	}
	for _, tt := range []struct{ bad, want string }{
		{`{bad`, "t.jsonl:2: invalid character 'b' looking for beginning of object key string, after {"},
		{`{"timestamp":2,`, "t.jsonl:2: the line ends within a value"},
		{`{"timestamp":2`, "t.jsonl:2: the line ends within a value"},
		{`{"timestamp":`, "t.jsonl:2: the line ends within a value"},
		{`{"timestamp":"`, "t.jsonl:2: the line ends within a value"},
		{`{"timestamp":[[{`, "t.jsonl:2: the line ends within a value"},
		{line("9") + "}", "t.jsonl:2: invalid character '}' looking for beginning of value"},
		{line("9") + " oops", "t.jsonl:2: invalid character 'o' looking for beginning of value"},
		{line("9") + line("x"), "t.jsonl:2: invalid character 'x' looking for beginning of value, " +
			`after timestamp": 1, "input_length":`},
		{"oops", "t.jsonl:2: invalid character 'o' looking for beginning of value"},
		{`{"a": "` + "\xff" + `"}`, "t.jsonl:2: the text is not UTF-8: save the file as UTF-8 (Excel: CSV UTF-8)"},
	} {
		for _, end := range []string{"\n", "\r\n"} {
			text := strings.Join([]string{line("1"), tt.bad, line("3"), "", line("4")}, end)
			_, err := OpenTrace([]File{seekable("t.jsonl", text)}, TraceOptions{})
			if err == nil || err.Error() != tt.want {
				t.Errorf("%s:\n got %v\nwant %s", tt.bad, err, tt.want)
			}
			w, err := OpenTrace([]File{seekable("t.jsonl", text)}, TraceOptions{SkipInvalid: true})
			if err != nil {
				t.Errorf("%s: %v", tt.bad, err)
				continue
			}
			if got := promptLengths(t, w); !slices.Equal(got, []int{1, 3, 4}) || w.Counts().Skipped != 1 ||
				w.Counts().Faults[0] != tt.want {
				t.Errorf("%s: got prompts of %v, %+v, want 1, 3 and 4", tt.bad, got, w.Counts())
			}
		}
		text := strings.Join([]string{tt.bad, line("3"), line("4")}, "\n") // the first line tells nothing of the others
		w, err := OpenTrace([]File{seekable("t.jsonl", text)}, TraceOptions{SkipInvalid: true})
		if err != nil || w.Counts().Skipped != 1 {
			t.Errorf("%s first: got %v", tt.bad, err)
		} else if got := promptLengths(t, w); !slices.Equal(got[len(got)-2:], []int{3, 4}) {
			t.Errorf("%s first: got prompts of %v", tt.bad, got)
		}
	}
}

// Records of several lines, and several of a line, are read where no line is broken.
func TestTraceOfOtherLines(t *testing.T) {
	t.Parallel()
	const spread = "{\"timestamp\": 1,\n\"input_length\": 5,\n\"output_length\": 1}\n"
	one := strings.ReplaceAll(spread, "\n", "")
	for text, want := range map[string][]int{
		spread + spread:                     {5, 5},
		one + "\n" + one + one + "\n" + one: {5, 5, 5, 5},
		one + "\n" + strings.Replace(one, "5", `5, "x": NaN`, 1) + "\n": {5, 5},
	} {
		w, err := OpenTrace([]File{seekable("t.jsonl", text)}, TraceOptions{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := promptLengths(t, w); !slices.Equal(got, want) {
			t.Errorf("%s: got prompts of %v, want %v", text, got, want)
		}
	}
}
