package datasets

import (
	"errors"
	"io"
	"strings"
	"testing"
)

const mooncakeLine = `{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47, 48]}`

func TestRefuseMooncake(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		mooncakeLine: true, mooncakeLine + "\r\n" + mooncakeLine + "\n": true, "\ufeff" + mooncakeLine: true,
		"[\n" + mooncakeLine + ",\n" + mooncakeLine + "\n]":       true,
		`{"timestamp": 0, "input_length": 5, "output_length": 5}`: true,
		"": false, "TIMESTAMP,ContextTokens,GeneratedTokens\n": false, "0.5\n": false,
		`{"timestamp": 5, "prompt": "x"}`: false, `{"timestamp":`: false, "{}": false,
	} {
		if err := RefuseMooncake([]byte(text)); errors.Is(err, errMooncake) != refused || (err == nil) == refused {
			t.Errorf("%q: got %v, want refused %v", text, err, refused)
		}
	}
}

// A data set that is a Mooncake trace is refused by that name, whatever kind of records was expected.
func TestMooncakeTraceAsADataSet(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{ShareGPT, Prompts, CNNDailyMail} {
		file := File{Name: "trace.jsonl", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(mooncakeLine)), nil
		}}
		_, err := Read([]File{file}, kind, Options{})
		if want := "trace.jsonl:1: this is a Mooncake trace (timestamp, input_length, output_length, hash_ids): " +
			"a data set of type workload_replay replays it"; err == nil || err.Error() != want {
			t.Errorf("kind %v: got %v, want %s", kind, err, want)
		}
	}
}
