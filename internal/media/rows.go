package media

import "math/rand/v2"

// rows makes the pixels of a picture row by row, for the lossless formats.
//
// Both are told to predict a pixel by the one above it, so that what is left to code is the difference of two
// noises. Its spread sets the size of the file. If that is smaller than one bit for each colour of a pixel, most rows
// repeat the one above, and code to nothing.
type rows struct {
	width, height int
	colours       gradient
	random        *rand.PCG
	amplitude     int // the noise has amplitude/256 steps; 0 is none
	share         int // rows of their own, of 1<<16
	due           int // how much of the next row of its own is due, of 1<<16
	y             int
}

// newRows returns the pixels of p so that a file takes about size bytes in a format whose sizes are these.
func (p Picture) newRows(sizes []noiseSize, size int) *rows {
	random := newRandom(p.Seed, ofPicture)
	r := &rows{width: p.Width, height: p.Height, random: random, share: 1 << 16}
	if p.Content == Solid {
		r.colours, r.share = flat(colourOf(random, 0, 255).brighter(p.brighter)), 0
		return r
	}
	noise := spread(sizes, size, p.Width*p.Height)
	r.amplitude, r.share = noise.amplitude, noise.share
	r.colours = gradientOf(random, (r.amplitude+255)>>8)
	return r
}

// next fills row, three bytes for each pixel, with the next row of the picture. It returns false if the row is to be
// that above.
func (r *rows) next(row []byte) (fresh bool) {
	y := r.y
	r.y++
	r.due += r.share
	if y > 0 && r.due < 1<<16 {
		return false
	}
	r.due &= 1<<16 - 1
	left, right := r.colours.at(0, y, r.width, r.height), r.colours.at(r.width-1, y, r.width, r.height)
	var value, step [3]int // of 1<<16; the noise is centred upon the value
	for i := range value {
		value[i] = left[i]<<16 + 1<<15 - max(r.amplitude-256, 0)<<7
		step[i] = (right[i] - left[i]) << 16 / max(r.width-1, 1)
	}
	if r.amplitude == 0 {
		ramp(row, value, step)
	} else {
		r.noise(row, value, step)
	}
	return true
}

func ramp(row []byte, value, step [3]int) {
	for ; len(row) >= 3; row = row[3:] {
		row[0], row[1], row[2] = byte(value[0]>>16), byte(value[1]>>16), byte(value[2]>>16)
		value[0] += step[0]
		value[1] += step[1]
		value[2] += step[2]
	}
}

// noise fills row with a ramp and noise upon it. One number of the generator serves two pixels.
func (r *rows) noise(row []byte, value, step [3]int) {
	var (
		a          = r.amplitude
		v0, v1, v2 = value[0], value[1], value[2]
		bits       uint64
	)
	for i := 0; i+3 <= len(row); i += 3 {
		if bits >>= 24; i&1 == 0 {
			bits = r.random.Uint64()
		}
		pixel := row[i : i+3 : i+3]
		pixel[0] = byte((v0 + int(bits&0xff)*a) >> 16)
		pixel[1] = byte((v1 + int(bits>>8&0xff)*a) >> 16)
		pixel[2] = byte((v2 + int(bits>>16&0xff)*a) >> 16)
		v0 += step[0]
		v1 += step[1]
		v2 += step[2]
	}
}
