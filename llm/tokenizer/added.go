package tokenizer

import "github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"

// addedToken is a token that is found in the text before the text is normalized or cut.
type addedToken struct {
	id                         int32
	content                    string
	written                    string // content as the normalizer writes it, to which the token decodes
	singleWord, lstrip, rstrip bool
	normalized, special        bool
}

// addedTokens finds added tokens in two passes: tokens that are not normalized in the text as given, the others in the
// normalized text between them.
type addedTokens struct {
	tokens      []addedToken // in order of preference where several match
	raw, normal *tokenFinder // nil if there are none
	byID        map[int32]int
}

// tokenFinder finds added tokens: the leftmost first, and at each position the longest.
type tokenFinder struct {
	tokens      []addedToken
	trie        *trie // its values are positions in tokens
	word, space *pattern.Class
}

// newAddedTokens rewrites each normalized token as the normalizer would. It keeps tokens.
func newAddedTokens(tokens []addedToken, normalize func(string) string) *addedTokens {
	a := &addedTokens{tokens: tokens, byID: map[int32]int{}}
	var tries [2]*trie
	for pass, special := range []bool{true, false} {
		for i, t := range tokens {
			if pass == 0 {
				a.byID[t.id] = i
			}
			if t.special != special {
				continue
			}
			text, which := t.content, 0
			if t.normalized {
				text, which = normalize(text), 1
			}
			tokens[i].written = text
			if tries[which] == nil {
				tries[which] = newTrie()
			}
			if node, ok := tries[which].walk(text); text != "" && (!ok || tries[which].values[node] < 0) {
				tries[which].add(text, int32(i))
			}
		}
	}
	word, space := pattern.NewClass(pattern.PlainWord()), pattern.NewClass(pattern.Space())
	finder := func(t *trie) *tokenFinder {
		if t == nil {
			return nil
		}
		return &tokenFinder{tokens, t, word, space}
	}
	a.raw, a.normal = finder(tries[0]), finder(tries[1])
	return a
}

// found is an added token in a text.
type found struct {
	start, end int
	id         int32
}

// next returns the first valid token at or after from, and false if there is none. done is the end of the text that
// earlier tokens took, and match the end of what was read.
func (f *tokenFinder) next(text []byte, from, done int) (tok found, match int, ok bool) {
	for from < len(text) {
		if f.trie.roots[text[from]] == 0 {
			from++
			continue
		}
		length, i := f.trie.longest(0, text[from:])
		if length == 0 {
			from++
			continue
		}
		t := &f.tokens[i]
		start, end := from, from+length
		from = end
		if t.singleWord && (f.word.Last(text[:start]) > 0 || f.word.First(text[end:]) > 0) {
			continue
		}
		if t.lstrip {
			for n := f.space.Last(text[:start]); n > 0 && start > done; n = f.space.Last(text[:start]) {
				start -= n
			}
		}
		if t.rstrip {
			for n := f.space.First(text[end:]); n > 0; n = f.space.First(text[end:]) {
				end += n
			}
		}
		return found{start, end, t.id}, from, true
	}
	return found{}, len(text), false
}
