package media

import "math/rand/v2"

// h264 writes video in H.264's Constrained Baseline profile (ITU-T H.264), with as little of it as made-up frames take:
// each frame stands alone, in one slice of macroblocks of 16 × 16 pixels. A macroblock is
//   - one colour, written as what it is lighter or darker than its neighbours,
//   - that with a texture, which are a few coefficients in each of its blocks, as in other videos, or
//   - its samples as they are, with noise, where the size asked for is larger than textures are.
//
// The steps of quantization are chosen so that the first coefficient of a macroblock is exactly one step of brightness.
// The filter that smooths its edges comes after prediction. So the writer knows what a decoder predicts from.
type h264 struct {
	scene         scene
	random        *rand.PCG
	width, height int
	across, down  int // macroblocks
	fps           int
	bits          highFirst
	above         []edge // of the row above, and then of this row
	left          edge
	data          []byte
}

// edge is what a macroblock leaves to those to the right of it and below.
type edge struct {
	colour        colour
	right, bottom int      // sums of the luma of its last column and row
	columns, rows [4]uint8 // coefficients of the blocks along them
}

const (
	// maxMacroblocks is the size of a frame in the highest level.
	maxMacroblocks = 139264
	// pcmSize is the size of a macroblock whose samples are as they are.
	pcmSize = 256 + 2*64
	// sampleHead is what a frame takes besides macroblocks: its length, and the head of the slice.
	sampleHead = 4 + 4
	quantizer  = 28
)

func newH264(c Clip) *h264 {
	random := newRandom(c.Seed, ofClip)
	h := &h264{scene: c.scene(random), random: random, width: c.Width, height: c.Height, fps: c.fps(),
		across: (c.Width + 15) / 16, down: (c.Height + 15) / 16}
	h.above = make([]edge, h.across)
	return h
}

// encode returns the frames, each after its length, in about size bytes together, and how long each is.
func (h *h264) encode(size int) (samples []byte, sizes []uint32) {
	h.data = make([]byte, 0, size+h.scene.frames*(sampleHead+2*h.across*h.down)+1024)
	budget := newBudget(8*size, h.scene.frames*h.across*h.down, h.random)
	for i := range h.scene.frames {
		start := len(h.data)
		h.frame(i, budget)
		sizes = append(sizes, uint32(len(h.data)-start))
	}
	return h.data, sizes
}

// frame appends frame i, a picture from which decoding can start.
func (h *h264) frame(i int, budget *budget) {
	b := &h.bits
	b.reset()
	b.put(0x65, 8) // a slice of such a picture, which others may refer to
	b.unsigned(0)  // its first macroblock
	b.unsigned(7)  // all slices of the picture have macroblocks that refer to no other picture
	b.unsigned(0)  // parameters
	b.put(0, 4)    // number of the frame
	b.unsigned(uint32(i % 2))
	b.put(0, 2)   // no long-term reference
	b.signed(0)   // the quantizer of the parameters
	b.unsigned(0) // the filter,
	b.signed(0)   // with its
	b.signed(0)   // usual bounds
	colours := h.scene.frame(i)
	for y := range h.down {
		for x := range h.across {
			c := colours.at(min(16*x+8, h.width-1), min(16*y+8, h.height-1), h.width, h.height).narrow()
			before := b.length()
			h.macroblock(x, y, c, budget.next())
			budget.written += b.length() - before
		}
	}
	b.trail()
	h.data = appendNAL(h.data, b.data)
}

// macroblock writes the macroblock at x and y.
func (h *h264) macroblock(x, y int, c colour, detail int) {
	if detail == raw {
		h.samples(c)
	} else {
		h.predicted(x, y, c, detail)
	}
	h.above[x] = h.left
}

// How a macroblock is predicted: its luma, and its chroma.
const (
	fromMean                                           = 2
	chromaFromNothing, chromaFromLeft, chromaFromAbove = 0, 1, 2
)

