package media

import "errors"

// Picture is an image to make. Equal pictures have equal bytes.
type Picture struct {
	Width, Height int    // in pixels, 1 to MaxSide
	Format        string // PNG, JPEG or WebP
	Content       Content
	// BytesPerPixel is the size of the file for each pixel, of Noise; 0 is what photographs have in the format. A file
	// cannot be larger than the format allows, nor smaller than the colours without noise take.
	BytesPerPixel float64
	Seed          uint64
}

// Encode returns the file.
func (p Picture) Encode() ([]byte, error) {
	if err := checkSize(p.Width, p.Height); err != nil {
		return nil, err
	}
	return nil, errors.New("not made yet")
}
