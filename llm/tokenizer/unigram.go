package tokenizer

import "github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"

// unigram finds the pieces whose scores have the greatest sum, by Viterbi's algorithm; a character that is not a piece
// costs more than any piece.
type unigram struct {
	*vocabulary
	trie      *trie
	scores    []float64 // by id
	unknown   int32
	worst     float64 // score of an unknown character
	fallback  [256]int32
	fallsBack bool
}

// unknownPenalty is how far below the lowest score an unknown character scores.
const unknownPenalty = 10

// path is the best way to the end of the bytes before it.
type path struct {
	score float64
	start int32 // start of its last piece, -1 if no piece ends here
	id    int32
}

func (u *unigram) tokenize(s *scratch, dst []int32, piece []byte) []int32 {
	paths := s.paths[:0]
	for range len(piece) + 1 {
		paths = append(paths, path{start: -1})
	}
	s.paths = paths
	for start := 0; start < len(piece); {
		size := pattern.RuneLength(piece[start:])
		u.extend(paths, piece, start, size)
		start += size
	}
	return u.trace(dst, paths, piece)
}

// extend adds every piece that begins at start, where a character of the given size stands.
func (u *unigram) extend(paths []path, piece []byte, start, size int) {
	so, single := paths[start].score, false
	reach := func(end int, id int32, score float64) {
		if p := &paths[end]; p.start < 0 || so+score > p.score {
			*p = path{so + score, int32(start), id}
		}
	}
	node := int32(0)
	for end := start; end < len(piece); end++ {
		if node = u.trie.child(node, piece[end]); node == 0 {
			break
		}
		if id := u.trie.values[node]; id >= 0 {
			reach(end+1, id, u.scores[id])
			single = single || end+1-start == size
		}
	}
	if !single {
		reach(start+size, u.unknown, u.worst)
	}
}

// trace follows the best path back and appends its ids in reading order.
// Neighbouring unknown characters are one token, unless their bytes are
// tokens.
func (u *unigram) trace(dst []int32, paths []path, piece []byte) []int32 {
	before := len(dst)
	for end := int32(len(piece)); end > 0; {
		p := paths[end]
		if p.id != u.unknown {
			dst = append(dst, p.id)
			end = p.start
			continue
		}
		start := p.start
		for start > 0 && paths[start].id == u.unknown {
			start = paths[start].start
		}
		dst = u.appendUnknown(dst, piece[start:end])
		end = start
	}
	reverse(dst[before:])
	return dst
}

// appendUnknown appends the ids of text that is not a piece, the last first.
func (u *unigram) appendUnknown(dst []int32, text []byte) []int32 {
	if id, ok := u.id(text); ok { // two unknown characters may make a piece that is worth less
		return append(dst, id)
	}
	if u.fallsBack {
		before := len(dst)
		for i := len(text) - 1; i >= 0; i-- {
			id := u.fallback[text[i]]
			if id < 0 {
				return append(dst[:before], u.unknown)
			}
			dst = append(dst, id)
		}
		return dst
	}
	return append(dst, u.unknown)
}

func reverse(ids []int32) {
	for i, j := 0, len(ids)-1; i < j; i, j = i+1, j-1 {
		ids[i], ids[j] = ids[j], ids[i]
	}
}
