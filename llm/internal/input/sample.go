package input

import (
	"bytes"
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

// sampleCounter returns the counter of the built-in tokenizer.
func sampleCounter() (*tokenizer.Counter, error) {
	return tokenizer.ReadCounter(func(file string) ([]byte, error) {
		if file != tokenizer.TokenizerFile {
			return nil, fs.ErrNotExist
		}
		return data.Tokenizer, nil
	})
}
