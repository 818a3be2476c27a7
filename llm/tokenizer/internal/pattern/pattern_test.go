package pattern

import (
	"fmt"
	"testing"
	"unicode/utf8"
)

// gpt2 is the expression of GPT-2's pre-tokenizer.
const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

func ExampleCompile() {
	words, err := Compile(`\p{L}+`)
	if err != nil {
		fmt.Println(err)
		return
	}
	text := []byte("déjà vu")
	for _, match := range words.Matches(nil, text) {
		fmt.Printf("%q\n", text[match[0]:match[1]])
	}
	// Output:
	// "déjà"
	// "vu"
}

// An expression with the shape of a pattern needs no program of regexp2.
func TestCompileChoosesPatterns(t *testing.T) {
	t.Parallel()
	for regex, want := range map[string]bool{gpt2: true, `a|b+`: true, `(?<=a)b`: false, `(a+)+`: false} {
		m, err := Compile(regex)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := m.(*pattern); got != want {
			t.Errorf("%q: got %T", regex, m)
		}
	}
}

// Any expression compiles or is refused with an error, and its matches are in order.
func FuzzRegex(f *testing.F) {
	for _, regex := range []string{gpt2, `(?i:'s|'t)?|\p{Lu}{1,3}+|[^\s&&\w]|(?<=a)b*?$`, `((a*)*)*b`,
		`\x{10FFFF}|[^]a-c-]`} {
		f.Add(regex, "It's aab 12\n")
	}
	f.Fuzz(func(t *testing.T, regex, text string) {
		m, err := Compile(regex)
		if _, backtracks := m.(*program); err != nil || backtracks && len(text) > 20 || !utf8.ValidString(text) {
			return
		}
		done := 0
		for _, s := range m.Matches(nil, []byte(text)) {
			if s[0] < done || s[1] < s[0] || s[1] > len(text) || !utf8.ValidString(text[s[0]:s[1]]) {
				t.Fatalf("%q in %q: match %v after %d", regex, text, s, done)
			}
			done = s[1]
		}
	})
}

// A class holds the code points of its set, whether ranges end within a page, at its end or pages later.
func TestClassHoldsItsSet(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Set{
		"words": PlainWord(), "all but words": PlainWord().Complement(), "punctuation": Punctuation(),
		"pages": {{0x7f, 0xff}, {0x100, 0x13f}, {0x141, 0x141}, {0x17f, 0x3ff}, {0x401, 0x1ffff},
			{0x20001, utf8.MaxRune}},
	} {
		c := NewClass(s)
		for r := range rune(utf8.MaxRune + 1) {
			if got, want := c.Has(r), s.Has(r); got != want {
				t.Fatalf("%s: Has(%#x): got %t, want %t", name, r, got, want)
			}
		}
	}
}
