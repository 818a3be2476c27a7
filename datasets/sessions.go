package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/trace"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// TraceOptions are the options of a workload that is read from files.
type TraceOptions struct {
	Format        string            // one of TraceFormats; "" finds out by the first record
	Columns       map[string]string // names of fields by what they hold, see trace.Options
	BlockSize     int               // tokens of a hashed block; 0 means the format's own
	Scope         string            // "trace" or "session"; "" means the format's own
	IncludeErrors bool
	IdleGapCap    time.Duration

	Filter      string  // a lambda of Python over a session's record; "" keeps all
	SkipInvalid bool    // leave out invalid sessions, and count them; all are read when the trace is opened
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

// Traced is a workload read from a trace. It may be used concurrently.
type Traced struct {
	trace  *trace.Trace
	order  []uint32        // sessions of the trace by number
	starts []time.Duration // by number, after the first; nil if the trace has no instants
	once   int64           // number of sessions before they are repeated
	counts workload.Counts
}

var _ interface {
	workload.Clocked
	workload.Counted
} = new(Traced)

// OpenTrace opens the files of a trace as a workload. It indexes the files in one pass and reads each session again
// when it is asked for: a session of one record takes 52 bytes of memory, or 36 if all are, and each further record 24.
//
// Sessions are in the order in which they began, or in that of the files if the trace has no instants. From them are
// kept: those that the filter keeps, of these a share, of these the first entries by their place in the files. They are
// shuffled last; the instants stay, so that other sessions begin at them. Repeated sessions follow the trace, as far
// behind as its sessions are apart on average.
func OpenTrace(files []File, o TraceOptions) (*Traced, error) {
	if err := o.check(files); err != nil {
		return nil, err
	}
	s := trace.Selection{Format: o.Format, SkipInvalid: o.SkipInvalid}
	if !o.SkipInvalid && o.Share == 0 && o.Filter == "" {
		s.Enough = o.Entries
	}
	t, err := trace.Open(traceFiles(files), trace.Options{
		Columns: o.Columns, BlockSize: o.BlockSize, Scope: o.Scope, IncludeErrors: o.IncludeErrors,
		IdleGapCap: o.IdleGapCap,
	}, s)
	if err != nil {
		return nil, err
	}
	out := &Traced{trace: t, counts: workload.Counts{Skipped: t.Skipped, Faults: t.Faults}}
	if err := out.choose(o); err != nil {
		return nil, err
	}
	if !o.SkipInvalid { // what is wrong with all sessions comes up with the first
		_, err = out.Session(0)
	}
	return out, err
}

// check returns an error if the options are out of range.
func (o TraceOptions) check(files []File) error {
	switch {
	case len(files) == 0:
		return errors.New("no file of a trace")
	case o.BlockSize < 0 || o.Entries < 0 || o.Duplicates < 0 || o.IdleGapCap < 0:
		return fmt.Errorf("block size, entries, duplicates and the cap of idle gaps must not be negative, got %d, %d, "+
			"%d and %v", o.BlockSize, o.Entries, o.Duplicates, o.IdleGapCap)
	case !(o.Share >= 0 && o.Share <= 1):
		return fmt.Errorf("the share must be from 0 to 1, got %v", o.Share)
	case o.Scope != "" && o.Scope != "trace" && o.Scope != "session":
		return fmt.Errorf("the scope is trace or session, got %q", o.Scope)
	}
	return nil
}

// choose chooses the sessions and puts them in order.
func (t *Traced) choose(o TraceOptions) error {
	if err := t.keep(o); err != nil {
		return err
	}
	kept := len(t.order)
	if o.Share > 0 {
		t.order = slices.DeleteFunc(t.order, func(k uint32) bool { return !drawn(o.Seed, k, o.Share) })
	}
	if o.Entries > 0 && int64(len(t.order)) > o.Entries {
		t.order = t.order[:o.Entries]
	}
	switch {
	case kept == 0:
		return t.none()
	case len(t.order) == 0:
		return fmt.Errorf("no session is left of the trace: a share of %.4g%% draws none of its %d: give a larger "+
			"one, or another seed", 100*o.Share, kept)
	}
	if all := t.trace.Starts(); all != nil {
		byStart := func(a, b uint32) int { return cmp.Compare(all[a], all[b]) }
		starts := all
		if !slices.IsSortedFunc(t.order, byStart) { // as most traces are
			slices.SortStableFunc(t.order, byStart)
			starts = nil
		}
		if len(starts) != len(t.order) {
			starts = make([]time.Duration, len(t.order))
		}
		first := all[t.order[0]]
		for i, k := range t.order { // k is i if starts is all
			starts[i] = all[k] - first
		}
		t.starts = starts
	}
	if o.Shuffle != nil {
		shuffle(t.order, *o.Shuffle)
	}
	if err := t.repeat(o.Duplicates); err != nil {
		return err
	}
	for i := range t.order {
		t.counts.Calls += int64(t.trace.Calls(int(t.order[i])))
	}
	t.counts.Sessions = int64(len(t.order))
	return nil
}

// none returns the error of a workload without sessions.
func (t *Traced) none() error {
	c := t.counts
	text := fmt.Sprintf("no session is left of the trace: %d were filtered out, %d are invalid", c.Filtered, c.Skipped)
	if len(c.Faults) > 0 {
		text += ": " + c.Faults[0]
	}
	return errors.New(text)
}

// drawn reports whether a session is in a share of all. It depends on the seed and the session alone.
func drawn(seed int64, k uint32, share float64) bool {
	return unit(rand.New(rand.NewPCG(uint64(seed), uint64(k)))) < share
}

// repeat repeats the sessions until there are n.
func (t *Traced) repeat(n int64) error {
	once := len(t.order)
	t.once = int64(once)
	if int64(once) >= n {
		return nil
	}
	pass := time.Duration(0)
	if t.starts != nil {
		last := t.starts[once-1]
		gap := last / time.Duration(max(1, once-1))
		if passes := float64((n - 1) / t.once); (float64(last)+float64(gap))*passes+float64(last) > math.MaxInt64 {
			return fmt.Errorf("%d sessions of a trace of %v each %d last for more than 292 years", n, last, once)
		}
		pass = last + gap
	}
	for i := once; int64(i) < n; i++ {
		t.order = append(t.order, t.order[i-once])
		if t.starts != nil {
			t.starts = append(t.starts, t.starts[i-once]+pass)
		}
	}
	return nil
}

// Session returns session number i. The id of one that is repeated ends in _dup and the number of the repetition.
func (t *Traced) Session(i int64) (*workload.Session, error) {
	s, err := t.trace.Session(int(t.order[i]))
	if err != nil {
		return nil, err
	}
	if pass := i / t.once; pass > 0 {
		s.ID, s.Duplicate = s.ID+"_dup"+strconv.FormatInt(pass, 10), true
	}
	if t.starts != nil {
		s.Start = t.starts[i]
	}
	return s, nil
}

// Len returns the number of sessions.
func (t *Traced) Len() (int64, bool) { return int64(len(t.order)), true }

// Starts returns when the sessions begin, in ascending order; nil if the trace has no instants.
func (t *Traced) Starts() []time.Duration { return t.starts }

// Counts tells what was left out. The number of calls is what the records tell without being read in full.
func (t *Traced) Counts() workload.Counts { return t.counts }

// Format returns the name of the trace's format.
func (t *Traced) Format() string { return t.trace.Format() }
