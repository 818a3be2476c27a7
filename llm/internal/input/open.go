package input

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
)

// defaultRepos are the repositories on the hub of the data sets that inference-perf reads without a path.
var defaultRepos = map[string]struct{ ID, files string }{
	"shareGPT":      {"anon8231489123/ShareGPT_Vicuna_unfiltered", "ShareGPT_V3_unfiltered_cleaned_split.json"},
	"cnn_dailymail": {"abisee/cnn_dailymail", "3.0.0/train-*.parquet"},
	visionArena:     {"lmarena-ai/VisionArena-Chat", ""},
}

// OpenSet returns a data set. It opens the set once per process for equal options.
func (s *Source) OpenSet(o *DatasetOptions) (*Set, error) {
	return s.Shared.sets.Get(o.key(), func() (*Set, error) {
		stop := s.logIfLong("opening the data set of type " + o.Kind)
		defer stop()
		if o.whole() {
			sessions, err := s.openSessions(o)
			return &Set{Sessions: sessions}, err
		}
		set, err := s.open(o)
		if c, ok := set.(*Conversations); ok && err == nil {
			c.name(s.Shared.conversations.Add(1))
		}
		return &Set{Set: set, file: o.file()}, err
	})
}

// file returns what the user calls the files of the data set, for messages; "" if it has none.
func (o *DatasetOptions) file() string {
	if _, ok := fileKinds[o.Kind]; !ok && o.Kind != visionArena {
		return ""
	}
	return plain.Terminal(cmp.Or(o.Path, defaultRepos[o.Kind].ID))
}

func (s *Source) open(o *DatasetOptions) (set datasets.Set, err error) {
	kind, ofFiles := fileKinds[o.Kind]
	switch {
	case ofFiles:
		set, err = s.openFiles(o, kind)
	case o.Kind == visionArena:
		set, err = arenaOpening{s, o}.open()
	case o.Kind == soundKind:
		set, err = s.openSounds(o)
	case o.Kind == "mock":
		set = datasets.Mock{Form: o.form()}
	default:
		set, err = s.openGenerated(o)
	}
	if err != nil {
		return nil, err
	}
	if set, err = s.withMedia(o, set); err != nil {
		return nil, err
	}
	return o.grouped(set)
}

// grouped returns a set of requests that may have several of a set's texts each.
func (o *DatasetOptions) grouped(set datasets.Set) (datasets.Set, error) {
	switch o.API.Input() {
	case api.InputTexts:
		return &datasets.Batches{Set: set, Size: int(o.Batch)}, nil
	case api.InputRanking:
		return datasets.NewRankings(set, int(o.Documents))
	}
	if o.Sizes != "" {
		sizes, err := datasets.ParseSizes(o.Sizes)
		return datasets.NewSized(set, sizes, seedOf(o)), err
	}
	return set, nil
}

// setKey identifies a data set: equal options have equal keys. All VUs resolve relative paths against the same folder.
type setKey struct {
	options       DatasetOptions // without its pointers
	session       string         // its options of sessions, and those of media, as JSON
	seed          optional[int64]
	salt          optional[string]
	input, output optional[datasets.Distribution]
	place         optional[datasets.Distribution]
}

// optional holds the value of a pointer that may be nil.
type optional[T comparable] struct {
	given bool
	value T
}

func optionalOf[T comparable](p *T) optional[T] {
	if p == nil {
		return optional[T]{}
	}
	return optional[T]{true, *p}
}

func (o *DatasetOptions) key() setKey {
	k := setKey{
		options: *o, seed: optionalOf(o.Seed), salt: optionalOf(o.Salt), input: optionalOf(o.Input),
		output: optionalOf(o.Output), place: optionalOf(o.Arena.Place.Drawn),
	}
	k.options.Seed, k.options.Salt, k.options.Input, k.options.Output, k.options.Session = nil, nil, nil, nil, nil
	k.options.Arena.Place.Drawn = nil
	k.options.Media, k.options.Shared.Media = nil, nil
	session, _ := json.Marshal([]any{o.Session, o.Media, o.Shared.Media}) // plain values alone
	k.session = string(session)
	return k
}

