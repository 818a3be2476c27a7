package datasets

import (
	"runtime"
	"sync"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/trace"
)

// verdict is what becomes of a session of a trace.
type verdict struct {
	filtered bool
	fault    error // it is invalid
	err      error // the filter cannot be applied, so that nothing is kept
}

// keep puts the sessions in order that the filter keeps and that are valid. It reads them only if asked for either.
func (t *Traced) keep(o TraceOptions) error {
	filter, err := t.filter(o.Filter)
	if err != nil {
		return err
	}
	n := t.trace.Len()
	if filter == nil && !o.SkipInvalid {
		t.order = make([]uint32, n)
		for k := range t.order {
			t.order[k] = uint32(k)
		}
		return nil
	}
	// a batch is large enough to keep all processors busy, and small beside a trace of which few entries are wanted
	batch := 64 * runtime.GOMAXPROCS(0)
	for from := 0; from < n && (o.Entries == 0 || o.Share > 0 || int64(len(t.order)) < o.Entries); from += batch {
		for i, v := range t.judge(from, min(n, from+batch), filter, o.SkipInvalid) {
			switch {
			case v.err != nil:
				return v.err
			case v.filtered:
				t.counts.Filtered++
			case v.fault != nil:
				t.leaveOut(v.fault)
			default:
				t.order = append(t.order, uint32(from+i))
			}
		}
	}
	return nil
}

// leaveOut counts an invalid session.
func (t *Traced) leaveOut(fault error) {
	t.counts.Skipped++
	if len(t.counts.Faults) < trace.MaxFaults {
		t.counts.Faults = append(t.counts.Faults, fault.Error())
	}
}

// filter returns the function of the filter, which is nil if all sessions are kept.
func (t *Traced) filter(source string) (func(records []trace.Record) (bool, error), error) {
	if source == "" {
		return nil, nil
	}
	f, err := trace.NewFilter(source)
	if err != nil {
		return nil, err
	}
	return func(records []trace.Record) (bool, error) {
		fields, err := t.trace.Fields(records)
		if err != nil {
			return true, nil // the session is invalid, which comes up when it is read
		}
		return f.Keep(fields)
	}, nil
}

// judge reads the sessions from number from to before number to.
func (t *Traced) judge(from, to int, filter func([]trace.Record) (bool, error), valid bool) []verdict {
	list := make([]verdict, to-from)
	var wait sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(list))
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(list); i += workers {
				list[i] = t.judgeOne(from+i, filter, valid)
			}
		})
	}
	wait.Wait()
	return list
}

func (t *Traced) judgeOne(k int, filter func([]trace.Record) (bool, error), valid bool) (v verdict) {
	if filter != nil {
		records, err := t.trace.Records(k)
		if err != nil {
			return verdict{err: err}
		}
		keep, err := filter(records)
		if err != nil || !keep {
			return verdict{filtered: !keep, err: err}
		}
	}
	if valid {
		_, v.fault = t.trace.Session(k)
	}
	return v
}
