package selftest

import (
	"errors"
	"io"
	"os"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// CompareFiles compares a record file with the simulator's file of truths. It also returns the end line of the record
// file, or nil if there is none. It ignores a last line of truths that was cut off.
func CompareFiles(records, truths string) (Errors, *record.End, error) {
	known, err := sim.ReadTruths(truths)
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
			return Compare(requests, known), end, nil
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
