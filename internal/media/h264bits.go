package media

import "math/bits"

// highFirst collects bits, the first of them highest in its byte.
type highFirst struct {
	data []byte
	acc  uint64
	n    uint // bits in acc, less than 8
}

func (b *highFirst) reset() { b.data, b.acc, b.n = b.data[:0], 0, 0 }

// length returns the number of bits.
func (b *highFirst) length() int { return 8*len(b.data) + int(b.n) }

// put appends the lowest n bits of v, at most 32; v has no others.
func (b *highFirst) put(v uint32, n uint) {
	b.acc = b.acc<<n | uint64(v)
	for b.n += n; b.n >= 8; {
		b.n -= 8
		b.data = append(b.data, byte(b.acc>>b.n))
	}
}

// unsigned appends v as an Exp-Golomb code: as many zeros as v+1 has bits after the first, and v+1.
func (b *highFirst) unsigned(v uint32) {
	n := uint(bits.Len32(v + 1))
	b.put(0, n-1)
	b.put(v+1, n)
}

func (b *highFirst) signed(v int) {
	if v > 0 {
		b.unsigned(uint32(2*v - 1))
	} else {
		b.unsigned(uint32(-2 * v))
	}
}

// align appends zeros up to a whole byte.
func (b *highFirst) align() {
	if b.n > 0 {
		b.put(0, 8-b.n)
	}
}

// trail ends a unit: a one, and zeros up to a whole byte.
func (b *highFirst) trail() {
	b.put(1, 1)
	b.align()
}

// tokens is how a block begins that has no coefficient, so many that are all 1 or -1, or only one that is larger.
type tokens struct{ none, one, two, three, larger prefixCode }

// Table 9-5 of H.264, by the number of coefficients in the blocks nearby, and that of the first ones of chroma.
var (
	nearTokens = [4]tokens{
		{none: prefixCode{0b1, 1}, one: prefixCode{0b01, 2}, two: prefixCode{0b001, 3}, three: prefixCode{0b00011, 5},
			larger: prefixCode{0b000101, 6}},
		{none: prefixCode{0b11, 2}, one: prefixCode{0b10, 2}, two: prefixCode{0b011, 3}, three: prefixCode{0b0101, 4},
			larger: prefixCode{0b001011, 6}},
		{none: prefixCode{0b1111, 4}, one: prefixCode{0b1110, 4}, two: prefixCode{0b1101, 4},
			three: prefixCode{0b1100, 4}, larger: prefixCode{0b001111, 6}},
		{none: prefixCode{0b000011, 6}, one: prefixCode{0b000001, 6}, two: prefixCode{0b000110, 6},
			three: prefixCode{0b001011, 6}, larger: prefixCode{0b000000, 6}},
	}
	chromaDC = tokens{none: prefixCode{0b01, 2}, one: prefixCode{0b1, 1}, larger: prefixCode{0b000111, 6}}
)

// tokensNear returns the codes near blocks of so many coefficients.
func tokensNear(count int) *tokens {
	switch {
	case count < 2:
		return &nearTokens[0]
	case count < 4:
		return &nearTokens[1]
	case count < 8:
		return &nearTokens[2]
	}
	return &nearTokens[3]
}

// token appends the beginning of a block of n coefficients, 1 to 3, each 1 or -1.
func (b *highFirst) token(t *tokens, n int) {
	c := [...]prefixCode{t.one, t.two, t.three}[n-1]
	b.put(c.bits, c.n)
}

// coefficient appends a block whose first coefficient is v, and the others 0. v is at most 255 from 0.
func (b *highFirst) coefficient(v int, code *tokens) {
	switch v {
	case 0:
		b.put(code.none.bits, code.none.n)
		return
	case 1, -1:
		b.put(code.one.bits, code.one.n)
		b.put(uint32(1-v)/2, 1) // its sign
	default:
		b.put(code.larger.bits, code.larger.n)
		b.level(v)
	}
	b.put(1, 1) // no zeros before it
}

// level appends the only coefficient of a block, which is not 1 or -1 (9.2.2.1).
func (b *highFirst) level(v int) {
	n := uint32(2*max(v, -v) - 4)
	if v < 0 {
		n++
	}
	switch {
	case n < 14:
		b.put(1, uint(n)+1)
	case n < 30:
		b.put(1, 15)
		b.put(n-14, 4)
	default:
		b.put(1, 16)
		b.put(n-30, 12)
	}
}

