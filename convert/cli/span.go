package cli

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// span is a duration as a flag.
type span struct{ d *time.Duration }

// String is the default in the manual, which 0 is not shown as.
func (s span) String() string {
	if s.d == nil || *s.d == 0 {
		return ""
	}
	return s.d.String()
}

// Set reads 30s or 1h30m.
func (s span) Set(text string) (err error) {
	*s.d, err = timespan.Parse(text)
	return err
}

// Type is what the manual calls the value.
func (span) Type() string { return "duration" }
