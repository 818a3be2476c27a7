package convert

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// insides matches words that help only a programmer, not a user.
var insides = regexp.MustCompile(`runtime error|panic|goroutine|nil pointer|bounds out|index ` +
	`out|makeslice|reflect|interface conversion|\.go:`)

// parquetOf returns a report's Parquet file with a few requests.
func parquetOf(t testing.TB, lines ...record.Line) []byte {
	t.Helper()
	var records []byte
	for _, line := range lines {
		text, err := record.Append(nil, line)
		if err != nil {
			t.Fatal(err)
		}
		records = append(append(records, text...), '\n')
	}
	run, err := run.Read(run.Options{}, run.Source{Name: "f", Reader: bytes.NewReader(records)})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := NewRequestTable(run).WriteParquet(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// damaged reads a file that may be damaged, and makes a report from what it reads.
func damaged(t *testing.T, file []byte) {
	t.Helper()
	run, err := run.ReadParquet(run.Options{Force: true}, "f", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		if insides.MatchString(err.Error()) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
			t.Errorf("%d bytes: got %.600v", len(file), err)
		}
		return
	}
	if !short(run) {
		return
	}
	if _, err := pythonJSON(Summarize(run, Options{}), ""); err != nil {
		t.Errorf("%d bytes: %v", len(file), err)
	}
}

// A file that is cut short, or has a changed byte, yields a run or an error that a user understands.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	whole := parquetOf(t, sampleLines()[:6]...)
	for i := 0; i < len(whole); i += 331 {
		damaged(t, whole[:i])
		damaged(t, append(append([]byte{}, whole[:i]...), whole[i+1:]...))
		for _, other := range []byte{0, 0xff, whole[i] ^ 1, whole[i] ^ 0x80} {
			flipped := append([]byte{}, whole...)
			flipped[i] = other
			damaged(t, flipped)
		}
	}
}

func FuzzParquet(f *testing.F) {
	f.Add(parquetOf(f, sampleLines()[:6]...))
	imported, err := run.ReadFiles(run.Options{}, "internal/foreign/testdata/vllm/0.10.0.json")
	if err != nil {
		f.Fatal(err)
	}
	var file bytes.Buffer
	if err := NewRequestTable(imported).WriteParquet(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(damaged)
}
