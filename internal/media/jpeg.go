package media

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// jpegFrame is what a file takes besides the pixels.
const jpegFrame = 625

// jpeg returns the file: baseline, the chroma at half the resolution. It draws the coefficients of the cosine transform
// rather than pixels to be transformed, as many as fill the size asked for. A decoder does with them what it does with
// those of a photograph, but making them takes a fifth of the time.
func (p Picture) jpeg() []byte {
	random := newRandom(p.Seed, ofPicture)
	w := &jpegWriter{random: random, width: p.Width, height: p.Height}
	quality, size := 75, 0
	if p.Content == Solid {
		w.colours = flat(colourOf(random, 0, 255).brighter(p.brighter))
	} else {
		w.colours = gradientOf(random, 64)
		size = max(p.size(jpegDensity)-jpegFrame, 0)
		quality, w.scale = jpegDetail(size, p.Width*p.Height)
	}
	w.data = make([]byte, 0, jpegFrame+size+size/8)
	w.head(quality)
	w.scan(8 * size)
	return append(w.data, 0xff, 0xd9)
}

// jpegDetail returns the quality and the scale of coefficients with which so many pixels can take size bytes. Where
// coefficients are large, their steps are small, so that the noise stays within black and white.
func jpegDetail(size, pixels int) (quality int, scale uint) {
	milli := int(int64(size) * 1000 / int64(pixels))
	for i, most := range [...]int{400, 500, 700, 900, 1200, 1500, 1900} {
		if milli < most {
			return [...]int{90, 95, 98, 100, 100, 100, 100}[i], uint(i)
		}
	}
	return 100, 7
}

type jpegWriter struct {
	data          []byte
	random        *rand.PCG
	width, height int
	colours       gradient
	steps         [2]int // of the DC coefficients of luma and chroma
	scale         uint   // coefficients have so many bits more than those of jpegNoise
	last          [3]int // DC coefficients of the block before

	acc     uint64
	n       uint // bits in acc
	written int  // bits in all

	drawn uint64 // what is left of a random number
	left  int    // pieces in drawn
}

// put appends the lowest n bits of v, at most 32; v has no others. A byte of ones is followed by one of zeros.
func (w *jpegWriter) put(v uint32, n uint) {
	w.acc = w.acc<<n | uint64(v)
	w.written += int(n)
	for w.n += n; w.n >= 8; {
		w.n -= 8
		b := byte(w.acc >> w.n)
		w.data = append(w.data, b)
		if b == 0xff {
			w.data = append(w.data, 0)
			w.written += 8
		}
	}
}

// segment appends a part of the head.
func (w *jpegWriter) segment(marker byte, parts ...string) {
	start := len(w.data)
	w.data = append(w.data, 0xff, marker, 0, 0)
	for _, part := range parts {
		w.data = append(w.data, part...)
	}
	binary.BigEndian.PutUint16(w.data[start+2:], uint16(len(w.data)-start-2))
}

func (w *jpegWriter) head(quality int) {
	w.data = append(w.data, 0xff, 0xd8)
	w.segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	scale := 200 - 2*quality // as libjpeg has it, from 50 on
	for i, table := range jpegQuants {
		for j := range table {
			table[j] = byte(min(max((int(table[j])*scale+50)/100, 1), 255))
		}
		w.steps[i] = int(table[0])
		w.segment(0xdb, string(byte(i)), string(table[:]))
	}
	size := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(w.height)), uint16(w.width))
	w.segment(0xc0, "\x08", string(size), "\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01")
	for _, spec := range jpegSpecs {
		w.segment(0xc4, string(spec.class), spec.counts, spec.symbols)
	}
	w.segment(0xda, "\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00")
}

// scan appends the pixels, in about so many bits: units of four blocks of luma and two of chroma.
func (w *jpegWriter) scan(size int) {
	const luma, chroma = 0, 1
	across, down := (w.width+15)/16, (w.height+15)/16
	for i := range across * down {
		x, y := i%across*16, i/across*16
		share := max(size-w.written, 0) / (across*down - i)
		end := w.written + share
		for block := range 4 {
			v := w.colour(x+block%2*8+4, y+block/2*8+4)[0]
			w.block(0, luma, v, w.written+(end-w.written)/(6-block))
		}
		c := w.colour(x+8, y+8)
		w.block(1, chroma, c[1], w.written+(end-w.written)/2)
		w.block(2, chroma, c[2], end)
	}
	if w.n > 0 {
		w.put(1<<(8-w.n)-1, 8-w.n)
	}
}

func (w *jpegWriter) colour(x, y int) colour {
	return w.colours.at(min(x, w.width-1), min(y, w.height-1), w.width, w.height).full()
}

// block appends a block around the value v, with coefficients up to about the bit number end.
func (w *jpegWriter) block(component, table, v, end int) {
	step := w.steps[table]
	dc := ((v-128)*8 + 1024*step + step/2) / step // above 0, so that it rounds rather than truncates
	dc -= 1024
	w.coefficient(&prefixCodes[2*table], 0, dc-w.last[component])
	w.last[component] = dc
	codes := &prefixCodes[2*table+1]
	end -= int(codes[0].n)
	run, k := byte(0), 1
	for ; k < 64 && w.written < end; k++ {
		value := w.draw()
		if value == 0 {
			run++
			continue
		}
		for ; run >= 16; run -= 16 {
			w.put(codes[0xf0].bits, codes[0xf0].n)
		}
		w.coefficient(codes, run<<4, value)
		run = 0
	}
	if run > 0 || k < 64 {
		w.put(codes[0].bits, codes[0].n)
	}
}

// coefficient appends the code of a value after a run of zeros, which is in the higher half of a symbol.
func (w *jpegWriter) coefficient(codes *[256]prefixCode, run byte, value int) {
	size := uint(bits.Len(uint(max(value, -value))))
	if value < 0 {
		value += 1<<size - 1
	}
	c := codes[run|byte(size)]
	w.put(c.bits<<size|uint32(value), c.n+size)
}

// draw returns a coefficient.
func (w *jpegWriter) draw() int {
	if w.left == 0 {
		w.drawn, w.left = w.random.Uint64(), 4
	}
	bits := w.drawn
	w.drawn >>= 16
	w.left--
	value := int(jpegNoise[bits&0xff])
	if w.scale > 0 {
		value = value<<w.scale + int(bits>>8&(1<<w.scale-1)) - 1<<(w.scale-1)
	}
	return value
}
