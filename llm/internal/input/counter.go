package input

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// Counter returns the token counter of a tokenizer, which it reads once per process. It prefers a file or folder of
// that name, relative to the script or to the working directory, to a repository of the hub.
func (s *Source) Counter(name string) (*tokenizer.Counter, error) {
	if name == "" {
		return nil, errors.New("tokenizer: the name is empty")
	}
	abs := s.Abs(name)
	if _, err := s.Files.Stat(abs); err != nil {
		if inWorkingDir, ok := s.inWorkingDir(name); ok {
			abs = inWorkingDir
		}
	}
	return s.Shared.counters.Get(abs, func() (*tokenizer.Counter, error) {
		counter, err := Counters{
			Stat: s.Files.Stat, ReadFile: s.readRegular, Hub: s.hub, Archive: s.Files,
			Seen: func(path string, data []byte) { s.Shared.files.content(record.KindTokenizer, path, data) },
		}.Open(context.Background(), name, abs)
		if err != nil {
			return nil, fmt.Errorf("tokenizer %q: %w", name, err)
		}
		return counter, nil
	})
}

// inWorkingDir returns the path of a name relative to the directory where k6 was started, and whether it exists. Users
// give names by -e in this way, and such a name may also be a repository of the hub.
func (s *Source) inWorkingDir(name string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	path := s.Abs(filepath.Join(dir, name))
	_, err = s.Files.Stat(path)
	return path, err == nil
}

// Counters opens token counters by name.
type Counters struct {
	Stat     func(path string) (fs.FileInfo, error)
	ReadFile func(path string) ([]byte, error)
	Hub      func() (*hub.Client, error)
	Archive  fsext.Fs                       // k6's file system, whose archives carry files of the hub; nil outside k6
	Seen     func(path string, data []byte) // is told of each file that was read; may be nil
}

// Open returns the token counter of a tokenizer.json, of a folder that holds one, or of a repository of the hub, in
// this order; "sample:" is the built-in tokenizer. The path is the name resolved in the file system.
func (c Counters) Open(ctx context.Context, name, path string) (*tokenizer.Counter, error) {
	if name == sampleName {
		return sampleCounter(c.seen)
	}
	info, err := c.Stat(path)
	switch {
	case err == nil:
		return tokenizer.ReadCounterAt(path, info.IsDir(), c.seen(c.ReadFile))
	case hub.IsID(name):
		return c.fetch(ctx, name)
	}
	return nil, fmt.Errorf("%s does not exist: give a tokenizer.json, a folder that holds one, or a name on the "+
		"Hugging Face hub such as org/model", path)
}

// hubFolder is the folder for the hub's files in k6's file system and its archives. The path of the user's cache will
// not do, because it may be another on the machine that runs the archive.
const hubFolder = "/huggingface"

// fetch reads the files of a repository from the archive if it carries them, and else from the hub or its cache.
func (c Counters) fetch(ctx context.Context, name string) (*tokenizer.Counter, error) {
	folder := hubFolder + "/" + name + "/"
	if c.carries(folder + tokenizer.TokenizerFile) {
		return tokenizer.ReadCounter(c.seen(func(file string) ([]byte, error) {
			return fsext.ReadFile(c.Archive, folder+file)
		}))
	}
	client, err := c.Hub()
	if err != nil {
		return nil, err
	}
	counter, err := tokenizer.ReadCounter(c.seen(func(file string) ([]byte, error) {
		path, err := client.File(ctx, hub.Repo{Kind: hub.Model, ID: name}, file)
		var uncached *hub.UncachedError
		if errors.As(err, &uncached) && (file == tokenizer.ProcessorFile || file == tokenizer.ToolUseFile ||
			file == tokenizer.SpecialFile) {
			return nil, fs.ErrNotExist // few models have these, and other tools leave them out of the cache
		}
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(path)
		if cached, ok := c.Archive.(fsext.CacheLayerGetter); ok && err == nil {
			err = fsext.WriteFile(cached.GetCachingFs(), folder+file, data, 0o644)
		}
		return data, err
	}))
	if err != nil && !strings.ContainsRune(name, '/') {
		err = fmt.Errorf("there is no such file, and on the hub: %w", err)
	}
	return counter, err
}

// seen returns a function that reads a file as read does, and tells of it.
func (c Counters) seen(read func(path string) ([]byte, error)) func(path string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		data, err := read(path)
		if err == nil && c.Seen != nil {
			c.Seen(path, data)
		}
		return data, err
	}
}

// carries reports whether an archive holds a file of the hub.
func (c Counters) carries(path string) bool {
	if c.Archive == nil {
		return false
	}
	_, err := c.Archive.Stat(path)
	return err == nil
}
