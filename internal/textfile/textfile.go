// Package textfile reads texts as editors, spreadsheets and other programs leave them: with a byte order mark, with the
// numbers that Python writes into JSON and JSON does not have, and as tables of whatever separator.
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

// ErrUTF16 is of a text that is not UTF-8.
var ErrUTF16 = errors.New("the file is UTF-16, as PowerShell's > and some editors of Windows write it: " +
	"save it as UTF-8 (iconv -f UTF-16 -t UTF-8)")

// Trim is a text without the byte order mark it may begin with, and ErrUTF16 if it is UTF-16, with a mark or without.
func Trim(text []byte) ([]byte, error) {
	if isUTF16(text) {
		return nil, ErrUTF16
	}
	return bytes.TrimPrefix(text, []byte(Mark)), nil
}

// Skip is Trim for a reader that stands at the beginning of a text. Errors of the source are left to who reads on.
func Skip(r *bufio.Reader) error {
	head, _ := r.Peek(len(Mark))
	rest, err := Trim(head)
	if err == nil {
		_, err = r.Discard(len(head) - len(rest)) // which were peeked at
	}
	return err
}

// isUTF16 knows UTF-16 by its mark, or by one of its first two bytes: a text in UTF-8 has no NUL.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) ||
		len(text) > 1 && (text[0] == 0) != (text[1] == 0)
}

// notNumbers are what Python's json module and pandas write for numbers that JSON does not have.
var notNumbers = [...][]byte{[]byte("NaN"), []byte("Infinity"), []byte("-Infinity")}

// Finite is JSON with null in place of each NaN, Infinity and -Infinity. If there is none, data itself is returned;
// else data is as it was.
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

// notNumber is the length of the word at the front of data that is no number, 0 if another thing stands there.
func notNumber(data []byte) int {
	for _, word := range notNumbers {
		if bytes.HasPrefix(data, word) {
			return len(word)
		}
	}
	return 0
}

// quoted is the length of the string at the front of data, with its quotes.
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

// maxHead bounds the line that tells the separator.
const maxHead = 1 << 12

// NewCSV reads a table whose fields are separated by commas, semicolons or tabs, whichever the first line has most of
// outside of quotes (commas within numbers are not counted where there are semicolons), or by what a first line such
// as sep=; says, which Excel reads and other programs write for it. A byte order mark is passed over. Lines may end
// as on old Macs, too, which Excel can still write.
func NewCSV(src io.Reader) (*csv.Reader, error) {
	br := bufio.NewReaderSize(src, maxHead)
	if err := Skip(br); err != nil {
		return nil, err
	}
	head, _ := br.Peek(maxHead) // fewer of a short file; errors come again
	if first := bytes.TrimSpace(head); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		return nil, errors.New("the file is JSON, and a table is wanted: write it as CSV")
	}
	text := io.Reader(br)
	if bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0 {
		text = oldMac{br}
	}
	comma := separator(head)
	if told := sepLine.FindSubmatch(head); told != nil {
		comma, _ = utf8.DecodeRune(told[1])
		if _, err := br.Discard(len(told[0]) - 1); err != nil { // the line end stays, so that lines keep their numbers
			return nil, err
		}
	}
	r := csv.NewReader(text)
	r.Comma = comma
	return r, nil
}

// sepLine is a line that tells the separator.
var sepLine = regexp.MustCompile(`(?i)^"?sep=([^"\r\n\x{fffd}])"?[\r\n]`)

// Decimal is a number as programs read it, of one that a field has: where semicolons separate, as in countries that
// write 0,5, a comma becomes a point. Other texts stay as they are.
func Decimal(field string, comma rune) string {
	if comma == ';' && decimal.MatchString(field) {
		return strings.Replace(field, ",", ".", 1)
	}
	return field
}

// decimal is a number with a decimal comma.
var decimal = regexp.MustCompile(`^\s*[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?\s*$`)

// oldMac reads lines that end in a carriage return.
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
	if counts['\t'] > 0 && counts['\t'] >= counts[best] { // names of columns have none in them
		best = '\t'
	}
	return rune(best)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Blank reports whether a line of a table has nothing in it, as those have that spreadsheets leave at the end.
func Blank(fields []string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool { return strings.TrimSpace(field) != "" })
}
