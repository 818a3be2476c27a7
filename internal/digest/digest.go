// Package digest makes the hashes by which a report tells what it was made of: SHA-256, in hexadecimal digits.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// Bytes returns the hash of data.
func Bytes(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Reader returns the hash of what is left of src, and how many bytes that was.
func Reader(src io.Reader) (sum string, n int64, err error) {
	w := NewWriter(io.Discard)
	_, err = io.CopyBuffer(w, src, make([]byte, 1<<18))
	return w.Sum(), w.N, err
}

// File returns the hash and the size of a file. It refuses what is no file, such as a pipe, which could be read only
// once.
func File(path string) (sum string, n int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	return Reader(f)
}

// Ends returns the hash of the first and the last length bytes of src, which holds size bytes. If that is no more than
// twice the length, it is the hash of all of it.
func Ends(src io.ReadSeeker, size, length int64) (sum string, err error) {
	w := NewWriter(io.Discard)
	if size > 2*length {
		if _, err = io.CopyN(w, src, length); err != nil {
			return "", err
		}
		if _, err = src.Seek(size-length, io.SeekStart); err != nil {
			return "", err
		}
	}
	_, err = io.Copy(w, src)
	return w.Sum(), err
}

// Writer hashes and counts what it passes on.
type Writer struct {
	N   int64 // bytes so far
	dst io.Writer
	sum hash.Hash
}

// NewWriter returns a writer in front of dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst, sum: sha256.New()} }

// Write hashes p and passes it on.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.dst.Write(p)
	w.sum.Write(p[:n]) // never fails
	w.N += int64(n)
	return n, err
}

// Sum returns the hash of what was written so far.
func (w *Writer) Sum() string { return hex.EncodeToString(w.sum.Sum(nil)) }
