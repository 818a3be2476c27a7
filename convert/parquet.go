package convert

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ChunkRow is a row of the file of chunks: one content chunk.
type ChunkRow struct {
	RequestID string `parquet:"request_id,dict"`
	Chunk     int32  `parquet:"chunk"`               // index in the answer, from 0
	Arrival   *int64 `parquet:"arrival_ns,optional"` // since the Unix epoch
	SinceSent int64  `parquet:"since_start_us"`
	Tokens    *int32 `parquet:"tokens,optional"`
}

// RequestTable writes the requests of a run as tables for other programs. [NewRequestTable] makes one.
type RequestTable struct {
	run   *run.Run
	known map[*run.Request]knownBlocks // of a replay
}

// NewRequestTable returns the table of a run's requests.
func NewRequestTable(r *run.Run) RequestTable { return RequestTable{r, expectedReuse(r, 0)} }

// WriteParquet writes one row per request. The file's metadata hold the other lines of the run, so that a report can be
// made from the file.
func (t RequestTable) WriteParquet(out io.Writer) error {
	r := t.run
	lines, err := otherLines(r)
	if err != nil {
		return err
	}
	samples, err := sampleMetadata(r)
	if err != nil {
		return err
	}
	meta := append(importedMetadata(r), samples...)
	meta = append(meta, parquet.KeyValueMetadata(run.PartialKey, strconv.FormatBool(r.Partial)),
		parquet.KeyValueMetadata("schema", record.Schema), parquet.KeyValueMetadata("run_id", r.ID()),
		parquet.KeyValueMetadata(run.LinesKey, lines))
	if text := run.WarmupCounts(r); text != "" {
		meta = append(meta, parquet.KeyValueMetadata(run.WarmupsKey, text))
	}
	if r.Cut.Requests > 0 || r.Cut.Steady != nil {
		text, _ := json.Marshal(r.Cut) // finite numbers alone: flags and metadata hold no others
		meta = append(meta, parquet.KeyValueMetadata(run.CutKey, string(text)))
	}
	return writeRows(out, func(w *rowWriter[run.Row]) error {
		recs := make([]record.Request, batchRows) // a batch holds their lists until it is written
		rows := t.rows()
		for i, q := range run.Sent(r) {
			row, err := w.next()
			if err != nil {
				return err
			}
			rows.fill(row, q, &recs[i%batchRows])
		}
		return nil
	}, meta...)
}

// WriteChunks writes one row per content chunk.
func (t RequestTable) WriteChunks(out io.Writer) error {
	r := t.run
	return writeRows(out, func(w *rowWriter[ChunkRow]) error {
		var rec record.Request
		for _, q := range run.Sent(r) {
			q.Unpack(&rec)
			toMicroseconds(r, rec.Chunks)
			for i, us := range rec.Chunks {
				row := ChunkRow{RequestID: q.ID(), Chunk: narrow(i), SinceSent: us}
				if !r.Untimed {
					row.Arrival = new(inNanoseconds(r, q.Start) + us*1000)
				}
				if q.Tokenized {
					row.Tokens = new(narrow(rec.ChunkTokens[i]))
				}
				if err := w.write(row); err != nil {
					return err
				}
			}
		}
		return nil
	}, parquet.KeyValueMetadata("schema", record.Schema), parquet.KeyValueMetadata("run_id", r.ID()))
}

// otherLines returns the lines of a run that are neither requests nor samples, in the form of a record file.
func otherLines(r *run.Run) (string, error) {
	var list []record.Line
	for _, l := range r.Runs {
		list = append(list, l)
	}
	for _, l := range r.Clients {
		list = append(list, l)
	}
	for _, l := range slices.Concat(r.Stages, run.WarmupLines(r)) {
		list = append(list, l)
	}
	for _, l := range r.Dropped {
		list = append(list, l)
	}
	for _, l := range r.Searches {
		list = append(list, l)
	}
	for _, l := range run.MarkLines(r) {
		list = append(list, l)
	}
	for _, l := range r.Ends {
		list = append(list, l)
	}
	var text []byte
	for _, l := range list {
		var err error
		if text, err = record.Append(text, l); err != nil {
			return "", err
		}
		text = append(text, '\n')
	}
	return string(text), nil
}

// rowWriter writes rows in batches, and closes a row group before it takes much memory.
type rowWriter[T any] struct {
	w     *parquet.GenericWriter[T]
	batch []T
	group int
}

const (
	batchRows = 64
	groupRows = 1 << 15
)

