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

// isK6JSON reports whether head begins a file of k6's --out json, judged by its first line.
func isK6JSON(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	return bytes.Contains(line, []byte(`"metric":`)) &&
		(bytes.Contains(line, []byte(`"Metric"`)) || bytes.Contains(line, []byte(`"Point"`)))
}

// k6Reader reads the lines of records that points of k6's JSON output carry.
type k6Reader struct {
	src     *bufio.Reader
	file    string
	line    int
	maxLine int    // bytes of a line
	long    []byte // a line that is longer than the buffer of src
	text    []byte // a record without its escapes
	dec     record.Decoder
}

func newK6Reader(src io.Reader, file string) *k6Reader {
	return &k6Reader{src: bufio.NewReaderSize(src, bufferSize), file: file, maxLine: maxPoint,
		dec: record.Decoder{Reuse: true}}
}

// next returns the next line of a record.
func (k *k6Reader) next() (record.Line, error) {
	for {
		text, err := k.readLine()
		if len(text) > 0 && hasMetric(text) {
			line, perr := k.parse(text)
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

// maxPoint bounds the length of a line in bytes, as lines of record files are bounded.
const maxPoint = 1 << 28

// readLine returns the next line, which is valid until the next call.
func (k *k6Reader) readLine() ([]byte, error) {
	k.long = k.long[:0]
	k.line++
	for {
		part, err := k.src.ReadSlice('\n')
		if len(k.long)+len(part) > k.maxLine {
			return nil, &record.SyntaxError{File: k.file, Line: k.line,
				Err: fmt.Errorf("line longer than %d MiB", k.maxLine>>20)}
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

// k6Metrics are the names of the metrics whose points are parsed. Millions of other points are skipped without parsing.
var k6Metrics = [][]byte{[]byte(record.MetricRequests), []byte(record.MetricEvents), []byte("dropped_iterations")}

// k6Head is the beginning of each line as k6 writes it.
var k6Head = []byte(`{"metric":"`)

// hasMetric reports whether a line may hold a point of k6Metrics. k6 writes the metric's name first; if another program
// rewrote the file, the name may stand anywhere in the line.
func hasMetric(text []byte) bool {
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

// parse returns the line that a point carries, or nil if the text is another kind of line.
func (k *k6Reader) parse(text []byte) (record.Line, error) {
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

// k6Record precedes a record in a point's metadata.
var k6Record = []byte(`"` + record.MetadataKey + `":"`)

// unescaped returns a point's record without its escapes. ok is false unless only quotes are escaped, as is usual. The
// rest of the line is k6's own and is not checked.
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
