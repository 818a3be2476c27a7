package convert

import (
	"encoding/csv"
	"io"
	"math"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// SecondRow is a row of timeline.parquet: one interval of a [Timeline]. Unknown values are null.
type SecondRow struct {
	RunID  string `parquet:"run_id,dict"`
	Second int64  `parquet:"second"`
	Start  *int64 `parquet:"start_ns,optional"`
	Length int64  `parquet:"interval_ms"`
	Stage  int32  `parquet:"stage"`

	Due       int32 `parquet:"due"`
	Sent      int32 `parquet:"sent"`
	Ended     int32 `parquet:"ended"`
	Failed    int32 `parquet:"failed"`
	Dropped   int32 `parquet:"dropped"`
	Abandoned int32 `parquet:"abandoned"`
	InFlight  int32 `parquet:"in_flight"`

	TTFT50 *float64 `parquet:"ttft_p50_ms,optional"`
	TTFT90 *float64 `parquet:"ttft_p90_ms,optional"`
	TTFT99 *float64 `parquet:"ttft_p99_ms,optional"`
	ITL50  *float64 `parquet:"itl_p50_ms,optional"`
	ITL90  *float64 `parquet:"itl_p90_ms,optional"`
	ITL99  *float64 `parquet:"itl_p99_ms,optional"`

	Prompt     float64 `parquet:"prompt_tokens_per_s"`
	Completion float64 `parquet:"completion_tokens_per_s"`

	Late    *float64 `parquet:"client_late_max_ms,optional"`
	Running *float64 `parquet:"server_running,optional"`
	Waiting *float64 `parquet:"server_waiting,optional"`
	KVCache *float64 `parquet:"server_kv_cache_usage,optional"`

	Violated *int32 `parquet:"objectives_violated,optional"`
	Marks    string `parquet:"marks"`
}

// TimelineTable writes the time line of a report as a table for other programs.
type TimelineTable struct {
	runID string
	line  *Timeline
	marks []MarkReport
}

// NewTimelineTable returns the time line of a report on a run, and false if the run has none.
func NewTimelineTable(p *Report) (TimelineTable, bool) {
	a := p.Summary.Additions
	return TimelineTable{a.RunID, a.Timeline, a.Marks}, a.Timeline != nil
}

// WriteParquet writes one row per interval.
func (t TimelineTable) WriteParquet(out io.Writer) error {
	return writeRows(out, func(w *rowWriter[SecondRow]) error { return t.each(w.write) },
		parquet.KeyValueMetadata("schema", record.Schema), parquet.KeyValueMetadata("run_id", t.runID))
}

// WriteCSV writes one line per interval, in the form of [RequestTable.WriteCSV].
func (t TimelineTable) WriteCSV(w io.Writer) error {
	return buffered(w, func(w io.Writer) error {
		out, columns := csv.NewWriter(w), columnsOf(reflect.TypeFor[SecondRow]())
		if err := out.Write(names(columns)); err != nil {
			return err
		}
		if err := t.each(func(row SecondRow) error { return out.Write(csvLine(columns, row)) }); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
}

func (t TimelineTable) each(write func(SecondRow) error) error {
	l, step := t.line, float64(t.line.Interval)
	marks := map[int][]string{}
	for _, m := range t.marks {
		i := max(0, min(int(float64(m.At)/step), len(l.Sent)-1))
		marks[i] = append(marks[i], m.Text)
	}
	for i := range l.Sent {
		row := SecondRow{
			RunID: t.runID, Second: int64(float64(i) * step), Length: int64(1000 * step), Stage: narrow(l.Stage[i]),
			Due: narrow(l.Due[i]), Sent: narrow(l.Sent[i]), Ended: narrow(l.Ended[i]), Failed: narrow(l.Failed[i]),
			Dropped: narrow(l.Dropped[i]), InFlight: narrow(l.InFlight[i]),
			TTFT50: inMilliseconds(l.TTFT50[i]), TTFT90: inMilliseconds(l.TTFT90[i]),
			TTFT99: inMilliseconds(l.TTFT99[i]),
			ITL50:  milliseconds(float64(l.ITL50[i])), ITL90: milliseconds(float64(l.ITL90[i])),
			ITL99:  milliseconds(float64(l.ITL99[i])),
			Prompt: float64(l.Prompt[i]), Completion: float64(l.Completion[i]),
			Running: sampleAt(l.Running, i), Waiting: sampleAt(l.Waiting, i), KVCache: sampleAt(l.KVCache, i),
			Marks: strings.Join(marks[i], "; "),
		}
		if l.Start != 0 {
			row.Start = new(l.Start + int64(float64(i)*step)*1e9)
		}
		if l.Abandoned != nil {
			row.Abandoned = narrow(l.Abandoned[i])
		}
		if late := sampleAt(l.Late, i); late != nil {
			row.Late = milliseconds(*late)
		}
		if l.Violated != nil {
			row.Violated = new(narrow(l.Violated[i]))
		}
		if err := write(row); err != nil {
			return err
		}
	}
	return nil
}

// inMilliseconds converts seconds that may be missing.
func inMilliseconds(seconds *Float) *float64 {
	if seconds == nil {
		return nil
	}
	return milliseconds(float64(*seconds))
}

// sampleAt returns a figure of an interval, and nil where it is unknown.
func sampleAt(list []Maybe, i int) *float64 {
	if list == nil || math.IsNaN(float64(list[i])) {
		return nil
	}
	return new(float64(list[i]))
}
