package parquetfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

type row struct {
	A int64
	B string
}

func file(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := parquet.Write(&buf, []row{{1, "a"}, {2, "b"}}); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestOpen(t *testing.T) {
	t.Parallel()
	whole := file(t)
	endless := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(endless[len(endless)-8:], 1<<32-1)
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"whole":              {whole, ""},
		"empty":              {nil, "this is no Parquet file"},
		"its end is missing": {whole[:len(whole)-1], "this is no Parquet file"},
		"a text":             {[]byte("PAR1 or so they say"), "this is no Parquet file"},
		"a footer of 4 GiB":  {endless, "this is no whole Parquet file: a footer of 4294967295 bytes in"},
	} {
		f, err := Open(bytes.NewReader(tt.data), int64(len(tt.data)))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if err == nil && f.NumRows() != 2 {
			t.Errorf("%s: got %d rows, want 2", name, f.NumRows())
		}
	}
}

// Whatever byte of the footer changes, the reader answers with rows or an error.
func FuzzOpen(f *testing.F) {
	f.Add(0, byte(0))
	f.Add(9, byte(0xff))
	f.Add(40, byte(0x80))
	f.Fuzz(func(t *testing.T, at int, value byte) {
		data := file(t)
		data[len(data)-1-int(uint(at)%uint(len(data)))] = value
		if err := read(data); err != nil && strings.Contains(err.Error(), "runtime error") {
			t.Errorf("byte %d before the end is %d: %v", at, value, err)
		}
	})
}

func read(data []byte) (err error) {
	defer Recover(&err)
	opened, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	rows := parquet.NewGenericReader[row](opened)
	for {
		if _, err := rows.Read(make([]row, 8)); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
