// Package parquetfile opens Parquet files that may be damaged or none: the reader answers some of them with a panic, or with
// an attempt to take as much memory as a broken length says.
package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// ErrDamaged is the error of a file that the reader cannot take apart.
var ErrDamaged = errors.New("the Parquet file is damaged: fetch or write it anew")

// Open reads the footer of a file of a size in bytes. It passes over page indexes and bloom filters, which no caller needs: room is
// made for whatever length a broken file tells of them.
func Open(file io.ReaderAt, size int64) (opened *parquet.File, err error) {
	defer Recover(&err)
	if err := check(file, size); err != nil {
		return nil, err
	}
	return parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

// Recover makes an ErrDamaged of a panic of the reader; it is to be deferred where a file is read. What the panic says is of the
// reader's own insides.
func Recover(err *error) {
	if p := recover(); p != nil {
		*err = ErrDamaged
	}
}

// check looks at the end of a file, whose length of the footer the reader believes.
func check(file io.ReaderAt, size int64) error {
	const magic = "PAR1"
	end := make([]byte, 8) // the length of the footer, and the magic number
	if _, err := file.ReadAt(end, size-int64(len(end))); size < int64(len(magic)+len(end)) || err != nil || string(end[4:]) != magic {
		return errors.New("this is no Parquet file, or its end is missing")
	}
	if footer := int64(binary.LittleEndian.Uint32(end)); footer > size-int64(len(magic)+len(end)) {
		return fmt.Errorf("this is no whole Parquet file: a footer of %d bytes in %d", footer, size)
	}
	return nil
}
