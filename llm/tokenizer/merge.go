package tokenizer

// mergeTable holds the merges by the two tokens that they join. It is a hash table of 16 bytes a slot, at most half of
// which are in use.
type mergeTable struct {
	places []mergeSlot
	shift  uint
}

type mergeSlot struct {
	left, right int32 // left is one more than the token's id, so that it is 0 in a free slot
	rank        uint32
	id          int32
}

func newMergeTable(n int) *mergeTable {
	t := &mergeTable{shift: 60}
	for 1<<(64-t.shift) < 2*n {
		t.shift--
	}
	t.places = make([]mergeSlot, 1<<(64-t.shift))
	return t
}

// slot returns where the merge of two tokens is or would be.
func (t *mergeTable) slot(left, right int32) *mergeSlot {
	left++
	hash := (uint64(uint32(left))<<32 | uint64(uint32(right))) * 0x9e3779b97f4a7c15
	for i := hash >> t.shift; ; i = (i + 1) & uint64(len(t.places)-1) {
		p := &t.places[i]
		if p.left == left && p.right == right || p.left == 0 {
			return p
		}
	}
}

func (t *mergeTable) add(left, right int32, rank uint32, id int32) {
	*t.slot(left, right) = mergeSlot{left + 1, right, rank, id}
}

// noMerge is the rank of two tokens that do not merge.
const noMerge = ^uint32(0)

// pair is a symbol and the merge that joins it with its right neighbour.
type pair struct {
	id     int32
	merged int32
	rank   uint32
}

func (m *bpe) rank(left, right int32) (rank uint32, merged int32) {
	if p := m.merges.slot(left, right); p.left > 0 {
		return p.rank, p.id
	}
	return noMerge, 0
}

// mergeShort merges by looking at every pair for each merge.
func (m *bpe) mergeShort(dst []int32, pairs []pair) []int32 {
	for i := range pairs {
		pairs[i].rank = noMerge
		if i+1 < len(pairs) {
			pairs[i].rank, pairs[i].merged = m.rank(pairs[i].id, pairs[i+1].id)
		}
	}
	for {
		best, rank := 0, noMerge
		for i := range pairs {
			if pairs[i].rank < rank {
				best, rank = i, pairs[i].rank
			}
		}
		if rank == noMerge {
			break
		}
		p := &pairs[best]
		p.id = p.merged
		copy(pairs[best+1:], pairs[best+2:])
		pairs = pairs[:len(pairs)-1]
		p.rank = noMerge
		if best+1 < len(pairs) {
			p.rank, p.merged = m.rank(p.id, pairs[best+1].id)
		}
		if best > 0 {
			q := &pairs[best-1]
			q.rank, q.merged = m.rank(q.id, p.id)
		}
	}
	for i := range pairs {
		dst = append(dst, pairs[i].id)
	}
	return dst
}

// link is a symbol in a list; a symbol merged away has id -1.
type link struct {
	id         int32
	prev, next int32 // -1 at the ends
}

// mergeLong merges s.pairs with a heap of candidates. It skips a candidate whose symbols have changed since.
func (m *bpe) mergeLong(s *scratch, dst []int32) []int32 {
	s.links, s.heap = s.links[:0], s.heap[:0]
	for i, p := range s.pairs {
		s.links = append(s.links, link{p.id, int32(i) - 1, int32(i) + 1})
	}
	links := s.links
	links[len(links)-1].next = -1
	for i := range links[:len(links)-1] {
		if rank, id := m.rank(links[i].id, links[i+1].id); rank != noMerge {
			s.heap = append(s.heap, candidate{rank, int32(i), id})
		}
	}
	s.heap.build()
	for len(s.heap) > 0 {
		c := s.heap.pop()
		left := &links[c.pos]
		if left.id < 0 || left.next < 0 {
			continue
		}
		right := &links[left.next]
		if rank, id := m.rank(left.id, right.id); rank == noMerge || id != c.id {
			continue
		}
		left.id, left.next = c.id, right.next
		right.id = -1
		if left.next >= 0 {
			links[left.next].prev = c.pos
			s.heap.consider(m, links, c.pos)
		}
		if left.prev >= 0 {
			s.heap.consider(m, links, left.prev)
		}
	}
	for i := int32(0); i >= 0; i = links[i].next {
		dst = append(dst, links[i].id)
	}
	return dst
}

// candidate is a possible merge, provided that its symbols are still there.
type candidate struct {
	rank uint32
	pos  int32
	id   int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.pos < d.pos
}

// mergeHeap is a binary heap with the next candidate first. container/heap would allocate for each candidate.
type mergeHeap []candidate

func (h *mergeHeap) consider(m *bpe, links []link, pos int32) {
	if rank, id := m.rank(links[pos].id, links[links[pos].next].id); rank != noMerge {
		h.push(candidate{rank, pos, id})
	}
}

func (h mergeHeap) build() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *mergeHeap) push(c candidate) {
	*h = append(*h, c)
	heap := *h
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !heap[i].before(heap[parent]) {
			break
		}
		heap[i], heap[parent] = heap[parent], heap[i]
		i = parent
	}
}

func (h *mergeHeap) pop() candidate {
	heap := *h
	top, last := heap[0], len(heap)-1
	heap[0] = heap[last]
	*h = heap[:last]
	h.down(0)
	return top
}

func (h mergeHeap) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