// appendNAL appends the length of a unit and the unit. Where two zeros and a byte of at most 3 would look like a mark
// between units, a 3 goes before that byte.
func appendNAL(dst, unit []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	zeros := 0
	for _, c := range unit {
		if zeros >= 2 && c <= 3 {
			dst = append(dst, 3)
			zeros = 0
		}
		dst = append(dst, c)
		if zeros++; c != 0 {
			zeros = 0
		}
	}
	n := len(dst) - start - 4
	dst[start], dst[start+1], dst[start+2], dst[start+3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return dst
}

// h264Level is the least of what a decoder must be able to do.
type h264Level struct{ number, perSecond, frame int } // macroblocks

// Table A-1, from the level on that all decoders have.
var h264Levels = [...]h264Level{{30, 40500, 1620}, {31, 108000, 3600}, {32, 216000, 5120}, {40, 245760, 8192},
	{42, 522240, 8704}, {50, 589824, 22080}, {51, 983040, 36864}, {52, 2073600, 36864}, {60, 4177920, 139264},
	{61, 8355840, 139264}, {62, 16711680, 139264}}

// level returns the number of the lowest level that has frames so large and so many a second.
func (h *h264) level() byte {
	size, side := h.across*h.down, max(h.across, h.down)
	for _, l := range h264Levels {
		if size <= l.frame && size*h.fps <= l.perSecond && side*side <= 8*l.frame {
			return byte(l.number)
		}
	}
	return byte(h264Levels[len(h264Levels)-1].number)
}

// constraints says that the stream keeps to what Baseline and Main have in common.
const (
	baseline    = 66
	constraints = 0xc0
)

// sequence returns the parameters of the stream.
func (h *h264) sequence() []byte {
	var b highFirst
	b.put(0x67, 8)
	b.put(baseline, 8)
	b.put(constraints, 8)
	b.put(uint32(h.level()), 8)
	b.unsigned(0) // number of these parameters
	b.unsigned(0) // numbers of frames have 4 bits
	b.unsigned(2) // frames are shown in the order in which they come
	b.unsigned(1) // frames to refer to
	b.put(0, 1)   // no gaps in their numbers
	b.unsigned(uint32(h.across - 1))
	b.unsigned(uint32(h.down - 1))
	b.put(0b11, 2) // frames, not fields
	b.crop(16*h.across-h.width, 16*h.down-h.height)
	b.usage(h.fps)
	b.trail()
	return b.data
}

// crop says how many pixels at the right and at the bottom do not belong to the picture.
func (b *highFirst) crop(right, bottom int) {
	if right == 0 && bottom == 0 {
		b.put(0, 1)
		return
	}
	b.put(1, 1)
	for _, n := range [...]int{0, right / 2, 0, bottom / 2} {
		b.unsigned(uint32(n))
	}
}

// usage says how the video is to be shown.
func (b *highFirst) usage(fps int) {
	b.put(1, 1)             // it is said
	b.put(0b00, 2)          // nothing of the shape of pixels, and of edges to cut
	b.put(1, 1)             // the colours:
	b.put(5<<1, 3+1)        // no system, from 16 to 235
	b.put(1, 1)             // they are
	b.put(6<<16|6<<8|6, 24) // those of BT.601
	b.put(0, 1)             // nothing of where chroma is
	b.put(1, 1)             // the time:
	b.put(1, 32)            // one unit is half a frame
	b.put(uint32(2*fps), 32)
	b.put(1, 1)                                         // always
	b.put(0b000, 3)                                     // nothing of buffers and of fields
	b.put(1, 1)                                         // what is not used:
	b.put(1, 1)                                         // vectors may point out of the picture
	for _, n := range [...]uint32{0, 0, 10, 10, 0, 1} { // sizes, vectors, frames out of order, frames kept
		b.unsigned(n)
	}
}

// picture returns the parameters of pictures.
func picture() []byte {
	var b highFirst
	b.put(0x68, 8)
	b.unsigned(0)  // number of these parameters
	b.unsigned(0)  // number of those of the stream
	b.put(0b00, 2) // CAVLC, no fields
	b.unsigned(0)  // one group of slices
	b.unsigned(0)  // one frame to refer to
	b.unsigned(0)
	b.put(0b000, 3)          // no weights
	b.signed(quantizer - 26) // for which a coefficient of luma is one step of brightness,
	b.signed(0)
	b.signed(-6)    // and one of chroma one step, too
	b.put(0b100, 3) // slices say whether they are filtered
	b.trail()
	return b.data
}