// next returns a row to be filled before the next call. It is of the batch, because large rows take long to copy.
func (w *rowWriter[T]) next() (row *T, err error) {
	if len(w.batch) == batchRows {
		err = w.flush()
	}
	var zero T
	w.batch = append(w.batch, zero)
	return &w.batch[len(w.batch)-1], err
}

func (w *rowWriter[T]) write(row T) error {
	next, err := w.next()
	*next = row
	return err
}

func (w *rowWriter[T]) flush() error {
	_, err := w.w.Write(w.batch)
	w.group += len(w.batch)
	w.batch = w.batch[:0]
	if err == nil && w.group >= groupRows {
		w.group = 0
		err = w.w.Flush()
	}
	return err
}

// pageCodec compresses pages as parquet.Zstd does, in less memory: one encoder, whose window suffices for a page.
type pageCodec struct {
	*parquetzstd.Codec
	encoder *zstd.Encoder
}

func newPageCodec() (pageCodec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithWindowSize(1<<19), zstd.WithEncoderConcurrency(1),
		zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
	return pageCodec{&parquet.Zstd, encoder}, err
}

// Encode compresses a page.
func (c pageCodec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}

func writeRows[T any](out io.Writer, fill func(*rowWriter[T]) error, meta ...parquet.WriterOption) error {
	codec, err := newPageCodec()
	if err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	w := &rowWriter[T]{w: parquet.NewGenericWriter[T](out, append(meta, parquet.Compression(codec))...)}
	if err := errors.Join(fill(w), w.flush()); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return w.w.Close()
}

// inNanoseconds converts a run's ticks to nanoseconds.
func inNanoseconds(r *run.Run, ticks int64) int64 {
	if r.Clock.Instant == run.RecordTick.Instant {
		return ticks
	}
	return int64(math.Round(r.Seconds(ticks) * 1e9))
}

// toMicroseconds converts the ticks of chunks to microseconds, in place.
func toMicroseconds(r *run.Run, ticks []int64) {
	if r.Clock.Chunk == run.RecordTick.Chunk {
		return
	}
	for i, t := range ticks {
		ticks[i] = int64(math.Round(float64(t) / r.Clock.Chunk * 1e6))
	}
}

// rowMaker makes the rows of a run's requests.
type rowMaker struct {
	run   *run.Run
	gaps  map[*run.Request]int64 // of calls of replayed sessions, in ticks
	known map[*run.Request]knownBlocks
}

func (t RequestTable) rows() rowMaker {
	m := rowMaker{run: t.run, gaps: map[*run.Request]int64{}, known: t.known}
	for _, s := range t.run.Sessions {
		ends := s.Ends()
		for _, q := range s.Requests {
			m.gaps[q] = q.Start - s.Released(q.Call(), ends)
		}
	}
	return m
}

// fill sets the row of a request. It unpacks the request into rec; the row shares the lists of rec.
func (m rowMaker) fill(row *run.Row, q *run.Request, rec *record.Request) {
	r := m.run
	q.Unpack(rec)
	toMicroseconds(r, rec.Chunks)
	d := q.Details()
	*row = run.Row{
		RunID: r.ID(), Instance: q.Instance, RequestID: d.ID(), Client: narrow(q.Client), Scenario: q.Scenario,
		Stage: q.Stage, Index: q.Index, Seq: q.Seq, SessionID: d.SessionID(), Turn: d.Turn,
		API: q.API, Model: q.Model, Adapter: q.Adapter, Streaming: q.Streaming,
		Label: q.Label, Endpoint: q.Endpoint, Leaves: q.Leaves,
		Connected: optionalInstant(r, d.Connected), FirstByte: optionalInstant(r, d.FirstByte),
		Attempt: optionalInstant(r, d.Attempt),
		Retries: d.Retries, TTFT: milliseconds(q.TTFT), TTFO: milliseconds(q.TTFO()), TPOT: milliseconds(q.TPOT),
		NTPOT:   milliseconds(q.NTPOT()),
		ITLMean: milliseconds(q.MeanITL()), Latency: milliseconds(latencySeconds(r, q)),
		Chunks: rec.Chunks, ChunkTokens: narrowed(rec.ChunkTokens), Reasoning: rec.Reasoning, ToolCalls: rec.ToolCalls,
		InputTokens: counted(q.PromptTokens, q.InputSource), InputSource: string(q.InputSource),
		OutputTokens: counted(q.CompletionTokens, q.OutputSource), OutputSource: string(q.OutputSource),
		ClientInput: nullable(d.ClientPrompt), ClientOutput: nullable(d.ClientCompletion),
		CachedTokens: nullable(q.ServerCached),
		PromptAsked:  d.PromptAsked, MaxTokens: q.MaxTokens, Usage: string(rec.Usage), FinishReason: q.FinishReason,
		Status: narrow(q.Status), BytesSent: d.BytesSent, BytesReceived: d.BytesReceived, ErrorType: q.ErrorType,
		Error: d.Error(), Note: q.Note, Inputs: nullable(d.Inputs), VectorLength: nullable(d.VectorLength),
		Scores: nullable(d.Scores), PromptHash: d.PromptHash.String(),
	}
	setRowTimes(r, row, q)
	m.setCall(row, q)
	setMediaColumns(row, q)
	if d.WriteDelay > 0 {
		row.WriteDelay = milliseconds(r.Seconds(d.WriteDelay))
	}
	if delay := (&subset{run: r}).sinceDue(q, q.Start); !math.IsNaN(delay) {
		row.ScheduleDelay = milliseconds(delay)
	}
	if q.Good != none {
		row.Good = new(q.Good == 1)
	}
	if q.SLO != (record.Bounds{}) {
		text, _ := json.Marshal(q.SLO) // finite numbers alone: they came from JSON or from durations
		row.SLO = string(text)
	}
}

