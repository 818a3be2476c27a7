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
	x := indexer{Trace: &Trace{}, options: o, selection: s, keys: map[string]uint32{}}
	if s.Format != "" {
		if x.format = byName(o, s.Format); x.format == nil {
			return nil, fmt.Errorf("unknown format %q of traces: %s", s.Format, names(o))
		}
	}
	for i, f := range files {
		x.files = append(x.files, indexed{File: f})
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
	options   Options
	selection Selection

	keys  map[string]uint32 // session by key
	whole map[string]string // origins of the records that are whole sessions, by key
	// of each session that records were assigned to:
	joined   []uint32 // the session that it is part of, or its own number
	first    []uint32 // number of its first record
	readings []instant.Reading
	timed    []bool

	of      []uint32 // session of each record
	calls   []uint32 // of each record
	grouped bool     // a session has several records or a key
	dates   bool     // some reading differs if swapped
}

// enough reports whether no more sessions are asked for.
func (x *indexer) enough() bool {
	return !x.grouped && x.selection.Enough > 0 && int64(len(x.joined)) >= x.selection.Enough
}

// readFile indexes a file.
func (x *indexer) readFile(number int) error {
	f := &x.files[number]
	records, shut, err := f.Records()
	if err != nil {
		return x.leaveOut(err)
	}
	defer shut()
	for !x.enough() {
		row, err := records.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		bad := err != nil
		if !bad {
			err = x.add(number, row)
		}
		if err == nil {
			continue
		}
		if err := x.leaveOut(&fault{fmt.Sprintf("%s:%d", f.Name, row.Line), err}); err != nil {
			return err
		}
		if bad && !records.Resume() {
			return nil
		}
	}
	return nil
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
			return err
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
	if err != nil || e.Skip {
		return err
	}
	var at instant.Reading
	if e.Time != "" {
		if at, err = x.clock.Learn(e.Time, e.Unit); err != nil {
			return err
		}
		x.dates = x.dates || at.At != at.Swapped
	}
	if err := x.once(e, number, row.Line); err != nil {
		return err
	}
	p, err := x.place(number, row)
	if err != nil {
		return err
	}
	x.assign(e, at)
	x.places = append(x.places, p)
	if e.Calls == 0 {
		e.Calls = 1
	}
	x.calls = append(x.calls, uint32(max(0, e.Calls)))
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
	return fmt.Errorf("the record is of no known format: name its format, one of %s", names(x.options))
}

// once checks that the key of a whole session comes once.
func (x *indexer) once(e Entry, number, line int) error {
	if !e.Whole || e.Session == "" {
		return nil
	}
	if before, ok := x.whole[e.Session]; ok {
		return fmt.Errorf("session %q is in %s, too: ids must differ", e.Session, before)
	}
	if x.whole == nil {
		x.whole = map[string]string{}
	}
	x.whole[strings.Clone(e.Session)] = fmt.Sprintf("%s:%d", x.files[number].Name, line)
	return nil
}

// place returns where a record is read again.
func (x *indexer) place(number int, row Row) (place, error) {
	p := place{at: uint64(number)<<offsetBits | uint64(row.Offset), length: uint32(row.Length), line: uint32(row.Line)}
	if row.Length > 0 {
		return p, nil
	}
	x.files[number].spooled = true
	at, err := x.spool.add(row.Data)
	p.at, p.length = uint64(number)<<offsetBits|uint64(at), uint32(len(row.Data))
	return p, err
}

// assign finds the session of a record, and joins those that it links.
func (x *indexer) assign(e Entry, at instant.Reading) {
	var k uint32
	if e.Session == "" && len(e.Links) == 0 {
		k = x.session()
	} else {
		x.grouped = true
		k = x.root(x.keyed(e.Session))
		for _, key := range e.Links {
			k = x.join(k, x.root(x.keyed(key)))
		}
	}
	if e.Time != "" && (!x.timed[k] || at.At < x.readings[k].At) {
		x.readings[k].At = at.At
	}
	if e.Time != "" && (!x.timed[k] || at.Swapped < x.readings[k].Swapped) {
		x.readings[k].Swapped = at.Swapped
	}
	x.timed[k] = x.timed[k] || e.Time != ""
	x.of = append(x.of, k)
}

// session returns a new session.
func (x *indexer) session() uint32 {
	k := uint32(len(x.joined))
	x.joined = append(x.joined, k)
	x.readings = append(x.readings, instant.Reading{})
	x.timed = append(x.timed, false)
	return k
}

// keyed returns the session of a key, a new one if the key is new or "".
func (x *indexer) keyed(key string) uint32 {
	if k, ok := x.keys[key]; ok && key != "" {
		return k
	}
	k := x.session()
	if key != "" {
		x.keys[strings.Clone(key)] = k
	}
	return k
}

