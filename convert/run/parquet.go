package run

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/internal/parquetfile"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ReadParquet reads the requests.parquet of a report. Errors begin with name.
func ReadParquet(o Options, name string, src io.ReaderAt, size int64) (*Run, error) {
	run := newRun(o)
	if err := readParquet(run, name, src, size); err != nil {
		return nil, err
	}
	return run, run.finish(o.Force)
}

// readParquet reads a file that WriteParquet wrote into a run.
func readParquet(r *Run, name string, src io.ReaderAt, size int64) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	defer parquetfile.Explain(&err)
	if r.Origin != "" {
		return fmt.Errorf("results of %s cannot be merged with other inputs", r.Origin)
	}
	file, err := parquetfile.Open(src, size)
	if err != nil {
		return err
	}
	lines, ok := file.Lookup(LinesKey)
	if !ok {
		return errors.New("it was not written by `llmconv parquet` or `llmconv report`, or by an older version of them")
	}
	before := r.mark()
	instance, err := addLines(r, strings.NewReader(lines), "")
	if err != nil {
		return err
	}
	partial, told := file.Lookup(PartialKey)
	if partial == "true" || !told && len(r.Ends) < len(r.Runs) {
		r.Partial = true
	}
	if err := addSamples(r, file); err != nil {
		return err
	}
	if err := readImportedFacts(r, file); err != nil {
		return err
	}
	if text, found := file.Lookup(CutKey); found {
		if err := json.Unmarshal([]byte(text), &r.Cut); err != nil {
			return fmt.Errorf("what was left out: %w", err)
		}
	}
	if text, found := file.Lookup(WarmupsKey); found {
		if err := addWarmupCounts(r, text); err != nil {
			return fmt.Errorf("warm-ups: %w", err)
		}
	}
	fitted := fittedScenarios(r)
	rows := parquet.NewGenericReader[Row](file)
	defer func() { _ = rows.Close() }()
	batch := make([]Row, readRows)
	for {
		n, err := rows.Read(batch)
		for i := range batch[:n] {
			if fitted[batch[i].Scenario] {
				batch[i].Due = nil
			}
			if err := addRow(r, &batch[i], instance); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return checkRows(r, before)
		}
		if err != nil {
			return err
		}
	}
}

// checkRows refuses a file with requests outside of the time of its run. The run may have had several instances, and
// the metadata do not say which of them wrote an end line.
func checkRows(r *Run, before mark) error {
	if r.Origin != "" {
		return nil
	}
	all := lifetimes{}
	for _, run := range r.Runs {
		all.observe(run, "")
	}
	for _, end := range r.Ends {
		all.observe(end, "")
	}
	own := all.lookup("")
	if len(r.Ends) < len(r.Runs) {
		own.to = math.MaxInt64
	}
	for _, q := range r.Requests[before.requests:] {
		if !own.contains(q.Start) || !own.contains(q.End) {
			return fmt.Errorf("request %s: its times lie outside of the run", q.ID())
		}
	}
	return nil
}

// addLines adds lines that are not requests. They belong to instance until one of them names another; addLines returns
// the last name.
func addLines(r *Run, src io.Reader, instance string) (last string, err error) {
	in := record.NewReader(src, "metadata")
	for {
		line, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return instance, nil
		case err != nil:
			return instance, err
		}
		if run, ok := line.(*record.Run); ok {
			instance = run.Instance
		}
		r.add(line, instance)
	}
}

// fittedScenarios returns the scenarios whose due instants were fitted and will be fitted again.
func fittedScenarios(r *Run) map[string]bool {
	names := map[string]bool{}
	for _, s := range r.Scenarios() {
		names[s.Name] = dueFunc(s) != nil
	}
	return names
}

