package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// SoundFile is a file of sound to write down. Items share it, so it must not be changed.
type SoundFile struct {
	Name    string
	Format  string  // wav, mp3, flac, ogg or aac
	Seconds float64 // how long it plays; 0 if that is unknown
	ID      string  // the same for equal bytes
	Data    []byte
}

// soundID returns the id of a file.
func soundID(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// MadeSounds are sounds that are made up: WAV files of 16 kHz. Item i is sound number i modulo Pool, so each of them
// comes as often as any other. Sounds depend on the seed and the number alone.
type MadeSounds struct {
	Durations Distribution // milliseconds
	Pool      int          // different sounds
	Solid     bool         // silence in place of noise like speech
	Seed      int64

	once  sync.Once
	slots []soundSlot
}

type soundSlot struct {
	once sync.Once
	file *SoundFile
	err  error
}

// Limits of made sounds.
const (
	maxSoundPool = 10_000
	minSound     = 10 // milliseconds
	maxSound     = 3_600_000
)

// Validate returns an error that names the first invalid option.
func (s *MadeSounds) Validate() error {
	if err := s.Durations.Validate(); err != nil {
		return fmt.Errorf("durations in milliseconds: %w", err)
	}
	switch {
	case s.Durations.Least() < minSound || s.Durations.Most() > maxSound:
		return errors.New("durations must be from 0.01 to 3600 seconds: set min and max")
	case s.Pool < 1 || s.Pool > maxSoundPool:
		return fmt.Errorf("poolSize must be from 1 to %d, got %d", maxSoundPool, s.Pool)
	}
	return nil
}

// Len returns the number of different sounds.
func (s *MadeSounds) Len() (int64, bool) { return int64(s.Pool), true }

// At returns item number i. A sound is made when it is needed first, and kept.
func (s *MadeSounds) At(i int64) (Item, error) {
	s.once.Do(func() { s.slots = make([]soundSlot, s.Pool) })
	number := i % int64(s.Pool)
	slot := &s.slots[number]
	slot.once.Do(func() { slot.file, slot.err = s.make(number) })
	return Item{Sound: slot.file}, slot.err
}

func (s *MadeSounds) make(number int64) (*SoundFile, error) {
	rng := rand.New(rand.NewPCG(uint64(s.Seed), uint64(number)^0x736f756e64)) // reproducible on purpose
	sound := media.Sound{Seconds: float64(s.Durations.Draw(rng)) / 1000, Seed: rng.Uint64()}
	if s.Solid {
		sound.Content = media.Solid
	}
	data, err := sound.Encode()
	if err != nil {
		return nil, fmt.Errorf("sound %d: %w", number, err)
	}
	name := fmt.Sprintf("sound-%d.wav", number)
	return &SoundFile{Name: name, Format: "wav", Seconds: secondsOf(data), ID: soundID(data),
		Data: data}, nil
}

func secondsOf(data []byte) float64 {
	r := media.NewSoundReader("", 0, 0)
	r.Add(data)
	return r.Seconds()
}

// soundExtensions are the ends of the names of files that ReadSounds reads.
var soundExtensions = []string{".wav", ".mp3", ".flac", ".ogg", ".opus", ".aac"}

// IsSound reports whether ReadSounds reads a file of that name.
func IsSound(name string) bool {
	hidden := strings.HasPrefix(path.Base(name), ".")
	return !hidden && slices.Contains(soundExtensions, strings.ToLower(filepath.Ext(name)))
}

// maxSounds bounds the files of sound that are held in memory, in bytes.
const maxSounds = 4 << 30

// ReadSounds reads files of sound whole. A seed other than nil shuffles them.
func ReadSounds(files []File, seed *int64) (*List, error) {
	l := new(List)
	total := 0
	for _, f := range files {
		data, err := readAll(f)
		if err != nil {
			return nil, err
		}
		r := media.NewSoundReader("", 0, 0)
		r.Add(data)
		if r.Format() == "" {
			return nil, fmt.Errorf("%s is no sound that can be read: WAV, MP3, FLAC, Ogg and AAC (ADTS) can", f.Name)
		}
		if total += len(data); total > maxSounds {
			return nil, fmt.Errorf("the sounds up to %s have more than %d GiB: choose some of them with files", f.Name,
				maxSounds>>30)
		}
		l.items = append(l.items, Item{Sound: &SoundFile{Name: filepath.Base(f.Name), Format: r.Format(),
			Seconds: r.Seconds(), ID: soundID(data), Data: data}})
	}
	if len(l.items) == 0 {
		return nil, fmt.Errorf("no files of sound: their names end with %s", strings.Join(soundExtensions, ", "))
	}
	l.Counts.Kept = int64(len(l.items))
	if seed != nil {
		shuffle(l.items, *seed)
	}
	return l, nil
}

func readAll(f File) (data []byte, err error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	data, err = io.ReadAll(r)
	if closed := r.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return data, nil
}
