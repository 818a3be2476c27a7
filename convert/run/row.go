package run

// Row is one request in requests.parquet. Undefined values are null.
type Row struct {
	RunID     string `parquet:"run_id,dict"`
	Instance  string `parquet:"instance,dict"`
	RequestID string `parquet:"request_id"`
	Client    int32  `parquet:"client"`
	Scenario  string `parquet:"scenario,dict"`
	Stage     int32  `parquet:"stage"`
	Index     int64  `parquet:"index"`
	Seq       int32  `parquet:"seq"`
	SessionID string `parquet:"session_id,dict,optional"`
	Turn      int32  `parquet:"turn"`
	API       string `parquet:"api,dict"`
	Model     string `parquet:"model,dict"`
	Adapter   string `parquet:"adapter,dict,optional"`
	Label     string `parquet:"label,dict,optional"`
	Endpoint  string `parquet:"endpoint,dict,optional"`
	Streaming bool   `parquet:"streaming"`

	Due       *int64 `parquet:"due_ns,optional"`
	Start     *int64 `parquet:"start_ns,optional"`
	End       *int64 `parquet:"end_ns,optional"`
	Connected *int64 `parquet:"connected_ns,optional"`
	FirstByte *int64 `parquet:"first_byte_ns,optional"`
	Attempt   *int64 `parquet:"attempt_ns,optional"`
	Retries   int32  `parquet:"retries"`
	// WriteDelay is null where it is unknown, and for long requests, whose writing waits for the network.
	WriteDelay *float64 `parquet:"write_delay_ms,optional"`

	ScheduleDelay *float64 `parquet:"schedule_delay_ms,optional"`
	TTFT          *float64 `parquet:"ttft_ms,optional"`
	TTFO          *float64 `parquet:"ttfo_ms,optional"`
	TPOT          *float64 `parquet:"tpot_ms,optional"`
	NTPOT         *float64 `parquet:"ntpot_ms,optional"`
	ITLMean       *float64 `parquet:"itl_mean_ms,optional"`
	Latency       *float64 `parquet:"request_latency_ms,optional"`

	// LastChunk and ChunkCount are set for imported requests whose chunks are not listed. The first chunk is ttft_ms.
	LastChunk  *float64 `parquet:"last_chunk_ms,optional"` // after the start
	ChunkCount *int32   `parquet:"chunk_count,optional"`

	Chunks      []int64 `parquet:"chunks_us,list" parquet-element:",delta,uncompressed"`
	ChunkTokens []int32 `parquet:"chunk_tokens,list" parquet-element:",delta"`
	Reasoning   []int64 `parquet:"reasoning_us,list" parquet-element:",delta,uncompressed"`
	ToolCalls   []int64 `parquet:"tool_calls_us,list" parquet-element:",delta,uncompressed"`

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
	PromptHash    string `parquet:"prompt_hash,optional"`
	Leaves        string `parquet:"leaves,dict,optional"`
	ErrorType     string `parquet:"error_type,dict"`
	Error         string `parquet:"error"`
	Note          string `parquet:"note,dict"`
	Good          *bool  `parquet:"good,optional"`
	SLO           string `parquet:"slo,dict"` // bounds as JSON; "" means no bounds

	// Inputs, VectorLength and Scores are null for APIs without inputs, and for answers without vectors or scores.
	Inputs       *int64 `parquet:"inputs,optional"`
	VectorLength *int64 `parquet:"vector_length,optional"`
	Scores       *int64 `parquet:"scores,optional"`

	// The columns of media sum up the media of the answer where the API makes media, else those of the prompt. Where
	// they are 0 or empty the file has null: pointers would take longer to write, for all requests.
	Images       int32   `parquet:"images,optional"`
	Videos       int32   `parquet:"videos,optional"`
	Audios       int32   `parquet:"audios,optional"`
	MediaBytes   int64   `parquet:"media_bytes,optional"`
	Pixels       int64   `parquet:"pixels,optional"`
	Frames       int32   `parquet:"frames,optional"`
	MediaSeconds float64 `parquet:"media_seconds,optional"`
	MediaTokens  int64   `parquet:"media_tokens,optional"`
	Sent         int64   `parquet:"sent_ns,optional"`
	Media        string  `parquet:"media,optional"` // what else the record says of media, as JSON

	// The columns of a call of a replayed session are null for other requests.
	CallNumber *int32   `parquet:"call_number,optional"`
	CallID     *string  `parquet:"call_id,optional"`
	After      []int32  `parquet:"call_after,list"`
	Wait       *float64 `parquet:"wait_ms,optional"`
	Pause      *string  `parquet:"pause,dict,optional"`
	Held       *float64 `parquet:"held_ms,optional"`
	Ready      *int64   `parquet:"ready_ns,optional"`
	// Gap is the time from when the calls before it had ended, or its session's start, until it was sent.
	Gap            *float64 `parquet:"gap_ms,optional"`
	RecordedInput  *int64   `parquet:"recorded_prompt_tokens,optional"`
	RecordedOutput *int64   `parquet:"recorded_completion_tokens,optional"`
	UserFacing     *bool    `parquet:"user_facing,optional"`
	CallLabels     *string  `parquet:"call_labels,dict,optional"` // JSON
	Expected       *int64   `parquet:"expected_cached_tokens,optional"`
	BlockSize      *int32   `parquet:"block_size,optional"`
	SharedWith     *int32   `parquet:"shared_with,optional"`
	Shared         *int32   `parquet:"shared_blocks,optional"`
	Blocks         []int64  `parquet:"blocks,list"`
}

// LinesKey is the metadata key of all lines except requests and samples.
const LinesKey = "records"

// ImportedKey is the metadata key of the ImportedFacts of another tool's results.
const ImportedKey = "imported"

// CutKey is the metadata key of what the report left out of the run before it wrote the file: a [Cut].
const CutKey = "cut"

// WarmupsKey is the metadata key of what was sent in stages that were warm-ups, whose requests the file does not hold.
const WarmupsKey = "warm_ups"

// PartialKey is the metadata key that tells whether something of the run is missing: true or false.
const PartialKey = "partial"

// ImportedFacts are the properties of an imported run that its rows do not hold. See Run for their meaning.
type ImportedFacts struct {
	Origin    string         `json:"origin"`
	Untimed   bool           `json:"untimed,omitempty"`
	Uncounted bool           `json:"uncounted,omitempty"`
	Partial   bool           `json:"partial,omitempty"`
	Stated    map[int]Stated `json:"stated,omitempty"`
}

// SamplesKey precedes the instance's name in the metadata key of the lines that the instance wrote each second:
// heartbeats and samples of the server page. The lines are compressed because every reader of a file loads its metadata
// completely, and base64-encoded because metadata must be text.
const SamplesKey = "samples of "
