package media

import "errors"

// Sound is a sound to make: a WAV file of 16 bits and one channel. Equal sounds have equal bytes.
type Sound struct {
	Seconds float64 // above 0; the file has at least one sample
	Rate    int     // samples a second; 0 is 16,000
	Content Content
	Seed    uint64
}

// Encode returns the file.
func (s Sound) Encode() ([]byte, error) { return nil, errors.New("not made yet") }
