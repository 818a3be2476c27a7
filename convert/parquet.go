package convert

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

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
	Start     int64  `parquet:"start_ns"`
	End       int64  `parquet:"end_ns"`
	Connected *int64 `parquet:"connected_ns,optional"`
	FirstByte *int64 `parquet:"first_byte_ns,optional"`

	ScheduleDelay *float64 `parquet:"schedule_delay_ms,optional"`
	TTFT          *float64 `parquet:"ttft_ms,optional"`
	TTFO          *float64 `parquet:"ttfo_ms,optional"`
	TPOT          *float64 `parquet:"tpot_ms,optional"`
	NTPOT         *float64 `parquet:"ntpot_ms,optional"`
	ITLMean       *float64 `parquet:"itl_mean_ms,optional"`
	Latency       float64  `parquet:"request_latency_ms"`

	Chunks      []int64 `parquet:"chunks_us,list"`
	ChunkTokens []int32 `parquet:"chunk_tokens,list"`
	Reasoning   []int64 `parquet:"reasoning_us,list"`
	ToolCalls   []int64 `parquet:"tool_calls_us,list"`

	InputTokens  *int64 `parquet:"prompt_tokens,optional"`
	InputSource  string `parquet:"prompt_tokens_source,dict"`
	OutputTokens *int64 `parquet:"completion_tokens,optional"`
	OutputSource string `parquet:"completion_tokens_source,dict"`
	CachedTokens *int64 `parquet:"cached_tokens,optional"`
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
}

// ChunkRow is one content chunk in the file of chunks.
type ChunkRow struct {
	RequestID string `parquet:"request_id,dict"`
	Chunk     int32  `parquet:"chunk"`      // number in the answer, from 0
	Arrival   int64  `parquet:"arrival_ns"` // Unix
	SinceSent int64  `parquet:"since_start_us"`
	Tokens    *int32 `parquet:"tokens,optional"`
}

// WriteParquet writes one row per request.
func (r *Run) WriteParquet(path string) error {
	rows := make([]Row, len(r.Requests))
	for i, q := range r.Requests {
		rows[i] = r.row(q)
	}
	return writeRows(path, r.ID(), rows)
}

// WriteChunks writes one row per content chunk.
func (r *Run) WriteChunks(path string) error {
	var rows []ChunkRow
	for _, q := range r.Requests {
		for i, us := range q.Chunks {
			row := ChunkRow{RequestID: q.Request.ID, Chunk: int32(i), Arrival: q.Start + us*1000, SinceSent: us} //nolint:gosec // few
			if i < len(q.ChunkTokens) {
				row.Tokens = new(int32(q.ChunkTokens[i])) //nolint:gosec // few
			}
			rows = append(rows, row)
		}
	}
	return writeRows(path, r.ID(), rows)
}

func writeRows[T any](path, runID string, rows []T) error {
	return writeFile(path, func(f *os.File) error {
		w := parquet.NewGenericWriter[T](f, parquet.Compression(&parquet.Zstd),
			parquet.KeyValueMetadata("schema", record.Schema), parquet.KeyValueMetadata("run_id", runID))
		if _, err := w.Write(rows); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
		return w.Close()
	})
}

func (r *Run) row(q Request) Row {
	row := Row{
		RunID: r.ID(), Instance: q.Instance, RequestID: q.Request.ID, Client: int32(q.Client), Scenario: q.Scenario, //nolint:gosec // small numbers
		Stage: int32(q.StageAt), Index: q.Index, Seq: int32(q.Seq), SessionID: q.SessionID, Turn: int32(q.Turn), //nolint:gosec // small numbers
		API: q.API, Model: q.Model, Adapter: q.Adapter, Streaming: q.Streaming,
		Due: q.DueAt, Start: q.Start, End: q.End, Connected: notZero(q.Connected), FirstByte: notZero(q.FirstByte),
		TTFT: milliseconds(q.TTFT()), TTFO: milliseconds(q.TTFO()), TPOT: milliseconds(q.TPOT()), NTPOT: milliseconds(q.NTPOT()),
		ITLMean: milliseconds(q.MeanITL()), Latency: *milliseconds(q.Latency(), true),
		Chunks: q.Chunks, ChunkTokens: narrow(q.ChunkTokens), Reasoning: q.Reasoning, ToolCalls: q.ToolCalls,
		MaxTokens: int32(q.MaxTokens), Usage: string(q.Usage), FinishReason: q.FinishReason, //nolint:gosec // small numbers
		Status: int32(q.Status), BytesSent: q.BytesSent, BytesReceived: q.BytesReceived, //nolint:gosec // small numbers
		ErrorType: q.ErrorType, Error: q.Error, Note: q.Note, Good: q.Good,
	}
	if delay, known := scheduleDelay(q); known {
		row.ScheduleDelay = new(delay * 1000)
	}
	n, source := q.InputTokens()
	row.InputTokens, row.InputSource = count(n, source), string(source)
	n, source = q.OutputTokens()
	row.OutputTokens, row.OutputSource = count(n, source), string(source)
	if n, known := q.UsageTokens("prompt_tokens_details.cached_tokens"); known {
		row.CachedTokens = new(int64(n))
	}
	return row
}

func count(n int, source record.Source) *int64 {
	if source == record.NoSource {
		return nil
	}
	return new(int64(n))
}

func notZero(ns int64) *int64 {
	if ns == 0 {
		return nil
	}
	return &ns
}

func milliseconds(d time.Duration, known bool) *float64 {
	if !known {
		return nil
	}
	return new(float64(d) / float64(time.Millisecond))
}

func narrow(list []int) []int32 {
	out := make([]int32, len(list))
	for i, n := range list {
		out[i] = int32(n) //nolint:gosec // tokens of a chunk
	}
	return out
}

// byEnd gives the requests in order of their end.
func byEnd(requests []Request) []Request {
	list := slices.Clone(requests)
	slices.SortStableFunc(list, func(a, b Request) int { return cmp.Compare(a.End, b.End) })
	return list
}
