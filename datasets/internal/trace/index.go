package trace

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/instant"
)

// Selection tells which records of a trace are indexed.
type Selection struct {
	// Format is the name of the format; "" finds out by the first record.
	Format string
	// SkipInvalid leaves out records that cannot be read, and counts them. A file in which no record can be found after
	// a fault ends there.
	SkipInvalid bool
	// Enough is the number of sessions after which reading ends, if each record is a session of its own; 0 reads all.
	Enough int64
}

// MaxFaults is how many reasons are kept.
const MaxFaults = 5

// Open indexes the files of a trace in one pass.
func Open(files []File, o Options, s Selection) (*Trace, error) {
	t := &Trace{decoders: map[int]Decoder{}, options: o, named: s.Format != ""}
	x := indexer{Trace: t, selection: s}
	if s.Format != "" {
		if x.format = byName(o, s.Format); x.format == nil {
			return nil, fmt.Errorf("unknown format %q of traces: %s", s.Format, names(o))
		}
	}
	if len(files) >= 1<<fileBits {
		return nil, fmt.Errorf("%d files are too many", len(files))
	}
	for i, f := range files {
		x.files = append(x.files, f)
		if err := x.readFile(i); err != nil {
			return nil, err
		}
		if x.enough() {
			break
		}
	}
	return x.finish()
}

func byName(o Options, name string) Format {
	for _, f := range All(o) {
		if f.Name() == name {
			return f
		}
	}
	return nil
}

// names lists the formats, for errors.
func names(o Options) string {
	var list []string
	for _, f := range All(o) {
		list = append(list, f.Name())
	}
	return strings.Join(list, ", ")
}

// indexer makes the index of a trace.
type indexer struct {
	*Trace
	selection Selection
	copied    int64 // where the copy of the file begins that is read

	whole    map[string]uint32 // numbers of the records that are whole sessions, by key
	sessions assignment

	// of each record:
	calls   []uint32        // the number of its calls; nil while each is one
	swapped []time.Duration // its start if dates begin with the day; nil before the first date
	untimed int             // how many have no instant
	clock   instant.Clock
}

// enough reports whether no more sessions are asked for.
func (x *indexer) enough() bool {
	return x.sessions.of == nil && x.selection.Enough > 0 && int64(x.places.n) >= x.selection.Enough
}

// readFile indexes a file.
func (x *indexer) readFile(number int) error {
	f := &x.files[number]
	x.copied = x.spool.size
	records, shut, err := f.Records(&x.spool)
	if x.spool.err != nil {
		return x.spool.err
	}
	if err != nil {
		return x.leaveOut(err)
	}
	defer shut()
	table, _ := records.(Table)
	if table != nil {
		x.decoders[number] = table.Decoder()
	}
	for !x.enough() {
		if x.places.n > 0 && narrow(table, x.format) { // all fields tell what the first record is
			table = nil
		}
		row, err := records.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if bad := err != nil; bad {
			err = x.spoil(number, row, err)
			if err == nil && !records.Resume() {
				return nil
			}
		} else {
			err = x.add(number, row)
		}
		if err = cmp.Or(x.spool.err, err); err != nil {
			return err
		}
	}
	return nil
}

// narrow leaves out the fields of a table that the index of a format does not need. It reports false if the format
// needs all, or is not known yet.
func narrow(table Table, format Format) bool {
	n, ok := format.(Narrow)
	if ok && table != nil {
		table.Narrow(n.Needed)
	}
	return ok
}

// leaveOut counts an invalid record or file, or returns its error.
func (x *indexer) leaveOut(err error) error {
	if !x.selection.SkipInvalid {
		return err
	}
	x.Skipped++
	if len(x.Faults) < MaxFaults {
		x.Faults = append(x.Faults, err.Error())
	}
	return nil
}

// add indexes a record, or the records in it.
func (x *indexer) add(number int, row Row) error {
	if x.format == nil {
		if err := x.detect(row.Data); err != nil {
			return x.spoil(number, row, err)
		}
	}
	s, ok := x.format.(Splitter)
	if !ok {
		return x.addOne(number, row)
	}
	pieces := s.Split(row.Data)
	if pieces == nil {
		return x.addOne(number, row)
	}
	for _, p := range pieces {
		piece := row
		piece.Data = row.Data[p.Offset : p.Offset+p.Length]
		if piece.Length = 0; row.Length == len(row.Data) {
			piece.Offset, piece.Length = row.Offset+int64(p.Offset), p.Length
		}
		if err := x.addOne(number, piece); err != nil {
			return err
		}
	}
	return nil
}

// addOne indexes a record.
func (x *indexer) addOne(number int, row Row) error {
	e, err := x.format.Index(row.Data)
	if err == nil && e.Skip {
		return nil
	}
	if err != nil {
		if x.places.n == 0 {
			err = x.hinted(row.Data, err)
		}
		return x.spoil(number, row, err)
	}
	at := instant.Reading{At: never, Swapped: never}
	if e.Time != "" {
		if at, err = x.clock.Learn(e.Time, e.Unit); err != nil {
			return x.spoil(number, row, err)
		}
	}
	if err := x.once(e); err != nil {
		return x.spoil(number, row, err)
	}
	p, err := x.place(number, row)
	if err != nil {
		return err
	}
	if at.At == never {
		x.untimed++
	}
	if at.At != at.Swapped || x.swapped != nil {
		for i := len(x.swapped); i < x.places.n; i++ {
			x.swapped = append(x.swapped, x.places.at(i).start)
		}
		x.swapped = append(x.swapped, at.Swapped)
	}
	p.start = at.At
	x.count(e.Calls)
	x.sessions.assign(e, x.places.n)
	x.places.add(p)
	return nil
}

