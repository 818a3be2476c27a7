package command

import (
	"context"
	"os"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// openCounter reads a tokenizer: a file, a folder, or a repository of the hub, in this order. Downloads are told to
// say.
func openCounter(ctx context.Context, name string, say func(format string, args ...any)) (*tokenizer.Counter, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil:
		return tokenizer.ReadCounterAt(name, info.IsDir(), textfile.ReadFile)
	case !hub.IsID(name):
		return nil, err
	}
	client, err := hub.FromEnv(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	client.Progress = func(file string, done, total int64) {
		say("fetching %s: %.1f of %.1f MB\n", file, float64(done)/1e6, float64(total)/1e6)
	}
	return tokenizer.ReadCounter(func(file string) ([]byte, error) {
		path, err := client.File(ctx, hub.Repo{Kind: hub.Model, ID: name}, file)
		if err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	})
}
