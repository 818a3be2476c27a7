package media

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// ReadImage returns what the head of an image says: its format (png, jpeg, webp or gif) and its size in pixels. It does
// not decode the pixels.
func ReadImage(data []byte) (format string, width, height int, err error) {
	var read func(io.Reader) (image.Config, error)
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG")):
		format, read = PNG, png.DecodeConfig
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		format, read = JPEG, jpeg.DecodeConfig
	case bytes.HasPrefix(data, []byte("GIF8")):
		format, read = "gif", gif.DecodeConfig
	case bytes.HasPrefix(data, []byte("RIFF")) && len(data) >= 12 && string(data[8:12]) == "WEBP":
		format, read = WebP, webp.DecodeConfig
	default:
		return "", 0, 0, fmt.Errorf("not a PNG, JPEG, WebP or GIF image: it begins with % x", data[:min(len(data), 8)])
	}
	c, err := read(bytes.NewReader(data))
	if err != nil {
		return "", 0, 0, fmt.Errorf("the head of an image in %s: %w", format, err)
	}
	return format, c.Width, c.Height, nil
}
