package media

import (
	"cmp"
	"math/bits"
	"slices"
)

// lengthsOf returns the lengths of a Huffman code for symbols that occur so often: 0 for those that do not occur, and
// longest at most. A symbol that occurs alone gets one bit.
func lengthsOf(counts []int, longest int) []uint8 {
	lengths := make([]uint8, len(counts))
	var leaves []node
	for symbol, n := range counts {
		if n > 0 {
			leaves = append(leaves, node{count: n, symbol: symbol})
		}
	}
	if len(leaves) == 1 {
		lengths[leaves[0].symbol] = 1
		return lengths
	}
	// Rarer symbols count as less rare until the tree is flat enough.
	for !measure(leaves, lengths, longest) {
		for i := range leaves {
			leaves[i].count = leaves[i].count/2 + 1
		}
	}
	return lengths
}

// node is a leaf or an inner node of a Huffman tree, by the place of its parent.
type node struct{ count, symbol, parent int }

// measure sets the lengths of the symbols of leaves, and returns false if one is longer than longest.
func measure(leaves []node, lengths []uint8, longest int) bool {
	nodes := slices.Clone(leaves)
	slices.SortStableFunc(nodes, func(a, b node) int { return cmp.Compare(a.count, b.count) })
	// Inner nodes come in the order of their counts, too, so the least two of all are at the front of either list.
	leaf, inner, n := 0, len(nodes), len(nodes)
	least := func() int {
		if leaf < n && (inner == len(nodes) || nodes[leaf].count <= nodes[inner].count) {
			leaf++
			return leaf - 1
		}
		inner++
		return inner - 1
	}
	for range n - 1 {
		a, b := least(), least()
		nodes[a].parent, nodes[b].parent = len(nodes), len(nodes)
		nodes = append(nodes, node{count: nodes[a].count + nodes[b].count})
	}
	depths := make([]int, len(nodes)) // that of the root, the last, is 0
	for i := len(nodes) - 2; i >= 0; i-- {
		depths[i] = depths[nodes[i].parent] + 1
		if i < n {
			if depths[i] > longest {
				return false
			}
			lengths[nodes[i].symbol] = uint8(depths[i])
		}
	}
	return true
}

// code is the bits of a symbol, the first of them lowest.
type code struct {
	bits uint16
	n    uint8
}

// codesOf returns the canonical code of such lengths.
func codesOf(lengths []uint8) []code {
	var counts, next [17]int
	for _, n := range lengths {
		counts[n]++
	}
	counts[0] = 0
	for n := 1; n < len(next); n++ {
		next[n] = (next[n-1] + counts[n-1]) << 1
	}
	codes := make([]code, len(lengths))
	for symbol, n := range lengths {
		if n > 0 {
			codes[symbol] = code{bits.Reverse16(uint16(next[n])) >> (16 - n), n}
			next[n]++
		}
	}
	return codes
}

// lowFirst collects bits, the first of them lowest in its byte.
type lowFirst struct {
	data []byte
	acc  uint64
	n    uint // bits in acc
}

// put appends the lowest n bits of v, which has no others; n is at most 32.
func (b *lowFirst) put(v uint64, n uint) {
	b.acc |= v << b.n
	if b.n += n; b.n >= 32 {
		b.data = append(b.data, byte(b.acc), byte(b.acc>>8), byte(b.acc>>16), byte(b.acc>>24))
		b.acc >>= 32
		b.n -= 32
	}
}

func (b *lowFirst) code(c code) { b.put(uint64(c.bits), uint(c.n)) }

// close appends the bits that are left, and returns all bytes.
func (b *lowFirst) close() []byte {
	for i := uint(0); i < b.n; i += 8 {
		b.data = append(b.data, byte(b.acc>>i))
	}
	return b.data
}
