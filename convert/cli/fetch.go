package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/internal/storage"
)

// fetch downloads the inputs that are objects in buckets (s3://… and gs://…, also with * in their names) and returns
// the paths of local files for them; other inputs are returned unchanged. clean removes the downloaded files.
func fetch(cmd *cobra.Command, inputs []string) (paths []string, clean func(), err error) {
	dir, clean := "", func() {}
	for _, input := range inputs {
		if !storage.IsURL(input) {
			paths = append(paths, input)
			continue
		}
		if dir == "" {
			if dir, err = os.MkdirTemp("", "llmconv-"); err != nil {
				return nil, clean, err
			}
			clean = func() { _ = os.RemoveAll(dir) }
		}
		found, err := download(cmd.Context(), input, dir)
		if err != nil {
			clean()
			return nil, clean, err
		}
		paths = append(paths, found...)
	}
	return paths, clean, nil
}

// download reads all objects that a URL stands for. A URL that ends in a slash means the record files below it.
func download(ctx context.Context, url, dir string) (paths []string, err error) {
	if strings.HasSuffix(url, "/") {
		url += "*.jsonl*"
	}
	objects, err := storage.Find(ctx, url)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		path, err := storage.Download(ctx, object, dir)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
