package client

import (
	"bytes"
	"fmt"
	"io"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// body is the body of a request: its text, in which marks stand for blobs. Requests in flight share the blobs.
type body struct {
	text  []byte
	blobs []string
}

// blobsOf returns files as blobs, which share their memory.
func blobsOf(files []api.File) []string {
	blobs := make([]string, len(files))
	for i, f := range files {
		blobs[i] = unsafe.String(unsafe.SliceData(f.Data), len(f.Data))
	}
	return blobs
}

// size returns the number of bytes that are sent.
func (b *body) size() int64 {
	n := int64(len(b.text))
	if b.blobs == nil {
		return n
	}
	for rest := b.text; ; {
		begin, end, i := api.NextBlob(rest)
		if i < 0 {
			return n
		}
		n -= int64(end - begin)
		if i < len(b.blobs) {
			n += int64(len(b.blobs[i]))
		}
		rest = rest[end:]
	}
}

// hash returns the hash of what is sent. XXH64 takes some 20 µs for 100 kB, and its values are the same everywhere.
func (b *body) hash() record.Hash {
	if b.blobs == nil {
		return record.Hash(max(1, xxhash.Sum64(b.text))) // 0 means an unknown one
	}
	var sum xxhash.Digest
	sum.Reset()
	for rest := b.text; ; {
		begin, end, i := api.NextBlob(rest)
		_, _ = sum.Write(rest[:begin]) // never fails
		if i < 0 {
			return record.Hash(max(1, sum.Sum64()))
		}
		if i < len(b.blobs) {
			_, _ = sum.WriteString(b.blobs[i])
		}
		rest = rest[end:]
	}
}

// open returns a reader of a body for one attempt. The text alone is read by plain, which net/http knows: it sends
// short bodies together with the header.
func (b *body) open(plain *bytes.Reader) io.ReadCloser {
	if b.blobs == nil {
		plain.Reset(b.text)
		return io.NopCloser(plain)
	}
	return io.NopCloser(&blobReader{text: b.text, blobs: b.blobs})
}

// blobReader reads a body with blobs.
type blobReader struct {
	text  []byte // from what is not read on
	blobs []string
	plain int    // bytes of the text up to the next mark
	blob  string // what is not read of the blob before the text
}

func (r *blobReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case r.blob != "":
			k := copy(p[n:], r.blob)
			r.blob, n = r.blob[k:], n+k
		case r.plain > 0:
			k := copy(p[n:], r.text[:r.plain])
			r.text, r.plain, n = r.text[k:], r.plain-k, n+k
		case len(r.text) == 0 && n == 0:
			return 0, io.EOF
		case len(r.text) == 0:
			return n, nil
		default:
			r.next()
		}
	}
	return n, nil
}

// next goes to the next mark, or passes it.
func (r *blobReader) next() {
	begin, end, i := api.NextBlob(r.text)
	if begin > 0 {
		r.plain = begin
		return
	}
	r.text = r.text[end:]
	if i < len(r.blobs) {
		r.blob = r.blobs[i]
	}
}

// smallBody is a size that every server takes, in bytes.
const smallBody = 64 << 10

// unsent adds to a failure whose connection was closed while a large body was being sent that this may have been the
// reason: of a server that closes it at once, the answer may not arrive.
func (x *exchange) unsent(errorType string) string {
	size := x.body.size()
	if errorType != record.ErrorReset || size <= smallBody || x.attempt.trace.written.Load() != 0 {
		return ""
	}
	return fmt.Sprintf(" (the server, or a proxy before it, closed the connection while a body of %d bytes was sent: "+
		"it may not take so large a body)", size)
}

// shownBody returns a body as a record keeps it: without its blobs, which would be nearly all of the record.
func shownBody(text []byte, blobs []string) string {
	if blobs == nil {
		return string(text)
	}
	var shown []byte
	for {
		begin, end, i := api.NextBlob(text)
		shown = append(shown, text[:begin]...)
		if text = text[end:]; i < 0 {
			return string(shown)
		}
		if i < len(blobs) {
			shown = fmt.Appendf(shown, "(%d bytes)", len(blobs[i]))
		}
	}
}
