package command

import (
	"context"
	"os"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// openCounter opens a token counter by name, relative to the working directory. It prints the progress of downloads by
// printf.
func openCounter(ctx context.Context, name string,
	printf func(format string, args ...any)) (*tokenizer.Counter, error) {
	return input.Counters{Stat: os.Stat, ReadFile: textfile.ReadFile, Hub: func() (*hub.Client, error) {
		client, err := hub.FromEnv(os.LookupEnv)
		if err == nil {
			client.Progress = func(file string, done, total int64) {
				printf("fetching %s: %.1f of %.1f MB\n", file, float64(done)/1e6, float64(total)/1e6)
			}
		}
		return client, err
	}}.Open(ctx, name, name)
}
