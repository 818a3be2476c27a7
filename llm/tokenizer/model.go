package tokenizer

import "github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"

// model turns one piece of text into ids.
type model interface {
	// tokenize appends the ids of a piece, which is not empty, to dst.
	tokenize(s *scratch, dst []int32, piece []byte) []int32
	// id returns the id of a token, and false if the vocabulary lacks it.
	id(token []byte) (int32, bool)
	// piece returns the token of an id, and false if there is none.
	piece(id int32) ([]byte, bool)
	// len returns the number of tokens.
	len() int
}

// scratch is the working memory of the models.
type scratch struct {
	text  []byte
	pairs []pair
	links []link
	heap  mergeHeap
	paths []path
}

// wordLevel knows whole words only.
type wordLevel struct {
	*vocabulary
	unknown int32
}

func (w *wordLevel) tokenize(_ *scratch, dst []int32, piece []byte) []int32 {
	if id, ok := w.id(piece); ok {
		return append(dst, id)
	}
	return append(dst, w.unknown)
}

// wordPiece repeatedly takes the longest piece that it knows; a word that cannot be taken apart this way is unknown as
// a whole.
type wordPiece struct {
	*vocabulary
	unknown  int32
	maxChars int
	trie     *trie
	inner    int32 // node of the prefix of pieces inside a word
	hasInner bool
}

func (w *wordPiece) tokenize(_ *scratch, dst []int32, piece []byte) []int32 {
	if longerThan(piece, w.maxChars) {
		return append(dst, w.unknown)
	}
	before := len(dst)
	for node, rest := int32(0), piece; len(rest) > 0; node = w.inner {
		var length int
		var id int32
		if node == 0 && len(rest) < len(piece) && !w.hasInner {
			return append(dst[:before], w.unknown)
		}
		if length, id = w.trie.longest(node, rest); length == 0 {
			return append(dst[:before], w.unknown)
		}
		dst, rest = append(dst, id), rest[length:]
	}
	return dst
}

// longerThan reports whether text has more than n characters. utf8.RuneCount would allocate.
func longerThan(text []byte, n int) bool {
	for ; n >= 0 && len(text) > 0; n-- {
		text = text[pattern.RuneLength(text):]
	}
	return n < 0
}
