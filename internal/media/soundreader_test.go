package media

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// file is a sound, and what a reader is to find in it.
type file struct {
	name, asked    string
	data           []byte
	format         string
	rate, channels int
	bytes          int
	seconds        float64
}

// Files of speech.… were written by FFmpeg's encoders from 0.75 s of a Sound, and hold as many bytes of sound as
// FFmpeg's own readers find. MP3 and AAC begin and end with some silence, which their heads do not count.
func files(t testing.TB) []file {
	t.Helper()
	wav := sound(t, Sound{Seconds: 0.5, Rate: 24000})
	read := func(name string) []byte {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	mp3, aac, opus, flac := read("speech.mp3"), read("speech.aac"), read("speech.opus"), read("speech.flac")
	tagged := append(slices.Clone(mp3), append([]byte("TAG"), make([]byte, 125)...)...)
	return []file{
		{"pcm", "pcm", wav[44:], "pcm", 24000, 1, 24000, 0.5},
		{"pcm of two channels", "pcm", wav[44:], "pcm", 24000, 2, 24000, 0.25},
		{"wav", "wav", wav, "wav", 24000, 1, 24000, 0.5},
		{"wav for pcm", "pcm", wav, "wav", 24000, 1, 24000, 0.5},
		{"wav without a size", "wav", sized(wav, 0), "wav", 24000, 1, 24000, 0.5},
		{"wav of the greatest size", "wav", sized(wav, math.MaxUint32), "wav", 24000, 1, 24000, 0.5},
		{"wav with a list", "wav", listed(wav), "wav", 24000, 1, 24000, 0.5},
		{"wav after wav", "wav", slices.Concat(wav, wav), "wav", 24000, 1, 48000, 1},
		{"wav of an odd size", "wav", odd(wav), "wav", 24000, 1, 24003, 12001. / 24000},
		{"mp3", "mp3", mp3, "mp3", 24000, 1, 3264, 34 * 576. / 24000},
		{"mp3 with a tag at its end", "mp3", tagged, "mp3", 24000, 1, 3264, 34 * 576. / 24000},
		{"mp3 without a head", "", mp3[236:], "mp3", 24000, 1, 3264, 34 * 576. / 24000},
		{"aac", "aac", aac, "aac", 24000, 1, 3554, 19 * 1024. / 24000},
		{"opus", "opus", opus, "opus", 48000, 1, 3608, 0.75},
		{"flac", "flac", flac, "flac", 24000, 1, 27401, 0.75},
		{"flac without a length", "flac", unsized(flac), "flac", 24000, 1, 27401, 0.75},
		{"vorbis", "opus", vorbis(), "ogg", 24000, 2, 100, 0.5},
		{"damaged mp3", "mp3", damaged(mp3, 236), "mp3", 24000, 1, 3264, 34 * 576. / 24000},
		{"damaged aac", "aac", damaged(aac, 0x1f), "aac", 24000, 1, 3554, 19 * 1024. / 24000},
		{"damaged opus", "opus", damaged(opus, 47), "opus", 48000, 1, 3608, 0.75},
		{"opus after opus", "opus", slices.Concat(opus, opus), "opus", 48000, 1, 2 * 3608, 1.5},
		{"unknown", "", []byte("none of these formats"), "", 0, 0, 21, 0},
		{"empty", "mp3", nil, "mp3", 24000, 1, 0, 0},
	}
}

// damaged returns a file with bytes at an offset that belong to nothing.
func damaged(data []byte, at int) []byte {
	return slices.Concat(data[:at], []byte("\xff\x00\xff\xfbOg OggO"), data[at:])
}

// vorbis returns what the pages of such a file say: two channels, and 12,000 samples in 100 pieces.
func vorbis() []byte {
	page := func(flags byte, samples uint64, table, body string) []byte {
		head := binary.LittleEndian.AppendUint64([]byte("OggS\x00"+string(flags)), samples)
		return slices.Concat(head, make([]byte, 12), []byte{byte(len(table))}, []byte(table), []byte(body))
	}
	about := "\x01vorbis\x00\x00\x00\x00\x02\xc0\x5d\x00\x00" + strings.Repeat("\x00", 14)
	ones, hundred := strings.Repeat("\x01", 100), strings.Repeat("x", 100)
	first := page(2, 0, string(byte(len(about))), about)
	return slices.Concat(first, page(0, 0, "\x03", "abc"), page(0, 12000, ones, hundred))
}

// unsized returns a FLAC file whose head does not say how many samples there are.
func unsized(flac []byte) []byte {
	flac = slices.Clone(flac)
	copy(flac[22:], []byte{0, 0, 0, 0})
	flac[21] &= 0xf0
	return flac
}

// sized returns a WAV file whose head has another size of the sound.
func sized(wav []byte, size uint32) []byte {
	wav = slices.Clone(wav)
	binary.LittleEndian.PutUint32(wav[40:], size)
	return wav
}

// listed returns a WAV file with other parts before and after the sound.
func listed(wav []byte) []byte {
	list := []byte("LIST\x05\x00\x00\x00INFOx\x00")
	return slices.Concat(wav[:36], list, wav[36:], list)
}

// odd returns a WAV file with an odd number of bytes of sound, a byte to make it even, and one more part.
func odd(wav []byte) []byte {
	return slices.Concat(sized(wav, 24001)[:44], wav[44:], []byte{1, 0}, []byte("data\x02\x00\x00\x00ab"))
}

// However an answer is cut into chunks, the same sound is found in it.
func TestSoundReader(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		for _, size := range []int{1, 3, 7, 100, 1 << 20} {
			rate, channels := 24000, 1
			if f.channels == 2 {
				channels = 2
			}
			s := NewSoundReader(f.asked, rate, channels)
			sum := 0
			for chunk := range slices.Chunk(f.data, size) {
				n := s.Add(chunk)
				if n < 0 || n > len(chunk)+40 {
					t.Errorf("%s in chunks of %d: %d bytes of sound in %d", f.name, size, n, len(chunk))
				}
				sum += n
			}
			if sum != f.bytes || math.Abs(s.Seconds()-f.seconds) > 1e-9 {
				t.Errorf("%s in chunks of %d: got %d bytes, %v s, want %d, %v", f.name, size, sum, s.Seconds(),
					f.bytes, f.seconds)
			}
			if s.Format() != f.format || s.Rate() != f.rate || s.Channels() != f.channels {
				t.Errorf("%s in chunks of %d: got %q, %d, %d, want %q, %d, %d", f.name, size, s.Format(), s.Rate(),
					s.Channels(), f.format, f.rate, f.channels)
			}
		}
	}
}

