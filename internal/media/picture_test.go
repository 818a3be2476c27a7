package media

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"strings"
	"testing"

	"golang.org/x/image/webp"
)

func decode(t testing.TB, format string, data []byte) image.Image {
	t.Helper()
	read := map[string]func([]byte) (image.Image, error){
		PNG:  func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) },
		JPEG: func(b []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(b)) },
		WebP: func(b []byte) (image.Image, error) { return webp.Decode(bytes.NewReader(b)) },
	}[format]
	m, err := read(data)
	if err != nil {
		t.Fatalf("%s of %d bytes: %v", format, len(data), err)
	}
	return m
}

func encode(t testing.TB, p Picture) []byte {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return data
}

// Pictures of all sizes and contents decode to the size asked for.
func TestPictureDecodes(t *testing.T) {
	t.Parallel()
	for _, format := range []string{PNG, JPEG, WebP} {
		for _, content := range []Content{Noise, Solid} {
			for _, size := range [][2]int{{1, 1}, {1, 40}, {40, 1}, {2, 3}, {15, 17}, {64, 64}, {333, 77}, {640, 480}} {
				for _, density := range []float64{0, 0.01, 0.1, 0.5, 1, 2, 3} {
					p := Picture{Width: size[0], Height: size[1], Format: format, Content: content,
						BytesPerPixel: density, Seed: 5}
					got := decode(t, format, encode(t, p)).Bounds()
					if want := image.Rect(0, 0, p.Width, p.Height); got != want {
						t.Errorf("%+v: got %v", p, got)
					}
				}
			}
		}
	}
}

// The greatest sides are written right, too.
func TestPictureLongest(t *testing.T) {
	t.Parallel()
	for _, format := range []string{PNG, JPEG, WebP} {
		for _, p := range []Picture{{Width: MaxSide, Height: 3}, {Width: 3, Height: MaxSide}} {
			p.Format = format
			if got := decode(t, format, encode(t, p)).Bounds(); got != image.Rect(0, 0, p.Width, p.Height) {
				t.Errorf("%+v: got %v", p, got)
			}
		}
	}
}

// A file has the bytes per pixel asked for, within a tenth.
func TestBytesPerPixel(t *testing.T) {
	t.Parallel()
	defaults := map[string]float64{PNG: 1.6, JPEG: 0.25, WebP: 1.2}
	// What a picture takes without noise, and the tables, weigh the more the smaller the file is to be.
	least := map[string]float64{PNG: 0.4, JPEG: 0.05, WebP: 0.2}
	for _, format := range []string{PNG, JPEG, WebP} {
		for _, size := range [][2]int{{256, 256}, {1024, 1024}, {1280, 720}, {300, 900}} {
			for _, density := range []float64{0, 0.05, 0.1, 0.2, 0.4, 0.7, 0.9, 1.3, 2, 2.5, 2.9} {
				if density > 0 && density < least[format] {
					continue
				}
				p := Picture{Width: size[0], Height: size[1], Format: format, BytesPerPixel: density, Seed: 11}
				want := density
				if want == 0 {
					want = defaults[format]
				}
				got := float64(len(encode(t, p))) / float64(p.Width*p.Height)
				if math.Abs(got/want-1) > 0.1 {
					t.Errorf("%s of %d × %d: got %.3f bytes per pixel, want %v", format, p.Width, p.Height, got, want)
				}
			}
		}
	}
}

// A solid picture is one colour, which the seed chooses, and a noisy one is not.
func TestContent(t *testing.T) {
	t.Parallel()
	for _, format := range []string{PNG, JPEG, WebP} {
		seen := map[string]bool{}
		for seed := range uint64(4) {
			p := Picture{Width: 70, Height: 50, Format: format, Content: Solid, Seed: seed}
			m := decode(t, format, encode(t, p))
			if n := coloursIn(m); n != 1 {
				t.Errorf("%s: %d colours in a solid picture", format, n)
			}
			seen[fmt.Sprint(color.NRGBAModel.Convert(m.At(0, 0)))] = true
		}
		if len(seen) != 4 {
			t.Errorf("%s: four seeds made %v", format, seen)
		}
		m := decode(t, format, encode(t, Picture{Width: 200, Height: 100, Format: format}))
		if n := coloursIn(m); n < 2000 {
			t.Errorf("%s: %d colours in a noisy picture of 20,000 pixels", format, n)
		}
	}
}

func coloursIn(m image.Image) int {
	seen := map[color.Color]bool{}
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			seen[color.NRGBAModel.Convert(m.At(x, y))] = true
		}
	}
	return len(seen)
}

// The same seed and colours are the same in all formats, as near as each can.
func TestSolidColour(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		p := Picture{Width: 16, Height: 16, Format: PNG, Content: Solid, Seed: seed}
		want := color.NRGBAModel.Convert(decode(t, PNG, encode(t, p)).At(3, 3)).(color.NRGBA)
		for _, format := range []string{WebP, JPEG} {
			p.Format = format
			got := color.NRGBAModel.Convert(decode(t, format, encode(t, p)).At(3, 3)).(color.NRGBA)
			most := map[string]int{WebP: 0, JPEG: 9}[format] // JPEG's chroma goes in steps of 9/8 at quality 75
			if apart(got.R, want.R) > most || apart(got.G, want.G) > most || apart(got.B, want.B) > most {
				t.Errorf("seed %d, %s: got %v, want %v", seed, format, got, want)
			}
		}
	}
}

func apart(a, b uint8) int { return max(int(a), int(b)) - min(int(a), int(b)) }

func TestPictureRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		p    Picture
		want string
	}{
		{Picture{Width: 0, Height: 5, Format: PNG}, "a picture of 0 × 5 pixels: both sides must be 1 to 16383"},
		{Picture{Width: 5, Height: 16384, Format: PNG}, "a picture of 5 × 16384 pixels"},
		{Picture{Width: 5, Height: 5, Format: "gif"}, `unknown format of images "gif": use png, jpeg or webp`},
		{Picture{Width: 5, Height: 5, Format: PNG, BytesPerPixel: math.NaN()}, "NaN bytes per pixel"},
		{Picture{Width: 5, Height: 5, Format: PNG, BytesPerPixel: 3.1}, "3.1 bytes per pixel"},
	} {
		if _, err := tt.p.Encode(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.p, err, tt.want)
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	for _, format := range []string{PNG, JPEG, WebP} {
		for _, side := range []int{512, 1024} {
			b.Run(fmt.Sprintf("%s-%d", format, side), func(b *testing.B) {
				p := Picture{Width: side, Height: side, Format: format}
				for b.Loop() {
					p.Seed++
					encode(b, p)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