// conversations returns a data set of the conversations with the options' form and number of sessions.
func (o *DatasetOptions) conversations(scripts datasets.Scripts) *Conversations {
	open := o.Sessions
	if n, finite := scripts.Len(); open == 0 {
		if open = defaultSessions; finite {
			open = min(n, defaultSessions)
		}
	}
	return &Conversations{Sessions: &datasets.Sessions{Scripts: scripts, Form: o.form(), Open: int(open)}}
}

// archiveLimit is the size in bytes up to which archives carry the files of a data set. Larger sets are opened outside
// of k6's file system, and streamed.
const archiveLimit = 64 << 20

// openFiles opens a file, a folder, or files of a repository on the hub.
func (s *Source) openFiles(o *DatasetOptions, kind datasets.Kind) (datasets.Set, error) {
	opts := datasets.Options{Form: o.form(), Seed: o.Seed, Input: o.Input, Output: o.Output, Column: o.Column,
		Ranking: o.API.Input() == api.InputRanking}
	if o.Tokenizer != "" {
		counter, err := s.Counter(o.Tokenizer)
		if err != nil {
			return nil, err
		}
		opts.Count = counter.CountSpecial
	}
	files, size, err := s.findFiles(o)
	if err != nil {
		return nil, err
	}
	s.Shared.files.data(files)
	switch {
	case o.Turns != 0:
		return s.openConversations(o, files, kind, opts)
	case size > archiveLimit:
		return s.openStream(files, kind, opts)
	}
	l, err := datasets.Read(files, kind, opts)
	if err != nil {
		return nil, err
	}
	if l.Counts.LeftOut() && o.Path != sampleName {
		s.Log.Infof("data set %s: %s", nameOf(files), l.Counts)
	}
	return l, nil
}

// nameOf returns the name of a list of files for the log.
func nameOf(files []datasets.File) string {
	if len(files) == 1 {
		return plain.Terminal(files[0].Name)
	}
	return fmt.Sprintf("%s and %d more", plain.Terminal(files[0].Name), len(files)-1)
}

// openConversations reads all conversations of the files.
func (s *Source) openConversations(o *DatasetOptions, files []datasets.File, kind datasets.Kind,
	opts datasets.Options) (datasets.Set, error) {
	l, err := datasets.ReadScripts(files, kind, opts)
	if err != nil {
		return nil, err
	}
	if l.Counts.LeftOut() {
		s.Log.Infof("data set %s, whole conversations: %s", nameOf(files), l.Counts)
	}
	return o.conversations(l), nil
}

// openStream opens files that are too large for the memory.
func (s *Source) openStream(files []datasets.File, kind datasets.Kind,
	opts datasets.Options) (datasets.Set, error) {
	log, name := s.Log, nameOf(files)
	opts.Seen = func(c datasets.Counts, end bool) {
		if c.LeftOut() || end {
			log.Infof("data set %s, %s: %s", name, map[bool]string{false: "so far", true: "to its end"}[end], c)
		}
	}
	return datasets.OpenStream(files, kind, opts)
}

// findFiles returns the files of a data set and their total size in bytes.
func (s *Source) findFiles(o *DatasetOptions) ([]datasets.File, int64, error) {
	if o.Path == sampleName {
		s.Log.Infof("the data set is the built-in sample of %s: set path (DATASET in our scripts) to send your own",
			o.Kind)
		return []datasets.File{sampleFile(fileKinds[o.Kind])}, 0, nil
	}
	repo, pattern := o.Path, o.Files
	if o.Path != "" {
		abs := s.Abs(o.Path)
		files, size, err := s.findLocal(abs, o.Files)
		if here, ok := s.inWorkingDir(o.Path); errors.Is(err, fs.ErrNotExist) && ok {
			files, size, err = s.findLocal(here, o.Files)
		}
		switch {
		case err == nil || !errors.Is(err, fs.ErrNotExist):
			return files, size, err
		case !hub.IsID(o.Path) || !strings.Contains(o.Path, "/"):
			return nil, 0, fmt.Errorf("data set %s does not exist: check path (DATASET in our scripts)", abs)
		}
	} else {
		repo = defaultRepos[o.Kind].ID
		if pattern == "" {
			pattern = defaultRepos[o.Kind].files
		}
	}
	return s.fetchFiles(repo, pattern)
}

