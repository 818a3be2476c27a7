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

// addImportedRow takes a row of an imported run, whose clock may begin at 0 and before.
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
		made.setEndUnknown()
	}
	if row.TTFT != nil && len(rec.Chunks) == 0 {
		first, last := *row.TTFT/1e3, scaledDown(row.LastChunk)
		if err := checkEnds(first, last); err != nil {
			return err
		}
		made.setEnds(first, last, orZero32(row.ChunkCount))
	}
	r.keep(made, rec)
	return nil
}

// checkImported holds a request that starts at 1 to what a record must keep. Its other instants are on the tool's
// clock.
func checkImported(rec *record.Request, endless bool) error {
	check := *rec
	check.Due, check.Attempt = nil, 0
	if endless {
		check.End = maxImported * 1e9
	}
	return check.Validate()
}

// checkEnds holds when the first chunk came and the last, in seconds after the start, to what can be; last is unknown
// without one.
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

// importedCounts are those that the tool stored: chunks do not stand in for tokens.
func importedCounts(rec *record.Request) record.Counts {
	c := rec.Counts()
	if c.CompletionSource == record.ContentChunks {
		c.Completion, c.CompletionSource = 0, record.NoSource
	}
	return c
}

// setEndUnknown says that the end is unknown, and what follows from it.
func (q *Request) setEndUnknown() { q.EndUnknown, q.End, q.NTPOT = true, q.Start, unknown }

// setEnds takes what is known of chunks that are not listed: when the first came and the last, in seconds after the
// start, NaN for a last one that is unknown, and how many there were, 0 for unknown. No gap between them is made up,
// but their mean is known.
func (q *Request) setEnds(first, last float64, count int32) {
	q.ChunksUnlisted, q.ChunkCount, q.FirstToken, q.TokenSpan = true, count, first, last-first
	q.TTFT, q.TTFO = first, first
	q.TokenTimes = count
	if count == 0 { // two at least where more than one token came
		q.TokenTimes = 1
		if q.CompletionTokens > 1 || q.TokenSpan > 0 {
			q.TokenTimes = 2
		}
	}
	q.TPOT, q.MeanITL = unknown, unknown
	if q.CompletionTokens > 1 && q.TokenSpan > 0 {
		q.TPOT = q.TokenSpan / float64(q.CompletionTokens-1)
	}
	if count > 1 {
		q.MeanITL = q.TokenSpan / float64(count-1)
	}
}

// checkCounts says what of the tool's own counts does not agree with the requests, and what has no count.
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
			noOutput += missing(q.OutputSource)
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
