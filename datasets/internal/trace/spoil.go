package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// spoil leaves out a record that cannot be read, and its session as far as it tells which one that is: without the
// record the session would not be what it was. It returns the fault unless invalid records are skipped.
func (x *indexer) spoil(number int, row Row, err error) error {
	place := &fault{fmt.Sprintf("%s:%d", x.files[number].Name, row.Line), err}
	if !x.selection.SkipInvalid || x.format == nil || !gjson.ValidBytes(row.Data) {
		return x.leaveOut(place)
	}
	e, _ := x.format.Index(row.Data)
	if !e.grouped() || e.Whole {
		return x.leaveOut(place)
	}
	if !x.sessions.spoil(e, x.places.n) {
		return nil
	}
	return x.leaveOut(place)
}

// leaveOutSpoiled takes the calls from the sessions that lack a record, which was counted when this was found.
func (x *indexer) leaveOutSpoiled() {
	s := &x.sessions
	if s.spoiled == nil {
		return
	}
	for k := range s.spoiled {
		s.spoiled[s.root(k)] = true
	}
	if x.calls == nil {
		x.calls = slices.Repeat([]uint32{1}, x.places.n)
	}
	for i, k := range s.of {
		if s.spoiled[s.root(k)] {
			x.calls[i] = 0
		}
	}
}

// toName asks for the names of the columns of a record, for errors.
func toName(record []byte) string {
	var list []string
	for name := range members(strings.TrimSpace(view(record))) {
		list = append(list, name)
	}
	const most = 20
	if len(list) > most {
		list = append(list[:most], "…")
	}
	return fmt.Sprintf("say in workload.columns which of its fields (%s) hold %s", strings.Join(list, ", "),
		strings.Join(ColumnNames[:sessionColumn+1], ", "))
}

// hinted adds to the error of a record that does not look like one of the format that was named what it looks like.
func (t *Trace) hinted(record []byte, err error) error {
	if !t.named || t.format.Detects(record) {
		return err
	}
	for _, f := range All(t.options) {
		if f.Detects(record) {
			return fmt.Errorf("%w: the record looks like one of format %s, not %s: use type workload_replay with that "+
				"as workload.format", err, f.Name(), t.format.Name())
		}
	}
	if _, ok := t.format.(log); ok { // any record may be one
		return err
	}
	return fmt.Errorf("%w: the record does not look like one of format %s", err, t.format.Name())
}
