// Package record is the centre of the tool: the record of one request, its latencies and bounds, and the JSON lines in
// which a run is kept.
//
// A record stores only facts: when the request was due, sent, answered chunk by chunk, and ended; what was counted; how
// it failed. Latencies are methods over those facts, so the live metrics, the record file and the report cannot
// disagree. Times are rounded once, when the record is made: instants to nanoseconds, chunk arrivals to microseconds.
package record

import (
	"encoding/json"
	"slices"
	"strings"
)

// Values of Request.ErrorType.
const (
	ErrorHTTP      = "http"         // a status other than 2xx, see Request.Status
	ErrorTimeout   = "timeout"      // the whole request took longer than its timeout
	ErrorStall     = "stall"        // no bytes for longer than the idle timeout
	ErrorConnect   = "connect"      // no connection: refused, unreachable, or none in time
	ErrorDNS       = "dns"          // the host name did not resolve
	ErrorTLS       = "tls"          // the TLS handshake or the certificate failed
	ErrorReset     = "reset"        // an established connection broke
	ErrorTruncated = "truncated"    // the answer ended before it was complete
	ErrorStream    = "stream_error" // an error event inside a stream that began with status 200
	ErrorMalformed = "malformed"    // bytes that are not the protocol
	ErrorTooLarge  = "too_large"    // an event or a body above the limit
	ErrorCanceled  = "canceled"     // cut by the test: gracefulStop, interrupt or abort
	ErrorAbandoned = "abandoned"    // its user left, as the script asked: see Request.Leaves
)

// Parts of Request.Note. A note may have several, separated by semicolons.
const (
	NoteNoDone     = "the stream ended after a finish reason without its end mark"
	NoteNoFinish   = "the stream ended with its end mark but without a finish reason"
	NoteBroken     = "the connection broke after the answer was whole" // the error type follows
	NoteWhole      = "the server answered without streaming"
	NoteStreamed   = "the server streamed although it was asked not to"
	NoteChoices    = "the answer has several choices, of which the first counts"
	NoteCumulative = "each chunk held all the text so far, which counts once"
	NoteZeroUsage  = "the server's usage of no tokens, or of one for many chunks, was left out"
	NoteResent     = "the server had closed the connection kept alive: sent again on another"
	NoteBadUsage   = "a usage map that is no JSON, or too large, was left out"
	NoteNotFetched = "the address of the answer came, and was not fetched"
	NoteOddSound   = "the sound ends in the middle of a sample"
	NoteBodyCut    = "the body kept is the beginning of a larger one"
	NoteCompressed = "the answer came compressed, so its chunks come in blocks"
	NoteOwnFault   = "this machine failed, not the server" // the cause that OwnFault returns follows
)

