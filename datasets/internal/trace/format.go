// Package trace reads traces of production traffic and of agents into sessions. A format is a file of this package: it
// tells which records belong together and makes a session of them. What all formats share is done once: files of any
// size are indexed in one pass and read from again for each session, so that memory grows with the number of records
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
	// Index tells what is needed of a record to find its session. It is called for each record of a file, in order.
	// It must be fast: 100 MB a second. Its error names the field, and with it the entry has the session if it can.
	Index(record []byte) (Entry, error)
	// Session makes a session of its records, which are in the order of the files. The session's texts may share the
	// bytes of the records, which nothing else uses. A session without an ID gets one by its place in the trace.
	// Origin, Start and Timed are set by the caller, who checks the session, too. An error that concerns one record is
	// made by [Record.Fault].
	Session(records []Record) (*workload.Session, error)
}

// Narrow is a Format whose Index needs few of the fields that a record may have. It may be used concurrently.
type Narrow interface {
	// Needed reports whether Index needs a field.
	Needed(name string) bool
}

// NoCall is an Entry.Calls.
const NoCall = -1

// Splitter is a Format whose records may be made of others. It may be used concurrently.
type Splitter interface {
	// Split returns the records that a record consists of, which stand for it; nil if it stands for itself.
	Split(record []byte) []Piece
}

// Piece is a part of a record that is one itself.
type Piece struct{ Offset, Length int }

// Record is a record of a trace: an object in JSON, also where the file is a table.
type Record struct {
	Data   []byte
	Origin string // file and line, for errors
	File   string
	Line   int
	// Start is the instant of Entry.Time, since an origin that all records of a trace share. It is valid only if Timed.
	Start time.Duration
	Timed bool

	stem   string // of the file's name, which no other file has
	number uint64 // of the file and the line, the same on every machine
}

// Fault returns an error of a record, with its file and line.
func (r Record) Fault(err error) error { return &fault{r.Origin, err} }

// fault is an error with its place.
type fault struct {
	origin string
	err    error
}

func (f *fault) Error() string { return f.origin + ": " + f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// Entry is what the index knows of a record.
type Entry struct {
	// Session is the key of the session that the record belongs to; "" makes it a session of its own.
	Session string
	// Links are the keys of further records that belong to the same session, such as those of sub-agents.
	Links []string
	// Whole reports that the record is a whole session, so that its key must not come twice.
	Whole bool
	// Time is when the record's call went, in any form that package instant reads; "" if the record does not tell.
	Time string
	// Unit is how many numbers make a second, if Time is a number; 0 finds out by the first one.
	Unit float64
	// Calls is the number of calls in the record; 0 means 1, and NoCall none. Sessions without calls are left out.
	Calls int
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
	// IdleGapCap bounds the time in which no call of a session is sent; 0 means no bound. Formats apply it by Squeeze.
	IdleGapCap time.Duration
}

// makers make the formats with options, in the order in which they are tried on a file of unknown format: those that
// more records could be taken for come later.
var makers = []func(Options) Format{
	newOTel, newWeka, newTraceLab, newDAG, newBailian, newMooncake, newAzure, newBurstGPT, newBodies, newLog,
}

// All returns the formats.
func All(o Options) (list []Format) {
	for _, make := range makers {
		list = append(list, make(o))
	}
	return list
}
