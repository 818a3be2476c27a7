package run

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

// LinesKey is the metadata key of the lines that are no requests, but for samples.
const LinesKey = "records"

// ImportedKey is the metadata key of what a Parquet file of another tool's results needs beside its rows.
const ImportedKey = "imported"

// ImportedFacts are what makes an imported run differ from one of ours.
type ImportedFacts struct {
	Origin    string         `json:"origin"`
	Untimed   bool           `json:"untimed,omitempty"`
	Uncounted bool           `json:"uncounted,omitempty"`
	Partial   bool           `json:"partial,omitempty"`
	Stated    map[int]Stated `json:"stated,omitempty"`
}

// SamplesKey begins the metadata key of the lines that an instance wrote each second, heartbeats and samples of the
// server's page; the instance's name follows. They are compressed, for a file's metadata are read whole by whoever
// opens it, and in base64, for metadata are texts.
const SamplesKey = "samples of "
