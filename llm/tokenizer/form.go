package tokenizer

import (
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"
)

// form is a Unicode normalization form. It uses the data of golang.org/x/text but not its algorithm: that package
// inserts U+034F into long runs of combining marks, and knows characters that the library does not.
type form struct {
	compose bool
	quick   norm.Form      // finds text that is already normal
	library norm.Form      // decomposes
	whole   *pattern.Class // characters that stay undecomposed
	starter *pattern.Class // marks that count as starters
}

func newForm(compat, compose bool) *form {
	if compose {
		compositions() // compute them now rather than in the first text that needs them
	}
	f := &form{compose: compose, library: norm.NFD, whole: pattern.NewClass(pattern.Undecomposed),
		starter: pattern.NewClass(pattern.Uncombining)}
	if compat {
		f.library, f.whole = norm.NFKD, pattern.NewClass(pattern.UndecomposedCompat)
	}
	switch {
	case compose && compat:
		f.quick = norm.NFKC
	case compose:
		f.quick = norm.NFC
	default:
		f.quick = f.library
	}
	return f
}

// mark is a code point with its canonical combining class.
type mark struct {
	r     rune
	class uint8
}

func (f *form) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	normal := f.quick.QuickSpan(text)
	if normal == len(text) {
		return text, first
	}
	out, run := append(b.text[:0], text[:normal]...), b.marks[:0] // run is a starter with all that may combine with it
	for i := normal; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && (i+1 == len(text) || text[i+1] < utf8.RuneSelf) {
			out, run = f.flush(out, run), run[:0]
			out = append(out, c)
			i++
			continue
		}
		p := f.library.Properties(text[i:])
		if p.BoundaryBefore() {
			out, run = f.flush(out, run), run[:0]
		}
		run = f.decompose(run, text[i:i+p.Size()], p)
		i += p.Size()
	}
	b.text, b.marks = f.flush(out, run), run
	return b.text, first
}

// Hangul syllables are computed, see the Unicode standard, section 3.12.
const (
	hangulBase, hangulEnd = 0xac00, 0xd7a4
	leadBase, vowelBase   = 0x1100, 0x1161
	tailBase              = 0x11a7
	leads, vowels, tails  = 19, 21, 28
)

// decompose appends the decomposition of one character.
func (f *form) decompose(run []mark, char []byte, p norm.Properties) []mark {
	r, _ := utf8.DecodeRune(char)
	if r >= hangulBase && r < hangulEnd {
		n := r - hangulBase
		run = append(run, mark{r: leadBase + n/(vowels*tails)}, mark{r: vowelBase + n/tails%vowels})
		if t := n % tails; t > 0 {
			run = append(run, mark{r: tailBase + t})
		}
		return run
	}
	parts := p.Decomposition()
	if len(parts) == 0 || f.whole.Has(r) {
		return append(run, f.mark(r, p))
	}
	for len(parts) > 0 {
		r, n := utf8.DecodeRune(parts)
		run = append(run, f.mark(r, f.library.Properties(parts[:n])))
		parts = parts[n:]
	}
	return run
}

func (f *form) mark(r rune, p norm.Properties) mark {
	if f.starter.Has(r) {
		return mark{r: r}
	}
	return mark{r, p.CCC()}
}

// flush orders the marks of run, composes run and appends it to dst.
func (f *form) flush(dst []byte, run []mark) []byte {
	for i := 0; i < len(run); i++ {
		from := i
		for i < len(run) && run[i].class > 0 {
			i++
		}
		slices.SortStableFunc(run[from:i], func(a, b mark) int { return int(a.class) - int(b.class) })
	}
	if f.compose {
		run = composed(run)
	}
	for _, m := range run {
		dst = utf8.AppendRune(dst, m.r)
	}
	return dst
}

// composed joins each starter with the marks that may reach it, in place.
func composed(run []mark) []mark {
	out := run[:0]
	starter := -1 // index in out
	for _, m := range run {
		if starter >= 0 {
			last := out[len(out)-1].class
			near := len(out)-1 == starter
			if near || last != 0 && last < m.class {
				if c, ok := compose(out[starter].r, m.r); ok {
					out[starter].r = c
					continue
				}
			}
		}
		if m.class == 0 {
			starter = len(out)
		}
		out = append(out, m)
	}
	return out
}

func compose(a, b rune) (rune, bool) {
	if l, v := a-leadBase, b-vowelBase; 0 <= l && l < leads && 0 <= v && v < vowels {
		return hangulBase + (l*vowels+v)*tails, true
	}
	if s, t := a-hangulBase, b-tailBase; 0 <= s && a < hangulEnd && s%tails == 0 && 0 < t && t < tails {
		return a + t, true
	}
	c, ok := compositions()[[2]rune{a, b}]
	return c, ok
}

// compositions are the primary composites, found by decomposing every character that composition leaves whole.
var compositions = sync.OnceValue(func() map[[2]rune]rune {
	pairs := make(map[[2]rune]rune, 1024)
	for r := rune(utf8.RuneSelf); r < 0x30000; r++ { // nothing beyond can be composed
		text := string(r)
		d := norm.NFD.PropertiesString(text).Decomposition()
		if len(d) == 0 || pattern.Undecomposed.Has(r) || norm.NFC.String(text) != text {
			continue
		}
		last, size := utf8.DecodeLastRune(d)
		head := []rune(string(norm.NFC.Bytes(d[:len(d)-size])))
		if len(head) == 1 {
			pairs[[2]rune{head[0], last}] = r
		}
	}
	return pairs
})
