package foreign

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// A byte order mark is skipped, and the words that Python writes for missing values are read like null.
func TestFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	data := file(t, "testdata/vllm/0.33.0.json")
	want := len(mustAll(t, open(t, data)))
	for from, to := range map[string]string{`"request_rate": 20.0`: `"request_rate": Infinity`,
		`"max_concurrency": 2`: `"max_concurrency": NaN`} {
		changed := bytes.Replace(data, []byte(from), []byte(to), 1)
		if bytes.Equal(changed, data) {
			t.Fatalf("%s is not in the file", from)
		}
		data = changed
	}
	r := open(t, append([]byte("\ufeff"), data...))
	got := mustAll(t, r)
	if stage := r.Meta().Stages[0]; len(got) != want || stage.Rate != nil || stage.Concurrency != nil {
		t.Errorf("got %d requests, rate %v, concurrency %v; want %d requests and neither", len(got), stage.Rate,
			stage.Concurrency, want)
	}
	if _, err := Open(strings.NewReader("\xff\xfe{\x00"), VLLM); !errors.Is(err, textfile.ErrUTF16) {
		t.Errorf("UTF-16: got %v", err)
	}
}
