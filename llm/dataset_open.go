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
	"time"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/chat"
	"github.com/seed-307b789f/xk6-llm/llm/hub"
	"github.com/seed-307b789f/xk6-llm/llm/measure"
)

// defaultRepos are where the hub has the data sets that inference-perf reads without a path.
var defaultRepos = map[string]struct{ ID, files string }{
	"shareGPT":      {"anon8231489123/ShareGPT_Vicuna_unfiltered", "ShareGPT_V3_unfiltered_cleaned_split.json"},
	"cnn_dailymail": {"abisee/cnn_dailymail", "3.0.0/train-*.parquet"},
}

// openSet opens a data set once per process and equal options.
func (m *ModuleInstance) openSet(o *datasetOptions) (datasets.Set, error) {
	if o.kind == "mock" {
		return datasets.Mock{Form: o.form()}, nil
	}
	return m.root.datasets.get(o.key(), func() (datasets.Set, error) {
		stop := m.sayIfLong("opening the data set of type " + o.kind)
		defer stop()
		if kind, ok := fileKinds[o.kind]; ok {
			return m.openFiles(o, kind)
		}
		return m.openGenerated(o)
	})
}

// key is the same for equal options; paths in them are relative to the same place for all VUs.
func (o *datasetOptions) key() string {
	return fmt.Sprintf("%q %v %v %v %v %v %+v %+v %d %d", []string{o.kind, o.path, o.files, o.api, o.tokenizer, o.corpus},
		deref(o.seed), deref(o.salt), o.salt == nil, deref(o.input), deref(o.output), o.shared, o.replay, o.turns, o.sessions)
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
				log.Infof("%s: %v so far", what, time.Since(begun).Round(time.Second))
			}
		}
	}()
	return func() { close(done) }
}

func (m *ModuleInstance) openGenerated(o *datasetOptions) (datasets.Set, error) {
	counter, err := m.counter(o.tokenizer)
	if err != nil {
		return nil, err
	}
	seed, salt := int64(0), ""
	if o.kind == "conversation_replay" {
		seed = 42 // inference-perf's default
	}
	if o.seed != nil {
		seed = *o.seed
	}
	switch {
	case o.salt != nil:
		salt = *o.salt
	case o.kind == "random" || o.kind == "synthetic": // the others are about prefixes that a server has seen
		salt = measure.ProcessRunID(m.lookupEnv)
	}
	corpus := datasets.Corpus
	if o.corpus != "" {
		data, _, err := m.readFile("corpus", o.corpus)
		if err != nil {
			return nil, err
		}
		corpus = string(data)
	}
	m.root.salts.note(o.kind, seed, salt)
	set, err := o.generate(counter, seed, salt, corpus)
	if err != nil {
		return nil, fmt.Errorf("data set of type %s: %w", o.kind, err)
	}
	return set, nil
}

// generate makes a set that makes its prompts.
func (o *datasetOptions) generate(counter *chat.Counter, seed int64, salt, corpus string) (datasets.Set, error) {
	switch o.kind {
	case "shared_prefix":
		return o.sharedPrefix(counter, seed, salt)
	case "conversation_replay":
		r := o.replay
		set, err := datasets.NewReplay(datasets.Replay{
			Tokenizer: counter, Seed: seed, Salt: salt, Conversations: int(r.conversations), System: int(r.system), Dynamic: r.dynamic,
			Turns: r.turns, Input: r.input, Output: r.output, Pause: r.pause,
		})
		if err != nil {
			return nil, err
		}
		c := o.lead(set)
		c.Limit, c.Length = int(r.limit), func(item datasets.Item) int { return length(counter, item) }
		return c, nil
	}
	g := datasets.Generated{Form: o.form(), Tokenizer: counter, Seed: seed, Salt: salt, Input: *o.input, Output: *o.output}
	if o.kind == "synthetic" {
		return datasets.NewSynthetic(g, corpus)
	}
	return datasets.NewRandom(g)
}

