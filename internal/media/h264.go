package media

import "math/rand/v2"

// h264 writes video in H.264's Constrained Baseline profile (ITU-T H.264), with as little of it as made-up frames take:
// each frame stands alone, in one slice of macroblocks of 16 × 16 pixels. A macroblock is
//   - one colour, written as what it is lighter or darker than its neighbour, or
//   - its samples as they are, with noise. Their share sets the size of the file.
//
// The steps of quantization are chosen so that a coefficient is exactly one step of brightness, and the filter that
// smooths the edges of macroblocks is off. So the writer knows what a decoder will have without decoding.
type h264 struct {
	scene         scene
	random        *rand.PCG
	width, height int
	across, down  int // macroblocks
	fps           int
	bits          highFirst
	raw           []bool // of each macroblock of the frame, whether its samples are as they are
	data          []byte
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
	h.raw = make([]bool, h.across*h.down)
	return h
}

// encode returns the frames, each after its length, in about size bytes together, and how long each is.
func (h *h264) encode(size int) (samples []byte, sizes []uint32) {
	h.data = make([]byte, 0, size+h.scene.frames*(sampleHead+h.across*h.down)+1024)
	all := h.scene.frames * h.across * h.down
	budget := budget{size: 8 * size, all: all, random: h.random}
	for i := range h.scene.frames {
		start := len(h.data)
		h.frame(i, &budget)
		sizes = append(sizes, uint32(len(h.data)-start))
	}
	return h.data, sizes
}

// budget tells which macroblocks are large.
type budget struct {
	size, all int // bits of so many macroblocks
	random    *rand.PCG
	done      int // macroblocks
	written   int // bits
	wanted    int // bits to be behind before the next large one
}

// large tells whether the next macroblock is to be a large one. They come at random, but keep up with the size.
func (b *budget) large() bool {
	b.done++
	const large = 8 * (pcmSize + 2)
	due := int(float64(b.size) / float64(b.all) * float64(b.done))
	if due-b.written < b.wanted || b.size == 0 {
		return false
	}
	b.wanted = large/2 + int(b.random.Uint64()%large)
	return true
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
	b.unsigned(1) // no filter
	colours := h.scene.frame(i)
	clear(h.raw)
	var above, left colour // of the first macroblock of the row above, and of the one before
	for at := range h.across * h.down {
		x, y := at%h.across, at/h.across
		c := colours.at(min(16*x+8, h.width-1), min(16*y+8, h.height-1), h.width, h.height).narrow()
		before := b.length()
		if budget.large() {
			h.raw[at] = true
			h.samples(c)
		} else {
			h.plain(at, c, above, left)
		}
		budget.written += b.length() - before
		left = c
		if x == 0 {
			above = c
		}
	}
	b.trail()
	h.data = appendNAL(h.data, b.data)
}

// How a macroblock is predicted, as its type has it, and as the type of its chroma has it.
const (
	fromAbove, fromLeft, fromNothing                   = 0, 1, 2
	chromaFromNothing, chromaFromLeft, chromaFromAbove = 0, 1, 2
)

// plain writes a macroblock of one colour. The samples next to it, on the side from which it is predicted, are all of
// the colour above or left.
func (h *h264) plain(at int, c, above, left colour) {
	mode, chromaMode, near := fromLeft, chromaFromLeft, left
	if at%h.across == 0 {
		mode, chromaMode, near = fromAbove, chromaFromAbove, above
	}
	if at == 0 {
		mode, chromaMode, near = fromNothing, chromaFromNothing, colour{128, 128, 128}
	}
	luma, cb, cr := c[0]-near[0], c[1]-near[1], c[2]-near[2]
	kind := 1 + mode
	if cb != 0 || cr != 0 {
		kind += 4
	}
	b := &h.bits
	b.unsigned(uint32(kind))
	b.unsigned(uint32(chromaMode))
	b.signed(0) // the quantizer of the one before
	if h.near(at) < 2 {
		b.coefficient(luma, &fewNear)
	} else {
		b.coefficient(luma, &manyNear)
	}
	if cb != 0 || cr != 0 {
		b.coefficient(cb, &chromaDC)
		b.coefficient(cr, &chromaDC)
	}
}

// near returns the mean number of coefficients of the blocks left of and above a macroblock: 16 in those of samples,
// and none that count in the others. It chooses the code of the next number.
func (h *h264) near(at int) int {
	sum, n := 0, 0
	if at%h.across > 0 {
		n++
		sum += h.count(at - 1)
	}
	if at >= h.across {
		n++
		sum += h.count(at - h.across)
	}
	if n == 2 {
		return (sum + 1) / 2
	}
	return sum
}

func (h *h264) count(at int) int {
	if h.raw[at] {
		return 16
	}
	return 0
}

// samples writes a macroblock as it is: noise around a colour. Its lowest row and its last column have no noise, so
// that its neighbours are predicted from the colour.
func (h *h264) samples(c colour) {
	b := &h.bits
	b.unsigned(25)
	b.align()
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
				if y < side-1 && x < side-1 {
					sample = min(max(v+int(bits&0x3f)-32, 16), 235)
				}
				b.data = append(b.data, byte(sample))
			}
		}
	}
}
