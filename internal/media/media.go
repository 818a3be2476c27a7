// Package media makes pictures, videos and sounds to send to a model, reads the size of those that a model sends back,
// and tells how many tokens a model makes of them. What it makes depends on its options alone, and is the same on all
// machines. It knows files and bytes, no requests.
package media

import "fmt"

// Content is what a picture shows, or what a sound is of.
type Content int

const (
	// Noise is smooth colours with so much noise upon them that the file has the wished size, and speech-like sound.
	// A decoder has as much to do as with a photograph.
	Noise Content = iota
	// Solid is one colour, and silence, as inference-perf makes them. Such files are small, and decode in no time.
	Solid
)

// MaxSide is the greatest width and height that is made, in pixels: that of a WebP file.
const MaxSide = 16383

// Formats of images.
const (
	PNG  = "png"
	JPEG = "jpeg"
	WebP = "webp"
)

// checkSize refuses what no picture can be.
func checkSize(width, height int) error {
	if width < 1 || height < 1 || width > MaxSide || height > MaxSide {
		return fmt.Errorf("a picture of %d × %d pixels: both sides must be 1 to %d", width, height, MaxSide)
	}
	return nil
}

// checkDensity refuses what no number of bytes for each pixel can be.
func checkDensity(bytesPerPixel float64) error {
	if !(bytesPerPixel >= 0 && bytesPerPixel <= maxDensity) {
		return fmt.Errorf("%v bytes per pixel: must be 0 (the default) to %d", bytesPerPixel, maxDensity)
	}
	return nil
}

// maxDensity is what pixels of 8 bits and three colours take at most.
const maxDensity = 3
