package foreign

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// repeated returns the requests of a file many times over, so that no cache holds them.
func repeated(b *testing.B, path string, times int) []byte {
	b.Helper()
	data := file(b, path)
	items := bytes.TrimSpace(bytes.Trim(bytes.TrimSpace(data), "[]"))
	return bytes.Join([][]byte{[]byte("["), bytes.Join(slicesOf(items, times), []byte(",")), []byte("]")}, nil)
}

func slicesOf(item []byte, times int) (list [][]byte) {
	for range times {
		list = append(list, item)
	}
	return list
}

// onlyReader hides the other methods of a bytes.Reader.
type onlyReader struct{ io.Reader }

func BenchmarkInferencePerf(b *testing.B) {
	for _, bb := range []struct {
		name, path string
		times      int
		bodies     bool
	}{
		{"without bodies", perRequest, 40, false},
		{"with bodies", perRequest, 40, true},
		{"numbers only", "../../testdata/golden/per_request_lifecycle_metrics.json", 1000, false},
	} {
		data := repeated(b, bb.path, bb.times)
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := Open(onlyReader{bytes.NewReader(data)}, InferencePerf)
				if err != nil {
					b.Fatal(err)
				}
				r.Bodies = bb.bodies
				for err == nil {
					_, err = r.Next()
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBytes is the baseline of the other benchmark: it reads the same bytes into a window of the same size and
// does nothing with them.
func BenchmarkBytes(b *testing.B) {
	data := repeated(b, perRequest, 40)
	b.SetBytes(int64(len(data)))
	buf := make([]byte, window)
	for b.Loop() {
		src := bytes.NewReader(data)
		for {
			if _, err := src.Read(buf); err != nil {
				break
			}
		}
	}
}
