package media

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

func sound(t testing.TB, s Sound) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	return data
}

// A file has the samples asked for, and its head says so.
func TestSoundLength(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s       Sound
		samples int
	}{
		{Sound{Seconds: 1}, 16000},
		{Sound{Seconds: 1, Rate: 24000}, 24000},
		{Sound{Seconds: 2.5, Content: Solid}, 40000},
		{Sound{Seconds: 1e-9}, 1},
		{Sound{Seconds: 0.00003125 * 5}, 2}, // 2.5 samples: to the even number, as Python rounds
	} {
		data := sound(t, tt.s)
		if got := len(data) - 44; got != 2*tt.samples {
			t.Errorf("%+v: %d bytes of sound, want %d", tt.s, got, 2*tt.samples)
		}
		if got := binary.LittleEndian.Uint32(data[40:]); got != uint32(2*tt.samples) {
			t.Errorf("%+v: the head says %d bytes", tt.s, got)
		}
		if got := binary.LittleEndian.Uint32(data[4:]); got != uint32(len(data)-8) {
			t.Errorf("%+v: the head says %d bytes in all", tt.s, got)
		}
	}
}

// Noise is heard everywhere and does not clip; solid sound is silence.
func TestSoundContent(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		data := sound(t, Sound{Seconds: 3, Seed: seed})[44:]
		const window = 2 * 1600 // 0.1 s
		for at := 0; at < len(data); at += window {
			loudest := 0
			for i := at; i < at+window; i += 2 {
				v := int(int16(binary.LittleEndian.Uint16(data[i:])))
				loudest = max(loudest, v, -v)
			}
			if loudest < 500 || loudest > 32000 {
				t.Errorf("seed %d: at most %d from byte %d on", seed, loudest, at)
			}
		}
	}
	if silence := sound(t, Sound{Seconds: 1, Content: Solid})[44:]; strings.Trim(string(silence), "\x00") != "" {
		t.Error("a solid sound is not silent")
	}
}

func TestSoundRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s    Sound
		want string
	}{
		{Sound{}, "a sound of 0 s: must be above 0, and at most 3600"},
		{Sound{Seconds: 3601}, "a sound of 3601 s"},
		{Sound{Seconds: 1, Rate: 100}, "a sound of 100 samples a second: must be 8000 to 48000"},
	} {
		if _, err := tt.s.Encode(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.s, err, tt.want)
		}
	}
}

func BenchmarkSound(b *testing.B) {
	for _, seconds := range []float64{1, 30} {
		b.Run(fmt.Sprintf("wav-%vs", seconds), func(b *testing.B) {
			for s := (Sound{Seconds: seconds}); b.Loop(); s.Seed++ {
				sound(b, s)
			}
		})
	}
}
