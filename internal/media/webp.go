package media

import (
	"encoding/binary"
	"math/bits"
)

// webp returns the file, in the lossless kind of WebP
// (https://developers.google.com/speed/webp/docs/webp_lossless_bitstream_specification). Each pixel is predicted by
// that above, and the difference written in Huffman codes, one for each colour. A library that tries more takes forty
// times as long, and cannot make noise smaller.
func (p Picture) webp() []byte {
	size := p.size(webpDensity)
	w := &webpWriter{rows: p.newRows(webpSizes, max(size-webpFrame, 0))}
	w.data = make([]byte, 20, webpFrame+size+size/8)
	copy(w.data, "RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00")
	w.head(p.Width, p.Height)
	differences := w.differences()
	w.pixels(differences)
	file := w.close()
	binary.LittleEndian.PutUint32(file[16:], uint32(len(file)-20))
	if len(file)%2 == 1 {
		file = append(file, 0)
	}
	binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
	return file
}

// webpFrame is about what the headers and the codes take besides the pixels.
const webpFrame = 150

type webpWriter struct {
	lowFirst
	rows *rows
}

// head writes what comes before the pixels.
func (w *webpWriter) head(width, height int) {
	w.put(0x2f, 8)
	w.put(uint64(width-1), 14)
	w.put(uint64(height-1), 14)
	w.put(0, 1+3) // no transparency, version 0
	// A transform that predicts each pixel. Its kinds are the green of a small picture, a pixel for each block.
	const predictor, above, blockBits = 0, 2, 9
	w.put(1, 1)
	w.put(predictor, 2)
	w.put(blockBits-2, 3)
	w.put(0, 1) // no cache of colours
	w.only(above)
	for range 4 { // red, blue, transparency, distance
		w.only(0)
	}
	// The small picture takes no bits, because each of its codes has one symbol.
	w.put(0, 1)   // no further transform
	w.put(0, 1+1) // no cache of colours, one set of codes
}

// only writes a code whose only symbol, at most 255, takes no bits.
func (w *webpWriter) only(symbol int) {
	w.put(1, 1) // simple
	w.put(0, 1) // one symbol
	w.put(1, 1) // of 8 bits
	w.put(uint64(symbol), 8)
}

// differences returns each pixel less that above: three bytes each. Those of the first row are less the one to the
// left, as the format has it.
func (w *webpWriter) differences() []byte {
	r := w.rows
	stride := 3 * r.width
	all := make([]byte, stride*r.height)
	row, above := make([]byte, stride), make([]byte, stride)
	for y := range r.height {
		dst := all[y*stride : (y+1)*stride]
		switch {
		case !r.next(row):
			continue
		case y == 0:
			copy(dst, row[:3])
			for i := 3; i < len(row); i++ {
				dst[i] = row[i] - row[i-3]
			}
		default:
			difference(dst, row, above)
		}
		row, above = above, row
	}
	return all
}

// Alphabets of WebP's codes: green is followed by the lengths of repetitions.
const (
	literals  = 256
	lengths   = 24
	longest   = 15   // bits of a code
	farthest  = 4096 // pixels of a repetition
	leastCopy = 4    // what shorter repetitions save is little
)

// repeated returns how many pixels from the second on equal the first one of data, which has three bytes each.
func repeated(data []byte, most int) (n int) {
	a, b, c := data[0], data[1], data[2]
	for data = data[3:]; n < most && len(data) >= 3 && data[0] == a && data[1] == b && data[2] == c; data = data[3:] {
		n++
	}
	return n
}

// pixels writes the codes and the pixels.
func (w *webpWriter) pixels(data []byte) {
	var green [literals + lengths]int
	var red, blue [literals]int
	each(data, w.repeats(), func(data []byte) {
		for ; len(data) >= 3; data = data[3:] {
			red[data[0]]++
			green[data[1]]++
			blue[data[2]]++
		}
	}, func(n int) {
		symbol, _, _ := prefix(n)
		green[literals+symbol]++
	})
	greens, reds, blues := w.codes(green[:]), w.codes(red[:]), w.codes(blue[:])
	w.only(0) // the transparency never differs
	w.only(1) // a distance of 2, which means the pixel to the left
	each(data, w.repeats(), func(data []byte) {
		w.literals((*[literals]code)(greens), (*[literals]code)(reds), (*[literals]code)(blues), data)
	}, func(n int) {
		symbol, extra, bits := prefix(n)
		w.code(greens[literals+symbol])
		w.put(uint64(extra), bits)
	})
}

