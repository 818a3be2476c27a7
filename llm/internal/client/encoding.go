package client

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// errEncoding is wrapped by the errors of a compressed body.
var errEncoding = errors.New("compressed body")

// wire is a response's body as it comes from the network.
type wire struct {
	io.Reader
	n   int64 // bytes read so far
	err error // error of the last read
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.n += int64(n)
	w.err = err
	return n, err
}

// decompressed reads a body that a server or a proxy may have compressed, although nothing asked for that. It
// recognises gzip and zstd by their first bytes, whatever the label says; deflate has no such bytes. It must be closed.
type decompressed struct {
	wire  wire
	label string    // Content-Encoding
	plain bool      // the body is not compressed and not labelled so
	text  io.Reader // set once the first bytes of another body are read
	free  func()    // nil if the body is not compressed
	begun bool      // something was decompressed
}

// Read reads text. A body that is not compressed costs only a look at its first byte, and no stack: a stream waits
// below this frame.
func (d *decompressed) Read(p []byte) (int, error) {
	if d.plain {
		return d.wire.Read(p)
	}
	return d.decompress(p)
}

//go:noinline
func (d *decompressed) decompress(p []byte) (int, error) {
	if d.text != nil {
		return d.read(p)
	}
	n, err := d.wire.Read(p)
	if n == 0 {
		return n, err
	}
	if c := p[0]; c != gzipMagic[0] && c != zstdMagic[0] && d.label == "" {
		d.plain = true
		return n, err
	}
	head := bytes.Clone(p[:n])
	for err == nil && len(head) < len(zstdMagic) {
		var next [1]byte
		n, err = d.wire.Read(next[:])
		head = append(head, next[:n]...)
	}
	if err := d.open(head); err != nil {
		d.text = failed{err}
	}
	return d.read(p)
}

// errTwice reports that a server and a proxy each compressed the body.
var errTwice = errors.New("it is compressed twice: let the server or the proxy not compress")

// read distinguishes a decompressor's error from an error of the connection, and from a body that was cut off.
func (d *decompressed) read(p []byte) (int, error) {
	n, err := d.text.Read(p)
	if d.free == nil {
		return n, err
	}
	if !d.begun && n > 0 {
		d.begun = true
		if head := p[:n]; bytes.HasPrefix(head, gzipMagic) || bytes.HasPrefix(head, zstdMagic) {
			return 0, fmt.Errorf("%w: %w", errEncoding, errTwice)
		}
	}
	broken := d.wire.err != nil && !errors.Is(d.wire.err, io.EOF)
	switch {
	case err == nil, errors.Is(err, io.EOF), broken:
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fmt.Errorf("the compressed body ended early: %w", err)
	}
	return n, fmt.Errorf("%w: %w", errEncoding, err)
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// open finds out how the body that begins with head is compressed.
func (d *decompressed) open(head []byte) error {
	src := io.MultiReader(bytes.NewReader(head), &d.wire)
	d.text, d.free = src, func() {}
	var err error
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		d.text, err = gzip.NewReader(src)
	case bytes.HasPrefix(head, zstdMagic):
		var r *zstd.Decoder
		if r, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20)); err == nil {
			d.text, d.free = r, r.Close
		}
	case strings.EqualFold(d.label, "deflate") && isZlib(head):
		d.text, err = zlib.NewReader(src)
	case strings.EqualFold(d.label, "deflate"): // without zlib's frame, which is what some servers mean by the word
		d.text = flate.NewReader(src)
	case strings.EqualFold(d.label, "br"):
		err = errors.New("Content-Encoding: br is not supported: " +
			"let the server not compress, and take Accept-Encoding out of headers")
	default:
		d.free = nil
	}
	return err
}

// isZlib reports whether head begins with the two bytes that RFC 1950 puts before deflated data.
func isZlib(head []byte) bool {
	return len(head) > 1 && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0
}

// failed is a body that was labelled as compressed and does not begin that way.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// Close frees a decompressor.
func (d *decompressed) Close() {
	if d.free != nil {
		d.free()
	}
}
