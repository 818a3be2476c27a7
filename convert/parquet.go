package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Row is one request in requests.parquet. What is undefined is null.
type Row struct {
	RunID     string `parquet:"run_id,dict"`
	Instance  string `parquet:"instance,dict"`
	RequestID string `parquet:"request_id"`
	Client    int32  `parquet:"client"`
	Scenario  string `parquet:"scenario,dict"`
	Stage     int32  `parquet:"stage"`
	Index     int64  `parquet:"index"`
	Seq       int32  `parquet:"seq"`
	SessionID string `parquet:"session_id,dict"`
	Turn      int32  `parquet:"turn"`
	API       string `parquet:"api,dict"`
	Model     string `parquet:"model,dict"`
	Adapter   string `parquet:"adapter,dict"`
	Streaming bool   `parquet:"streaming"`

	Due       *int64 `parquet:"due_ns,optional"`
	Start     *int64 `parquet:"start_ns,optional"`
	End       *int64 `parquet:"end_ns,optional"`
	Connected *int64 `parquet:"connected_ns,optional"`
	FirstByte *int64 `parquet:"first_byte_ns,optional"`
	Attempt   *int64 `parquet:"attempt_ns,optional"`
	Retries   int32  `parquet:"retries"`
	// WriteDelay is null where it does not count: of long requests, and where nobody knows.
	WriteDelay *float64 `parquet:"write_delay_ms,optional"`

	ScheduleDelay *float64 `parquet:"schedule_delay_ms,optional"`
	TTFT          *float64 `parquet:"ttft_ms,optional"`
	TTFO          *float64 `parquet:"ttfo_ms,optional"`
	TPOT          *float64 `parquet:"tpot_ms,optional"`
	NTPOT         *float64 `parquet:"ntpot_ms,optional"`
	ITLMean       *float64 `parquet:"itl_mean_ms,optional"`
	Latency       *float64 `parquet:"request_latency_ms,optional"`

	// Of imported requests whose chunks are not listed. The first of them is ttft_ms.
	LastChunk  *float64 `parquet:"last_chunk_ms,optional"` // since the start
	ChunkCount *int32   `parquet:"chunk_count,optional"`

	Chunks      []int64 `parquet:"chunks_us,list"`
	ChunkTokens []int32 `parquet:"chunk_tokens,list"`
	Reasoning   []int64 `parquet:"reasoning_us,list"`
	ToolCalls   []int64 `parquet:"tool_calls_us,list"`

	InputTokens  *int64 `parquet:"prompt_tokens,optional"`
	InputSource  string `parquet:"prompt_tokens_source,dict"`
	OutputTokens *int64 `parquet:"completion_tokens,optional"`
	OutputSource string `parquet:"completion_tokens_source,dict"`
	ClientInput  *int64 `parquet:"client_prompt_tokens,optional"`
	ClientOutput *int64 `parquet:"client_completion_tokens,optional"`
	CachedTokens *int64 `parquet:"cached_tokens,optional"`
	PromptAsked  int32  `parquet:"prompt_tokens_asked"`
	MaxTokens    int32  `parquet:"max_tokens"`
	Usage        string `parquet:"usage"`
	FinishReason string `parquet:"finish_reason,dict"`

	Status        int32  `parquet:"status"`
	BytesSent     int64  `parquet:"bytes_sent"`
	BytesReceived int64  `parquet:"bytes_received"`
	ErrorType     string `parquet:"error_type,dict"`
	Error         string `parquet:"error"`
	Note          string `parquet:"note,dict"`
	Good          *bool  `parquet:"good,optional"`
	SLO           string `parquet:"slo,dict"` // bounds as JSON, "" without
}

// ChunkRow is one content chunk in the file of chunks.
type ChunkRow struct {
	RequestID string `parquet:"request_id,dict"`
	Chunk     int32  `parquet:"chunk"`               // number in the answer, from 0
	Arrival   *int64 `parquet:"arrival_ns,optional"` // Unix
	SinceSent int64  `parquet:"since_start_us"`
	Tokens    *int32 `parquet:"tokens,optional"`
}

// WriteParquet writes one row per request. The file's metadata hold the other lines of the run, so that a report can be
// made of it again.
func (r *Run) WriteParquet(out io.Writer) error {
	lines, err := r.lines()
	if err != nil {
		return err
	}
	samples, err := r.samples()
	if err != nil {
		return err
	}
	meta := append(r.importedMeta(), samples...)
	meta = append(meta, parquet.KeyValueMetadata("schema", record.Schema), parquet.KeyValueMetadata("run_id", r.ID()),
		parquet.KeyValueMetadata(linesKey, lines))
	return writeRows(out, func(w *rowWriter[Row]) error {
		var rec record.Request
		for _, q := range r.Requests {
			if err := w.write(r.row(q, &rec)); err != nil {
				return err
			}
		}
		return nil
	}, meta...)
}