// root returns the session that another was joined with.
func (x *indexer) root(k uint32) uint32 {
	for x.joined[k] != k {
		x.joined[k] = x.joined[x.joined[k]]
		k = x.joined[k]
	}
	return k
}

// join makes one session of two, and returns it.
func (x *indexer) join(a, b uint32) uint32 {
	if a == b {
		return a
	}
	a, b = min(a, b), max(a, b)
	x.joined[b] = a
	if x.timed[b] {
		if !x.timed[a] {
			x.readings[a] = x.readings[b]
		}
		x.readings[a].At = min(x.readings[a].At, x.readings[b].At)
		x.readings[a].Swapped = min(x.readings[a].Swapped, x.readings[b].Swapped)
		x.timed[a] = true
	}
	return a
}

// finish puts the records of a session together, and settles the sessions' starts.
func (x *indexer) finish() (*Trace, error) {
	if err := x.spool.flush(); err != nil {
		return nil, err
	}
	x.spool.buf = nil
	if len(x.places) == 0 {
		return nil, x.empty()
	}
	if x.dropIdle(); len(x.places) == 0 {
		return nil, fmt.Errorf("%s: no record in it is a call", x.files[0].Name)
	}
	order := x.gather()
	if err := x.settle(order); err != nil {
		return nil, err
	}
	return x.Trace, nil
}

// empty returns the error of a trace without records.
func (x *indexer) empty() error {
	name := x.files[0].Name
	if len(x.Faults) > 0 {
		return fmt.Errorf("%s: no valid record in it: %s", name, x.Faults[0])
	}
	return fmt.Errorf("%s: no record in it", name)
}

// dropIdle leaves out the sessions without a call.
func (x *indexer) dropIdle() {
	if !slices.Contains(x.calls, 0) {
		return
	}
	calls := make([]uint32, len(x.joined))
	for i, n := range x.calls {
		calls[x.root(x.of[i])] += n
	}
	kept := 0
	for i := range x.places {
		if calls[x.root(x.of[i])] > 0 {
			x.places[kept], x.of[kept], x.calls[kept] = x.places[i], x.of[i], x.calls[i]
			kept++
		}
	}
	x.places, x.of, x.calls = x.places[:kept], x.of[:kept], x.calls[:kept]
}

// gather makes the groups, and returns for each its session as numbered while reading. Groups are in the order of their
// first records.
func (x *indexer) gather() []uint32 {
	const none = ^uint32(0)
	groupOf := slices.Repeat([]uint32{none}, len(x.joined))
	var order []uint32
	for i := range x.of {
		k := x.root(x.of[i])
		if groupOf[k] == none {
			groupOf[k] = uint32(len(order))
			order = append(order, k)
			x.groups = append(x.groups, group{number: uint32(i)})
		}
		x.of[i] = groupOf[k]
		x.groups[groupOf[k]].to++ // the count, for now
		x.groups[groupOf[k]].calls += x.calls[i]
	}
	if len(order) == len(x.places) {
		for i := range x.groups {
			x.groups[i].from, x.groups[i].to = uint32(i), uint32(i)+1
		}
		return order
	}
	end := uint32(0)
	for i := range x.groups {
		n := x.groups[i].to
		x.groups[i].from, x.groups[i].to = end, end
		end += n
	}
	sorted := make([]place, len(x.places))
	for i, p := range x.places {
		g := &x.groups[x.of[i]]
		sorted[g.to] = p
		g.to++
	}
	x.places = sorted
	return order
}

// settle sets the starts of the sessions.
func (x *indexer) settle(order []uint32) error {
	start := func(k uint32, dayFirst bool) time.Duration {
		if dayFirst {
			return x.readings[k].Swapped
		}
		return x.readings[k].At
	}
	dayFirst, err := x.clock.Settle(func(dayFirst bool) bool {
		return slices.IsSortedFunc(order, func(a, b uint32) int {
			return cmp.Compare(start(a, dayFirst), start(b, dayFirst))
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", x.files[0].Name, err)
	}
	timed := slices.IndexFunc(order, func(k uint32) bool { return x.timed[k] })
	if timed < 0 {
		return nil
	}
	untimed := slices.IndexFunc(order, func(k uint32) bool { return !x.timed[k] })
	if untimed >= 0 {
		p := x.places[x.groups[untimed].from]
		return fmt.Errorf("%s:%d: the session has no instant, and others have", x.files[p.at>>offsetBits].Name, p.line)
	}
	x.starts = make([]time.Duration, len(order))
	for i, k := range order {
		x.starts[i] = start(k, dayFirst)
	}
	return nil
}
