package media

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// wanted is what Python is to find in a file.
type wanted struct {
	File          string
	Width, Height int
	Frames        int     // of a video, or samples of a sound
	Rate          int     // frames or samples a second
	Colours       [][]int // of a solid image, or of each frame of a solid video
}

// Python's libraries, which servers use too, open every format without a warning, and find the sizes asked for.
func TestPythonReads(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "PIL", "av", "soundfile", "numpy")
	dir := t.TempDir()
	var all []wanted
	write := func(w wanted, format string, data []byte) {
		w.File = filepath.Join(dir, fmt.Sprintf("%d.%s", len(all), format))
		if err := os.WriteFile(w.File, data, 0o644); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	for _, p := range pictures() {
		w := wanted{Width: p.Width, Height: p.Height}
		if p.Content == Solid {
			w.Colours = [][]int{solidColour(t, p)}
		}
		write(w, p.Format, encode(t, p))
	}
	for _, c := range clips() {
		width, height := Even(c.Width, c.Height)
		w := wanted{Width: width, Height: height, Frames: c.Frames, Rate: max(c.FPS, 10)}
		if c.Content == Solid {
			files, err := c.Images(PNG)
			if err != nil {
				t.Fatal(err)
			}
			for _, data := range files {
				r, g, b, _ := decode(t, PNG, data).At(0, 0).RGBA()
				w.Colours = append(w.Colours, []int{int(r >> 8), int(g >> 8), int(b >> 8)})
			}
		}
		write(w, "mp4", clip(t, c))
	}
	for _, s := range sounds() {
		rate := max(s.Rate, 16000)
		write(wanted{Frames: int(s.Seconds * float64(rate)), Rate: rate}, "wav", sound(t, s))
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "list.json")
	if err := os.WriteFile(list, text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, filepath.Join("testdata", "read.py"), list).CombinedOutput()
	if want := fmt.Sprintf("%d files read\n", len(all)); err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// solidColour returns the colour of a solid picture, by its PNG.
func solidColour(t *testing.T, p Picture) []int {
	t.Helper()
	p.Format = PNG
	r, g, b, _ := decode(t, PNG, encode(t, p)).At(0, 0).RGBA()
	return []int{int(r >> 8), int(g >> 8), int(b >> 8)}
}

func pictures() (list []Picture) {
	for _, format := range []string{PNG, JPEG, WebP} {
		for _, content := range []Content{Noise, Solid} {
			for i, size := range [][2]int{{1, 1}, {17, 5}, {640, 480}, {1023, 769}} {
				for _, density := range []float64{0, 0.1, 2.5} {
					list = append(list, Picture{Width: size[0], Height: size[1], Format: format, Content: content,
						BytesPerPixel: density, Seed: uint64(i)})
				}
			}
		}
	}
	return list
}

func clips() (list []Clip) {
	for i, content := range []Content{Noise, Solid} {
		for _, density := range []float64{0, 0.3, 1.5} {
			list = append(list,
				Clip{Width: 1, Height: 1, Frames: 2, Content: content, BytesPerPixel: density, Seed: uint64(i)},
				Clip{Width: 33, Height: 47, Frames: 40, FPS: 30, Content: content, BytesPerPixel: density},
				Clip{Width: 512, Height: 512, Frames: 10, Content: content, BytesPerPixel: density},
				Clip{Width: 1920, Height: 1080, Frames: 3, FPS: 25, Content: content, BytesPerPixel: density})
		}
	}
	return append(list, Clip{Width: 4096, Height: 2304, Frames: 1}, Clip{Width: 16, Height: 8000, Frames: 1})
}

func sounds() []Sound {
	return []Sound{{Seconds: 1.0 / 16000}, {Seconds: 2.5}, {Seconds: 1, Rate: 44100}, {Seconds: 3, Content: Solid}}
}
