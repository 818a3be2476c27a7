package media

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// Sound is a sound to make: a WAV file of 16 bits and one channel. Equal sounds have equal bytes.
type Sound struct {
	Seconds float64 // above 0, at most an hour; the file has at least one sample
	Rate    int     // samples a second, 8,000 to 48,000; 0 is 16,000
	Content Content // Noise is like speech: tones of a voice in syllables, and breath; it is never silent for long
	Seed    uint64
}

// wavHead is the size of the head of a WAV file that has nothing but sound.
const wavHead = 44

// Encode returns the file.
func (s Sound) Encode() ([]byte, error) {
	rate := s.Rate
	if rate == 0 {
		rate = 16000
	}
	if !(s.Seconds > 0 && s.Seconds <= 3600) {
		return nil, fmt.Errorf("a sound of %v s: must be above 0, and at most 3600", s.Seconds)
	}
	if rate < 8000 || rate > 48000 {
		return nil, fmt.Errorf("a sound of %d samples a second: must be 8000 to 48000", rate)
	}
	samples := max(1, int(math.RoundToEven(float64(rate)*s.Seconds)))
	file := make([]byte, wavHead, wavHead+2*samples)
	writeWAVHead(file, rate, 2*samples)
	if s.Content == Solid {
		return file[:cap(file)], nil // of zeros
	}
	return speak(file, newRandom(s.Seed, ofSound), rate, samples), nil
}

// writeWAVHead fills the head of a file with so many bytes of sound.
func writeWAVHead(head []byte, rate, size int) {
	const pcm, channels, width = 1, 1, 2
	le := binary.LittleEndian
	copy(head, "RIFF....WAVEfmt ")
	le.PutUint32(head[4:], uint32(wavHead-8+size))
	le.PutUint32(head[16:], 16)
	le.PutUint16(head[20:], pcm)
	le.PutUint16(head[22:], channels)
	le.PutUint32(head[24:], uint32(rate))
	le.PutUint32(head[28:], uint32(rate*channels*width))
	le.PutUint16(head[32:], channels*width)
	le.PutUint16(head[34:], 8*width)
	copy(head[36:], "data")
	le.PutUint32(head[40:], uint32(size))
}

// speak appends samples in syllables. It computes in whole numbers, which are the same on all machines.
func speak(dst []byte, random *rand.PCG, rate, samples int) []byte {
	for samples > 0 {
		n := min(rate*(100+int(random.Uint64()%200))/1000, samples)
		dst = syllable(dst, random, rate, n)
		samples -= n
	}
	return dst
}

// syllable appends n samples that swell and fade: three tones of a voice, whose pitch is that of people, and breath.
func syllable(dst []byte, random *rand.PCG, rate, n int) []byte {
	shape := random.Uint64()
	pitch := 90 + shape%160 // Hz
	var phases, steps [3]uint32
	for i, harmonic := range [3]uint64{1, 2 + shape>>16%3, 5 + shape>>24%8} {
		steps[i] = uint32(pitch * harmonic << 32 / uint64(rate))
	}
	breath := 256 + int(shape>>32%4096) // of 1<<16
	var bits uint64
	for i := range n {
		if bits >>= 16; i&3 == 0 {
			bits = random.Uint64()
		}
		tone := 4*wave(phases[0]) + 2*wave(phases[1]) + wave(phases[2])
		for j := range phases {
			phases[j] += steps[j]
		}
		swell := 4 * i * (n - i) / n * 256 / n // 0 to 256
		v := tone*swell>>12 + int(int16(bits))*breath>>16
		dst = append(dst, byte(v), byte(v>>8))
	}
	return dst
}

// wave returns a wave like a sine, made of two parabolas, from -32768 to 32767.
func wave(phase uint32) int {
	x := int(int16(phase >> 16))
	return min(x*(32768-max(x, -x))>>13, 32767)
}
