// Package foreign reads the per-request results of other load testers of LLM servers: inference-perf, vllm bench serve,
// SGLang's bench_serving, guidellm and aiperf. For every format a Reader returns one Request after the other, with what
// the tool stored and nothing else: instants and durations keep the values of the file, and what cannot be known is
// absent.
//
// A Reader holds one request in memory; for vllm and SGLang, whose requests are spread across arrays, it holds one run.
package foreign

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Request is one request as another tool recorded it. Times are in seconds. A nil pointer, a nil slice or "" means that
// the tool did not store the value.
type Request struct {
	// Stage is the index of the benchmark in the file, from 0; -1 means a warm-up.
	Stage int
	// Start and End are instants on the clock that Meta names.
	Start, End float64
	// StartUnknown means that the tool stored no start. Start is then 0, and End, Due and the chunks count from it.
	StartUnknown bool
	// EndUnknown means that the tool stored neither an end nor a latency. End is then equal to Start.
	EndUnknown bool
	// Latency is the tool's own end-to-end latency, if it stores one. The latency of aiperf ends with the last chunk
	// that has content, before End.
	Latency *float64
	// Due is the instant at which the request should have been sent, if the tool had a plan.
	Due *float64

	// Output arrives in chunks. Tools differ in the instants of chunks that they store; AppendOffsets and Ends unite
	// them.
	Chunks     []float64 // instants of all chunks with output
	TokenTimes []float64 // instants of all tokens; tokens of one chunk have the same instant
	TTFT       *float64  // from Start to the first chunk
	// between chunks, the first after TTFT; empty if there is a single chunk, nil if the tool did not store them
	Gaps       []float64
	First      *float64 // instant of the first chunk
	Last       *float64 // instant of the last chunk
	ChunkCount *int     // from tools that store only First and Last

	// InputTokens and OutputTokens are the counts that the tool calculates with. docs/import.md says for each tool who
	// counted them.
	InputTokens, OutputTokens *int
	// Usage is the server's own map, without counts of 0 that cannot be right. ZeroUsage means that it had such counts.
	Usage     json.RawMessage
	ZeroUsage bool

	Model, Adapter string
	API            string // "chat" or "completion", or the tool's word for another kind
	Streaming      bool
	FinishReason   string
	SessionID      string
	// Inputs is the number of texts or documents of an embeddings or rerank request, VectorLength and Scores describe
	// its answer.
	Inputs, VectorLength, Scores *int
	Turn                         *int
	RequestSize                  *int // bytes of the request's body
	Media                        []Medium
	TTFTSLO, TPOTSLO             *float64
	RetriesAttempted             int
	RetriesRecovered             bool
	RetryWasted                  float64
	Failed                       bool
	// the tool ended the request itself, at the end of a stage or on purpose; Failed is set as well
	Canceled     bool
	ErrorType    string // in the tool's own words, like ErrorMessage
	ErrorMessage string
	Status       int    // HTTP status of a failure; 0 means unknown
	RequestBody  string // with Reader.Bodies
	ResponseBody string // with Reader.Bodies
}

// AppendOffsets appends to dst the times from Start to each chunk, in seconds. It appends nothing unless the times of
// all chunks are known.
func (q *Request) AppendOffsets(dst []float64) []float64 {
	switch {
	case len(q.Chunks) > 0:
		for _, at := range q.Chunks {
			dst = append(dst, at-q.Start)
		}
	case q.TTFT != nil && q.Gaps != nil:
		at := *q.TTFT
		dst = append(dst, at)
		for _, gap := range q.Gaps {
			at += gap
			dst = append(dst, at)
		}
	case q.First != nil && q.ChunkCount != nil && *q.ChunkCount == 1:
		dst = append(dst, *q.First-q.Start)
	case q.First != nil && q.Last != nil && q.ChunkCount != nil && *q.ChunkCount == 2:
		dst = append(dst, *q.First-q.Start, *q.Last-q.Start)
	}
	return dst
}

// Ends returns the times from Start to the first and to the last chunk, in seconds. nil means unknown. Both may be
// known although the chunks between them are not.
func (q *Request) Ends() (first, last *float64) {
	if q.TTFT != nil {
		first = new(*q.TTFT)
	} else if q.First != nil {
		first = new(*q.First - q.Start)
	}
	if q.Last != nil {
		last = new(*q.Last - q.Start)
	}
	return first, last
}

// Clock is the zero that instants count from.
type Clock string

// The clocks differ in their zero.
const (
	Monotonic Clock = "monotonic" // from an unknown instant
	Unix      Clock = "unix"      // from 1970
	Origin    Clock = "origin"    // from Meta.Origin
)

// Meta holds what a file says about its run.
type Meta struct {
	Format  Format
	Version string // the version of the tool
	Model   string
	Clock   Clock
	// Origin is the zero of the clock Origin, in Unix nanoseconds. A request that began before the first one of the
	// file has a negative Start.
	Origin int64
	// Unordered means that at least one request has no start time: only the order of sending is known, not the times.
	Unordered bool
	// Placed counts failed requests without a start in a file whose other requests have one. They have the start of the
	// request that was sent before them.
	Placed int
	// Unsent counts requests that the tool lists although it never sent them.
	Unsent int
	Stages []Stage
}

