package media

import "encoding/binary"

// SoundReader tells how much sound is in the chunks of an answer. It allocates nothing for a chunk, and keeps only the
// head that it is reading. Make one with NewSoundReader. It may not be used concurrently.
type SoundReader struct {
	format         string
	rate, channels int
	width          int // bytes of all channels of a sample, of a format that holds samples as they are; else 0

	bytes   int64 // of sound
	samples int64 // of a format that is coded, at rate
	before  int64 // samples of the streams before this one, which follow each other in Ogg
	skip    int64 // samples at the start of an Ogg stream that are not played

	head       [64]byte // what is being read,
	have, want int      // of which so many bytes are there and wanted
	read       step     // what it is
	left       int64    // bytes that follow before the next head; all that come if below 0
	sounds     bool     // whether they are sound
	table      int      // bytes of an Ogg page's table that are still to come
	body       int64    // bytes of the page, and
	granule    int64    // how many samples there are up to its end, and
	prior      int64    // up to its start
	first      bool     // whether it is the first page of a stream
	block      int64    // samples of a frame of FLAC
	total      int64    // samples that the head of FLAC says there are
}

// step reads a head.
type step func(*SoundReader)

// NewSoundReader returns a reader of an answer. format is what was asked for or what the server says: pcm (16 bits,
// little-endian, without a head, for which rate and channels say how fast it plays), wav, mp3, flac, opus, ogg, aac;
// empty if the bytes are to tell. Bytes that are plainly of another format overrule it.
func NewSoundReader(format string, rate, channels int) *SoundReader {
	s := &SoundReader{format: format, rate: rate, channels: channels}
	s.expect(4, startOfSound)
	return s
}

// Add takes the next chunk, and returns how many bytes of sound it completes. Heads are no sound; of a format that is
// not known, all bytes are. Up to 40 bytes that belong to the chunk before can be among them.
func (s *SoundReader) Add(chunk []byte) (sound int) {
	before := s.bytes
	for len(chunk) > 0 {
		n := len(chunk)
		if s.left == 0 {
			n = copy(s.head[s.have:s.want], chunk)
			if s.have += n; s.have == s.want {
				s.read(s)
			}
		} else {
			if s.left > 0 {
				n = int(min(int64(n), s.left))
				s.left -= int64(n)
			}
			if s.sounds {
				s.bytes += int64(n)
			}
			if s.block > 0 && s.sounds {
				s.flacFrames(chunk[:n])
			}
		}
		chunk = chunk[n:]
	}
	return int(s.bytes - before)
}

// Format returns the format of the sound, empty while it is unknown.
func (s *SoundReader) Format() string { return s.format }

// Rate returns the samples a second, and 0 while unknown.
func (s *SoundReader) Rate() int { return s.rate }

// Channels returns the number of channels, and 0 while unknown.
func (s *SoundReader) Channels() int { return s.channels }

// Seconds returns how long the sound plays that was added, and 0 if the bytes do not tell. Of coded formats, a frame
// counts from its head on.
func (s *SoundReader) Seconds() float64 {
	samples := s.before + s.samples
	switch {
	case s.width > 0:
		samples = s.bytes / int64(s.width)
	case s.samples == 0 && s.bytes > 1<<16: // of FLAC, whose frames are not numbered from 0
		samples = s.total
	case s.sounds && s.left > 0 && s.body > 0: // within an Ogg page, in proportion
		samples -= int64(float64(s.samples-s.prior) * float64(s.left) / float64(s.body))
	}
	const most = 1 << 31 // seconds: what says more is damaged
	if s.rate <= 0 || samples < 0 || samples/int64(s.rate) >= most {
		return 0
	}
	return float64(samples) / float64(s.rate)
}

// expect makes the next n bytes a head, which read then reads. What is in head stays there if it is shorter.
func (s *SoundReader) expect(n int, read step) { s.want, s.read = n, read }

// pass makes the next n bytes sound, or not; all that come if n is below 0. After them comes a head of want bytes.
func (s *SoundReader) pass(n int64, sounds bool, want int, read step) {
	s.left, s.sounds, s.have = n, sounds, 0
	s.expect(want, read)
}

// rest makes all bytes that come sound.
func (s *SoundReader) rest() { s.pass(-1, true, 0, nil) }

// counted makes what is in head sound, too.
func (s *SoundReader) counted() { s.bytes += int64(s.have) }

// resync drops bytes of the head up to the next one that equals first.
func (s *SoundReader) resync(first byte) {
	n := 1
	for n < s.have && s.head[n] != first {
		n++
	}
	s.have = copy(s.head[:], s.head[n:s.have])
}

// startOfSound tells the format by the first four bytes.
func startOfSound(s *SoundReader) {
	asked := s.format
	switch string(s.head[:4]) {
	case "RIFF":
		s.become("wav", 12, riff)
		return
	case "fLaC":
		s.become("flac", 4, flacBlock)
		s.have = 0
		return
	case "OggS":
		s.become("ogg", oggHead, oggPage)
		return
	}
	switch {
	case string(s.head[:3]) == "ID3":
		s.become("mp3", 10, id3)
	case asked == "pcm":
		s.width = 2 * max(s.channels, 1)
		s.counted()
		s.rest()
	case s.head[0] == 0xff && s.head[1]&0xf6 == 0xf0:
		s.become("aac", adtsHead, adts)
	case s.head[0] == 0xff && s.head[1]&0xe0 == 0xe0:
		s.become("mp3", 4, mp3)
		mp3(s)
	default:
		s.rate, s.channels = 0, 0
		s.counted()
		s.rest()
	}
}

// become sets a format that says itself how fast it plays.
func (s *SoundReader) become(format string, want int, read step) {
	s.format, s.rate, s.channels = format, 0, 0
	s.expect(want, read)
}

// riff reads the head of a WAV file.
func riff(s *SoundReader) { s.pass(0, false, 8, wavChunk) }

// wavChunk reads the head of a part of a WAV file. A server that streams does not know how much sound will come, and
// writes a size of 0 or one that is never reached; or it sends one file after the other.
func wavChunk(s *SoundReader) {
	size := int64(binary.LittleEndian.Uint32(s.head[4:]))
	switch name := string(s.head[:4]); {
	case name == "RIFF":
		s.expect(12, riff)
	case name == "fmt " && size >= 16 && size <= int64(len(s.head)):
		s.have = 0
		s.expect(int(size), wavFormat)
	case name == "data" && size == 0:
		s.rest()
	case name == "data" && size%2 == 1:
		s.pass(size, true, 1, func(s *SoundReader) { s.pass(0, false, 8, wavChunk) })
	case name == "data":
		s.pass(size, true, 8, wavChunk)
	default:
		s.pass(size+size%2, false, 8, wavChunk)
	}
}

func wavFormat(s *SoundReader) {
	s.channels = int(binary.LittleEndian.Uint16(s.head[2:]))
	s.rate = int(binary.LittleEndian.Uint32(s.head[4:]))
	switch binary.LittleEndian.Uint16(s.head[:]) {
	case 1, 3, 6, 7, 0xfffe: // whole numbers, fractions, A-law, µ-law, and what says more of itself
		s.width = int(binary.LittleEndian.Uint16(s.head[12:]))
	}
	s.pass(0, false, 8, wavChunk)
}
