package run

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// isK6JSON knows the file of k6's --out json by its first line.
func isK6JSON(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	return bytes.Contains(line, []byte(`"metric":`)) &&
		(bytes.Contains(line, []byte(`"Metric"`)) || bytes.Contains(line, []byte(`"Point"`)))
}

// k6Reader finds our lines among the points of k6's JSON output.
type k6Reader struct {
	src  *bufio.Reader
	file string
	line int
	most int    // bytes of a line
	long []byte // a line longer than the buffer of src
	text []byte // of a record, unescaped
	dec  record.Decoder
}

func newK6Reader(src io.Reader, file string) *k6Reader {
	return &k6Reader{src: bufio.NewReaderSize(src, bufferSize), file: file, most: maxPoint,
		dec: record.Decoder{Reuse: true}}
}

// next gives the next line of ours.
func (k *k6Reader) next() (record.Line, error) {
	for {
		text, err := k.readLine()
		if len(text) > 0 && matters(text) {
			line, perr := k.read(text)
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

// maxPoint bounds a line, as that of a record file is bounded.
const maxPoint = 1 << 28

// readLine gives a line that is good until the next call.
func (k *k6Reader) readLine() ([]byte, error) {
	k.long = k.long[:0]
	k.line++
	for {
		part, err := k.src.ReadSlice('\n')
		if len(k.long)+len(part) > k.most {
			return nil, &record.SyntaxError{File: k.file, Line: k.line,
				Err: fmt.Errorf("line longer than %d MiB", k.most>>20)}
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			k.long = append(k.long, part...)
			continue
		}
		if len(k.long) > 0 {
			k.long = append(k.long, part...)
			part = k.long
		}
		return bytes.TrimSpace(part), err
	}
}

// Names of the metrics whose points matter, so that the millions of others are not parsed.
var k6Metrics = [][]byte{[]byte(record.MetricRequests), []byte(record.MetricEvents), []byte("dropped_iterations")}

// k6Head begins each line as k6 writes it.
var k6Head = []byte(`{"metric":"`)

// matters looks at the metric's name, which stands first in what k6 writes, and elsewhere if another program wrote the
// file anew.
func matters(text []byte) bool {
	if name, asWritten := bytes.CutPrefix(text, k6Head); asWritten {
		for _, want := range k6Metrics {
			if bytes.HasPrefix(name, want) && len(name) > len(want) && name[len(want)] == '"' {
				return true
			}
		}
		return false
	}
	for _, want := range k6Metrics {
		if bytes.Contains(text, want) {
			return true
		}
	}
	return false
}

// read gives the line a point carries, nil if it is another kind of line.
func (k *k6Reader) read(text []byte) (record.Line, error) {
	if carried, ok := k.unescaped(text); ok {
		return k.dec.Parse(carried)
	}
	if !gjson.ValidBytes(text) {
		return nil, errors.New("not a JSON object")
	}
	point := gjson.ParseBytes(text)
	if point.Get("type").String() != "Point" {
		return nil, nil
	}
	switch point.Get("metric").String() {
	case record.MetricRequests, record.MetricEvents:
		carried := point.Get("data.metadata.llm_record")
		if !carried.Exists() {
			return nil, errors.New("the point carries no record (llm_record in its metadata)")
		}
		return k.dec.Parse([]byte(carried.String()))
	case "dropped_iterations":
		dropped := &record.Dropped{Scenario: point.Get("data.tags.scenario").String(), Stage: -1,
			Count: point.Get("data.value").Int()}
		return dropped, dropped.Validate()
	}
	return nil, nil
}

// k6Record begins a record in a point's metadata.
var k6Record = []byte(`"` + record.MetadataKey + `":"`)

// unescaped undoes the escapes of a point's record, if they are of quotes alone as usual; else ok is false. What else
// stands on the line is k6's own and not looked at.
func (k *k6Reader) unescaped(text []byte) (carried []byte, ok bool) {
	at := bytes.Index(text, k6Record)
	if !bytes.HasPrefix(text, k6Head) || at < 0 || text[len(text)-1] != '}' {
		return nil, false
	}
	rest, out := text[at+len(k6Record):], k.text[:0]
	for {
		quote := bytes.IndexByte(rest, '"')
		if quote < 0 {
			return nil, false
		}
		part := rest[:quote]
		switch bytes.IndexByte(part, '\\') {
		case -1:
			k.text = append(out, part...)
			return k.text, true
		case quote - 1:
			out = append(append(out, part[:quote-1]...), '"')
			rest = rest[quote+1:]
		default:
			return nil, false
		}
	}
}
