package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"
)

func clip(t testing.TB, c Clip) []byte {
	t.Helper()
	data, err := c.Encode()
	if err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	return data
}

// The head of a clip says what was asked for.
func TestClipHead(t *testing.T) {
	t.Parallel()
	for _, c := range []Clip{
		{Width: 1, Height: 1, Frames: 1},
		{Width: 64, Height: 48, Frames: 7, Content: Solid},
		{Width: 640, Height: 361, Frames: 12, FPS: 24},
		{Width: 99, Height: 33, Frames: 3, FPS: 30, BytesPerPixel: 1.5},
	} {
		width, height := Even(c.Width, c.Height)
		fps := c.FPS
		if fps == 0 {
			fps = 10
		}
		w, h, frames, seconds, err := ReadVideo(clip(t, c))
		if w != width || h != height || frames != c.Frames || err != nil {
			t.Errorf("%+v: got %d × %d, %d frames, %v", c, w, h, frames, err)
		}
		if want := float64(c.Frames) / float64(fps); seconds != want || c.Seconds() != want {
			t.Errorf("%+v: got %v and %v s, want %v", c, seconds, c.Seconds(), want)
		}
	}
}

// A clip has the bytes per pixel asked for, within a tenth.
func TestClipBytesPerPixel(t *testing.T) {
	t.Parallel()
	for _, c := range []Clip{{Width: 512, Height: 512, Frames: 10}, {Width: 320, Height: 240, Frames: 20}} {
		for _, density := range []float64{0, 0.05, 0.2, 0.7, 1.4} {
			c.BytesPerPixel = density
			want := density
			if want == 0 {
				want = 0.02
			}
			got := float64(len(clip(t, c))) / float64(c.Width*c.Height*c.Frames)
			if math.Abs(got/want-1) > 0.1 {
				t.Errorf("%+v: got %.4f bytes per pixel, want %v", c, got, want)
			}
		}
	}
}

// The images of a clip differ from frame to frame; those of a solid one grow lighter by 7, and start anew at 32.
func TestClipImages(t *testing.T) {
	t.Parallel()
	for _, format := range []string{PNG, JPEG, WebP} {
		seen := map[string]bool{}
		files, err := Clip{Width: 40, Height: 30, Frames: 4}.Images(format)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range files {
			seen[string(data)] = true
			if got, w, h, err := ReadImage(data); got != format || w != 40 || h != 30 || err != nil {
				t.Errorf("got %s of %d × %d, %v", got, w, h, err)
			}
		}
		if len(seen) != 4 {
			t.Errorf("%s: %d different images of 4 frames", format, len(seen))
		}
	}
	files, err := Clip{Width: 4, Height: 4, Frames: 6, Content: Solid, Seed: 3}.Images(PNG)
	if err != nil {
		t.Fatal(err)
	}
	var greens []uint8
	for _, data := range files {
		_, g, _, _ := decode(t, PNG, data).At(0, 0).RGBA()
		greens = append(greens, uint8(g>>8))
	}
	for i, want := range []uint8{0, 7, 14, 21, 28, 3} {
		if got := greens[i] - greens[0]; got != want {
			t.Errorf("frame %d is lighter by %d, want %d: %d", i, got, want, greens)
		}
	}
}

func TestClipRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c    Clip
		want string
	}{
		{Clip{Height: 5, Frames: 1}, "a picture of 0 × 5 pixels"},
		{Clip{Width: 5, Height: 5}, "a video of 0 frames: must be 1 to 65536"},
		{Clip{Width: 5, Height: 5, Frames: 1, FPS: 999}, "a video of 999 frames a second: must be 1 to 240"},
		{Clip{Width: 5, Height: 5, Frames: 1, BytesPerPixel: 2}, "2 bytes per pixel of an MP4 file: must be at"},
		{Clip{Width: 4096, Height: 4096, Frames: 1000}, "must have at most 2147483648 pixels in all"},
		{Clip{Width: 16000, Height: 16000, Frames: 1}, "a video of 16000 × 16000 pixels: H.264 has at most 139264"},
	} {
		if _, err := tt.c.Encode(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.c, err, tt.want)
		}
	}
	_, err := Clip{Width: 5, Height: 5, Frames: 1}.Images("gif")
	if err == nil || !strings.Contains(err.Error(), `"gif"`) {
		t.Errorf("images in gif: got %v", err)
	}
}