// WriteChunks writes one row per content chunk.
func (r *Run) WriteChunks(out io.Writer) error {
	return writeRows(out, func(w *rowWriter[ChunkRow]) error {
		var rec record.Request
		for _, q := range r.Requests {
			q.unpack(&rec)
			r.inMicroseconds(rec.Chunks)
			for i, us := range rec.Chunks {
				row := ChunkRow{RequestID: q.ID, Chunk: narrow(i), SinceSent: us}
				if !r.untimed {
					row.Arrival = new(r.nanoseconds(q.Start) + us*1000)
				}
				if q.tokenized {
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

// parquetMagic begins a Parquet file.
const parquetMagic = "PAR1"

// linesKey is the metadata key of the lines that are no requests, but for samples.
const linesKey = "records"

// lines are the lines of a run that are no requests, as a record file has them, but for samples.
func (r *Run) lines() (string, error) {
	var list []record.Line
	for _, l := range r.Runs {
		list = append(list, l)
	}
	for _, l := range r.Clients {
		list = append(list, l)
	}
	for _, l := range r.Stages {
		list = append(list, l)
	}
	for _, l := range r.Dropped {
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

// rowWriter writes rows in batches, and ends row groups before they take much memory.
type rowWriter[T any] struct {
	w     *parquet.GenericWriter[T]
	batch []T
	group int
}

const (
	batchRows = 256
	groupRows = 1 << 15
)

func (w *rowWriter[T]) write(row T) error {
	if w.batch = append(w.batch, row); len(w.batch) < batchRows {
		return nil
	}
	return w.flush()
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

func writeRows[T any](out io.Writer, fill func(*rowWriter[T]) error, meta ...parquet.WriterOption) error {
	w := &rowWriter[T]{w: parquet.NewGenericWriter[T](out, append(meta, parquet.Compression(&parquet.Zstd))...)}
	if err := errors.Join(fill(w), w.flush()); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return w.w.Close()
}

// nanoseconds are a run's ticks as nanoseconds.
func (r *Run) nanoseconds(ticks int64) int64 {
	if r.clock.instant == recordTick.instant {
		return ticks
	}
	return int64(math.Round(r.seconds(ticks) * 1e9))
}

// inMicroseconds makes chunks' ticks microseconds.
func (r *Run) inMicroseconds(ticks []int64) {
	if r.clock.chunk == recordTick.chunk {
		return
	}
	for i, t := range ticks {
		ticks[i] = int64(math.Round(float64(t) / r.clock.chunk * 1e6))
	}
}

// row makes the row of a request; rec lends its lists, which the row refers to no longer than until rec is filled
// again.
func (r *Run) row(q *Request, rec *record.Request) Row {
	q.unpackCopies(rec)
	r.inMicroseconds(rec.Chunks)
	row := Row{
		RunID: r.ID(), Instance: q.Instance, RequestID: q.ID, Client: narrow(q.Client), Scenario: q.Scenario,
		Stage: q.StageAt, Index: q.Index, Seq: q.Seq, SessionID: q.SessionID, Turn: q.Turn,
		API: q.API, Model: q.Model, Adapter: q.Adapter, Streaming: q.Streaming,
		Connected: r.instant(q.Connected), FirstByte: r.instant(q.FirstByte), Attempt: r.instant(q.Attempt),
		Retries: q.Retries, TTFT: milliseconds(q.ttft), TTFO: milliseconds(q.ttfo), TPOT: milliseconds(q.tpot),
		NTPOT:   milliseconds(q.ntpot),
		ITLMean: milliseconds(q.meanITL), Latency: milliseconds(r.latency(q)),
		Chunks: rec.Chunks, ChunkTokens: narrowed(rec.ChunkTokens), Reasoning: rec.Reasoning, ToolCalls: rec.ToolCalls,
		InputTokens: counted(q.in, q.InputSource), InputSource: string(q.InputSource),
		OutputTokens: counted(q.out, q.OutputSource), OutputSource: string(q.OutputSource),
		ClientInput: nullable(q.clientIn), ClientOutput: nullable(q.clientOut), CachedTokens: nullable(q.serverRead),
		PromptAsked: q.PromptAsked, MaxTokens: q.MaxTokens, Usage: string(rec.Usage), FinishReason: q.FinishReason,
		Status: narrow(q.Status), BytesSent: q.BytesSent, BytesReceived: q.BytesReceived, ErrorType: q.ErrorType,
		Error: q.Error, Note: q.Note,
	}
	r.rowTimes(&row, q)
	if q.WriteDelay > 0 {
		row.WriteDelay = milliseconds(r.seconds(q.WriteDelay))
	}
	if delay := (&group{run: r}).sinceDue(q, q.Start); !math.IsNaN(delay) {
		row.ScheduleDelay = milliseconds(delay)
	}
	if q.good != none {
		row.Good = new(q.good == 1)
	}
	if q.SLO != (record.Bounds{}) {
		text, _ := json.Marshal(q.SLO) // numbers alone, which came of JSON or of durations
		row.SLO = string(text)
	}
	return row
}

// rowTimes sets the instants that are known.
func (r *Run) rowTimes(row *Row, q *Request) {
	if q.ends {
		row.LastChunk = milliseconds(q.firstToken + q.tokenSpan)
		if q.chunks > 0 {
			row.ChunkCount = new(q.chunks)
		}
	}
	if r.untimed {
		return
	}
	row.Start = new(r.nanoseconds(q.Start))
	if !q.endless {
		row.End = new(r.nanoseconds(q.End))
	}
	if q.DueKnown {
		row.Due = new(r.nanoseconds(q.Due))
	}
}

// unpackCopies unpacks into new lists, which a batch of rows keeps.
func (q *Request) unpackCopies(rec *record.Request) {
	*rec = record.Request{}
	q.unpack(rec)
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

func (r *Run) instant(ticks int64) *int64 {
	if ticks == 0 {
		return nil
	}
	return new(r.nanoseconds(ticks))
}

// milliseconds are whole nanoseconds, which a record's figures are: so the last digits are no rounding errors.
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