// What has not arrived is not counted: seconds grow with the bytes, and never shrink.
func TestSoundReaderGrows(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.format == "" {
			continue
		}
		s := NewSoundReader(f.asked, 24000, max(f.channels, 1))
		last, sum := 0.0, 0
		for chunk := range slices.Chunk(f.data, 10) {
			sum += s.Add(chunk)
			if s.Seconds() < last {
				t.Errorf("%s: %v s after %v", f.name, s.Seconds(), last)
			}
			last = s.Seconds()
			if sum == 0 && last > 0 {
				t.Errorf("%s: %v s without sound", f.name, last)
			}
			if share := float64(sum) / float64(f.bytes); f.bytes > 0 && last > f.seconds*share+0.2 {
				t.Errorf("%s: %v s of %v after %d of %d bytes", f.name, last, f.seconds, sum, f.bytes)
			}
		}
	}
}

func TestSoundReaderAllocates(t *testing.T) {
	for _, f := range files(t) {
		s := NewSoundReader(f.asked, 24000, 1)
		n := testing.AllocsPerRun(1, func() {
			for chunk := range slices.Chunk(f.data, 64) {
				s.Add(chunk)
			}
		})
		if n > 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
}

func FuzzSoundReader(f *testing.F) {
	for _, file := range files(f) {
		f.Add(file.asked, file.data[:min(len(file.data), 2000)], 7)
	}
	f.Fuzz(func(t *testing.T, asked string, data []byte, size int) {
		whole := NewSoundReader(asked, 24000, 1)
		want := whole.Add(data)
		if seconds := whole.Seconds(); want < 0 || want > len(data) || !(seconds >= 0 && seconds <= 1<<31) {
			t.Errorf("%d bytes of sound in %d, %v s", want, len(data), seconds)
		}
		pieces := NewSoundReader(asked, 24000, 1)
		got := 0
		for chunk := range slices.Chunk(data, max(1, min(size, 1000))) {
			got += pieces.Add(chunk)
		}
		if got != want || pieces.Seconds() != whole.Seconds() || pieces.Format() != whole.Format() {
			t.Errorf("%d bytes in pieces, %d at once", got, want)
		}
	})
}

func BenchmarkSoundReader(b *testing.B) {
	for _, f := range files(b) {
		if len(f.data) == 0 || strings.Contains(f.name, " ") {
			continue
		}
		data := f.data
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				s := NewSoundReader(f.asked, 24000, 1)
				for chunk := range slices.Chunk(data, 1024) {
					s.Add(chunk)
				}
			}
		})
	}
}
