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
	index []int32  // hash table of 1 + position, 0 is free
	seed  maphash.Seed
}

// entry is one piece to be added to a vocabulary.
type entry struct {
	text string
	id   int32
}

// newVocabulary makes a vocabulary; of equal texts the last counts. It sorts the entries in place and does not keep
// them.
func newVocabulary(entries []entry) *vocabulary {
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
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
		index: make([]int32, slots),
		seed:  maphash.MakeSeed(),
	}
	for _, e := range entries {
		v.text = append(v.text, e.text...)
		v.ends = append(v.ends, uint32(len(v.text)))
		v.ids = append(v.ids, e.id)
		*v.slot(maphash.String(v.seed, e.text), e.text) = int32(len(v.ids))
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

func (v *vocabulary) slot(hash uint64, text string) *int32 {
	mask := uint64(len(v.index) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		p := &v.index[i]
		if *p == 0 || string(v.at(int(*p-1))) == text {
			return p
		}
	}
}

// id returns the id of a piece, and false if there is none.
func (v *vocabulary) id(text []byte) (int32, bool) {
	mask := uint64(len(v.index) - 1)
	for i := maphash.Bytes(v.seed, text) & mask; ; i = (i + 1) & mask {
		p := v.index[i]
		if p == 0 {
			return 0, false
		}
		if string(v.at(int(p-1))) == string(text) {
			return v.ids[p-1], true
		}
	}
}

// idOf returns the id of a string, as id does for bytes.
func (v *vocabulary) idOf(text string) (int32, bool) {
	if p := *v.slot(maphash.String(v.seed, text), text); p > 0 {
		return v.ids[p-1], true
	}
	return 0, false
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
