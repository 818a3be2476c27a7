package media

import "errors"

// ReadImage returns what the head of an image says: its format (png, jpeg, webp or gif) and its size in pixels. It does
// not decode the pixels.
func ReadImage(data []byte) (format string, width, height int, err error) {
	return "", 0, 0, errors.New("not an image of a known format")
}

// ReadVideo returns the size, the number of frames and the duration of the first video track of an MP4 file. Frames and
// seconds are 0 where the file does not tell, as in some that are made for streaming.
func ReadVideo(data []byte) (width, height, frames int, seconds float64, err error) {
	return 0, 0, 0, 0, errors.New("not an MP4 file")
}
