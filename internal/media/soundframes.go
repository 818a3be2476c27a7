package media

import "encoding/binary"

// id3 reads the head of a tag before the sound of an MP3 file, whose size has 7 bits in each byte.
func id3(s *SoundReader) {
	size := int64(0)
	for _, b := range s.head[6:10] {
		size = size<<7 | int64(b&0x7f)
	}
	if s.head[5]&0x10 != 0 { // a foot, too
		size += 10
	}
	s.pass(size, false, 4, mp3)
}

// mp3Frame is what the head of a frame of MP3 says.
type mp3Frame struct{ size, samples, rate, channels int }

// Kilobits a second of layer III, of MPEG-1 and of the lower rates, and the samples a second of MPEG-1.
var (
	mp3High  = [15]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	mp3Low   = [15]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
	mp3Rates = [3]int{44100, 48000, 32000}
)

// parseMP3 reads the head of a frame, and returns false if it is none.
func parseMP3(head []byte) (f mp3Frame, ok bool) {
	version, layer := head[1]>>3&3, head[1]>>1&3
	bitrate, rate := head[2]>>4, head[2]>>2&3
	const reserved, layerIII, mpeg1, mpeg25 = 1, 1, 3, 0
	if head[0] != 0xff || head[1]&0xe0 != 0xe0 || version == reserved || layer != layerIII ||
		bitrate == 0 || bitrate == 15 || rate == 3 {
		return f, false
	}
	f = mp3Frame{rate: mp3Rates[rate], samples: 1152, channels: 2}
	kilobits := mp3High[bitrate]
	if version != mpeg1 {
		f.rate, f.samples, kilobits = f.rate/2, 576, mp3Low[bitrate]
	}
	if version == mpeg25 {
		f.rate /= 2
	}
	if head[3]>>6 == 3 {
		f.channels = 1
	}
	f.size = f.samples/8*1000*kilobits/f.rate + int(head[2]>>1&1)
	return f, true
}

// mp3 reads the head of a frame. The first frame can be one that says how long the file is, and is not played.
func mp3(s *SoundReader) {
	f, ok := parseMP3(s.head[:4])
	switch {
	case ok && s.samples == 0 && !s.first:
		s.first = true
		s.expect(min(40, f.size), mp3First)
	case ok:
		s.mp3Sound(f)
	case string(s.head[:3]) == "TAG":
		s.pass(128-4, false, 4, mp3)
	default:
		s.resync(0xff)
	}
}

func mp3First(s *SoundReader) {
	f, _ := parseMP3(s.head[:4])
	for _, at := range [...]int{13, 21, 36} { // by version and channels
		if at+4 > s.have {
			break
		}
		switch string(s.head[at : at+4]) {
		case "Xing", "Info", "VBRI":
			s.pass(int64(f.size-s.have), false, 4, mp3)
			return
		}
	}
	s.mp3Sound(f)
}

// mp3Sound counts a frame of which head has the beginning.
func (s *SoundReader) mp3Sound(f mp3Frame) {
	s.rate, s.channels = f.rate, f.channels
	s.samples += int64(f.samples)
	s.counted()
	s.pass(int64(f.size-s.have), true, 4, mp3)
}

const adtsHead = 7

var adtsRates = [13]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// adts reads the head of a frame of AAC.
func adts(s *SoundReader) {
	h := &s.head
	size := int64(h[3]&3)<<11 | int64(h[4])<<3 | int64(h[5]>>5)
	rate := int(h[2] >> 2 & 15)
	if h[0] != 0xff || h[1]&0xf6 != 0xf0 || size < adtsHead || rate >= len(adtsRates) {
		s.resync(0xff)
		return
	}
	s.rate, s.channels = adtsRates[rate], int(h[2]&1)<<2|int(h[3]>>6)
	s.samples += 1024 * int64(h[6]&3+1)
	s.counted()
	s.pass(size-adtsHead, true, adtsHead, adts)
}

const oggHead = 27

// oggPage reads the head of a page.
func oggPage(s *SoundReader) {
	if string(s.head[:4]) != "OggS" {
		s.resync('O')
		return
	}
	s.first = s.head[5]&2 != 0
	s.granule = int64(binary.LittleEndian.Uint64(s.head[6:]))
	s.table, s.body = int(s.head[26]), 0
	if s.table == 0 {
		s.oggBody()
		return
	}
	s.have = 0
	s.expect(min(s.table, len(s.head)), oggTable)
}

// oggTable reads a piece of the sizes of a page's segments.
func oggTable(s *SoundReader) {
	for _, size := range s.head[:s.have] {
		s.body += int64(size)
	}
	s.table -= s.have
	s.have = 0
	if s.table > 0 {
		s.expect(min(s.table, len(s.head)), oggTable)
		return
	}
	s.oggBody()
}

// oggBody is at the body of a page. Those that end at sample 0 hold what is said of the stream.
func (s *SoundReader) oggBody() {
	switch {
	case s.first && s.body >= 16:
		s.have = 0
		s.expect(16, oggStream)
	case s.first || s.granule == 0:
		s.pass(s.body, false, oggHead, oggPage)
	default:
		if s.prior = s.samples; s.granule > 0 { // it is -1 where no packet ends
			s.samples = max(s.samples, s.granule-s.skip)
		}
		s.pass(s.body, true, oggHead, oggPage)
	}
}

// oggStream reads what the first page says of the stream.
func oggStream(s *SoundReader) {
	s.before, s.samples, s.skip = s.before+s.samples, 0, 0
	switch h := s.head[:]; {
	case string(h[:8]) == "OpusHead":
		s.format, s.rate, s.channels = "opus", 48000, int(h[9])
		s.skip = int64(binary.LittleEndian.Uint16(h[10:]))
	case string(h[:7]) == "\x01vorbis":
		s.rate, s.channels = int(binary.LittleEndian.Uint32(h[12:])), int(h[11])
	}
	s.pass(s.body-16, false, oggHead, oggPage)
}
