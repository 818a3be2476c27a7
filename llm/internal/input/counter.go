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
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// Counter reads a tokenizer once per process. A file or a folder of that name, relative to the script or to the working
// directory, goes before a repository of the hub.
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
		}.Open(context.Background(), name, abs)
		if err != nil {
			return nil, fmt.Errorf("tokenizer %q: %w", name, err)
		}
		return counter, nil
	})
}

// inWorkingDir finds a name relative to where k6 was started: a name given by -e is meant that way, and may as well be
// one of the hub.
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
	Archive  fsext.Fs // k6's file system, which carries files of the hub; nil outside k6
}

// Open opens the token counter of a tokenizer.json, of a folder that holds one, or of a repository of the hub, in this
// order. The path is the name's place in the file system.
func (c Counters) Open(ctx context.Context, name, path string) (*tokenizer.Counter, error) {
	info, err := c.Stat(path)
	switch {
	case err == nil:
		return tokenizer.ReadCounterAt(path, info.IsDir(), c.ReadFile)
	case hub.IsID(name):
		return c.fetch(ctx, name)
	}
	return nil, fmt.Errorf("%s does not exist: give a tokenizer.json, a folder that holds one, or a name on the "+
		"Hugging Face hub such as org/model", path)
}

// hubFolder is where, in k6's file system, the hub's files are put for archives: their place in the user's cache may
// differ where the archive is run.
const hubFolder = "/huggingface"

// fetch reads the files of a repository: those an archive carries, else those of the hub and its cache.
func (c Counters) fetch(ctx context.Context, name string) (*tokenizer.Counter, error) {
	folder := hubFolder + "/" + name + "/"
	if c.carries(folder + tokenizer.TokenizerFile) {
		return tokenizer.ReadCounter(func(file string) ([]byte, error) {
			return fsext.ReadFile(c.Archive, folder+file)
		})
	}
	client, err := c.Hub()
	if err != nil {
		return nil, err
	}
	counter, err := tokenizer.ReadCounter(func(file string) ([]byte, error) {
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
	})
	if err != nil && !strings.ContainsRune(name, '/') {
		err = fmt.Errorf("there is no such file, and on the hub: %w", err)
	}
	return counter, err
}

// carries reports whether an archive holds a file of the hub.
func (c Counters) carries(path string) bool {
	if c.Archive == nil {
		return false
	}
	_, err := c.Archive.Stat(path)
	return err == nil
}
