package trace

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/instant"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Trace is the index of a trace. It may be used concurrently. A session of one record takes 40 bytes of memory, and
// each further record 16; nothing of their contents is kept.
type Trace struct {
	files  []indexed
	format Format
	spool  spool
	clock  instant.Clock
	places []place // of all records, those of a session together
	groups []group
	starts []time.Duration // by session, since the clock's origin; nil if the trace has no instants

	// Skipped counts the records and files that were left out because they are invalid; Faults are the first reasons.
	Skipped int64
	Faults  []string
}

// indexed is a file of a trace.
type indexed struct {
	File
	spooled bool // its records are read again from the spool
}

// group is a session: its records in places, the number of its first record in the trace, which tells sessions without
// ids apart, and the number of its calls.
type group struct{ from, to, number, calls uint32 }

// Len returns the number of sessions. They are in the order of their first records.
func (t *Trace) Len() int { return len(t.groups) }

// Format returns the trace's format.
func (t *Trace) Format() string { return t.format.Name() }

// Calls returns the number of calls of session number k, as its records tell without being read in full.
func (t *Trace) Calls(k int) int { return int(t.groups[k].calls) }

// Starts returns when each session begins, since an origin of the trace's clock; nil if the trace has no instants.
func (t *Trace) Starts() []time.Duration { return t.starts }

// Records reads the records of session number k, in the order of the files.
func (t *Trace) Records(k int) ([]Record, error) {
	g := t.groups[k]
	records := make([]Record, 0, g.to-g.from)
	from := ranges{trace: t}
	defer from.close()
	for _, p := range t.places[g.from:g.to] {
		r := Record{File: t.files[p.at>>offsetBits].Name, Line: int(p.line)}
		r.Origin = fmt.Sprintf("%s:%d", r.File, r.Line)
		data, err := from.read(p)
		if err != nil {
			return nil, r.Fault(err)
		}
		r.Data = data
		if err := t.stamp(&r); err != nil {
			return nil, r.Fault(err)
		}
		records = append(records, r)
	}
	return records, nil
}

// stamp sets the instant of a record.
func (t *Trace) stamp(r *Record) error {
	valid, err := check(r.Data)
	if err != nil {
		return fmt.Errorf("the file has changed since it was opened: %w", err)
	}
	r.Data = valid
	e, err := t.format.Index(valid)
	if err != nil || e.Time == "" {
		return err
	}
	r.Timed = true
	r.Start, err = t.clock.At(e.Time)
	return err
}

// Session makes session number k. Its start counts from the clock's origin.
func (t *Trace) Session(k int) (*workload.Session, error) {
	records, err := t.Records(k)
	if err != nil {
		return nil, err
	}
	s, err := t.format.Session(records)
	if err == nil {
		if s.ID == "" {
			s.ID = fmt.Sprintf("%s-%d", t.format.Name(), t.groups[k].number+1)
		}
		err = s.Check()
	}
	if err != nil {
		return nil, placed(records[0], err)
	}
	s.Origin = records[0].Origin
	if t.starts != nil {
		s.Start, s.Timed = t.starts[k], true
	}
	return s, nil
}

// check returns a record as valid JSON, with null for the numbers that JSON does not have.
func check(record []byte) ([]byte, error) {
	record = textfile.Finite(record)
	if !utf8.Valid(record) || !gjson.ValidBytes(record) {
		return nil, errors.New("it is not JSON")
	}
	return record, nil
}

// placed gives an error the place of a record, if it has none.
func placed(r Record, err error) error {
	if _, ok := err.(*fault); ok {
		return err
	}
	return r.Fault(err)
}

// Squeeze cuts the gaps between instants that are longer than limit, 0 meaning none: it returns the instants, in their
// order in the list, moved to earlier by what was cut before them. The first stays.
func Squeeze(at []time.Duration, limit time.Duration) []time.Duration {
	if limit <= 0 || len(at) == 0 {
		return at
	}
	order := slices.Clone(at)
	slices.Sort(order)
	cut := make(map[time.Duration]time.Duration, len(order)) // by instant
	total := time.Duration(0)
	for i, t := range order {
		if i > 0 {
			total += max(0, t-order[i-1]-limit)
		}
		cut[t] = total
	}
	out := make([]time.Duration, len(at))
	for i, t := range at {
		out[i] = t - cut[t]
	}
	return out
}
