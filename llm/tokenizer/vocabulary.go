package tokenizer

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// vocabulary holds the pieces of a model: all text in one buffer, found by text through a hash table and by id through
// their order.
type vocabulary struct {
	text  []byte
	ends  []uint32 // end of each piece in text
	ids   []int32  // ascending
	index []place  // hash table
	seed  maphash.Seed

	unique bool // no text is there twice
}

// place is a slot of the hash table. It has a part of the piece's hash, so that a look for a piece that is not there
// seldom reads another piece.
type place struct {
	hash uint32
	next uint32 // 1 + position, 0 in a free slot
}

// entry is one piece to be added to a vocabulary.
type entry struct {
	text string
	id   int32
}

// newVocabulary makes a vocabulary; of equal texts the last counts. It sorts the entries in place and does not keep
// them.
func newVocabulary(entries []entry) *vocabulary {
	if byID := func(a, b entry) int { return cmp.Compare(a.id, b.id) }; !slices.IsSortedFunc(entries, byID) {
		slices.SortStableFunc(entries, byID)
	}
	size, slots := 0, 16
	for _, e := range entries {
		size += len(e.text)
	}
	for slots < 2*len(entries) {
		slots *= 2
	}
	v := &vocabulary{
		text:  make([]byte, 0, size),
		ends:  make([]uint32, 0, len(entries)),
		ids:   make([]int32, 0, len(entries)),
		index: make([]place, slots),
		seed:  maphash.MakeSeed(),

		unique: true,
	}
	for _, e := range entries {
		v.text = append(v.text, e.text...)
		v.ends = append(v.ends, uint32(len(v.text)))
		v.ids = append(v.ids, e.id)
		hash := maphash.String(v.seed, e.text)
		p := v.slot(hash, e.text)
		v.unique = v.unique && p.next == 0
		*p = place{uint32(hash >> 32), uint32(len(v.ids))}
	}
	return v
}

func (v *vocabulary) len() int { return len(v.ids) }

// at returns the piece at a position.
func (v *vocabulary) at(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.text[start:v.ends[i]]
}

func (v *vocabulary) slot(hash uint64, text string) *place {
	mask := uint64(len(v.index) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		p := &v.index[i]
		if p.next == 0 || p.hash == uint32(hash>>32) && string(v.at(int(p.next-1))) == text {
			return p
		}
	}
}

// find returns 1 + position of a piece, 0 if there is none.
func (v *vocabulary) find(text []byte) uint32 {
	hash, mask := maphash.Bytes(v.seed, text), uint64(len(v.index)-1)
	for i := hash & mask; ; i = (i + 1) & mask {
		p := v.index[i]
		if p.next == 0 || p.hash == uint32(hash>>32) && string(v.at(int(p.next-1))) == string(text) {
			return p.next
		}
	}
}

// id returns the id of a piece, and false if there is none.
func (v *vocabulary) id(text []byte) (int32, bool) {
	if next := v.find(text); next > 0 {
		return v.ids[next-1], true
	}
	return 0, false
}

// idOf returns the id of a string, as id does for bytes.
func (v *vocabulary) idOf(text string) (int32, bool) {
	if p := v.slot(maphash.String(v.seed, text), text); p.next > 0 {
		return v.ids[p.next-1], true
	}
	return 0, false
}

// lookups is the number of texts that idsOf looks up side by side.
const lookups = 32

// idsOf sets ids to the ids of up to lookups texts, -1 where there is none. It takes a step of the look for all texts
// before the next step, so that the processor waits for the memory of all of them at the same time.
func (v *vocabulary) idsOf(texts []string, ids []int32) {
	var hashes [lookups]uint64
	var places [lookups]place
	for i, text := range texts {
		hashes[i] = maphash.String(v.seed, text)
	}
	mask := uint64(len(v.index) - 1)
	for i := range texts {
		places[i] = v.index[hashes[i]&mask]
	}
	for i, text := range texts {
		if p := places[i]; p.next == 0 || p.hash != uint32(hashes[i]>>32) || string(v.at(int(p.next-1))) != text {
			places[i] = *v.slot(hashes[i], text)
		}
	}
	for i := range texts {
		if ids[i] = -1; places[i].next > 0 {
			ids[i] = v.ids[places[i].next-1]
		}
	}
}

// piece returns the text of an id, and false if there is none.
func (v *vocabulary) piece(id int32) ([]byte, bool) {
	i := int(id)
	if i < 0 {
		return nil, false
	}
	if i >= len(v.ids) || v.ids[i] != id { // ids with gaps
		var found bool
		if i, found = slices.BinarySearch(v.ids, id); !found {
			return nil, false
		}
	}
	return v.at(i), true
}

// findNear is find, but looks at the position near and the one behind it first, because files list merges in the order
// of the tokens that they make.
func (v *vocabulary) findNear(near uint32, text []byte) uint32 {
	for i := int(near); v.unique && i < min(int(near)+2, len(v.ids)); i++ {
		if string(v.at(i)) == string(text) {
			return uint32(i) + 1
		}
	}
	return v.find(text)
}
