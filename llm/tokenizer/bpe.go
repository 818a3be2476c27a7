package tokenizer

import (
	"bytes"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"
)

// bpe merges neighbours by byte-pair encoding: the pair of the lowest rank first, and of equal ranks the leftmost.
type bpe struct {
	*vocabulary
	merges         *mergeTable
	bytes          bool // pieces are bytes, which the vocabulary writes as byteChars
	prefix, suffix string
	unknown        int32 // -1 if there is none
	fuseUnknown    bool
	ignoreMerges   bool
	fallback       [256]int32 // ids of the tokens <0x00> to <0xFF>, -1 where there is none
	fallsBack      bool
	plain          [utf8.RuneSelf]int32 // ids of ASCII characters, -1 where there is none
	byteIDs        [256]int32           // with bytes: ids of all bytes, -1 where there is none
}

// spaceMark is the character that vocabularies of SentencePiece have in place of a space.
const spaceMark = "▁"

// maxShort is the length up to which every merge looks at all pairs; longer words use a heap, which costs more for each
// pair but grows as n log n.
const maxShort = 24

func (m *bpe) tokenize(s *scratch, dst []int32, piece []byte) []int32 {
	if m.ignoreMerges {
		if id, ok := m.whole(s, piece); ok {
			return append(dst, id)
		}
	}
	s.pairs = m.symbols(s, s.pairs[:0], piece)
	if len(s.pairs) <= maxShort {
		return m.mergeShort(dst, s.pairs)
	}
	return m.mergeLong(s, dst)
}

// whole returns the id of a piece that is itself a token.
func (m *bpe) whole(s *scratch, piece []byte) (int32, bool) {
	if m.bytes {
		s.text = appendByteChars(s.text[:0], piece)
		piece = s.text
	}
	return m.id(piece)
}

// symbols appends the symbols with which merging starts: the tokens of the characters.
func (m *bpe) symbols(s *scratch, dst []pair, piece []byte) []pair {
	pending := false // an unknown character not yet appended
	decorated := m.prefix != "" || m.suffix != ""
	for i := 0; i < len(piece); {
		size := 1
		id := int32(-1)
		if m.bytes {
			id = m.byteIDs[piece[i]]
		} else if b := piece[i]; b < utf8.RuneSelf {
			id = m.plain[b]
		} else {
			size = pattern.RuneLength(piece[i:])
			if !decorated {
				id = m.lookup(piece[i : i+size])
			}
		}
		text := piece[i : i+size]
		if decorated {
			text = m.decorate(s, text, i == 0, i+size == len(piece))
			id = m.lookup(text)
		}
		i += size
		switch {
		case id >= 0:
			if pending {
				dst, pending = append(dst, pair{id: m.unknown}), false
			}
			dst = append(dst, pair{id: id})
		case m.fallsBack && m.canFall(text):
			for _, b := range text { // the pending character stays behind, as in the library
				dst = append(dst, pair{id: m.fallback[b]})
			}
		case m.unknown >= 0:
			if pending && !m.fuseUnknown {
				dst = append(dst, pair{id: m.unknown})
			}
			pending = true
		}
	}
	if pending {
		dst = append(dst, pair{id: m.unknown})
	}
	return dst
}

func (m *bpe) lookup(text []byte) int32 {
	if id, ok := m.id(text); ok {
		return id
	}
	return -1
}

// decorate writes a character with the prefix and the suffix that the vocabulary has for its position in the word.
func (m *bpe) decorate(s *scratch, char []byte, first, last bool) []byte {
	s.text = s.text[:0]
	if !first {
		s.text = append(s.text, m.prefix...)
	}
	if m.bytes {
		s.text = appendByteChars(s.text, char)
	} else {
		s.text = append(s.text, char...)
	}
	if last {
		s.text = append(s.text, m.suffix...)
	}
	return s.text
}

func (m *bpe) canFall(text []byte) bool {
	for _, b := range text {
		if m.fallback[b] < 0 {
			return false
		}
	}
	return true
}

// nextWord returns the start of the next word of a piece that no merge ever reaches across, or the end of the piece.
// Only a model without tokens that hold a space mark after another character has such positions.
func (m *bpe) nextWord(piece []byte) int {
	for i := 1; i < len(piece); {
		next := bytes.Index(piece[i:], []byte(spaceMark))
		if next < 0 {
			break
		}
		if i += next; !bytes.HasSuffix(piece[:i], []byte(spaceMark)) {
			return i
		}
		i += len(spaceMark)
	}
	return len(piece)
}

// cutsAtSpaces reports whether nextWord may be used: no merge joins a space mark to another character before it, and
// the mark is itself a token.
func (m *bpe) cutsAtSpaces() bool {
	if _, known := m.idOf(spaceMark); !known || m.bytes || m.ignoreMerges || m.prefix != "" || m.suffix != "" {
		return false
	}
	mark := []byte(spaceMark)
	for _, p := range m.merges.places {
		if p.left == 0 {
			continue
		}
		left, _ := m.piece(p.left - 1)
		right, _ := m.piece(p.right)
		if bytes.HasPrefix(right, mark) && !bytes.HasSuffix(left, mark) {
			return false
		}
	}
	return true
}