// repeats tells whether pixels may repeat: noise in each row leaves nothing to find.
func (w *webpWriter) repeats() bool { return w.rows.share < 1<<16 }

// literals writes pixels one by one. It holds the state of the writer in variables, which saves a third of the time.
func (w *webpWriter) literals(greens, reds, blues *[literals]code, data []byte) {
	out, acc, n := w.data, w.acc, w.n
	for ; len(data) >= 3; data = data[3:] {
		g, r, b := greens[data[1]], reds[data[0]], blues[data[2]]
		acc |= (uint64(g.bits) | uint64(r.bits)<<g.n) << n
		if n += uint(g.n + r.n); n >= 32 {
			out = binary.LittleEndian.AppendUint32(out, uint32(acc))
			acc >>= 32
			n -= 32
		}
		acc |= uint64(b.bits) << n
		if n += uint(b.n); n >= 32 {
			out = binary.LittleEndian.AppendUint32(out, uint32(acc))
			acc >>= 32
			n -= 32
		}
	}
	w.data, w.acc, w.n = out, acc, n
}

// each calls pixels with pixels that are written one by one, and again with n where the n after them equal the last.
func each(data []byte, repeats bool, pixels func([]byte), again func(n int)) {
	if !repeats {
		pixels(data)
		return
	}
	for start, i := 0, 3; ; i += 3 {
		n := 0
		if i < len(data) && [3]byte(data[i:]) == [3]byte(data[i-3:]) {
			n = repeated(data[i-3:], farthest)
		}
		if n < leastCopy && i < len(data) {
			continue
		}
		pixels(data[start:i])
		if i >= len(data) {
			return
		}
		again(n)
		start = i + 3*n
		i = start - 3
		if start >= len(data) {
			return
		}
	}
}

// prefix returns how the number n, at least 1, is written: a symbol, and so many bits more.
func prefix(n int) (symbol, extra int, count uint) {
	n--
	if n < 4 {
		return n, 0, 0
	}
	high := bits.Len(uint(n)) - 1
	count = uint(high - 1)
	return 2*high + n>>count&1, n & (1<<count - 1), count
}

// codes writes the code of symbols that occur so often, and returns it.
func (w *webpWriter) codes(counts []int) []code {
	var last, used int
	for symbol, n := range counts {
		if n > 0 {
			last = symbol
			used++
		}
	}
	if used == 1 && last < literals {
		w.only(last)
		return make([]code, len(counts))
	}
	bits := lengthsOf(counts, longest)
	w.lengths(bits)
	return codesOf(bits)
}

// lengths writes the lengths of a code: in a code of their own, which is always the same one. Of its symbols, 0 to 15
// are lengths, and 17 and 18 are 3 to 10 and 11 to 138 zeros.
func (w *webpWriter) lengths(list []uint8) {
	order := [...]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	own := []uint8{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 0, 4, 4}
	codes := codesOf(own)
	w.put(0, 1) // not simple
	w.put(uint64(len(order)-4), 4)
	for _, symbol := range order {
		w.put(uint64(own[symbol]), 3)
	}
	w.put(0, 1) // all symbols have a length
	for len(list) > 0 {
		zeros := 0
		for zeros < min(len(list), 138) && list[zeros] == 0 {
			zeros++
		}
		switch {
		case zeros >= 11:
			w.code(codes[18])
			w.put(uint64(zeros-11), 7)
		case zeros >= 3:
			zeros = min(zeros, 10)
			w.code(codes[17])
			w.put(uint64(zeros-3), 3)
		default:
			w.code(codes[list[0]])
			zeros = 1
		}
		list = list[zeros:]
	}
}