// The files are FFmpeg's, of 12 frames at 24 a second: with the head at the end and a sound before the video, and in
// fragments of one frame each.
func TestReadVideo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ffmpeg.mp4", "fragments.mp4"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		width, height, frames, seconds, err := ReadVideo(data)
		if width != 48 || height != 32 || frames != 12 || math.Abs(seconds-0.5) > 0.001 || err != nil {
			t.Errorf("%s: got %d × %d, %d frames, %v s, %v", name, width, height, frames, seconds, err)
		}
	}
}

// Boxes can have sizes of 64 bits or none, and times of 64 bits; frames of a fragment can have times of their own.
func TestReadVideoForms(t *testing.T) {
	t.Parallel()
	none, long := strings.Repeat("\x00", 4), "\x01\x00\x00\x00"
	track := box("trak", box("tkhd", long, none, none, none, none, "\x00\x00\x00\x07"),
		box("mdia", box("mdhd", long, none, none, none, none, "\x00\x00\x03\xe8", none, "\x00\x00\x01\xf4"),
			box("hdlr", none, none, "vide"),
			box("minf", box("stbl", box("stsd", none, none, strings.Repeat("\x00", 32), "\x00\x50\x00\x3c")))))
	head := box("tfhd", "\x00\x00\x00\x0b", "\x00\x00\x00\x07", none, none, none, "\x00\x00\x00\x64")
	own := box("trun", "\x00\x00\x03\x05", "\x00\x00\x00\x02", none, none, "\x00\x00\x00\x0a", none,
		"\x00\x00\x00\x14", none)
	same := box("trun", none, "\x00\x00\x00\x03")
	other := box("traf", box("tfhd", none, "\x00\x00\x00\x09"), same)
	wide := "\x00\x00\x00\x01free" + none + "\x00\x00\x00\x14" + none
	rest := box("moof", box("traf", head, own, same), other)
	file := box("ftyp", "isom") + wide + box("moov", track) + none + rest[4:] // up to the end of the file
	width, height, frames, seconds, err := ReadVideo([]byte(file))
	if width != 80 || height != 60 || frames != 5 || math.Abs(seconds-0.83) > 1e-9 || err != nil {
		t.Errorf("got %d × %d, %d frames, %v s, %v", width, height, frames, seconds, err)
	}
}

func box(name string, parts ...string) string {
	body := strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8))) + name + body
}

func TestReadVideoRefuses(t *testing.T) {
	t.Parallel()
	data := clip(t, Clip{Width: 64, Height: 64, Frames: 3})
	sizes := "stsz" + strings.Repeat("\x00", 8)
	many := []byte(strings.Replace(string(data), sizes+"\x00", sizes+"\xff", 1))
	for _, tt := range []struct {
		data []byte
		want string
	}{
		{nil, "not an MP4 file"},
		{[]byte("\x89PNG\r\n\x1a\n0000"), "not an MP4 file"},
		{data[:40], "without a video track"},
		{many, "that says it has 4278190083 frames"},
	} {
		if _, _, _, _, err := ReadVideo(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("% x: got %v, want %q", tt.data[:min(len(tt.data), 16)], err, tt.want)
		}
	}
}

// Boxes that hold each other to a depth that no file has are an error like others, and do not use up the stack.
func TestReadVideoNested(t *testing.T) {
	t.Parallel()
	const depth = 1 << 23
	for _, name := range []string{"mdia", "minf", "stbl", "moov", "trak", "moof"} {
		boxes := bytes.Repeat([]byte("\x00\x00\x00\x00"+name), depth) // each lasts to the end of the file
		data := append([]byte(box("ftyp")+"\x00\x00\x00\x00moov\x00\x00\x00\x00trak"), boxes...)
		if _, _, _, _, err := ReadVideo(data); err == nil || !strings.Contains(err.Error(), "without a video track") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzReadVideo(f *testing.F) {
	f.Add(clip(f, Clip{Width: 16, Height: 16, Frames: 2}))
	for _, name := range []string{"ffmpeg.mp4", "fragments.mp4"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		width, height, frames, seconds, err := ReadVideo(data)
		if err == nil && (width < 0 || height < 0 || frames < 0 || frames > len(data) || !(seconds >= 0)) {
			t.Errorf("got %d × %d, %d frames, %v s", width, height, frames, seconds)
		}
	})
}

func BenchmarkClip(b *testing.B) {
	for c := (Clip{Width: 512, Height: 512, Frames: 10}); b.Loop(); c.Seed++ {
		clip(b, c)
	}
}
