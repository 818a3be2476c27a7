package convert

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// isK6JSON knows the file of k6's --out json by its first line.
func isK6JSON(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	return bytes.Contains(line, []byte(`"metric":`)) && (bytes.Contains(line, []byte(`"Metric"`)) || bytes.Contains(line, []byte(`"Point"`)))
}

// k6Reader finds our lines among the points of k6's JSON output.
type k6Reader struct {
	src  *bufio.Reader
	file string
	line int
	buf  []byte
}

func newK6Reader(src io.Reader, file string) *k6Reader {
	return &k6Reader{src: bufio.NewReaderSize(src, 1<<16), file: file}
}

// Marks of the lines that matter, so that the millions of others are not parsed.
var marks = [][]byte{[]byte(`"llm_requests"`), []byte(`"llm_events"`), []byte(`"dropped_iterations"`)}

// next gives the next line of ours.
func (k *k6Reader) next() (record.Line, error) {
	for {
		text, err := k.readLine()
		if len(text) > 0 && matters(text) {
			line, perr := k6Line(text)
			if perr != nil {
				return nil, &record.SyntaxError{File: k.file, Line: k.line, Cut: err != nil, Err: perr}
			}
			if line != nil {
				return line, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (k *k6Reader) readLine() ([]byte, error) {
	k.buf = k.buf[:0]
	k.line++
	for {
		part, err := k.src.ReadSlice('\n')
		k.buf = append(k.buf, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSpace(k.buf), err
		}
	}
}

func matters(text []byte) bool {
	for _, mark := range marks {
		if bytes.Contains(text, mark) {
			return true
		}
	}
	return false
}

// k6Line gives the line a point carries, nil if it is another kind of line.
func k6Line(text []byte) (record.Line, error) {
	if !gjson.ValidBytes(text) {
		return nil, errors.New("not a JSON object")
	}
	point := gjson.ParseBytes(text)
	if point.Get("type").String() != "Point" {
		return nil, nil
	}
	switch point.Get("metric").String() {
	case "llm_requests", "llm_events":
		carried := point.Get("data.metadata.llm_record")
		if !carried.Exists() {
			return nil, errors.New("the point carries no record (llm_record in its metadata)")
		}
		return record.Parse([]byte(carried.String()))
	case "dropped_iterations":
		return &record.Dropped{Scenario: point.Get("data.tags.scenario").String(), Stage: -1, Count: point.Get("data.value").Int()}, nil
	}
	return nil, nil
}
