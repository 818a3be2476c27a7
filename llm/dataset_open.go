package llm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
)

// defaultRepos are where the hub has the data sets that inference-perf reads without a path.
var defaultRepos = map[string]struct{ ID, files string }{
	"shareGPT":      {"anon8231489123/ShareGPT_Vicuna_unfiltered", "ShareGPT_V3_unfiltered_cleaned_split.json"},
	"cnn_dailymail": {"abisee/cnn_dailymail", "3.0.0/train-*.parquet"},
}

// openSets are the data sets of the process.
type openSets struct {
	cache[datasets.Set]
	talks  atomic.Int64 // sets of conversations among them
	warned sync.Once    // that instances salt their prompts differently
}

// openSet opens a data set once per process and equal options.
func (m *ModuleInstance) openSet(o *datasetOptions) (datasets.Set, error) {
	if o.kind == "mock" {
		return datasets.Mock{Form: o.form()}, nil
	}
	return m.root.datasets.get(o.key(), func() (datasets.Set, error) {
		stop := m.sayIfLong("opening the data set of type " + o.kind)
		defer stop()
		set, err := m.open(o)
		if c, ok := set.(*conversations); ok && err == nil {
			c.name(m.root.datasets.talks.Add(1))
		}
		return set, err
	})
}

func (m *ModuleInstance) open(o *datasetOptions) (datasets.Set, error) {
	if kind, ok := fileKinds[o.kind]; ok {
		return m.openFiles(o, kind)
	}
	return m.openGenerated(o)
}

// key is the same for equal options; paths in them are relative to the same place for all VUs.
func (o *datasetOptions) key() string {
	return fmt.Sprintf("%q %v %v %v %v %v %+v %+v %d %d %t", []string{o.kind, o.path, o.files, o.api, o.tokenizer,
		o.corpus, o.trace, o.prompts},
		deref(o.seed), deref(o.salt), o.salt == nil, deref(o.input), deref(o.output), o.shared, o.replay, o.turns,
		o.sessions, o.template)
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// sayIfLong logs every two seconds that something is still being done, until stop is called.
func (m *ModuleInstance) sayIfLong(what string) (stop func()) {
	log, begun, done := m.vu.InitEnv().Logger, time.Now(), make(chan struct{})
	go func() {
		for tick := time.NewTicker(2 * time.Second); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				log.Infof("%s: %v so far", plain.Terminal(what), time.Since(begun).Round(time.Second))
			}
		}
	}()
	return func() { close(done) }
}

// lead makes conversations a data set.
func (o *datasetOptions) lead(scripts datasets.Scripts) *conversations {
	open := o.sessions
	if n, finite := scripts.Len(); open == 0 {
		if open = defaultSessions; finite {
			open = min(n, defaultSessions)
		}
	}
	return &conversations{Sessions: datasets.Sessions{Scripts: scripts, Form: o.form(), Open: int(open)}}
}

// carried is the size up to which archives carry a file. Larger ones are opened directly, and streamed.
const carried = 64 << 20

// openFiles opens a file, a folder, or files of a repository on the hub.
func (m *ModuleInstance) openFiles(o *datasetOptions, kind datasets.Kind) (datasets.Set, error) {
	opts := datasets.Options{Form: o.form(), Seed: o.seed, Input: o.input, Output: o.output}
	if o.tokenizer != "" {
		counter, err := m.counter(o.tokenizer)
		if err != nil {
			return nil, err
		}
		opts.Count = counter.CountSpecial
	}
	files, size, err := m.findFiles(o)
	if err != nil {
		return nil, err
	}
	switch {
	case o.turns != 0:
		return m.openConversations(o, files, kind, opts)
	case size > carried:
		return m.openStream(files, kind, opts)
	}
	l, err := datasets.Read(files, kind, opts)
	if err != nil {
		return nil, err
	}
	if l.Counts.LeftOut() {
		m.vu.InitEnv().Logger.Infof("data set %s: %s", nameOf(files), l.Counts)
	}
	return l, nil
}

// nameOf names files in a line of the log.
func nameOf(files []datasets.File) string {
	if len(files) == 1 {
		return plain.Terminal(files[0].Name)
	}
	return fmt.Sprintf("%s and %d more", plain.Terminal(files[0].Name), len(files)-1)
}

// openConversations reads the conversations of files whole.
func (m *ModuleInstance) openConversations(o *datasetOptions, files []datasets.File, kind datasets.Kind,
	opts datasets.Options) (datasets.Set, error) {
	l, err := datasets.ReadScripts(files, kind, opts)
	if err != nil {
		return nil, err
	}
	if l.Counts.LeftOut() {
		m.vu.InitEnv().Logger.Infof("data set %s, whole conversations: %s", nameOf(files), l.Counts)
	}
	return o.lead(l), nil
}

// openStream opens files that are too large to be read at once.
func (m *ModuleInstance) openStream(files []datasets.File, kind datasets.Kind,
	opts datasets.Options) (datasets.Set, error) {
	log, name := m.vu.InitEnv().Logger, nameOf(files)
	opts.Seen = func(c datasets.Counts, end bool) {
		if c.LeftOut() || end {
			log.Infof("data set %s, %s: %s", name, map[bool]string{false: "so far", true: "to its end"}[end], c)
		}
	}
	return datasets.OpenStream(files, kind, opts)
}

// findFiles finds the files of a data set and their size together.
func (m *ModuleInstance) findFiles(o *datasetOptions) ([]datasets.File, int64, error) {
	repo, pattern := o.path, o.files
	if o.path != "" {
		abs := m.absPath(o.path)
		files, size, err := m.findLocal(abs, o.files)
		switch {
		case err == nil || !errors.Is(err, fs.ErrNotExist):
			return files, size, err
		case !hub.IsID(o.path) || !strings.Contains(o.path, "/"):
			return nil, 0, fmt.Errorf("data set %s does not exist: check path (DATASET in our scripts)", abs)
		}
	} else {
		repo = defaultRepos[o.kind].ID
		if pattern == "" {
			pattern = defaultRepos[o.kind].files
		}
	}
	return m.fetchFiles(repo, pattern)
}

// findLocal finds a file or the files of a folder in k6's file system, which puts them into archives. What is larger
// together than archives carry is opened directly, and found beyond an archive.
func (m *ModuleInstance) findLocal(abs, pattern string) ([]datasets.File, int64, error) {
	files, size, err := list(m.files(), abs, pattern)
	if err == nil && size <= carried {
		return files, size, nil
	}
	if large, n, direct := list(fsext.NewOsFs(), abs, pattern); direct == nil && n > carried {
		m.vu.InitEnv().Logger.Infof("data set %s has more than %d MiB: an archive of this test does not carry it, "+
			"and finds it at the same place only", plain.Terminal(abs), carried>>20)
		return large, n, nil
	}
	return files, size, err
}

// list lists a file, or the files of a folder that can be read, those that match a pattern, in the order of their
// names.
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
		if e, err = from.Stat(path); err == nil { // what a link leads to
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
		// as macOS leaves beside a file it packs
		return datasets.Readable(name) && !strings.HasPrefix(path.Base(name), ".")
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// fetchFiles fetches the files of a repository of data sets.
func (m *ModuleInstance) fetchFiles(id, pattern string) ([]datasets.File, int64, error) {
	client, err := m.hub()
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
	m.vu.InitEnv().Logger.Infof("data set %s is of the hub; an archive of this test does not carry it", id)
	return files, size, nil
}
