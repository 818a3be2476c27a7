package media

import "math/rand/v2"

// budget tells how much detail macroblocks have.
type budget struct {
	size    float64 // bits for each macroblock
	detail  int     // coefficients of a block with a texture
	random  *rand.PCG
	done    int // macroblocks
	written int // bits
	wanted  int // bits to be behind before the next macroblock of samples; 0 for none of these
}

// raw is the detail of a macroblock whose samples are as they are.
const raw = 4

// pcmBits is about how many bits such a macroblock takes.
const pcmBits = 8 * (pcmSize + 2)

// newBudget returns a budget of size bits for so many macroblocks.
func newBudget(size, macroblocks int, random *rand.PCG) *budget {
	b := &budget{size: float64(size) / float64(macroblocks), random: random}
	for _, most := range [...]float64{100, 160, 220} { // what all take that have textures of so many coefficients
		if b.detail++; b.size < most {
			return b
		}
	}
	b.detail--
	b.wanted = pcmBits
	return b
}

// next returns the detail of the next macroblock. Those of more come as often as keeps up with the size.
func (b *budget) next() int {
	b.done++
	behind := int(b.size*float64(b.done)) - b.written
	switch {
	case b.wanted > 0 && behind >= b.wanted:
		b.wanted = pcmBits/2 + int(b.random.Uint64()%pcmBits)
		return raw
	case behind > 0 && b.size > 0:
		return b.detail
	}
	return 0
}

// texture is the coefficients of a block, each 1 or -1, after the first one.
type texture struct {
	code          uint32 // after the number of coefficients
	length        uint
	right, bottom int // what it adds to the sums of its last column and row
}

// textures holds those of one, two and three coefficients. They are chosen from all by a generator.
var textures = func() (list [3][16]texture) {
	random := newRandom(1, ofTexture)
	for i := range list {
		for j := range list[i] {
			list[i][j] = newTexture(random.Uint64(), i+1)
		}
	}
	return list
}()

// scan holds the column and the row of the coefficients of a block, in their order.
var scan = [16][2]int{{0, 0}, {1, 0}, {0, 1}, {0, 2}, {1, 1}, {2, 0}, {3, 0}, {2, 1}, {1, 2}, {0, 3}, {1, 3}, {2, 2},
	{3, 1}, {3, 2}, {2, 3}, {3, 3}}

// newTexture returns a texture of n coefficients, at places and with signs by the bits.
func newTexture(bits uint64, n int) (t texture) {
	var places []int // from 1 to 15, the last first
	for at := 15; at > 0 && len(places) < n; at-- {
		if bits>>at&3 == 0 || at == n-len(places) {
			places = append(places, at)
		}
	}
	var block [4][4]int
	var b lowLast
	for i, at := range places {
		x, y := scan[at][0], scan[at][1]
		negative := int(bits >> (40 + i) & 1)
		block[y][x] = scaleOf(x, y) * (1 - 2*negative)
		b.put(uint32(negative), 1)
	}
	left := places[0] - n // zeros before the last coefficient
	b.text(totalZeros[n-1][left])
	for i := 1; i < n && left > 0; i++ {
		run := places[i-1] - places[i] - 1
		b.text(runBefore[min(left, 7)-1][run])
		left -= run
	}
	t.code, t.length = b.bits, b.n
	pixels := inverse(block)
	for i := range 4 {
		t.right += pixels[i][3]
		t.bottom += pixels[3][i]
	}
	return t
}

// scaleOf returns what a coefficient of 1 stands for, with the quantizer of the parameters (8.5.12.1).
func scaleOf(x, y int) int {
	switch {
	case x%2 == 0 && y%2 == 0:
		return 16 * 16
	case x%2 == 1 && y%2 == 1:
		return 16 * 25
	}
	return 16 * 20
}

// inverse returns the pixels of a block of coefficients (8.5.12.2).
func inverse(block [4][4]int) [4][4]int {
	for range 2 { // the rows, and then the columns
		var turned [4][4]int
		for i, d := range block {
			e, f := d[0]+d[2], d[0]-d[2]
			g, h := d[1]>>1-d[3], d[1]+d[3]>>1
			turned[0][i], turned[1][i], turned[2][i], turned[3][i] = e+h, f+g, f-g, e-h
		}
		block = turned
	}
	for i := range block {
		for j := range block[i] {
			block[i][j] = (block[i][j] + 32) >> 6
		}
	}
	return block
}

// lowLast is a short run of bits, the last of them lowest.
type lowLast struct {
	bits uint32
	n    uint
}

func (b *lowLast) put(v uint32, n uint) { b.bits, b.n = b.bits<<n|v, b.n+n }

func (b *lowLast) text(digits string) {
	for _, d := range digits {
		b.put(uint32(d-'0'), 1)
	}
}

// totalZeros holds the codes of the zeros before the last of one, two and three coefficients (table 9-7).
var totalZeros = [3][]string{
	{"1", "011", "010", "0011", "0010", "00011", "00010", "000011", "000010", "0000011", "0000010", "00000011",
		"00000010", "000000011", "000000010", "000000001"},
	{"111", "110", "101", "100", "011", "0101", "0100", "0011", "0010", "00011", "00010", "000011", "000010", "000001",
		"000000"},
	{"0101", "111", "110", "101", "0100", "0011", "100", "011", "0010", "00011", "00010", "000001", "00001", "000000"},
}

// runBefore holds the codes of the zeros before a coefficient, of 1 to 6 and of more that are left (table 9-10).
var runBefore = [7][]string{
	{"1", "0"},
	{"1", "01", "00"},
	{"11", "10", "01", "00"},
	{"11", "10", "01", "001", "000"},
	{"11", "10", "011", "010", "001", "000"},
	{"11", "000", "001", "011", "010", "101", "100"},
	{"111", "110", "101", "100", "011", "010", "001", "0001", "00001", "000001", "0000001", "00000001", "000000001",
		"0000000001", "00000000001"},
}
