package media

import (
	"fmt"
	"math/rand/v2"
)

// Clip is a video to make: H.264 in MP4, or the images of its frames. Equal clips have equal bytes.
type Clip struct {
	// Width and Height are in pixels. An MP4 file has even sides of at least 2: odd ones are rounded down (Even).
	Width, Height int
	Frames        int // 1 to MaxFrames
	FPS           int // frames a second, at most 240; 0 is 10
	Content       Content
	// BytesPerPixel is the size of the files for each pixel of each frame, of Noise, at most 3 for images and 1.5 for
	// MP4; 0 is what videos, or photographs, have.
	BytesPerPixel float64
	Seed          uint64
}

// MaxFrames is the greatest number of frames of a clip.
const MaxFrames = 1 << 16

// maxPixels is how many a clip has in all frames. Its file then is smaller than MP4 allows.
const maxPixels int64 = 1 << 31

// Videos of 1080 lines for YouTube should have 8 Mbit/s at 24 to 30 frames a second, and of 720 lines 5 Mbit/s
// (https://support.google.com/youtube/answer/1722171), which is 0.016 to 0.028 bytes for a pixel.
const mp4Density = 0.02

// Even returns the sides that an MP4 file has for those asked for.
func Even(width, height int) (int, int) { return max(width&^1, 2), max(height&^1, 2) }

// Seconds returns how long the clip plays.
func (c Clip) Seconds() float64 { return float64(c.Frames) / float64(c.fps()) }

func (c Clip) fps() int {
	if c.FPS == 0 {
		return 10
	}
	return c.FPS
}

func (c Clip) check() error {
	if err := checkSize(c.Width, c.Height); err != nil {
		return err
	}
	if c.Frames < 1 || c.Frames > MaxFrames {
		return fmt.Errorf("a video of %d frames: must be 1 to %d", c.Frames, MaxFrames)
	}
	if pixels := int64(c.Width) * int64(c.Height) * int64(c.Frames); pixels > maxPixels {
		return fmt.Errorf("a video of %d frames of %d × %d pixels: must have at most %d pixels in all",
			c.Frames, c.Width, c.Height, maxPixels)
	}
	if c.FPS < 0 || c.FPS > 240 {
		return fmt.Errorf("a video of %d frames a second: must be 1 to 240, or 0 for 10", c.FPS)
	}
	return checkDensity(c.BytesPerPixel)
}

// brightness returns how much lighter frame i of a solid clip is than its colour, as inference-perf has it.
func brightness(i int) int { return 7 * i % 32 }

// Images returns a file for each frame, in the format PNG, JPEG or WebP.
func (c Clip) Images(format string) ([][]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	files := make([][]byte, c.Frames)
	seeds := newRandom(c.Seed, ofFrame)
	for i := range files {
		p := Picture{Width: c.Width, Height: c.Height, Format: format, Content: c.Content,
			BytesPerPixel: c.BytesPerPixel, Seed: c.Seed}
		if c.Content == Solid {
			p.brighter = brightness(i)
		} else {
			p.Seed = seeds.Uint64()
		}
		var err error
		if files[i], err = p.Encode(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Encode returns an MP4 file.
func (c Clip) Encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.BytesPerPixel > pcmSize/256. {
		return nil, fmt.Errorf("%v bytes per pixel of an MP4 file: must be at most %v", c.BytesPerPixel, pcmSize/256.)
	}
	c.Width, c.Height = Even(c.Width, c.Height)
	h := newH264(c)
	if h.across*h.down > maxMacroblocks {
		return nil, fmt.Errorf("a video of %d × %d pixels: H.264 has at most %d squares of 16 × 16",
			c.Width, c.Height, maxMacroblocks)
	}
	size := 0
	if c.Content != Solid {
		density := c.BytesPerPixel
		if density == 0 {
			density = mp4Density
		}
		size = int(density*float64(c.Width)*float64(c.Height)*float64(c.Frames)) - mp4Frame - (4+sampleHead)*c.Frames
	}
	samples, sizes := h.encode(max(size, 0))
	return c.mp4(h, samples, sizes), nil
}

// scene is what the frames of a clip show.
type scene struct {
	from, to gradient
	frames   int
	solid    bool
}

func (c Clip) scene(random *rand.PCG) scene {
	if c.Content == Solid {
		colour := colourOf(newRandom(c.Seed, ofPicture), 0, 255) // that of an image of the same seed
		return scene{from: flat(colour), frames: c.Frames, solid: true}
	}
	return scene{from: gradientOf(random, 64), to: gradientOf(random, 64), frames: c.Frames}
}

// frame returns the colours of frame i.
func (s *scene) frame(i int) (g gradient) {
	for corner := range g {
		if s.solid {
			g[corner] = s.from[corner].brighter(brightness(i))
			continue
		}
		for j, from := range s.from[corner] {
			g[corner][j] = from + (s.to[corner][j]-from)*i/s.frames
		}
	}
	return g
}
