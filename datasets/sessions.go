package datasets

import (
	"errors"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/trace"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// TraceOptions are the options of a workload that is read from files.
type TraceOptions struct {
	Format        string            // one of TraceFormats; "" finds out by the first record
	Columns       map[string]string // see trace.Options
	BlockSize     int               // tokens of a hashed block; 0 means the format's own
	Scope         string            // "trace" or "session"; "" means the format's own
	IncludeErrors bool
	IdleGapCap    time.Duration

	Filter      string  // a lambda of Python over a session's record; "" keeps all
	SkipInvalid bool    // leave out invalid sessions, and count them
	Entries     int64   // sessions to read; 0 means all
	Share       float64 // of the sessions to keep, drawn by Seed; 0 means all
	Duplicates  int64   // sessions to reach by repeating them under other ids; 0 repeats none
	Shuffle     *int64  // seed by which sessions are shuffled; nil keeps the trace's order
	Seed        int64   // of Share
}

// TraceFormats returns the names of the formats that OpenTrace reads.
func TraceFormats() (names []string) {
	for _, f := range trace.All(trace.Options{}) {
		names = append(names, f.Name())
	}
	return names
}

// OpenTrace opens the files of a trace as a workload. It indexes the files in one pass.
func OpenTrace(_ []File, _ TraceOptions) (workload.Source, error) {
	return nil, errors.New("no format of traces is known")
}
