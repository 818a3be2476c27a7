// Package textfile reads text files as editors, spreadsheets and other programs write them: with a byte order mark,
// with the NaN and Infinity that Python writes although JSON does not allow them, and as tables with one of several
// separators.
package textfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mark is the byte order mark of UTF-8, which Excel, PowerShell and editors of Windows write.
const Mark = "\ufeff"

// ErrUTF16 reports a text in UTF-16.
var ErrUTF16 = errors.New("the file is UTF-16, as PowerShell's > and some editors of Windows write it: " +
	"save it as UTF-8 (iconv -f UTF-16 -t UTF-8)")

// Trim returns a text without the byte order mark that it may begin with. It returns ErrUTF16 if the text is UTF-16,
// with or without a mark.
func Trim(text []byte) ([]byte, error) {
	if isUTF16(text) {
		return nil, ErrUTF16
	}
	return bytes.TrimPrefix(text, []byte(Mark)), nil
}

// Skip does the same for a reader at the beginning of a text. Errors of the source come up at the next read.
func Skip(r *bufio.Reader) error {
	head, _ := r.Peek(len(Mark))
	rest, err := Trim(head)
	if err == nil {
		_, err = r.Discard(len(head) - len(rest)) // these bytes are buffered
	}
	return err
}

// isUTF16 reports whether a text has the mark of UTF-16, or a NUL as one of its first two bytes, which no text in UTF-8
// has.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) ||
		len(text) > 1 && (text[0] == 0) != (text[1] == 0)
}

// notNumbers holds what Python's json module and pandas write for numbers that JSON does not have.
var notNumbers = [...][]byte{[]byte("NaN"), []byte("Infinity"), []byte("-Infinity")}

// Finite returns JSON with null in place of each NaN, Infinity and -Infinity. It never changes data, and returns data
// itself if there is nothing to replace.
func Finite(data []byte) []byte {
	if !bytes.Contains(data, notNumbers[0]) && !bytes.Contains(data, notNumbers[1]) {
		return data
	}
	out := make([]byte, 0, len(data)+16)
	for i := 0; i < len(data); {
		n := 1
		switch c := data[i]; c {
		case '"':
			n = quoted(data[i:])
		case 'N', 'I', '-':
			if k := notNumber(data[i:]); k > 0 {
				out = append(out, "null"...)
				i += k
				continue
			}
		}
		out = append(out, data[i:i+n]...)
		i += n
	}
	return out
}

// notNumber returns the length of the word of notNumbers that data begins with; 0 if it begins with none.
func notNumber(data []byte) int {
	for _, word := range notNumbers {
		if bytes.HasPrefix(data, word) {
			return len(word)
		}
	}
	return 0
}

// quoted returns the length of the string that data begins with, including its quotes.
func quoted(data []byte) int {
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// maxHead is how many bytes are searched for the line that shows the separator.
const maxHead = 1 << 12

// NewCSV returns a reader of a table. Its fields are separated by commas, semicolons or tabs, whichever the first line
// has most of outside of quotes (commas within numbers do not count beside semicolons), or by the character that a
// first line such as sep=; names, which Excel reads and other programs write for it. A byte order mark is skipped.
// Lines may end in a carriage return alone, as on old Macs, which Excel can still write.
func NewCSV(src io.Reader) (*csv.Reader, error) {
	t, err := NewTable(src)
	if err != nil {
		return nil, err
	}
	return t.Reader, nil
}

// Table is a reader of a table whose rows can be read again where they are.
type Table struct {
	*csv.Reader
	Layout
	begin int64 // of the text that Reader reads
}

// Layout tells how the rows of a table are written. It may be used concurrently.
type Layout struct {
	comma rune
	isOld bool // lines end in carriage returns
}

// NewTable returns a reader of a table as NewCSV does.
func NewTable(src io.Reader) (*Table, error) {
	br := bufio.NewReaderSize(src, maxHead)
	marked, _ := br.Peek(len(Mark))
	if err := Skip(br); err != nil {
		return nil, err
	}
	t := &Table{}
	if string(marked) == Mark {
		t.begin = int64(len(Mark))
	}
	head, _ := br.Peek(maxHead) // fewer in a short file; errors come up again
	if first := bytes.TrimSpace(head); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		return nil, errors.New("the file is JSON, and a table is wanted: write it as CSV")
	}
	t.isOld = bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0
	comma := separator(head)
	if line := sepLine.FindSubmatch(head); line != nil {
		comma, _ = utf8.DecodeRune(line[1])
		if _, err := br.Discard(len(line[0]) - 1); err != nil { // the line end stays, so that lines keep their numbers
			return nil, err
		}
		t.begin += int64(len(line[0]) - 1)
	}
	t.comma = comma
	t.Reader = t.reader(br)
	return t, nil
}

// Offset returns where the row that was read last ends in the source, which is where the next one begins.
func (t *Table) Offset() int64 { return t.begin + t.InputOffset() }

// Row returns the fields of a text that is a row, and false if it is not just one.
func (l Layout) Row(text []byte) ([]string, bool) {
	r := l.reader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	fields, err := r.Read()
	return fields, err == nil && r.InputOffset() == int64(len(text))
}

// reader returns a reader of rows.
func (l Layout) reader(text io.Reader) *csv.Reader {
	if l.isOld {
		text = oldMac{text}
	}
	r := csv.NewReader(text)
	r.Comma = l.comma
	return r
}

// sepLine matches a line that names the separator.
var sepLine = regexp.MustCompile(`(?i)^"?sep=([^"\r\n\x{fffd}])"?[\r\n]`)

// Decimal returns the number in a field with a decimal point. A comma becomes a point where semicolons separate fields,
// as in countries that write 0,5. Other texts are returned unchanged.
func Decimal(field string, comma rune) string {
	if comma == ';' && decimal.MatchString(field) {
		return strings.Replace(field, ",", ".", 1)
	}
	return field
}

// decimal matches a number with a decimal comma.
var decimal = regexp.MustCompile(`^\s*[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?\s*$`)

// oldMac turns each carriage return that it reads into a line feed.
type oldMac struct{ src io.Reader }

func (m oldMac) Read(p []byte) (int, error) {
	n, err := m.src.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

func separator(head []byte) rune {
	counts := map[byte]int{}
	inQuotes := false
	head = bytes.TrimLeft(head, " \r\n")
	decimals := 0
	for i, c := range head {
		if c == '"' {
			inQuotes = !inQuotes
		}
		if inQuotes {
			continue
		}
		if c == '\n' || c == '\r' {
			break
		}
		counts[c]++
		if c == ',' && i > 0 && i+1 < len(head) && isDigit(head[i-1]) && isDigit(head[i+1]) {
			decimals++
		}
	}
	if counts[';'] > 0 {
		counts[','] -= decimals
	}
	best := byte(',')
	if counts[';'] > counts[best] {
		best = ';'
	}
	if counts['\t'] > 0 && counts['\t'] >= counts[best] { // names of columns contain no tabs
		best = '\t'
	}
	return rune(best)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Blank reports whether all fields of a line are empty, as in the lines that spreadsheets leave at the end of a table.
func Blank(fields []string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool { return strings.TrimSpace(field) != "" })
}
