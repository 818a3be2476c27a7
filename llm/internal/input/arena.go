package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
	"github.com/seed-307b789f/xk6-llm/scripts/data"
)

// visionArena is the type of data sets of questions about images.
const visionArena = "visionarena"

// ArenaOptions are the options of questions about images.
type ArenaOptions struct {
	Split  string // the part of a repository on the hub that is read
	Rows   int64  // usable records to read
	Images int64  // images of a request at most
	Place  datasets.Place
}

func defaultArena() ArenaOptions {
	return ArenaOptions{Split: "train", Rows: datasets.DefaultArenaRows, Images: 1}
}

// arenaUses are the options that questions about images take besides type, api, seed and maxTokens.
var arenaUses = []string{"path", "files", "split", "numRows", "maxImages", "insertionPoint"}

// checkArena checks the options of questions about images.
func checkArena(o *DatasetOptions, given map[string]bool) error {
	if o.API.Input() != api.InputMessages {
		return invalid("api", fmt.Errorf("'%s' carries no images: use 'chat', 'anthropic_messages' or 'responses'",
			o.API.Name()))
	}
	if given["split"] && (o.Files != "" || o.Session.Files != nil) {
		return invalid("split", errors.New("leave it out: files says which files are read"))
	}
	if err := o.Arena.Place.Validate(); err != nil {
		return invalid("insertionPoint", err)
	}
	return nil
}

// arenaOpening opens questions about images.
type arenaOpening struct {
	from *Source
	o    *DatasetOptions
}

func (a arenaOpening) open() (datasets.Set, error) {
	o := a.o
	files, err := a.files()
	if err != nil {
		return nil, err
	}
	set, err := datasets.ReadVisionArena(files, datasets.VisionArena{Rows: int(o.Arena.Rows),
		Images: int(o.Arena.Images), Place: o.Arena.Place, Seed: o.Seed})
	if err != nil {
		return nil, err
	}
	if o.Path == sampleName || a.isHere() { // of the hub, only the first of many files are fetched
		a.from.Shared.files.data(files)
	}
	if o.Path != sampleName {
		a.from.Log.Infof("data set %s: %s", nameOf(files), set.Counts)
	}
	return set, nil
}

// files returns the files of the data set. Those of the hub are fetched when they are opened: the published data set
// has hundreds, and the first has more records than most tests ask for.
func (a arenaOpening) files() ([]datasets.File, error) {
	s, o := a.from, a.o
	repo, patterns := o.Path, o.Session.Files
	if o.Files != "" {
		patterns = []string{o.Files}
	}
	switch {
	case o.Path == sampleName:
		s.Log.Infof("the data set is the built-in sample of %s: set path (DATASET in our scripts) to send your own",
			o.Kind)
		return []datasets.File{{Name: "sample.parquet", Open: func() (io.ReadCloser, error) {
			return inMemory{bytes.NewReader(data.VisionArena)}, nil
		}}}, nil
	case o.Path == "" && len(patterns) == 0:
		repo = defaultRepos[visionArena].ID
	case o.Path == "":
		files, _, err := opening{from: s, o: o}.findPatterns(patterns)
		return files, err
	case a.isHere() || !hub.IsID(o.Path) || !strings.Contains(o.Path, "/"):
		files, err := opening{from: s, o: o}.files()
		if patterns == nil {
			files = onlySplit(files, o.Arena.Split)
		}
		return files, err
	}
	return a.ofHub(repo, patterns)
}

// isHere reports whether the path is that of a file or of a folder.
func (a arenaOpening) isHere() bool {
	if a.o.Path == "" { // the repository that the kind has without a path
		return false
	}
	_, err := a.from.Files.Stat(a.from.Abs(a.o.Path))
	_, here := a.from.inWorkingDir(a.o.Path)
	return err == nil || here
}

// ofHub returns the files of a repository that match one of the patterns or, without patterns, belong to the split.
func (a arenaOpening) ofHub(id string, patterns []string) (files []datasets.File, err error) {
	s, split := a.from, a.o.Arena.Split
	client, err := s.hub()
	if err != nil {
		return nil, err
	}
	repo := hub.Repo{Kind: hub.Dataset, ID: id}
	names, err := client.List(context.Background(), repo)
	if err != nil {
		return nil, fmt.Errorf("data set %s: there is no such file here, and on the hub: %w", id, err)
	}
	chosen := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) }) &&
			(patterns != nil || !datasets.Readable(name) || !ofSplit(name, split))
	})
	if len(chosen) == 0 {
		what := fmt.Sprintf("belongs to split %q", split)
		if patterns != nil {
			what = fmt.Sprintf("matches %q", patterns)
		}
		return nil, fmt.Errorf("data set %s: no file on the hub %s: set files (data.visionarena.hf_data_files); it "+
			"has %s", id, what, strings.Join(names[:min(len(names), 10)], ", "))
	}
	slices.Sort(chosen)
	for _, name := range chosen {
		files = append(files, datasets.File{Name: plain.Terminal(id + "/" + name), Open: func() (io.ReadCloser, error) {
			local, err := client.File(context.Background(), repo, name)
			if err != nil {
				return nil, err
			}
			return os.Open(local)
		}})
	}
	s.Log.Infof("data set %s is of the hub; an archive of this test does not carry it", id)
	return files, nil
}

// onlySplit returns the files of a folder that belong to a split, and all if none does.
func onlySplit(files []datasets.File, split string) []datasets.File {
	chosen := slices.DeleteFunc(slices.Clone(files), func(f datasets.File) bool {
		return !ofSplit(filepath.Base(f.Name), split)
	})
	if len(chosen) == 0 {
		return files
	}
	return chosen
}

// ofSplit reports whether a split is a word of a file's path, as the hub names files:
// data/train-00000-of-00009.parquet, train.jsonl, default/train/0000.parquet.
func ofSplit(name, split string) bool {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("/.-_ ", r) })
	return slices.Contains(words, split)
}
