package run

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// longestMarkLine is how long a line of a file of marks may be, in bytes.
const longestMarkLine = 1 << 20

// MarksRead is what a file of marks has.
type MarksRead struct {
	Marks   []Mark
	Outside int // the number of marks that are not in the time of the run, and are left out
}

// fileMark is a mark of a file, or an annotation of Grafana.
type fileMark struct {
	Time json.RawMessage `json:"time"`
	Text string          `json:"text"`
	Tags []string        `json:"tags"`
}

// ReadFile reads a file of marks: lines of JSON such as {"time": "2026-01-31T12:01:30Z", "text": "pod killed"}, or an
// array of such objects, as Grafana exports its annotations. A time is one of RFC 3339 or a number since 1970 of
// seconds, milliseconds, microseconds or nanoseconds, whichever makes it a year between 1973 and 2286. Marks outside of
// the run are counted.
func (m *MarkReader) ReadFile(in io.Reader) (read MarksRead, err error) {
	if m.run.Origin != "" {
		return read, fmt.Errorf("results of %s do not tell the time of day: give --mark '+42s …'", m.run.Origin)
	}
	br := bufio.NewReaderSize(in, 1<<16)
	if err := textfile.Skip(br); err != nil {
		return read, err
	}
	for {
		first, err := br.Peek(1)
		switch {
		case errors.Is(err, io.EOF):
			return read, errors.New(`no marks in it: write lines such as {"time": "2026-01-31T12:01:30Z", ` +
				`"text": "pod killed"}`)
		case err != nil:
			return read, err
		case first[0] == '[':
			return read, m.readArray(br, &read)
		case first[0] != ' ' && first[0] != '\t' && first[0] != '\r' && first[0] != '\n':
			return read, m.readLines(br, &read)
		}
		_, _ = br.Discard(1) // it was peeked
	}
}

func (m *MarkReader) readLines(in io.Reader, read *MarksRead) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestMarkLine)
	number := 0
	for lines.Scan() {
		number++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var mark fileMark
		err := json.Unmarshal(line, &mark)
		if err != nil {
			err = fmt.Errorf("not a mark such as {\"time\": …, \"text\": …}: %w", err)
		} else {
			err = m.take(mark, read)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than %d bytes", number+1, longestMarkLine)
	}
	return lines.Err()
}

func (m *MarkReader) readArray(in io.Reader, read *MarksRead) error {
	dec := json.NewDecoder(in)
	if _, err := dec.Token(); err != nil { // the bracket
		return err
	}
	for number := 1; dec.More(); number++ {
		var mark fileMark
		err := dec.Decode(&mark)
		if err == nil {
			err = m.take(mark, read)
		}
		if err != nil {
			return fmt.Errorf("annotation %d: %w", number, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("the array is cut: %w", err)
	}
	return nil
}

// take adds a mark of a file.
func (m *MarkReader) take(mark fileMark, read *MarksRead) error {
	at, err := instantOf(mark.Time)
	if err != nil {
		return err
	}
	text := markText(mark.Text)
	if text == "" {
		text = markText(strings.Join(mark.Tags, ", "))
	}
	if text == "" {
		return errors.New("a mark needs a text")
	}
	placed, err := m.place(at, text, record.MarkFile)
	switch {
	case errors.Is(err, ErrOutside):
		read.Outside++
		return nil
	case err != nil:
		return err
	case len(read.Marks) == MostMarks:
		return fmt.Errorf("there are more than %d marks in the time of the run", MostMarks)
	}
	read.Marks = append(read.Marks, placed)
	return nil
}

// instantOf reads an instant: a text of RFC 3339, or a number since 1970.
func instantOf(raw json.RawMessage) (time.Time, error) {
	var text string
	if len(raw) == 0 || string(raw) == "null" {
		return time.Time{}, errors.New("a mark needs a time")
	}
	if json.Unmarshal(raw, &text) == nil {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return at, fmt.Errorf("time %.60q is not such as 2026-01-31T12:01:30Z", text)
		}
		return at, nil
	}
	var n float64
	if err := json.Unmarshal(raw, &n); err != nil || math.IsInf(n, 0) {
		return time.Time{}, fmt.Errorf("time %.60s is neither a number nor a text", raw)
	}
	for unit := 1.0; unit <= 1e9; unit *= 1000 {
		if seconds := n / unit; seconds >= 1e8 && seconds < 1e10 {
			whole, part := math.Modf(seconds)
			return time.Unix(int64(whole), int64(math.Round(part*1e9))), nil
		}
	}
	return time.Time{}, fmt.Errorf("time %.60s is no number of seconds, milliseconds, microseconds or nanoseconds "+
		"since 1970", raw)
}
