// Package parquetfile opens Parquet files that may be damaged or malicious.
package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// errDamaged reports a file that the library cannot read.
var errDamaged = errors.New("the Parquet file is damaged: fetch or write it anew")

// Open reads the footer of a file of size bytes. Its errors are one line without the name of the file.
func Open(file io.ReaderAt, size int64) (opened *parquet.File, err error) {
	defer Explain(&err)
	footer, err := readFooter(file, size)
	if err != nil {
		return nil, err
	}
	if !shallow(footer) {
		return nil, errDamaged
	}
	// The indexes are not needed, and the library would allocate whatever length a broken file states for them.
	return parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// readFooter reads the footer, and checks that it fits into the file: the library would allocate whatever length a
// broken file states.
func readFooter(file io.ReaderAt, size int64) ([]byte, error) {
	const magic = "PAR1"
	end := make([]byte, 8) // the length of the footer, and the magic number
	if _, err := file.ReadAt(end, size-int64(len(end))); size < int64(len(magic)+len(end)) || err != nil ||
		string(end[4:]) != magic {
		return nil, errors.New("this is no Parquet file, or its end is missing")
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > size-int64(len(magic)+len(end)) {
		return nil, fmt.Errorf("this is no whole Parquet file: a footer of %d bytes in %d", length, size)
	}
	footer := make([]byte, length)
	_, err := file.ReadAt(footer, size-int64(len(end))-length)
	return footer, err
}

// Explain is to be deferred. It turns a panic, which some broken files cause in the library, into an error, and
// shortens errors that describe the library's internals.
func Explain(err *error) {
	if recover() != nil {
		*err = errDamaged
		return
	}
	if *err != nil && !errors.Is(*err, io.EOF) {
		if text := (*err).Error(); len(text) > 200 || strings.Contains(text, "\n") {
			*err = fmt.Errorf("%w (%s)", errDamaged, plain.OneLine(text, 100))
		}
	}
}