// Request is the record of one request. It has no pointers to live objects, and nothing in it changes after the request
// is finished, so it may then be shared. Instants are Unix nanoseconds (see UnixNano), 0 if they never came.
type Request struct {
	ID       string `json:"request_id"`
	Client   int    `json:"client"`   // number of the Client line with which it was sent
	Scenario string `json:"scenario"` // "" outside scenarios (setup, teardown)
	Stage    int    `json:"stage"`    // -1 outside scenarios
	// Warmup reports that the request belongs to the warm-up of its stage. It is in no figure.
	Warmup    bool   `json:"warmup,omitempty"`
	Index     int64  `json:"index"` // number of the arrival or iteration in its scenario, from 0, over all instances
	Seq       int    `json:"seq"`   // number of the request within its iteration, from 0
	SessionID string `json:"session_id,omitempty"`
	Turn      int    `json:"turn"`
	API       string `json:"api"`
	Model     string `json:"model"`
	Adapter   string `json:"adapter,omitempty"`
	// Label names the class of users that the request belongs to; "" without classes.
	Label string `json:"label,omitempty"`
	// Endpoint names where the request went: the base URL, without secrets, of one of several of its client, or the
	// name of a client of a pair; "" for a client of one.
	Endpoint  string `json:"endpoint,omitempty"`
	Streaming bool   `json:"streaming"`

	Due       *int64 `json:"due_ns"` // when it should have been sent; nil if unknown
	Start     int64  `json:"start_ns"`
	End       int64  `json:"end_ns"`
	Connected int64  `json:"connected_ns,omitempty"` // a connection was available, new or kept alive
	Written   int64  `json:"written_ns,omitempty"`   // the request was handed to the operating system
	FirstByte int64  `json:"first_byte_ns,omitempty"`
	// attempts beyond the first, after connections that failed before an answer
	Retries int   `json:"retries,omitempty"`
	Attempt int64 `json:"attempt_ns,omitempty"` // when the last attempt was sent; 0 if that was Start
	// ServerDate is the answer's Date in Unix seconds, by which the clocks of instances are compared; 0 if it has none.
	ServerDate int64 `json:"server_date_s,omitempty"`

	// arrival of each content chunk after Start, in microseconds
	Chunks      []int64 `json:"chunks_us"`
	ChunkTokens []int   `json:"chunk_tokens,omitempty"`  // tokens of each chunk by the client's tokenizer
	Reasoning   []int64 `json:"reasoning_us,omitempty"`  // arrivals of reasoning deltas
	ToolCalls   []int64 `json:"tool_calls_us,omitempty"` // arrivals of tool-call deltas
	Prompt      *int    `json:"prompt_tokens,omitempty"` // counted by the client; nil without a tokenizer
	// tokens that the prompt was meant to have; 0 if unknown
	PromptAsked int `json:"prompt_tokens_asked,omitempty"`
	// Prompt counts only the messages' texts, because the chat template could not be used
	PromptRaw  bool `json:"prompt_tokens_raw,omitempty"`
	Completion *int `json:"completion_tokens,omitempty"` // counted by the client; nil without a tokenizer
	// CompletionRaw reports that Completion counts texts that the model wrote in another form: they include reasoning
	// or tool calls, and the tokens around those are not in the answer.
	CompletionRaw bool `json:"completion_tokens_raw,omitempty"`

	// MaxTokens is the requested output limit.
	MaxTokens int `json:"max_tokens,omitempty"`
	// Usage is the server's own usage map, several maps shallow-merged; nil if the server sent none.
	Usage        json.RawMessage `json:"usage,omitempty"`
	FinishReason string          `json:"finish_reason,omitempty"`

	// Inputs is the number of texts of an embeddings request, or of documents of a rerank request; nil for other APIs.
	Inputs *int64 `json:"inputs,omitempty"`
	// VectorLength is the number of components of each vector in the answer; nil without vectors.
	VectorLength *int64 `json:"vector_length,omitempty"`
	Scores       *int64 `json:"scores,omitempty"` // number of scores in the answer; nil without scores

	// Media lists the pictures, videos and sounds of the request, in their order, and Output those of the answer.
	Media  []Media `json:"media,omitempty"`
	Output []Media `json:"output_media,omitempty"`
	// AskedSize is the size in which pictures or a video were asked for, such as 1024x1024; "" if none was.
	AskedSize string `json:"asked_size,omitempty"`
	// ChunkBytes holds the bytes of sound that each of Chunks brought, without headers, or those of the pictures of a
	// stream; nil for answers of other kinds.
	ChunkBytes []int64 `json:"chunk_bytes,omitempty"`
	// Characters is the length of a text to speak; 0 for other requests.
	Characters int64 `json:"characters,omitempty"`
	// Sent is how long the body of a request with media took to send, in nanoseconds: from the connection to Written.
	Sent int64 `json:"sent_ns,omitempty"`
	// ServerSeconds is how long pictures or a video took as the server tells, in seconds; 0 if it does not.
	ServerSeconds float64 `json:"server_seconds,omitempty"`

	Poll *Poll `json:"poll,omitempty"` // nil unless the answer is of a job that was asked for until it was done

	Status        int   `json:"status,omitempty"` // HTTP status; 0 without an answer
	BytesSent     int64 `json:"bytes_sent"`       // size of the request body
	BytesReceived int64 `json:"bytes_received"`   // size of the response body
	// PromptHash is that of the request body: requests with equal hashes asked for the same. 0 if it is unknown.
	PromptHash Hash `json:"prompt_hash,omitempty"`
	// Leaves tells when the user of the request was to leave: after a time as in "2s", after so many pieces of output
	// as in "20 tokens", "queued", "prompt-sent", or "signal" if the script made it leave; "" if the user was to stay.
	// The error type is ErrorAbandoned unless the answer was over before.
	Leaves    string `json:"leaves,omitempty"`
	ErrorType string `json:"error_type,omitempty"`
	Error     string `json:"error,omitempty"`
	Note      string `json:"note,omitempty"` // oddities, and whose failure it was

	SLO  *Bounds `json:"slo,omitempty"`  // the bounds by which it was judged
	Good *bool   `json:"good,omitempty"` // whether it is within its bounds; nil without bounds

	Call *Call `json:"call,omitempty"` // its place in the graph of a replayed session; nil for other requests

	RequestBody  string `json:"request,omitempty"`  // only if bodies are kept
	ResponseBody string `json:"response,omitempty"` // only if bodies are kept
}

// Bounds is a service level objective: upper bounds on a request's latencies, in milliseconds, and on its real-time
// factor; 0 means no bound.
type Bounds struct {
	TTFT    float64 `json:"ttft_ms,omitempty"`
	TPOT    float64 `json:"tpot_ms,omitempty"`
	NTPOT   float64 `json:"ntpot_ms,omitempty"`
	ITL     float64 `json:"itl_ms,omitempty"` // bound on the mean gap of the request
	Latency float64 `json:"request_latency_ms,omitempty"`

	FirstAudio float64 `json:"first_audio_ms,omitempty"`
	RTF        float64 `json:"rtf,omitempty"` // bound on latency / seconds of sound
}

// Unfinished reports whether the request neither succeeded nor failed: the end of the run cut it off, or its user left.
func (r *Request) Unfinished() bool {
	return r.ErrorType == ErrorCanceled || r.ErrorType == ErrorAbandoned
}

// Failed reports whether the request has no whole answer: it failed, or it is unfinished.
func (r *Request) Failed() bool { return r.ErrorType != "" }

// Generates reports whether the request asks for text. Embeddings and rerank requests do not, nor do those for
// pictures, videos and sounds: they have a latency, and neither tokens nor the times of tokens in their answers.
func (r *Request) Generates() bool {
	return !slices.Contains(MediaAnswers[:], r.API) && !r.TakesInputs()
}

// TakesInputs reports whether the request is one of embeddings or rerank, which have inputs and generate no text.
func (r *Request) TakesInputs() bool {
	return r.Inputs != nil || r.API == APIEmbeddings || r.API == APIRerank
}

// Noted reports whether the request has a note, one of the Note constants.
func (r *Request) Noted(note string) bool { return strings.Contains(r.Note, note) }

// OutputChunks returns the number of arrivals of output of any kind: content, reasoning, tool calls.
func (r *Request) OutputChunks() int { return len(r.Chunks) + len(r.Reasoning) + len(r.ToolCalls) }
