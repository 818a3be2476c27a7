package media

import "fmt"

// Picture is an image to make. Equal pictures have equal bytes.
type Picture struct {
	Width, Height int    // in pixels, 1 to MaxSide
	Format        string // PNG, JPEG or WebP
	Content       Content
	// BytesPerPixel is the size of the file for each pixel, of Noise, at most 3; 0 is what photographs have in the
	// format. A file cannot be larger than the format allows, nor smaller than the colours without noise take. It is
	// within a tenth from 256 × 256 pixels on: of JPEG from 0.05 on, of WebP from 0.2 and of PNG from 0.4.
	BytesPerPixel float64
	Seed          uint64

	brighter int // of a frame of a solid clip: how much lighter it is than the colour of the seed
}

// What photographs take, in bytes for each pixel.
const (
	// The 24 photographs of Kodak's Lossless True Color Image Suite take 1.6 on average.
	// https://r0k.us/graphics/kodak
	pngDensity = 1.6
	// On the web the median JPEG takes 2 bits, and half of them take 1.2 to 3.8.
	// https://discuss.httparchive.org/t/what-compression-ratio-ranges-are-used-for-lossy-formats/2464
	jpegDensity = 0.25
	// Lossless WebP takes a quarter less than PNG.
	// https://developers.google.com/speed/webp/docs/webp_lossless_alpha_study
	webpDensity = 1.2
)

// Encode returns the file.
func (p Picture) Encode() ([]byte, error) {
	if err := checkSize(p.Width, p.Height); err != nil {
		return nil, err
	}
	if err := checkDensity(p.BytesPerPixel); err != nil {
		return nil, err
	}
	switch p.Format {
	case PNG:
		return p.png()
	case JPEG:
		return p.jpeg(), nil
	case WebP:
		return p.webp(), nil
	}
	return nil, fmt.Errorf("unknown format of images %q: use png, jpeg or webp", p.Format)
}

// size returns how many bytes the file should have.
func (p Picture) size(density float64) int {
	if p.BytesPerPixel > 0 {
		density = p.BytesPerPixel
	}
	return int(density * float64(p.Width) * float64(p.Height))
}