// findLocal returns a file, or the files of a folder, in k6's file system, which puts them into archives. If their
// total size exceeds archiveLimit, it returns the files of the disk, even if k6 runs an archive.
func (s *Source) findLocal(abs, pattern string) ([]datasets.File, int64, error) {
	files, size, err := list(s.Files, abs, pattern)
	if err == nil && size <= archiveLimit {
		return files, size, nil
	}
	if large, n, direct := list(fsext.NewOsFs(), abs, pattern); direct == nil && n > archiveLimit {
		s.Log.Infof("data set %s has more than %d MiB: an archive of this test does not carry it, "+
			"and finds it at the same place only", plain.Terminal(abs), archiveLimit>>20)
		return large, n, nil
	}
	return files, size, err
}

// list returns a file, or the files of a folder that match a pattern, in the order of their names. An empty pattern
// matches all files that the reader of data sets can read.
func list(from fsext.Fs, abs, pattern string) ([]datasets.File, int64, error) {
	file := func(path string) datasets.File {
		return datasets.File{Name: path, Open: func() (io.ReadCloser, error) { return from.Open(path) }}
	}
	info, err := from.Stat(abs)
	if err != nil {
		return nil, 0, fmt.Errorf("data set %s: %w", abs, err)
	}
	if err := textfile.Regular(info); err != nil {
		return nil, 0, fmt.Errorf("data set %s %w", abs, err)
	}
	if !info.IsDir() {
		return []datasets.File{file(abs)}, info.Size(), nil
	}
	entries, err := fsext.ReadDir(from, abs)
	if err != nil {
		return nil, 0, fmt.Errorf("data set %s: %w", abs, err)
	}
	var files []datasets.File
	var size int64
	for _, e := range entries {
		path := filepath.Join(abs, e.Name())
		if !matches(pattern, e.Name()) || e.IsDir() {
			continue
		}
		if e, err = from.Stat(path); err == nil { // of a link, its target
			err = textfile.Regular(e)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("data set %s %w", path, err)
		}
		if !e.IsDir() {
			files = append(files, file(path))
			size += e.Size()
		}
	}
	switch {
	case len(files) > 0:
		return files, size, nil
	case pattern != "":
		return nil, 0, fmt.Errorf("data set %s: no file in it matches %q", abs, pattern)
	}
	return nil, 0, fmt.Errorf(
		"data set %s: no file in it that can be read: they are named %s, or that with .gz or .zst", abs,
		strings.Join(datasets.Extensions, ", "))
}

func matches(pattern, name string) bool {
	if pattern == "" {
		// macOS adds hidden files beside the files that it packs
		return datasets.Readable(name) && !strings.HasPrefix(path.Base(name), ".")
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// fetchFiles fetches the files of a data set's repository on the hub.
func (s *Source) fetchFiles(id, pattern string) ([]datasets.File, int64, error) {
	client, err := s.hub()
	if err != nil {
		return nil, 0, err
	}
	repo := hub.Repo{Kind: hub.Dataset, ID: id}
	names, err := client.List(context.Background(), repo)
	if err != nil {
		return nil, 0, fmt.Errorf("data set %s: there is no such file here, and on the hub: %w", id, err)
	}
	var files []datasets.File
	var size int64
	for _, name := range names {
		if !matches(pattern, name) {
			continue
		}
		local, err := client.File(context.Background(), repo, name)
		if err != nil {
			return nil, 0, err
		}
		info, err := os.Stat(local)
		if err != nil {
			return nil, 0, err
		}
		size += info.Size()
		files = append(files, datasets.File{Name: local, Open: func() (io.ReadCloser, error) { return os.Open(local) }})
	}
	if len(files) == 0 {
		return nil, 0, fmt.Errorf("data set %s: no file on the hub that can be read, or matches %q; it has %s", id,
			pattern, strings.Join(names[:min(len(names), 10)], ", "))
	}
	s.Log.Infof("data set %s is of the hub; an archive of this test does not carry it", id)
	return files, size, nil
}
