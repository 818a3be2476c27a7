package datasets

import (
	"bytes"
	"errors"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// errMooncake reports a file in the form of the traces that Mooncake published.
var errMooncake = errors.New("this is a Mooncake trace (timestamp, input_length, output_length, hash_ids): " +
	"a data set of type workload_replay replays it")

// RefuseMooncake returns an error that identifies a Mooncake trace, in place of the error that its first line would
// cause. It returns nil for any other data.
func RefuseMooncake(data []byte) error {
	line, _, _ := bytes.Cut(bytes.TrimLeft(data, textfile.Mark+"[ \t\r\n"), []byte("\n"))
	line = bytes.TrimRight(line, ", \t\r]")
	if !gjson.ValidBytes(line) {
		return nil
	}
	for _, field := range gjson.GetManyBytes(line, "timestamp", "input_length", "output_length") {
		if field.Type != gjson.Number {
			return nil
		}
	}
	return errMooncake
}
