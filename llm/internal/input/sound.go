package input

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// soundKind is the type of data sets of sounds to write down.
const soundKind = "sound"

// SoundOptions are the options of sounds to write down.
type SoundOptions struct {
	Durations datasets.Distribution // of made sounds, in milliseconds
	Pool      int64                 // different sounds
	Content   string                // noise or solid
}

// defaultSounds are sounds like sentences.
func defaultSounds() SoundOptions {
	lengths := datasets.Distribution{Type: datasets.Normal, Mean: 10_000, StdDev: 5000, Min: 1000, Max: 30_000}
	return SoundOptions{Pool: 32, Content: "noise", Durations: lengths}
}

// soundUses are the options that sounds take besides type, api and seed.
var soundUses = []string{"path", "files", "durations", "poolSize", "content"}

// checkSound checks the options of sounds.
func checkSound(o *DatasetOptions, given map[string]bool) error {
	switch {
	case o.API.Input() != api.InputSound:
		return invalid("api", fmt.Errorf("must be 'transcription': a client of api '%s' takes no file of sound",
			o.API.Name()))
	case o.Path == "" && given["files"]:
		return invalid("files", errors.New("needs path, the folder of the files"))
	case o.Path != "":
		for _, name := range []string{"durations", "poolSize", "content"} {
			if given[name] {
				return invalid(name, errors.New("is for sounds that are made up: leave it or path out"))
			}
		}
		return nil
	case !slices.Contains([]string{"noise", "solid"}, o.Sounds.Content):
		return invalid("content", fmt.Errorf("must be 'noise' or 'solid', got %q", o.Sounds.Content))
	}
	if err := madeSounds(o).Validate(); err != nil {
		return fmt.Errorf("%s of type %s: %w", constructor, soundKind, err)
	}
	return nil
}

func madeSounds(o *DatasetOptions) *datasets.MadeSounds {
	s := &datasets.MadeSounds{Durations: o.Sounds.Durations, Pool: int(o.Sounds.Pool),
		Solid: o.Sounds.Content == "solid"}
	if o.Seed != nil {
		s.Seed = *o.Seed
	}
	return s
}

// openSounds opens sounds that are made up, a file, or those of a folder.
func (s *Source) openSounds(o *DatasetOptions) (datasets.Set, error) {
	if o.Path == "" {
		return madeSounds(o), nil
	}
	pattern := o.Files
	if pattern == "" {
		pattern = "*"
	}
	files, _, err := s.findLocal(s.Abs(o.Path), pattern)
	if err != nil {
		if here, ok := s.inWorkingDir(o.Path); ok {
			files, _, err = s.findLocal(here, pattern)
		}
	}
	if err != nil {
		return nil, err
	}
	if o.Files == "" && len(files) > 1 {
		files = slices.DeleteFunc(files, func(f datasets.File) bool { return !datasets.IsSound(f.Name) })
	}
	s.Shared.files.data(files)
	return datasets.ReadSounds(files, o.Seed)
}
