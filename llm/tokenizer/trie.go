package tokenizer

// trie finds which of a set of strings a text begins with. Its edges are one hash table, so memory grows with the total
// length of the strings: at most 16 bytes for each byte.
type trie struct {
	edges  []edge // length is a power of two; a zero child marks a free slot
	used   int
	values []int32    // value of the string that ends at a node, or -1; node 0 is the root
	roots  [256]int32 // children of the root, 0 where there is none
}

type edge struct {
	key   uint32 // node<<8 | byte
	child int32
}

// maxNodes is the number of nodes that an edge's key can name.
const maxNodes = 1 << 24

func newTrie() *trie {
	return &trie{edges: make([]edge, 64), values: []int32{-1}}
}

// slot returns where the edge with the given key is or would be.
func (t *trie) slot(key uint32) *edge {
	mask := uint32(len(t.edges) - 1)
	for i := key * 0x9e3779b1 >> 7 & mask; ; i = (i + 1) & mask {
		if e := &t.edges[i]; e.child == 0 || e.key == key {
			return e
		}
	}
}

// child returns the node reached from node by b, and 0 if there is none.
func (t *trie) child(node int32, b byte) int32 {
	if node == 0 {
		return t.roots[b]
	}
	return t.slot(uint32(node)<<8 | uint32(b)).child
}

// add stores a value under key, and reports false when the trie is full.
func (t *trie) add(key string, value int32) bool {
	node := int32(0)
	for i := range len(key) {
		next := t.child(node, key[i])
		if next == 0 {
			if len(t.values) == maxNodes {
				return false
			}
			next = int32(len(t.values))
			t.values = append(t.values, -1)
			t.link(node, key[i], next)
		}
		node = next
	}
	t.values[node] = value
	return true
}

func (t *trie) link(node int32, b byte, child int32) {
	if node == 0 {
		t.roots[b] = child
		return
	}
	if t.used++; t.used*3 > len(t.edges)*2 {
		old := t.edges
		t.edges = make([]edge, 2*len(old))
		for _, e := range old {
			if e.child != 0 {
				*t.slot(e.key) = e
			}
		}
	}
	key := uint32(node)<<8 | uint32(b)
	*t.slot(key) = edge{key, child}
}

// walk returns the node reached by key, and false if the trie has none.
func (t *trie) walk(key string) (int32, bool) {
	node := int32(0)
	for i := range len(key) {
		if node = t.child(node, key[i]); node == 0 {
			return 0, false
		}
	}
	return node, true
}

// longest returns the length and the value of the longest string with which text begins, walked from node, and 0 if
// text begins with none.
func (t *trie) longest(node int32, text []byte) (length int, value int32) {
	for i, b := range text {
		if node = t.child(node, b); node == 0 {
			break
		}
		if v := t.values[node]; v >= 0 {
			length, value = i+1, v
		}
	}
	return length, value
}
