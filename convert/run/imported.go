package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func readImportedFacts(r *Run, file *parquet.File) error {
	text, found := file.Lookup(ImportedKey)
	if !found {
		return nil
	}
	var facts ImportedFacts
	if err := json.Unmarshal([]byte(text), &facts); err != nil || facts.Origin == "" {
		return errors.New("broken Parquet file: its metadata do not tell what it was imported from")
	}
	if len(r.Requests) > 0 {
		return fmt.Errorf("results of %s cannot be merged with other inputs", facts.Origin)
	}
	r.Origin, r.Untimed, r.Uncounted, r.Partial, r.Stated = facts.Origin, facts.Untimed, facts.Uncounted, facts.Partial,
		facts.Stated
	return nil
}

// addImportedRow adds a row of an imported run. The clock of such a run may show 0 or less.
func addImportedRow(r *Run, row *Row, rec *record.Request) error {
	start, end, endless := rec.Start, rec.End, row.End == nil
	if r.Untimed {
		start, end, endless = 0, 0, row.Latency == nil
		if !endless {
			end = int64(math.Round(*row.Latency * 1e6))
		}
		if row.ScheduleDelay != nil && math.Abs(*row.ScheduleDelay) < maxImported*1e3 {
			rec.Due = new(-int64(math.Round(*row.ScheduleDelay * 1e6)))
		}
	}
	if endless {
		end = start
	}
	if end < start || end-start > maxImported*1e9 || start < -maxImported*1e9 || start > maxImported*1e9 {
		return fmt.Errorf("it starts at %d and ends at %d", start, end)
	}
	rec.Start, rec.End = 1, 1+end-start
	if err := checkImported(rec, endless); err != nil {
		return err
	}
	made := r.fillCounted(rec, importedCounts(rec), "")
	made.Start, made.End = start, end
	if endless {
		made.setEndUnknown(&r.packer.details)
	}
	if row.TTFT != nil && len(rec.Chunks) == 0 {
		first, last := *row.TTFT/1e3, scaledDown(row.LastChunk)
		if err := checkEnds(first, last); err != nil {
			return err
		}
		made.setEnds(&r.packer.details, first, last, orZero32(row.ChunkCount))
	}
	r.keep(made, rec)
	return nil
}

// checkImported validates a request as a record. The request must start at 1, because its other instants are on the
// tool's clock and are not checked.
func checkImported(rec *record.Request, endless bool) error {
	check := *rec
	check.Due, check.Attempt = nil, 0
	if endless {
		check.End = maxImported * 1e9
	}
	return check.Validate()
}

// checkEnds validates the arrival times of the first and the last chunk, in seconds after the start. last may be
// unknown.
func checkEnds(first, last float64) error {
	if !(first >= 0 && first < maxImported) || last < first || last >= maxImported {
		return fmt.Errorf("its first chunk comes after %v s, its last after %v s", first, last)
	}
	return nil
}

func scaledDown(ms *float64) float64 {
	if ms == nil {
		return unknown
	}
	return *ms / 1e3
}

func orZero32(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}

// importedCounts returns the token counts that the tool stored. The number of chunks does not replace a missing count.
func importedCounts(rec *record.Request) record.Counts {
	c := rec.Counts()
	if c.CompletionSource == record.ContentChunks {
		c.Completion, c.CompletionSource = 0, record.NoSource
	}
	return c
}

// setEndUnknown marks the end as unknown, and the figures that depend on it.
func (q *Request) setEndUnknown(d *Details) {
	q.EndUnknown, q.End, d.figures[ntpot] = true, q.Start, unknown
}

// setEnds sets the chunk figures of a request whose chunks are not listed. first and last are the arrival times of the
// first and the last chunk in seconds after the start; last is NaN if it is unknown, and count is 0 if it is unknown.
// setEnds invents no gaps between chunks, but their mean is known, by the tokens if not by the chunks.
func (q *Request) setEnds(d *Details, first, last float64, count int32) {
	q.ChunksUnlisted, q.ChunkCount, d.figures[firstToken], q.TokenSpan = true, count, first, last-first
	q.TTFT, d.figures[ttfo] = first, first
	q.TokenTimes = count
	if count == 0 { // at least two times where more than one token came
		q.TokenTimes = 1
		if q.CompletionTokens > 1 || q.TokenSpan > 0 {
			q.TokenTimes = 2
		}
	}
	q.TPOT, d.figures[meanITL] = unknown, unknown
	if q.CompletionTokens > 1 && q.TokenSpan > 0 {
		q.TPOT = q.TokenSpan / float64(q.CompletionTokens-1)
	}
	switch {
	case count > 1:
		d.figures[meanITL] = q.TokenSpan / float64(count-1)
	case count == 0: // as the tools themselves compute it
		d.figures[meanITL] = q.TPOT
	}
}

// checkCounts adds remarks on the tool's own counts that disagree with the requests, and on requests without counts.
func (m *importer) checkCounts(meta foreign.Meta) {
	r := m.run
	stages := ByStage(r, r.Requests)
	successes, noInput, noOutput := 0, 0, 0
	for _, stage := range slices.Sorted(maps.Keys(stages)) {
		ok := 0
		for _, q := range stages[stage] {
			if q.Failed() {
				continue
			}
			ok++
			noInput += missing(q.InputSource)
			if !q.Textless {
				noOutput += missing(q.OutputSource)
			}
		}
		successes += ok
		if stage < len(meta.Stages) && meta.Stages[stage].Completed != nil && *meta.Stages[stage].Completed != ok {
			r.remark("%s: it says that %d requests of stage %d succeeded, but %d have no error", m.name,
				*meta.Stages[stage].Completed, stage, ok)
		}
	}
	for _, c := range []struct {
		kind string
		n    int
	}{{"prompt", noInput}, {"output", noOutput}} {
		if c.n > 0 {
			r.remark("%s: %d of %d successes have no count of %s tokens, so that the total of these is unknown", m.name,
				c.n, successes, c.kind)
		}
	}
	if meta.Placed > 0 {
		r.remark("%s: %d failed requests have no start time; that of the request sent before stands in", m.name,
			meta.Placed)
	}
	if meta.Unsent > 0 {
		r.remark("%s: %d requests in it were canceled before they were sent, and are in no figure", m.name, meta.Unsent)
	}
}

func missing(source record.Source) int {
	if source == record.NoSource {
		return 1
	}
	return 0
}
