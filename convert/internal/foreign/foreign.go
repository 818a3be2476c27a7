// Package foreign reads the per-request results of other load testers of LLM servers: inference-perf, vllm bench serve,
// SGLang's bench_serving, guidellm and aiperf. Whatever the file, a Reader hands out one Request after the other, with
// what the tool stored and nothing that it did not: instants and durations keep the values of the file, and what cannot
// be known is absent.
//
// Memory is bounded by one request, but for vllm and SGLang, whose requests lie across arrays: there it is bounded by
// one run.
package foreign

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Request is one request as another tool saw it. Times are in seconds; a nil pointer, slice or "" is what the tool did
// not store.
type Request struct {
	// Stage numbers the file's benchmarks from 0; -1 is a warm-up.
	Stage int
	// Start and End are on the clock that Meta names.
	Start, End float64
	// StartUnknown is set where the tool stored no start. Start is 0 then, and End, Due and the chunks count from it.
	StartUnknown bool
	// EndUnknown is set where the tool stored neither an end nor a latency; End is Start then.
	EndUnknown bool
	// Latency is the tool's own end-to-end latency, where it stores one. aiperf's ends with the last chunk that has
	// content, before End.
	Latency *float64
	// Due is when the request should have been sent, if the tool had a plan.
	Due *float64

	// Output arrives in chunks. Which of these a tool stores differs; AppendOffsets and Ends unite them.
	Chunks     []float64 // instants of all chunks with output
	TokenTimes []float64 // instants of all tokens, those of a chunk alike
	TTFT       *float64  // from Start to the first chunk
	Gaps       []float64 // between chunks, the first after TTFT; empty of a single chunk, nil where nobody stored them
	First      *float64  // instant of the first chunk
	Last       *float64  // instant of the last chunk
	ChunkCount *int      // of tools that store only First and Last

	// InputTokens and OutputTokens are the counts the tool calculates with. docs/import.md says whose they are.
	InputTokens, OutputTokens *int
	// Usage is the server's own map, without counts of 0 that cannot be; ZeroUsage is set if it had some.
	Usage     json.RawMessage
	ZeroUsage bool

	Model, Adapter   string
	API              string // "chat" or "completion", or the tool's word for another kind
	Streaming        bool
	FinishReason     string
	SessionID        string
	Turn             *int
	RequestSize      *int // bytes of the request's body
	TTFTSLO, TPOTSLO *float64
	RetriesAttempted int
	RetriesRecovered bool
	RetryWasted      float64
	Failed           bool
	Canceled         bool   // cut by the tool itself, at the end of a stage or on purpose; Failed as well
	ErrorType        string // the tool's own words, as ErrorMessage
	ErrorMessage     string
	Status           int    // HTTP status of a failure, if it can be known
	RequestBody      string // with Reader.Bodies
	ResponseBody     string // with Reader.Bodies
}

// AppendOffsets appends when each chunk arrived after Start, in seconds, and nothing unless that is known of all of
// them.
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

// Ends gives when the first and the last chunk arrived after Start, in seconds, each nil where that is not known, as it
// may be although nothing is known of the chunks between.
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

// Clock is what instants count from.
type Clock string

// The clocks.
const (
	Monotonic Clock = "monotonic" // from an unknown instant
	Unix      Clock = "unix"      // from 1970
	Origin    Clock = "origin"    // from Meta.Origin
)

// Meta is what a file says about its run.
type Meta struct {
	Format  Format
	Version string // of the tool
	Model   string
	Clock   Clock
	// Origin is the zero of the clock "origin" in Unix nanoseconds. A request that began before the file's first one
	// has a negative Start.
	Origin int64
	// Unordered is set once a request has no start time: requests have no order in time but that of their sending.
	Unordered bool
	// Placed counts failed requests that have no start, although the others do: each has that of the one sent before
	// it.
	Placed int
	// Unsent counts what the tool lists as requests although it never sent them.
	Unsent int
	Stages []Stage
}

// Stage is one benchmark of a file: a span with one load.
type Stage struct {
	Kind        string   // the tool's word for the kind of load
	Rate        *float64 // asked requests per second; nil if not stored or unlimited
	Concurrency *int     // asked or greatest number of requests at once
	// Requests is how many the tool counted. A file with fewer holds a sample; one with more has some that it left out,
	// as guidellm those it canceled before an answer.
	Requests *int
	// What the tool itself says of the stage; nil where it says nothing. The counts are of the requests that succeeded.
	Duration                           *float64 // seconds, from the first start to the last end
	Completed, InputTotal, OutputTotal *int
}

// ElementError is a request that could not be read. Next may be called again after it.
type ElementError struct {
	Format  Format
	Element int    // of all in the file, from 0
	Path    string // to the value, from the file's root
	Err     error
}

// Error names the format, the value and the reason.
func (e *ElementError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Format, e.Path, e.Err) }

// Unwrap gives the reason.
func (e *ElementError) Unwrap() error { return e.Err }

// Reader reads a file request by request. It is for one goroutine.
type Reader struct {
	// Bodies asks for RequestBody and ResponseBody, as far as the tool stored them. Set it before the first Next.
	Bodies bool

	s    *stream
	meta Meta
	dec  decoder
	read int // elements so far, good and bad
	good int
	err  error
}

// decoder reads one format. next gives io.EOF after the last request, and a *valueError for a request it passed over.
type decoder interface {
	next(r *Reader) (*Request, error)
}

// Open starts to read a file of a format, as Detect found it. It undoes no compression, and passes over a byte order
// mark. Formats without requests are an error that says which file to give instead.
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

// Meta is what is known of the run so far; after the last request, all that the file says.
func (r *Reader) Meta() Meta { return r.meta }

// Next returns the next request, which is the caller's to keep; io.EOF after the last; an *ElementError for one that
// cannot be read, after which Next goes on. Any other error is final; of a file that was cut it is an
// io.ErrUnexpectedEOF, and all whole requests before the cut were returned.
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

// stage is the stage of a number, made if it is new.
func (m *Meta) stage(number int) *Stage {
	for len(m.Stages) <= number {
		m.Stages = append(m.Stages, Stage{})
	}
	return &m.Stages[number]
}

// next goes to the next of the values that stand one behind the other, or in one array: io.EOF after the last.
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

// end holds that nothing follows.
func (s *stream) end() error {
	c, err := s.peek()
	if err == nil {
		err = fmt.Errorf("byte %d: %q after the end", s.base+int64(s.r), c)
	}
	return err
}
