package media

import "errors"

// Clip is a video to make: H.264 in MP4, or the images of its frames. Equal clips have equal bytes.
type Clip struct {
	// Width and Height are in pixels. An MP4 file has even sides of at least 2: odd ones are rounded down.
	Width, Height int
	Frames        int // 1 or more
	FPS           int // frames a second; 0 is 10
	Content       Content
	// BytesPerPixel is the size of the files for each pixel of each frame, of Noise; 0 is what videos, or photographs,
	// have.
	BytesPerPixel float64
	Seed          uint64
}

// Encode returns an MP4 file.
func (c Clip) Encode() ([]byte, error) {
	if err := checkSize(c.Width, c.Height); err != nil {
		return nil, err
	}
	return nil, errors.New("not made yet")
}

// Images returns a file for each frame, in the format PNG, JPEG or WebP.
func (c Clip) Images(format string) ([][]byte, error) {
	return nil, errors.New("not made yet")
}

// Seconds returns how long the clip plays.
func (c Clip) Seconds() float64 { return float64(c.Frames) / float64(c.fps()) }

func (c Clip) fps() int {
	if c.FPS > 0 {
		return c.FPS
	}
	return 10
}