// predicted writes a macroblock of one colour, with so many coefficients in each block. Its luma is predicted from the
// mean of what is next to it, and its chroma from one neighbour, whose chroma is all of one colour.
func (h *h264) predicted(x, y int, c colour, detail int) {
	mode, near := chromaFromNothing, colour{128, 128, 128}
	switch {
	case x > 0:
		mode, near = chromaFromLeft, h.left.colour
	case y > 0:
		mode, near = chromaFromAbove, h.above[x].colour
	}
	luma, cb, cr := c[0]-h.mean(x, y), c[1]-near[1], c[2]-near[2]
	kind := 1 + fromMean
	if cb != 0 || cr != 0 {
		kind += 4
	}
	if detail > 0 {
		kind += 12
	}
	b := &h.bits
	b.unsigned(uint32(kind))
	b.unsigned(uint32(mode))
	b.signed(0) // the quantizer of the one before
	b.coefficient(luma, tokensNear(h.count(x, y, &h.above[x].rows, &h.left.columns, 0, 0)))
	if detail > 0 {
		h.texture(x, y, c, detail)
	} else {
		h.left = edge{colour: c, right: 16 * c[0], bottom: 16 * c[0]}
	}
	if cb != 0 || cr != 0 {
		b.coefficient(cb, &chromaDC)
		b.coefficient(cr, &chromaDC)
	}
}

// mean returns what luma is predicted as.
func (h *h264) mean(x, y int) int {
	switch {
	case x > 0 && y > 0:
		return (h.left.right + h.above[x].bottom + 16) >> 5
	case x > 0:
		return (h.left.right + 8) >> 4
	case y > 0:
		return (h.above[x].bottom + 8) >> 4
	}
	return 128
}

// count returns the mean number of coefficients of the blocks left of and above a block, the one in column i and row j
// of its macroblock. It chooses the code of the next number. above and left hold the numbers of those next to it.
func (h *h264) count(x, y int, above, left *[4]uint8, i, j int) int {
	a, b := int(left[j]), int(above[i])
	switch {
	case (x > 0 || i > 0) && (y > 0 || j > 0):
		return (a + b + 1) / 2
	case x > 0 || i > 0:
		return a
	case y > 0 || j > 0:
		return b
	}
	return 0
}

// texture writes so many coefficients in each block of a macroblock of luma.
func (h *h264) texture(x, y int, c colour, detail int) {
	e := edge{colour: c}
	above, left := h.above[x].rows, h.left.columns
	var bits uint64
	for n := range 16 {
		if bits >>= 4; n == 0 {
			bits = h.random.Uint64()
		}
		i, j := n&1|n>>1&2, n>>1&1|n>>2&2 // blocks come by quarters
		p := &textures[detail-1][bits&15]
		h.bits.token(tokensNear(h.count(x, y, &above, &left, i, j)), detail)
		h.bits.put(p.code, p.length)
		above[i], left[j] = uint8(detail), uint8(detail)
		if i == 3 {
			e.right += 4*c[0] + p.right
		}
		if j == 3 {
			e.bottom += 4*c[0] + p.bottom
		}
	}
	e.columns, e.rows = left, above
	h.left = e
}

// samples writes a macroblock as it is: noise around a colour. The chroma of its lowest row and its last column has no
// noise, so that its neighbours are predicted from the colour.
func (h *h264) samples(c colour) {
	b := &h.bits
	b.unsigned(25)
	b.align()
	e := edge{colour: c, columns: [4]uint8{16, 16, 16, 16}, rows: [4]uint8{16, 16, 16, 16}}
	var bits uint64
	for i, v := range c {
		side := 16
		if i > 0 {
			side = 8
		}
		for y := range side {
			for x := range side {
				if bits >>= 8; x&7 == 0 {
					bits = h.random.Uint64()
				}
				sample := v
				if i == 0 || y < side-1 && x < side-1 {
					sample = min(max(v+int(bits&0x3f)-32, 16), 235)
				}
				if i == 0 && x == 15 {
					e.right += sample
				}
				if i == 0 && y == 15 {
					e.bottom += sample
				}
				b.data = append(b.data, byte(sample))
			}
		}
	}
	h.left = e
}