// Stage is one benchmark of a file: a span with one load.
type Stage struct {
	Kind        string   // the tool's word for the kind of load
	Rate        *float64 // requests per second that were asked for; nil if not stored or unlimited
	Concurrency *int     // number of requests at once that was asked for, or the greatest number
	// Requests is the number of requests that the tool counted. A file with fewer requests holds a sample; a file with
	// more has requests that the tool did not count, such as requests that guidellm canceled before an answer.
	Requests *int
	// The tool's own figures of the stage; nil means that it has none. The counts are counts of successful requests.
	Duration                           *float64 // seconds, from the first start to the last end
	Completed, InputTotal, OutputTotal *int
}

// ElementError reports a request that could not be read. Next may be called again after it.
type ElementError struct {
	Format  Format
	Element int    // the index among all elements of the file, from 0
	Path    string // the path of the value from the root of the file
	Err     error
}

// Error names the format, the value and the reason.
func (e *ElementError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Format, e.Path, e.Err) }

// Unwrap returns the reason.
func (e *ElementError) Unwrap() error { return e.Err }

// Reader reads a file request by request. It must not be used concurrently.
type Reader struct {
	// Bodies makes Next return RequestBody and ResponseBody, if the tool stored them. Set it before the first Next.
	Bodies bool

	s    *stream
	meta Meta
	dec  decoder
	read int // elements so far, readable or not
	good int
	err  error
}

// decoder reads one format. next returns io.EOF after the last request, and a *valueError for a request that it
// skipped.
type decoder interface {
	next(r *Reader) (*Request, error)
}

// Open returns a Reader of a file in the format that Detect found. It does not decompress; it skips a byte order mark.
// For formats without requests it returns an error that says which file to give instead.
func Open(src io.Reader, format Format) (*Reader, error) {
	if err := format.Check(); err != nil {
		return nil, err
	}
	text := bufio.NewReader(src)
	if err := textfile.Skip(text); err != nil {
		return nil, err
	}
	r := &Reader{s: newStream(text), meta: Meta{Format: format, Clock: Monotonic}}
	switch format {
	case InferencePerf:
		r.dec, r.meta.Stages = new(inferencePerf), make([]Stage, 1)
	case VLLM:
		r.dec = &vllm{dialect: vllmDialect}
	case SGLang:
		r.dec = &vllm{dialect: sglangDialect}
	case GuideLLM:
		r.dec, r.meta.Clock = new(guideLLM), Unix
	case AIPerf:
		r.dec, r.meta.Clock = new(aiPerf), Origin
	}
	return r, nil
}

// Meta returns what is known of the run so far. After the last request that is all that the file says.
func (r *Reader) Meta() Meta { return r.meta }

// Next returns the next request, which belongs to the caller. It returns io.EOF after the last request, and an
// *ElementError for a request that cannot be read, after which Next can be called again. Any other error is final. If
// the file was cut, the error is an io.ErrUnexpectedEOF, and Next has returned all whole requests before the cut.
func (r *Reader) Next() (*Request, error) {
	if r.err != nil {
		return nil, r.err
	}
	q, err := r.dec.next(r)
	var bad *valueError
	switch {
	case err == nil:
		r.good++
		q.dropZeros()
		return q, nil
	case errors.As(err, &bad):
		return nil, &ElementError{Format: r.meta.Format, Element: r.read - 1, Path: bad.path, Err: bad.err}
	case errors.Is(err, io.EOF):
		r.err = io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.err = fmt.Errorf("%s: the file is cut after %d whole requests: %w", r.meta.Format, r.good, err)
	case r.good == 0:
		r.err = fmt.Errorf("%s: %w", r.meta.Format, err)
	default:
		r.err = fmt.Errorf("%s: after %d requests: %w", r.meta.Format, r.good, err)
	}
	return nil, r.err
}

// stage returns the stage of a number and makes it if it is new.
func (m *Meta) stage(number int) *Stage {
	for len(m.Stages) <= number {
		m.Stages = append(m.Stages, Stage{})
	}
	return &m.Stages[number]
}

// next moves to the next of the values that follow each other or are the items of one array. It returns io.EOF after
// the last.
func (s *stream) next() error {
	c, err := s.peek()
	if err != nil && len(s.open) > 0 {
		return unexpected(err)
	}
	if err != nil {
		return err
	}
	if !s.begun && c == '[' {
		s.listed = true
		if err := s.enter('['); err != nil {
			return err
		}
	}
	s.begun = true
	if !s.listed {
		return nil
	}
	if len(s.open) == 0 {
		return s.end()
	}
	more, err := s.more()
	if err != nil {
		return err
	}
	if !more {
		return s.end()
	}
	_, err = s.need()
	return err
}

// end returns io.EOF if nothing follows, and otherwise an error.
func (s *stream) end() error {
	c, err := s.peek()
	if err == nil {
		err = fmt.Errorf("byte %d: %q after the end", s.base+int64(s.r), c)
	}
	return err
}