// addRow rebuilds the record of a row and adds it to the run.
func addRow(r *Run, row *Row, instance string) error {
	rec := &record.Request{
		ID: row.RequestID, Client: int(row.Client), Scenario: row.Scenario, Stage: int(row.Stage), Index: row.Index,
		Seq: int(row.Seq), SessionID: row.SessionID,
		Turn: int(row.Turn), API: row.API, Model: row.Model, Adapter: row.Adapter, Streaming: row.Streaming,
		Label: row.Label, Endpoint: row.Endpoint, Leaves: row.Leaves,
		Start: orZero(row.Start), End: orZero(row.End),
		Connected: orZero(row.Connected), FirstByte: orZero(row.FirstByte), Attempt: orZero(row.Attempt),
		Retries: int(row.Retries), Due: row.Due,
		Chunks: row.Chunks, Reasoning: row.Reasoning, ToolCalls: row.ToolCalls, PromptAsked: int(row.PromptAsked),
		MaxTokens: int(row.MaxTokens),
		Usage:     json.RawMessage(row.Usage), FinishReason: row.FinishReason, Status: int(row.Status),
		BytesSent: row.BytesSent, BytesReceived: row.BytesReceived,
		ErrorType: row.ErrorType, Error: row.Error, Note: row.Note, Good: row.Good,
		PromptRaw: row.InputSource == string(record.ClientRaw),
		Prompt:    asInt(row.ClientInput), Completion: asInt(row.ClientOutput),
		Inputs: row.Inputs, VectorLength: row.VectorLength, Scores: row.Scores, Call: row.call(),
	}
	if err := row.setMedia(rec); err != nil {
		return fmt.Errorf("request %s: media: %w", row.RequestID, err)
	}
	// The client's count of an answer comes first, unless it is raw.
	rec.CompletionRaw = rec.Completion != nil && row.OutputSource != string(record.ClientTokenizer)
	for _, n := range row.ChunkTokens {
		rec.ChunkTokens = append(rec.ChunkTokens, int(n))
	}
	if row.PromptHash != "" {
		if err := rec.PromptHash.UnmarshalText([]byte(row.PromptHash)); err != nil {
			return fmt.Errorf("request %s: %w", row.RequestID, err)
		}
	}
	if row.WriteDelay != nil {
		rec.Written = max(rec.Connected, rec.Start) + int64(math.Round(*row.WriteDelay*1e6))
	}
	if row.SLO != "" {
		rec.SLO = new(record.Bounds)
		if err := json.Unmarshal([]byte(row.SLO), rec.SLO); err != nil {
			return fmt.Errorf("request %s: slo: %w", row.RequestID, err)
		}
	}
	if r.Origin != "" {
		if err := addImportedRow(r, row, rec); err != nil {
			return fmt.Errorf("request %s: %w", row.RequestID, err)
		}
		return nil
	}
	if err := rec.Validate(); err != nil {
		return fmt.Errorf("request %s: %w", row.RequestID, err)
	}
	if row.Instance != "" {
		instance = row.Instance
	}
	r.add(rec, instance)
	return nil
}

// call rebuilds the place of a request in its session's graph; nil for other requests.
func (row *Row) call() *record.Call {
	if row.CallNumber == nil {
		return nil
	}
	c := &record.Call{Number: int(*row.CallNumber), ID: orZero(row.CallID), Pause: orZero(row.Pause),
		Ready: orZero(row.Ready), Wait: microseconds(row.Wait), Held: microseconds(row.Held),
		PromptTokens: int(orZero(row.RecordedInput)), OutputTokens: int(orZero(row.RecordedOutput)),
		UserFacing: orZero(row.UserFacing), BlockSize: int(orZero(row.BlockSize)),
		SharedWith: int(orZero(row.SharedWith)), Shared: int(orZero(row.Shared))}
	for _, n := range row.After {
		c.After = append(c.After, int(n))
	}
	for _, hash := range row.Blocks {
		c.Blocks = binary.LittleEndian.AppendUint64(c.Blocks, uint64(hash))
	}
	if row.CallLabels != nil {
		_ = json.Unmarshal([]byte(*row.CallLabels), &c.Labels) // labels of a damaged text are left out
	}
	return c
}

// microseconds converts milliseconds, which may be missing.
func microseconds(ms *float64) int64 { return int64(math.Round(orZero(ms) * 1000)) }

// orZero returns a value that may be missing.
func orZero[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}

func asInt(n *int64) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

// addSamples adds the lines that the instances with run lines wrote each second.
func addSamples(r *Run, file *parquet.File) error {
	read := map[string]bool{}
	for _, run := range r.Runs {
		packed, found := file.Lookup(SamplesKey + run.Instance)
		if !found || read[run.Instance] {
			continue
		}
		read[run.Instance] = true
		plain, err := zstd.NewReader(
			base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		_, err = addLines(r, plain, run.Instance)
		plain.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// readRows is the number of rows in one read.
const readRows = 256

// parquetMagic is the beginning of each Parquet file.
const parquetMagic = "PAR1"
