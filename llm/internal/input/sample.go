package input

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
	"github.com/seed-307b789f/xk6-llm/scripts/data"
)

// sampleName is the path of the built-in sample of a data set's type, and the name of the built-in tokenizer.
const sampleName = "sample:"

// sampleFile returns the built-in sample of a kind. Its name tells its format.
func sampleFile(kind datasets.Kind) datasets.File {
	name, content := "sample.json", data.ShareGPT
	switch kind {
	case datasets.BillSum:
		content = data.BillSum
	case datasets.InfinityInstruct:
		content = data.InfinityInstruct
	case datasets.CNNDailyMail:
		content = data.CNNDailyMail
	case datasets.Prompts:
		name, content = "sample.jsonl", data.Prompts
	}
	return datasets.File{Name: name, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

// sampleTrace returns the built-in sample of a trace, which is of the type's or of the options' format.
func sampleTrace(o *DatasetOptions) (datasets.File, error) {
	format := o.Session.Workload.Format
	if o.Kind == wekaReplay {
		format = "weka"
	}
	name, content := "sample.jsonl", data.OTel
	switch format {
	case "", "otel":
		name = "sample.json"
	case "weka":
		content = data.Weka
	case "mooncake":
		content = data.Mooncake
	default:
		return datasets.File{}, fmt.Errorf("data set of type %s: there is no built-in sample of format %s: set path "+
			"(DATASET in our scripts)", o.Kind, format)
	}
	return datasets.File{Name: name, Open: func() (io.ReadCloser, error) {
		return inMemory{bytes.NewReader(content)}, nil
	}}, nil
}

// inMemory is an open file that is in memory, of which any part can be read.
type inMemory struct{ *bytes.Reader }

// Close does nothing.
func (inMemory) Close() error { return nil }

// sampleCounter returns the counter of the built-in tokenizer.
func sampleCounter(
	seen func(func(path string) ([]byte, error)) func(path string) ([]byte, error),
) (*tokenizer.Counter, error) {
	return tokenizer.ReadCounter(seen(func(file string) ([]byte, error) {
		if file != tokenizer.TokenizerFile {
			return nil, fs.ErrNotExist
		}
		return data.Tokenizer, nil
	}))
}
