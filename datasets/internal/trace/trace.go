package trace

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// Trace is the index of a trace. It may be used concurrently. A session of one record takes 40 bytes of memory, or 24
// if all are, and each further record 24; nothing of their contents is kept.
type Trace struct {
	files    []File
	stems    []string // short names of the files, each its own
	format   Format
	options  Options         // of formats
	named    bool            // the format was named, not found out
	decoders map[int]Decoder // of the files that are tables
	spool    spool
	handles  handles
	places   placeList // of all records, those of a session together
	groups   []group   // nil if each record is a session of one call
	timed    bool

	// Skipped counts the records and files that were left out because they are invalid; Faults are the first reasons.
	Skipped int64
	Faults  []string
}

// group is a session: its records in places, the number of its first record in the trace, which tells sessions without
// ids apart, and the number of its calls.
type group struct{ from, to, number, calls uint32 }

// Len returns the number of sessions. They are in the order of their first records.
func (t *Trace) Len() int {
	if t.groups == nil {
		return t.places.n
	}
	return len(t.groups)
}

// group returns session number k.
func (t *Trace) group(k int) group {
	if t.groups == nil {
		return group{from: uint32(k), to: uint32(k) + 1, number: uint32(k), calls: 1}
	}
	return t.groups[k]
}

// Format returns the trace's format.
func (t *Trace) Format() string { return t.format.Name() }

// Calls returns the number of calls of session number k, as its records tell without being read in full.
func (t *Trace) Calls(k int) int { return int(t.group(k).calls) }

// Starts returns when each session begins, since an origin that all share; nil if the trace has no instants.
func (t *Trace) Starts() []time.Duration {
	if !t.timed {
		return nil
	}
	starts := make([]time.Duration, t.Len())
	for k := range starts {
		starts[k], _ = t.start(t.group(k))
	}
	return starts
}

// start returns the first instant of a session's records, and false if there is none.
func (t *Trace) start(g group) (first time.Duration, timed bool) {
	for i := g.from; i < g.to; i++ {
		if p := t.places.at(int(i)); p.start != never && (!timed || p.start < first) {
			first, timed = p.start, true
		}
	}
	return first, timed
}

// Records reads the records of session number k, in the order of the files. Nothing else uses their bytes.
func (t *Trace) Records(k int) ([]Record, error) {
	g := t.group(k)
	records := make([]Record, 0, g.to-g.from)
	from := ranges{trace: t}
	defer from.end()
	for i := g.from; i < g.to; i++ {
		p := *t.places.at(int(i))
		r := Record{File: t.files[p.file()].Name, Line: int(p.line), Origin: p.origin(t.files), Timed: p.start != never}
		r.stem, r.number = t.stems[p.file()], uint64(p.file())<<32|uint64(p.line)
		if r.Timed {
			r.Start = p.start
		}
		var err error
		if r.Data, err = from.read(p); err != nil {
			return nil, r.Fault(err)
		}
		records = append(records, r)
	}
	return records, nil
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
			s.ID = fmt.Sprintf("%s-%d", t.format.Name(), t.group(k).number+1)
		}
		err = s.Check()
	}
	if err != nil {
		return nil, t.hinted(records[0].Data, placed(records[0], err))
	}
	s.Origin = records[0].Origin
	s.Start, s.Timed = t.start(t.group(k))
	return s, nil
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