func (o *datasetOptions) sharedPrefix(counter *chat.Counter, seed int64, salt string) (datasets.Set, error) {
	s := o.shared
	set, err := datasets.NewSharedPrefix(datasets.SharedPrefix{
		Form: o.form(), Tokenizer: counter, Seed: seed, Salt: salt, Groups: int(s.groups), Questions: int(s.questions),
		System: s.system, Question: s.question, Output: s.output,
	})
	if err != nil || !s.multiTurn {
		return set, err
	}
	turns := defaultTurns
	if o.turns > 0 {
		turns = int(o.turns)
	}
	return o.lead(set.Conversations(turns)), nil
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

// length is the tokens of a prompt, of a chat those of its texts.
func length(counter *chat.Counter, item datasets.Item) int {
	n := counter.Count(item.Prompt)
	for _, m := range item.Messages {
		n += counter.Count(m.Content)
	}
	return n
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
	log := m.vu.InitEnv().Logger
	if o.turns != 0 {
		l, err := datasets.ReadScripts(files, kind, opts)
		if err != nil {
			return nil, err
		}
		log.Infof("data set %s: %d conversations; left out: %d without a question and an answer", files[0].Name, l.Counts.Kept, l.Counts.Empty)
		return o.lead(l), nil
	}
	if size > carried {
		for _, f := range files {
			log.Infof("data set %s is read as it is needed; an archive of this test does not carry it", f.Name)
		}
		return datasets.OpenStream(files, kind, opts)
	}
	l, err := datasets.Read(files, kind, opts)
	if err != nil {
		return nil, err
	}
	if c := l.Counts; c.Empty+c.Long > 0 {
		log.Infof("data set %s: %d records; left out: %d without a question and an answer, %d outside of the lengths asked for", files[0].Name, c.Kept, c.Empty, c.Long)
	}
	return l, nil
}

// findFiles finds the files of a data set and their size together.
func (m *ModuleInstance) findFiles(o *datasetOptions) ([]datasets.File, int64, error) {
	repo, pattern := o.path, o.files
	if o.path != "" {
		abs := m.absPath(o.path)
		info, err := m.stat(abs)
		switch {
		case err == nil && info.IsDir():
			return m.folder(abs, o.files)
		case err == nil:
			return []datasets.File{m.file(abs, info.Size())}, info.Size(), nil
		case !hub.IsID(o.path) || !strings.Contains(o.path, "/") || !errors.Is(err, fs.ErrNotExist):
			return nil, 0, fmt.Errorf("data set %s %w: check path (DATASET in our scripts)", abs, plainError(err))
		}
	} else {
		repo = defaultRepos[o.kind].ID
		if pattern == "" {
			pattern = defaultRepos[o.kind].files
		}
	}
	return m.fetchFiles(repo, pattern)
}

// plainError says in few words that a file is not there.
func plainError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("does not exist")
	}
	return err
}

// stat looks into k6's file system, and for large files, which archives do not carry, beyond it.
func (m *ModuleInstance) stat(abs string) (fs.FileInfo, error) {
	info, err := m.files().Stat(abs)
	if err != nil {
		if large, direct := os.Stat(abs); direct == nil && large.Size() > carried {
			return large, nil
		}
	}
	return info, err
}

// file is one file: of k6's file system, which puts it into archives, or if it is large of the machine's.
func (m *ModuleInstance) file(abs string, size int64) datasets.File {
	files := m.files()
	return datasets.File{Name: abs, Open: func() (io.ReadCloser, error) {
		if size > carried {
			return os.Open(abs)
		}
		return files.Open(abs)
	}}
}

// folder lists the files of a folder that can be read, or those that match a pattern.
func (m *ModuleInstance) folder(abs, pattern string) ([]datasets.File, int64, error) {
	entries, err := fsext.ReadDir(m.files(), abs)
	if err != nil {
		return nil, 0, fmt.Errorf("data set %s: %w", abs, err)
	}
	var files []datasets.File
	var size int64
	for _, e := range entries { // in the order of their names
		if matches(pattern, e.Name()) && !e.IsDir() {
			files = append(files, m.file(filepath.Join(abs, e.Name()), e.Size()))
			size += e.Size()
		}
	}
	if len(files) == 0 {
		return nil, 0, fmt.Errorf("data set %s: no file in it that can be read: they are named %s, or that with .gz or .zst", abs, strings.Join(datasets.Extensions, ", "))
	}
	return files, size, nil
}

func matches(pattern, name string) bool {
	if pattern == "" {
		return datasets.Readable(name)
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
		return nil, 0, fmt.Errorf("data set %s: no file on the hub that can be read, or matches %q; it has %s", id, pattern, strings.Join(names[:min(len(names), 10)], ", "))
	}
	m.vu.InitEnv().Logger.Infof("data set %s is of the hub; an archive of this test does not carry it", id)
	return files, size, nil
}
