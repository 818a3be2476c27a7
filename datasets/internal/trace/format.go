// Package trace reads traces of production traffic and of agents into sessions. A format is a file of this package: it
// tells which records belong together and makes a session of them. What all formats share is done once: files of any
// size are indexed in one pass and read from again for each session, so that memory grows with the number of sessions
// alone.
package trace

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// Format is one kind of trace. It may be used concurrently.
type Format interface {
	// Name is the format's name in options.
	Name() string
	// Detects reports whether a record looks like one of the format.
	Detects(record []byte) bool
	// Index tells what is needed of a record to find its session. It is called for each record of a file, in order,
	// and must be fast: 100 MB a second. Its error names the field.
	Index(record []byte) (Entry, error)
	// Session makes a session of its records, which are in the order of the files. The records must not be kept.
	Session(records []Record) (*workload.Session, error)
}

// Record is a record of a trace: an object in JSON, also where the file is a table.
type Record struct {
	Data   []byte
	Origin string // file and line, for errors
	File   string
	Line   int
}

// Entry is what the index knows of a record.
type Entry struct {
	// Session is the key of the session that the record belongs to; "" makes it a session of its own.
	Session string
	// Links are the keys of further records that belong to the same session, such as those of sub-agents.
	Links []string
	// Start is when the record's call went, since any instant that is the same for the whole trace. It is valid only if
	// Timed.
	Start time.Duration
	Timed bool
	// Skip leaves the record out without a word, such as a row of another kind.
	Skip bool
}

// Options are what formats can be told. Each takes what it knows of.
type Options struct {
	// Columns are the names of fields by what they hold: time, prompt, messages, input_tokens, output_tokens, session,
	// body, headers.
	Columns       map[string]string
	BlockSize     int    // tokens of a hashed block; 0 means the format's own
	Scope         string // "trace" or "session", for which equal hashes are equal texts; "" means the format's own
	IncludeErrors bool   // calls that failed when they were recorded are replayed
	// IdleGapCap bounds the time in which no call of a session is sent; 0 means no bound.
	IdleGapCap time.Duration
}

// makers make the formats with options, in the order in which they are tried on a file of unknown format. Each is in a
// file of its own, and adds its line here.
var makers = []func(Options) Format{}

// All returns the formats.
func All(o Options) (list []Format) {
	for _, make := range makers {
		list = append(list, make(o))
	}
	return list
}
