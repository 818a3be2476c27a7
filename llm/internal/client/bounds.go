package client

import (
	"bytes"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/sse"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// bytesPerChunk is the memory, in bytes, that each chunk takes besides its text: its time and its end in the text. The
// chunks of an answer may therefore take as much memory as its text, and a million tokens of one chunk each are within
// both bounds.
const bytesPerChunk = 16

// mediaLimit bounds, in bytes, an answer that is pictures or a video, if no option does: ten pictures of 4096 × 4096
// pixels, as photographs, in base64.
const mediaLimit = 256 << 20

// raiseLimit tells what to do about an answer over the limit.
const raiseLimit = "; if the answer is to be so large, raise it with answerLimit"

// keptBytes bounds, in bytes, what is kept of the body of an answer that is no text.
const keptBytes = 64 << 10

// maxBytes returns how many bytes an event, the text of an answer, and a body that is kept may have.
func (o *Options) maxBytes() int {
	if limit := o.EventLimit; limit != 0 {
		return limit
	}
	return sse.DefaultLimit
}

// within fails a streamed answer that has more text, or more chunks, than allowed. It reports whether the answer is
// within the limits.
func (r *reply) within(at time.Time) bool {
	limit := r.outcome.opts.maxBytes()
	text, most := r.transcript.held()+max(r.asideSize, len(r.kept.text)), limit/bytesPerChunk
	chunks := max(r.outcome.rec.OutputChunks(), len(r.kept.pieces))
	var over string
	switch {
	case text > limit:
		over = fmt.Sprintf("%d bytes of text", limit)
	case chunks > most:
		over = fmt.Sprintf("%d chunks", most)
	default:
		return true
	}
	r.outcome.fail(at, record.ErrorTooLarge, fmt.Sprintf(
		"answer over the limit of %s: %d bytes in %d chunks came, and the connection was closed", over, text, chunks))
	return false
}

// rawBody keeps the beginning of a response as it came, if bodies are kept.
type rawBody struct {
	bytes.Buffer
	limit int
	cut   bool // more bytes came
}

// Write keeps the bytes that fit, and accepts all.
func (b *rawBody) Write(p []byte) (int, error) {
	n := min(len(p), b.limit-b.Len())
	b.cut = b.cut || n < len(p)
	_, _ = b.Buffer.Write(p[:n])
	return len(p), nil
}
