// Package parquetfile opens Parquet files that may be damaged, or made to do damage.
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

// errDamaged is of a file that the library cannot take apart.
var errDamaged = errors.New("the Parquet file is damaged: fetch or write it anew")

// Open reads the footer of a file of so many bytes. Its errors are one line without the name of the file.
func Open(file io.ReaderAt, size int64) (opened *parquet.File, err error) {
	defer Explain(&err)
	footer, err := readFooter(file, size)
	if err != nil {
		return nil, err
	}
	if !shallow(footer) {
		return nil, errDamaged
	}
	// The indexes are not needed, and room is made for whatever length a broken file tells of them.
	return parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// readFooter holds that a file has the end of one. The library makes room for whatever length a broken file tells
// there.
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

// Explain, deferred, makes an error of a panic, by which the library answers some broken files, and shortens what the
// library tells of its own insides.
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
