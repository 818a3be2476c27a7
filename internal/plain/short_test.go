package plain

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShort(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "short": "short", strings.Repeat("a", 100): strings.Repeat("a", 100),
		strings.Repeat("a", 101): strings.Repeat("a", 100) + "…",
		strings.Repeat("日", 100): strings.Repeat("日", 100), strings.Repeat("日", 100_000): strings.Repeat("日", 100) +
			"…",
		strings.Repeat("\xff", 200): strings.Repeat("\xff", 100) + "…",
	} {
		if got := Short(text); got != want {
			t.Errorf("%.20q: got %q, want %q", text, got, want)
		}
	}
}

func TestShortValues(t *testing.T) {
	t.Parallel()
	long, wide := strings.Repeat("x", 100_000), strings.Repeat("é\"\n\x01", 100_000)
	list := "known are " + strings.Repeat("some-name, ", 100)
	for text, want := range map[string]string{
		"short " + long[:300]: "short " + long[:300],
		fmt.Sprintf("unknown arrival %q, known are a, b", long): `unknown arrival "` + long[:100] +
			`…", known are a, b`,
		fmt.Sprintf("got %s and more", long): "got " + long[:300] + "… and more",
		list:                                 list,
		strings.Repeat("word ", 5000):        strings.Repeat("word ", 1000) + "…",
		fmt.Sprintf("option %q: got %q", "a", wide): `option "a": got "` + strings.Repeat(`é\"\n\x01`, 25) +
			`…"`,
	} {
		if got := ShortValues(text); got != want {
			t.Errorf("%.40q: got %.300q, want %.300q", text, got, want)
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	if Error(nil) != nil {
		t.Error("an error of nil")
	}
	err := Error(fmt.Errorf("file %q\x1b: %w", strings.Repeat("日", 1000), fs.ErrNotExist))
	if text := err.Error(); !errors.Is(err, fs.ErrNotExist) || len(text) > 400 || !utf8.ValidString(text) ||
		!strings.Contains(text, `…"\x1b: `) {
		t.Errorf("got %v", err)
	}
}

// FuzzShortValues checks that a shortened message is never longer than the message, and that no whole character is cut
// in half.
func FuzzShortValues(f *testing.F) {
	for _, seed := range []string{"short", `"` + strings.Repeat(`é\"\n\x01`, 200) + `"`, strings.Repeat("日", 600),
		`got "` + strings.Repeat(`\`, 900), strings.Repeat("\xff", 600) + "\x1b\u202e", strings.Repeat(`" "`, 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := ShortValues(text)
		if n := utf8.RuneCountInString(got); n > utf8.RuneCountInString(text) || n > maxAll+1 ||
			len(text) <= maxMessage && got != text || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("ShortValues(%q) = %q", text, got)
		}
		if got := Short(text); utf8.RuneCountInString(got) > maxShown+1 {
			t.Errorf("Short(%q) = %q", text, got)
		}
	})
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		" a\r\n\tb ":                   "a b",
		strings.Repeat("é", 120):       strings.Repeat("é", 100) + "…",
		"x" + strings.Repeat("é", 120): "x" + strings.Repeat("é", 99) + "…",
	} {
		if got := Excerpt(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
