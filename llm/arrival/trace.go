package arrival

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// ReadTrace reads the instants of a trace, in seconds after its first: a CSV file whose first column is a time, as in the
// traces Azure published (TIMESTAMP,ContextTokens,GeneratedTokens), or seconds. A header line is passed over. name is the
// file's, for errors, which also tell the line.
func ReadTrace(src io.Reader, name string) ([]float64, error) {
	r := csv.NewReader(src)
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, true
	var seconds []float64
	var first instant
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		at, err := parseInstant(fields[0])
		switch {
		case err != nil && line == 1:
			continue // the header
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		case len(seconds) == 0:
			first = at
		}
		after := at.since(first)
		if n := len(seconds); n > 0 && after < seconds[n-1] {
			return nil, fmt.Errorf("%s:%d: %q comes before the line ahead of it", name, line, fields[0])
		}
		seconds = append(seconds, after)
	}
	if len(seconds) == 0 {
		return nil, fmt.Errorf("%s: no instant in it", name)
	}
	return seconds, nil
}

// instant is a time, or a number of seconds.
type instant struct {
	time    time.Time
	seconds float64
}

func (i instant) since(first instant) float64 {
	if i.time.IsZero() {
		return i.seconds - first.seconds
	}
	return i.time.Sub(first.time).Seconds()
}

// parseInstant reads "2023-11-16 18:17:03.9799600", with a T, a zone or neither, or a number of seconds.
func parseInstant(text string) (instant, error) {
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	if s, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(s) && !math.IsInf(s, 0) {
		return instant{seconds: s}, nil
	}
	plain := strings.Replace(text, "T", " ", 1)
	for _, layout := range [...]string{"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, plain); err == nil {
			return instant{time: t}, nil
		}
	}
	return instant{}, fmt.Errorf("%q is neither a time such as 2023-11-16 18:17:03.97996 nor a number of seconds", text)
}
