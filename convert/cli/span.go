package cli

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// span is a duration as a flag.
type span struct{ d *time.Duration }

// String returns the default for the manual, which does not show 0.
func (s span) String() string {
	if s.d == nil || *s.d == 0 {
		return ""
	}
	return s.d.String()
}

// Set parses a duration such as 30s or 1h30m.
func (s span) Set(text string) (err error) {
	*s.d, err = timespan.Parse(text)
	return err
}

// Type returns the manual's word for the value.
func (span) Type() string { return "duration" }