// setRowTimes sets the instants of a row that are known.
func setRowTimes(r *run.Run, row *run.Row, q *run.Request) {
	if q.ChunksUnlisted {
		row.LastChunk = milliseconds(q.FirstToken() + q.TokenSpan)
		if q.ChunkCount > 0 {
			row.ChunkCount = new(q.ChunkCount)
		}
	}
	if r.Untimed {
		return
	}
	row.Start = new(inNanoseconds(r, q.Start))
	if !q.EndUnknown {
		row.End = new(inNanoseconds(r, q.End))
	}
	if q.DueKnown {
		row.Due = new(inNanoseconds(r, q.Due))
	}
}

func counted(n int32, source record.Source) *int64 {
	if source == record.NoSource {
		return nil
	}
	return new(int64(n))
}

func nullable(n int32) *int64 {
	if n == none {
		return nil
	}
	return new(int64(n))
}

func optionalInstant(r *run.Run, ticks int64) *int64 {
	if ticks == 0 {
		return nil
	}
	return new(inNanoseconds(r, ticks))
}

// milliseconds converts seconds, and returns nil for NaN. It rounds to whole nanoseconds, the unit of a record's
// figures, so that the last digits are not rounding errors.
func milliseconds(seconds float64) *float64 {
	if math.IsNaN(seconds) {
		return nil
	}
	return new(math.Round(seconds*1e9) / 1e6)
}

func narrowed(list []int) []int32 {
	out := make([]int32, len(list))
	for i, n := range list {
		out[i] = narrow(n)
	}
	return out
}

// importedMetadata returns the metadata about the origin of an imported run, and nothing for a run of this program.
func importedMetadata(r *run.Run) []parquet.WriterOption {
	if r.Origin == "" {
		return nil
	}
	// the numbers are finite, so that Marshal cannot fail
	text, _ := json.Marshal(run.ImportedFacts{Origin: r.Origin, Untimed: r.Untimed, Uncounted: r.Uncounted,
		Partial: r.Partial, Stated: r.Stated})
	return []parquet.WriterOption{parquet.KeyValueMetadata(run.ImportedKey, string(text))}
}

// sampleMetadata returns the metadata with the lines that a run writes many of: heartbeats, samples of the server,
// sessions, and the requests in no figure that fill the server's cache.
func sampleMetadata(r *run.Run) (meta []parquet.WriterOption, err error) {
	texts := map[string][]byte{}
	add := func(line record.Line) {
		instance := r.InstanceOf(line)
		text, failed := record.Append(texts[instance], line)
		texts[instance], err = append(text, '\n'), errors.Join(err, failed)
	}
	for _, b := range r.Beats {
		add(b)
	}
	for _, s := range r.Sessions {
		if s.Recorded {
			add(s.Session)
		}
	}
	for _, q := range r.Primers {
		text, failed := record.Append(texts[q.Instance], primerLine(q))
		texts[q.Instance], err = append(text, '\n'), errors.Join(err, failed)
	}
	for _, s := range r.Servers {
		add(s)
	}
	encoder, failed := zstd.NewWriter(nil)
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("samples: %w", err)
	}
	for _, instance := range sortedKeys(texts) {
		packed := base64.StdEncoding.EncodeToString(encoder.EncodeAll(texts[instance], nil))
		meta = append(meta, parquet.KeyValueMetadata(run.SamplesKey+instance, packed))
	}
	return meta, encoder.Close()
}
