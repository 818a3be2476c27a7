package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder turns tokens back into text: each decoder rewrites the tokens, and what the last one leaves is joined.
type decoder interface {
	decode(tokens []string) []string
}

// byteLevelDecoder maps byteChars back to bytes. A token that has other characters stays as it is.
type byteLevelDecoder struct{}

func (byteLevelDecoder) decode(tokens []string) []string {
	var out []byte
	for _, token := range tokens {
		out = appendBytes(out, token)
	}
	return []string{string(appendValid(nil, out))}
}

func appendBytes(dst []byte, token string) []byte {
	before := len(dst)
	for _, r := range token {
		b, ok := charBytes[r]
		if !ok {
			return append(dst[:before], token...)
		}
		dst = append(dst, b)
	}
	return dst
}

// byteFallbackDecoder joins runs of tokens such as <0xE2>; a run that is not UTF-8 becomes one U+FFFD for each byte.
type byteFallbackDecoder struct{}

func (byteFallbackDecoder) decode(tokens []string) []string {
	var out []string
	var run []byte
	flush := func() {
		switch {
		case utf8.Valid(run):
			out = append(out, string(run))
		default:
			out = append(out, strings.Repeat(replacement, len(run)))
		}
		run = run[:0]
	}
	for _, token := range tokens {
		if b, ok := byteToken(token); ok {
			run = append(run, b)
			continue
		}
		if len(run) > 0 {
			flush()
		}
		out = append(out, token)
	}
	if len(run) > 0 {
		flush()
	}
	return out
}

func byteToken(token string) (byte, bool) {
	if len(token) != 6 || !strings.HasPrefix(token, "<0x") || token[5] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(token[3:5], 16, 8)
	return byte(b), err == nil
}

// fuse joins all tokens into one.
type fuse struct{}

func (fuse) decode(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// stripDecoder removes up to start characters from the beginning and up to stop characters from the end of each token.
type stripDecoder struct {
	content     string // one character
	start, stop int
}

func (s stripDecoder) decode(tokens []string) []string {
	for i, token := range tokens {
		for n := 0; n < s.start && strings.HasPrefix(token, s.content); n++ {
			token = token[len(s.content):]
		}
		for n := 0; n < s.stop && strings.HasSuffix(token, s.content); n++ {
			token = token[:len(token)-len(s.content)]
		}
		tokens[i] = token
	}
	return tokens
}

func (r replace) decode(tokens []string) []string {
	for i, token := range tokens {
		var b buffer
		out, _ := r.normalize(&b, []byte(token), false)
		tokens[i] = string(out)
	}
	return tokens
}

// metaspaceDecoder writes spaces for the marks, and none at the beginning of the text.
type metaspaceDecoder struct {
	mark string
	drop bool // whether to drop the marks of the first token
}

func (m metaspaceDecoder) decode(tokens []string) []string {
	for i, token := range tokens {
		with := " "
		if i == 0 && m.drop {
			with = ""
		}
		tokens[i] = strings.ReplaceAll(token, m.mark, with)
	}
	return tokens
}

// wordPieceDecoder puts spaces between words.
type wordPieceDecoder struct {
	prefix  string
	cleanup bool
}

func (w wordPieceDecoder) decode(tokens []string) []string {
	for i, token := range tokens {
		if i > 0 {
			if rest, ok := strings.CutPrefix(token, w.prefix); ok {
				token = rest
			} else {
				token = " " + token
			}
		}
		if w.cleanup {
			token = cleanUp(token)
		}
		tokens[i] = token
	}
	return tokens
}

// cleanUp removes the spaces before punctuation and contractions, one kind after the other.
func cleanUp(s string) string {
	for _, r := range [...][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
		{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}

// suffixDecoder replaces the suffix that ends words by a space, and removes it from the last token.
type suffixDecoder string

func (d suffixDecoder) decode(tokens []string) []string {
	for i, token := range tokens {
		with := " "
		if i == len(tokens)-1 {
			with = ""
		}
		tokens[i] = strings.ReplaceAll(token, string(d), with)
	}
	return tokens
}
