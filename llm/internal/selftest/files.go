package selftest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// OfFiles compares a record file with the simulator's file of truths. It also gives the record file's end line, nil if
// it has none. A last line of truths that was cut is passed over.
func OfFiles(records, truths string) (Errors, *record.End, error) {
	known, err := readTruths(truths)
	if err != nil {
		return Errors{}, nil, err
	}
	f, err := os.Open(records)
	if err != nil {
		return Errors{}, nil, err
	}
	defer func() { _ = f.Close() }()
	var requests []*record.Request
	var end *record.End
	for r := record.NewReader(f, records); ; {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return Of(requests, known), end, nil
		}
		if err != nil {
			return Errors{}, nil, err
		}
		switch line := line.(type) {
		case *record.Request:
			requests = append(requests, line)
		case *record.End:
			end = line
		}
	}
}

func readTruths(path string) (map[string]Truth, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	all := map[string]Truth{}
	for d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20)); ; {
		var r struct {
			ID     string  `json:"request_id"`
			Chunks []int64 `json:"chunks_ns"`
			End    int64   `json:"end_ns"`
		}
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all[r.ID] = Truth{Chunks: r.Chunks, End: r.End}
	}
}
