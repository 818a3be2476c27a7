package datasets

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// Made sounds depend on the seed and the number alone, have the durations asked for, and come again after the pool.
func TestMadeSounds(t *testing.T) {
	t.Parallel()
	made := func(seed int64) *MadeSounds {
		return &MadeSounds{Durations: Distribution{Type: Uniform, Min: 500, Max: 1500}, Pool: 5, Seed: seed}
	}
	one, same, other := made(1), made(1), made(2)
	if err := one.Validate(); err != nil {
		t.Fatal(err)
	}
	different := map[string]bool{}
	for i := range int64(10) {
		item, err := one.At(i)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := same.At(i)
		third, _ := other.At(i)
		s := item.Sound
		if !bytes.Equal(s.Data, again.Sound.Data) || bytes.Equal(s.Data, third.Sound.Data) {
			t.Errorf("sound %d does not depend on the seed alone", i)
		}
		if s.Format != "wav" || s.Seconds < 0.5 || s.Seconds > 1.5 || len(s.Data) != 44+2*int(16000*s.Seconds+0.5) {
			t.Errorf("sound %d: %s of %v s in %d bytes", i, s.Format, s.Seconds, len(s.Data))
		}
		different[s.ID] = true
	}
	if len(different) != 5 {
		t.Errorf("%d different sounds", len(different))
	}
}

func TestReadSounds(t *testing.T) {
	t.Parallel()
	made := &MadeSounds{Durations: Constant(700), Pool: 2}
	file := func(name string, data []byte) File {
		return File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
	}
	first, _ := made.At(0)
	second, _ := made.At(1)
	l, err := ReadSounds([]File{file("a/b.wav", first.Sound.Data), file("c.wav", second.Sound.Data)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	item, _ := l.At(3)
	if n, _ := l.Len(); n != 2 || item.Sound.Name != "c.wav" || item.Sound.Seconds != 0.7 ||
		item.Sound.ID != second.Sound.ID {
		t.Errorf("got %d items, %+v", n, item.Sound)
	}
	if _, err := ReadSounds([]File{file("x.wav", []byte("no sound at all"))}, nil); err == nil ||
		!strings.Contains(err.Error(), "x.wav is no sound that can be read") {
		t.Errorf("got %v", err)
	}
	if _, err := ReadSounds(nil, nil); err == nil {
		t.Error("no files are a set")
	}
}

func TestWrongSounds(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]*MadeSounds{
		"poolSize must be from 1":      {Durations: Constant(1000)},
		"durations must be from 0.01":  {Durations: Constant(1), Pool: 1},
		"durations in milliseconds: m": {Durations: Distribution{Type: Uniform, Min: 5, Max: 1}, Pool: 1},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