// detect finds the format of the trace by its first record.
func (x *indexer) detect(record []byte) error {
	for _, f := range All(x.options) {
		if f.Detects(record) {
			x.format = f
			return nil
		}
	}
	return fmt.Errorf("the record is of no known format: %s, or name workload.format: %s", toName(record),
		names(x.options))
}

// once checks that the key of a whole session comes once.
func (x *indexer) once(e Entry) error {
	if !e.Whole || e.Session == "" {
		return nil
	}
	if before, ok := x.whole[e.Session]; ok {
		origin := x.places.at(int(before)).origin(x.files)
		return fmt.Errorf("session %q is in %s, too: ids must differ", e.Session, origin)
	}
	if x.whole == nil {
		x.whole = map[string]uint32{}
	}
	x.whole[strings.Clone(e.Session)] = uint32(x.places.n)
	return nil
}

// place returns where a record is read again.
func (x *indexer) place(number int, row Row) (place, error) {
	p := place{at: uint64(number) << offsetBits, length: uint32(row.Length), line: uint32(row.Line)}
	const spooled = 1 << (offsetBits + fileBits)
	switch {
	case row.Copied:
		p.at |= spooled | uint64(x.copied+row.Offset)
	case row.Length > 0:
		p.at |= uint64(row.Offset)
	default:
		at, err := x.spool.add(row.Data)
		p.at, p.length = p.at|spooled|uint64(at), uint32(len(row.Data))
		return p, err
	}
	return p, nil
}

// count notes the number of calls of the next record, as Entry has it.
func (x *indexer) count(calls int) {
	if calls == 0 {
		calls = 1
	}
	if calls != 1 && x.calls == nil {
		x.calls = slices.Repeat([]uint32{1}, x.places.n)
	}
	if x.calls != nil || calls != 1 {
		x.calls = append(x.calls, uint32(max(0, calls)))
	}
}

// finish settles the instants, and puts the records of a session together.
func (x *indexer) finish() (*Trace, error) {
	if err := x.spool.flush(); err != nil {
		return nil, err
	}
	x.spool.buf, x.stems = nil, stems(x.files)
	if x.places.n == 0 {
		return nil, nothing(x.Trace)
	}
	if err := x.settle(); err != nil {
		return nil, err
	}
	x.timed = x.untimed < x.places.n
	if x.sessions.of == nil && x.calls == nil && (x.untimed == 0 || !x.timed) {
		return x.Trace, nil // each record is a session of one call
	}
	x.sessions.separate(x.places.n)
	x.leaveOutSpoiled()
	x.gather()
	x.groups = slices.DeleteFunc(x.groups, func(g group) bool { return g.calls == 0 })
	if len(x.groups) == 0 && x.Faults != nil {
		return nil, nothing(x.Trace)
	}
	if len(x.groups) == 0 {
		return nil, fmt.Errorf("%s: no record in it is a call", x.files[0].Name)
	}
	return x.Trace, x.leaveOutUntimed()
}

// nothing returns the error of a trace without records.
func nothing(t *Trace) error {
	name := t.files[0].Name
	if len(t.Faults) > 0 {
		return fmt.Errorf("%s: no valid record in it: %s", name, t.Faults[0])
	}
	return fmt.Errorf("%s: no record in it", name)
}

// settle decides the order of day and month in dates that can be read in either.
func (x *indexer) settle() error {
	starts := func(dayFirst bool) []time.Duration {
		if dayFirst {
			return x.swapped
		}
		list := make([]time.Duration, x.places.n)
		for i := range list {
			list[i] = x.places.at(i).start
		}
		return list
	}
	dayFirst, err := x.clock.Settle(func(dayFirst bool) bool { return slices.IsSorted(starts(dayFirst)) })
	if err != nil {
		return fmt.Errorf("%s: %w", x.files[0].Name, err)
	}
	if dayFirst {
		for i, start := range x.swapped {
			x.places.at(i).start = start
		}
	}
	return nil
}

// leaveOutUntimed leaves out the sessions without instants if others have some.
func (x *indexer) leaveOutUntimed() error {
	isTimed := func(g group) bool { _, timed := x.start(g); return timed }
	x.timed = slices.ContainsFunc(x.groups, isTimed)
	if !x.timed {
		return nil
	}
	var err error
	x.groups = slices.DeleteFunc(x.groups, func(g group) bool {
		if err != nil || isTimed(g) {
			return false
		}
		err = x.leaveOut(&fault{x.places.at(int(g.from)).origin(x.files),
			errors.New("the session has no instant, and others have")})
		return true
	})
	return err
}
