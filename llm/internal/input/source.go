// Package input reads the inputs of a load: the files that a script names, tokenizers and data sets. They come from the
// disk, from the archive of a test or from the Hugging Face hub.
package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
	"github.com/seed-307b789f/xk6-llm/llm/internal/mediahost"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// Shared holds the inputs that a process has read, for all its VUs. The zero value is empty. It may be used
// concurrently.
type Shared struct {
	sets          Cache[setKey, *Set]
	counters      Cache[string, *tokenizer.Counter]
	generated     generatedSets
	files         readFiles
	hosts         Cache[mediahost.Options, *mediahost.Host]
	conversations atomic.Int64 // number of data sets of conversations that were opened
}

// Generated returns the data sets of generated prompts, with their seeds and salts.
func (s *Shared) Generated() []record.Generated { return s.generated.all() }

// Files returns what data sets, traces, tokenizers and configurations were read from.
func (s *Shared) Files() []record.File { return s.files.all() }

// Fetched tells of the media that the model server was to fetch from this process, given how many of them requests
// named. It returns "" without any.
func (s *Shared) Fetched(named int64) string {
	hosts := s.hosts.All()
	if len(hosts) == 0 || named == 0 {
		return ""
	}
	var fetches, different int64
	for _, h := range hosts {
		n, of := h.Counts()
		fetches, different = fetches+n, different+of
	}
	text := fmt.Sprintf("requests named %d media by address: %d fetches, of %d different files", named, fetches,
		different)
	if fetches == 0 {
		text += ": the model server cannot reach this machine, or did not try"
	}
	return text
}

// Source reads inputs for one VU in its init context.
type Source struct {
	Shared   *Shared
	Files    fsext.Fs                                     // k6's file system, which puts what it reads into archives
	Abs      func(path string) string                     // resolves a path relative to the script
	Lookup   func(name string) (value string, found bool) // reads the environment
	HubToken string                                       // replaces the environment's token; "" keeps it
	// returns the id of the run, which is the salt of prompts that differ from run to run
	RunID func() string
	Log   logrus.FieldLogger
}

// ReadFile reads a file, and returns its absolute path too. what names the kind of file in errors.
func (s *Source) ReadFile(what, path string) (data []byte, abs string, err error) {
	if path == "" {
		return nil, "", fmt.Errorf("%s: the path is empty", what)
	}
	abs = s.Abs(path)
	data, err = s.readRegular(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, abs, fmt.Errorf("%s %s does not exist: check its path", what, abs)
	case err != nil:
		return nil, abs, fmt.Errorf("%s %s: %w", what, abs, err)
	}
	switch what {
	case "configuration":
		s.Shared.files.content(record.KindConfiguration, abs, data)
	case "trace", "corpus":
		s.Shared.files.content(record.KindData, abs, data)
	}
	return data, abs, nil
}

// readRegular reads a file that is neither a pipe nor a device, which k6's file system cannot read to their ends.
func (s *Source) readRegular(abs string) ([]byte, error) {
	info, err := s.Files.Stat(abs)
	if err == nil {
		err = textfile.Regular(info)
	}
	if err != nil {
		return nil, err
	}
	if data, ok := s.readAtOnce(abs, info); ok {
		return data, nil
	}
	return fsext.ReadFile(s.Files, abs)
}

// readAtOnce reads a file of the disk that is not in k6's cache yet, and puts it there. k6's file system itself would
// copy it in pieces of 32 KB and let the cache grow with each of them, which takes much longer. It reports false if the
// file system has to be asked.
func (s *Source) readAtOnce(abs string, info fs.FileInfo) ([]byte, bool) {
	cached, ok := s.Files.(fsext.CacheLayerGetter)
	if !ok || info.IsDir() {
		return nil, false
	}
	disk, err := os.Stat(abs)
	if err != nil || !os.SameFile(info, disk) { // only a file of the disk is the same
		return nil, false
	}
	data, err := os.ReadFile(abs)
	if err == nil {
		err = fsext.WriteFile(cached.GetCachingFs(), abs, data, disk.Mode().Perm())
	}
	return data, err == nil
}

// ReadText reads a file as ReadFile does, checks that it is UTF-8, and returns it without its byte order mark.
func (s *Source) ReadText(what, path string) (data []byte, abs string, err error) {
	if data, abs, err = s.ReadFile(what, path); err != nil {
		return nil, abs, err
	}
	if data, err = textfile.Trim(data); err != nil {
		return nil, abs, fmt.Errorf("%s %s: %w", what, abs, err)
	}
	return data, abs, nil
}

// ReadTrace reads a trace file. It refuses a form that no reader of traces knows.
func (s *Source) ReadTrace(path string) (data []byte, abs string, err error) {
	if data, abs, err = s.ReadFile("trace", path); err != nil {
		return nil, abs, err
	}
	if err = datasets.RefuseMooncake(data); err != nil {
		err = fmt.Errorf("%s: %w", abs, err)
	}
	return data, abs, err
}

// hub returns the client of the hub that the environment names. The client logs how downloads proceed.
func (s *Source) hub() (*hub.Client, error) {
	client, err := hub.FromEnv(s.Lookup)
	if err != nil {
		return nil, err
	}
	if s.HubToken != "" {
		client.Token = s.HubToken
	}
	begun := time.Now()
	client.Progress = func(file string, done, total int64) {
		if time.Since(begun) > 2*time.Second {
			s.Log.Infof("fetching %s: %.1f of %.1f MB", plain.Terminal(file), float64(done)/1e6, float64(total)/1e6)
		}
	}
	return client, nil
}

// logIfLong logs every two seconds that an operation still runs, until stop is called.
func (s *Source) logIfLong(operation string) (stop func()) {
	begun, done := time.Now(), make(chan struct{})
	go func() {
		for tick := time.NewTicker(2 * time.Second); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				s.Log.Infof("%s: %v so far", plain.Terminal(operation), time.Since(begun).Round(time.Second))
			}
		}
	}()
	return func() { close(done) }
}
