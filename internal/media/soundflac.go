package media

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// flacBlock reads the head of a block of what FLAC says before the sound.
func flacBlock(s *SoundReader) {
	const streamInfo, streamInfoSize = 0, 34
	last, kind := s.head[0]&0x80 != 0, s.head[0]&0x7f
	size := int(s.head[1])<<16 | int(s.head[2])<<8 | int(s.head[3])
	s.first = last // whether the sound comes next
	if kind == streamInfo && size == streamInfoSize {
		s.have = 0
		s.expect(size, flacInfo)
		return
	}
	s.flacNext(int64(size))
}

func flacInfo(s *SoundReader) {
	bits := binary.BigEndian.Uint64(s.head[10:])
	s.rate, s.channels, s.total = int(bits>>44), int(bits>>41&7)+1, int64(bits&(1<<36-1))
	s.block = max(int64(binary.BigEndian.Uint16(s.head[:])), 1)
	s.flacNext(0)
}

// flacNext passes over so many bytes to the next block, or to the sound.
func (s *SoundReader) flacNext(size int64) {
	if !s.first {
		s.pass(size, false, 4, flacBlock)
		return
	}
	s.pass(size, false, 1, flacSound)
}

// flacSound is at the first byte of the sound.
func flacSound(s *SoundReader) {
	s.counted()
	first := s.head[0]
	s.rest()
	s.flacFrames([]byte{first})
}

// flacFrames looks for heads of frames in the sound. What may be the beginning of one is kept in head.
func (s *SoundReader) flacFrames(data []byte) {
	for {
		if s.have == 0 {
			at := bytes.IndexByte(data, 0xff)
			if at < 0 {
				return
			}
			s.head[0], s.have, data = 0xff, 1, data[at+1:]
		}
		f, size := parseFLAC(s.head[:s.have])
		switch {
		case size > s.have:
			if len(data) == 0 {
				return
			}
			n := copy(s.head[s.have:size], data)
			s.have += n
			data = data[n:]
		case size > 0 && f.start(s.block) == s.samples:
			s.samples += f.samples
			s.have = 0
		default:
			s.resync(0xff)
		}
	}
}

// flacFrame is what the head of a frame says.
type flacFrame struct {
	number  int64 // of the frame, or of its first sample if
	varying bool  // frames have different sizes
	samples int64
}

// start returns the number of the frame's first sample, where frames have so many.
func (f flacFrame) start(block int64) int64 {
	if f.varying {
		return f.number
	}
	return f.number * block
}

// parseFLAC reads the head of a frame as far as it is there. size is how long it is, or at least is, and 0 if it is
// none.
func parseFLAC(h []byte) (f flacFrame, size int) {
	if len(h) > 1 && h[1]&0xfe != 0xf8 {
		return f, 0
	}
	if len(h) < 5 {
		return f, 5
	}
	block, rate := h[2]>>4, h[2]&15
	digits := bits.LeadingZeros8(^h[4]) // bytes of the number, as in UTF-8
	if block == 0 || rate == 15 || h[3]>>4 > 10 || h[3]&1 != 0 || digits == 1 || digits == 8 {
		return f, 0
	}
	digits = max(digits, 1)
	size = 4 + digits + extraBytes(block, 6, 7) + extraBytes(rate, 12, 13) + 1
	if rate == 14 {
		size += 2
	}
	if len(h) < size {
		return f, size
	}
	if checksum(h[:size]) != 0 {
		return f, 0
	}
	f.varying = h[1]&1 != 0
	f.number = int64(h[4]) & (0xff >> (digits + 1))
	if digits == 1 {
		f.number = int64(h[4])
	}
	for _, b := range h[5 : 4+digits] {
		f.number = f.number<<6 | int64(b&0x3f)
	}
	f.samples = flacSamples(block, h[4+digits:])
	return f, size
}

// extraBytes returns how many bytes a code says will follow: one, two or none.
func extraBytes(code, one, two byte) int {
	switch code {
	case one:
		return 1
	case two:
		return 2
	}
	return 0
}

// flacSamples returns the samples of a frame by their code, and by the bytes after the number.
func flacSamples(code byte, extra []byte) int64 {
	switch {
	case code == 1:
		return 192
	case code == 6:
		return int64(extra[0]) + 1
	case code == 7:
		return int64(binary.BigEndian.Uint16(extra)) + 1
	case code < 6:
		return 576 << (code - 2)
	}
	return 256 << (code - 8)
}

// checksum returns the remainder of bytes by x⁸+x²+x+1. It is 0 if the last one is the checksum of the others.
func checksum(data []byte) (sum byte) {
	for _, b := range data {
		sum ^= b
		for range 8 {
			high := sum & 0x80
			if sum <<= 1; high != 0 {
				sum ^= 7
			}
		}
	}
	return sum
}
