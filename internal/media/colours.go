package media

import "math/rand/v2"

// newRandom returns the generator of one thing. purpose keeps things of the same seed apart. Only its Uint64 may be
// used: the definition of PCG fixes these numbers, but not how the library makes others of them.
func newRandom(seed, purpose uint64) *rand.PCG { return rand.NewPCG(seed, purpose) }

// Purposes of generators.
const (
	ofPicture = iota + 1
	ofFrame
	ofClip
	ofSound
	ofTexture
)

// colour is red, green and blue, or luma and two chromas, each 0 to 255.
type colour [3]int

// colourOf draws a colour whose components are from low to high.
func colourOf(random *rand.PCG, low, high int) (c colour) {
	bits := random.Uint64()
	for i := range c {
		c[i] = low + int(bits&0xffff)*(high-low+1)>>16
		bits >>= 16
	}
	return c
}

// brighter returns the colour made lighter by n, to white at most.
func (c colour) brighter(n int) colour {
	for i := range c {
		c[i] = min(c[i]+n, 255)
	}
	return c
}

// full returns luma and chroma as JPEG has them, from 0 to 255, by the integer form of BT.601.
func (c colour) full() colour {
	r, g, b := c[0], c[1], c[2]
	return colour{
		(19595*r + 38470*g + 7471*b + 1<<15) >> 16,
		(-11056*r-21712*g+32768*b+1<<15)>>16 + 128,
		(32768*r-27440*g-5328*b+1<<15)>>16 + 128,
	}.clamp(0, 255)
}

// narrow returns luma and chroma as videos have them, from 16 to 240.
func (c colour) narrow() colour {
	r, g, b := c[0], c[1], c[2]
	return colour{
		(66*r+129*g+25*b+128)>>8 + 16,
		(-38*r-74*g+112*b+128)>>8 + 128,
		(112*r-94*g-18*b+128)>>8 + 128,
	}.clamp(16, 240)
}

func (c colour) clamp(low, high int) colour {
	for i := range c {
		c[i] = min(max(c[i], low), high)
	}
	return c
}

// gradient is a field of colours between those of four corners: top left, top right, bottom left, bottom right.
type gradient [4]colour

// gradientOf draws a gradient whose colours leave room for noise of so many steps.
func gradientOf(random *rand.PCG, room int) (g gradient) {
	low := min(room/2, 127)
	for i := range g {
		g[i] = colourOf(random, low, 255-low)
	}
	return g
}

// flat returns the gradient that is one colour.
func flat(c colour) gradient { return gradient{c, c, c, c} }

// at returns the colour at x of width and y of height, both from 0.
func (g gradient) at(x, y, width, height int) (c colour) {
	u, v := x<<16/max(width-1, 1), y<<16/max(height-1, 1)
	for i := range c {
		top := g[0][i]<<16 + (g[1][i]-g[0][i])*u
		bottom := g[2][i]<<16 + (g[3][i]-g[2][i])*u
		c[i] = (top + (bottom-top)>>16*v + 1<<15) >> 16
	}
	return c
}
