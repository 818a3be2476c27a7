package plain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTerminal(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"connection refused", "connection refused"},
		{"\x1b]0;title\x07\x1b[31mred", `\x1b]0;title\x07\x1b[31mred`},
		{"a\r\nb\tc\x00\x7f", `a\r\nb\tc\x00\x7f`},
		{"\u0085\u009b31m", `\u0085\u009b31m`},
		{"\x80\xff\xe2\x80", `\x80\xff\xe2\x80`}, // bytes that are not UTF-8, or only the beginning of a character
		{"\ufffd", "\ufffd"},
		{"exe.\u202egnp", `exe.\u202egnp`},
		{"\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
			`\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069\u200e\u200f\u061c`},
		{"\u2028\u2029\ufeff\u200b\u2060\u00ad", `\u2028\u2029\ufeff\u200b\u2060\u00ad`},
		{"a\U000e0041\U000e0001\U000e0100", `a\U000e0041\U000e0001\U000e0100`},
		{"\u3164\u115f\u034f", `\u3164\u115f\u034f`}, // invisible letters and marks
		{"\ue000\U0010ffff", `\ue000\U0010ffff`},
		{"ad\u200dmin \u200c\u0430\u200d\u5b57\u200c", "ad\\u200dmin \\u200c\u0430\\u200d\u5b57\\u200c"},
		{ // scripts that are written with joiners
			"می\u200cخواهم क्\u200dष 👩\u200d💻 ❤\ufe0f\u200d🔥",
			"می\u200cخواهم क्\u200dष 👩\u200d💻 ❤\ufe0f\u200d🔥",
		},
		{"क्\u200d\u200d", "क्\u200d\\u200d"},
		{"Grüße Привет 你好 こんにちは 한국어 עברית العربية ไทย 🎉 ½ €", "Grüße Привет 你好 こんにちは 한국어 עברית العربية ไทย 🎉 ½ €"},
		{`C:\models\x`, `C:\models\x`},
	} {
		if got := Terminal(tt.text); got != tt.want {
			t.Errorf("Terminal(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestLetterOfEveryScriptStays(t *testing.T) {
	for name, script := range unicode.Scripts {
		for r := rune(0); r <= unicode.MaxRune; r++ {
			if !unicode.Is(script, r) || !unicode.IsLetter(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point,
				r) {
				continue
			}
			if got := Terminal(string(r)); got != string(r) {
				t.Errorf("Terminal of the letter %U of %s = %q", r, name, got)
			}
			break // one case of each kind is enough
		}
	}
}

func TestOneLine(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""}, {"short", "short"}, {" a\r\n\tb \x00\x1b[31mc\u202e ", `a b \x00\x1b[31m…`},
		{"1234567890", "1234567890"}, {"1234567890a", "1234567890…"}, {"éééééééééé1", "éééééééééé…"},
		{"<html>\r\n<head>", "<html> <he…"}, {strings.Repeat("x", 1<<20), "xxxxxxxxxx…"}, {"a\xffb", `a\xffb`},
		{"ab\u202e", `ab\u202e`},
	} {
		if got := OneLine(tt.text, 10); got != tt.want {
			t.Errorf("%.40q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestMessage(t *testing.T) {
	err := errors.Join(errors.New("a\x1b"), errors.New("remark: b"))
	if got, want := Message(err), "a\\x1b\n  remark: b"; got != want {
		t.Errorf("Message(%q) = %q, want %q", err, got, want)
	}
}

func TestKind(t *testing.T) {
	for _, alike := range [][]string{
		{"dial tcp 127.0.0.1:8000: connect: connection refused", "dial tcp 10.1.2.3:9999: connect: connection refused"},
		{"request 4f797960-66d6-4226-bed2-000000000004 failed", "request a1 failed", "request 17 failed"},
		{"cmpl-0a1b2c:  5009\ttokens", "cmpl-7: 12 tokens"},
		{strings.Repeat("x", kindRunes) + "a", strings.Repeat("x", kindRunes) + "b"},
	} {
		for _, other := range alike[1:] {
			if Kind(other) != Kind(alike[0]) {
				t.Errorf("Kind(%q) = %q, Kind(%q) = %q: want one kind", alike[0], Kind(alike[0]), other, Kind(other))
			}
		}
	}
	different := []string{"EOF", "unexpected EOF", "connection refused",
		"dial tcp 127.0.0.1:8000: connect: connection refused", ""}
	kinds := map[string]string{}
	for _, text := range different {
		if other, twice := kinds[Kind(text)]; twice {
			t.Errorf("%q and %q are one kind", text, other)
		}
		kinds[Kind(text)] = text
	}
}

func TestLines(t *testing.T) {
	if got, want := Lines("a\tb\r\nc\x1b[1m\xff\n"), "a\tb\\r\nc\\x1b[1m\\xff\n"; got != want {
		t.Errorf("Lines = %q, want %q", got, want)
	}
}

type named string

func (n named) String() string { return "n:" + string(n) }

func TestArgs(t *testing.T) {
	type kind string
	args := []any{"a\x1b", errors.New("e\n"), named("\u202e"), kind("k\r"), 7, nil, "q\x1b", "w\x07",
		(*fs.PathError)(nil)}
	got := fmt.Sprintf("%s|%v|%s|%s|%d|%v|%q|%6s|%v", Args(args)...)
	if want := `a\x1b|e\n|n:\u202e|k\r|7|<nil>|"q\x1b"| w\x07|<nil>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWriter(t *testing.T) {
	text := "é\x1b[2J\u202e\ta\n\xff€\xe2\x82"
	for size := 1; size <= len(text); size++ {
		var b strings.Builder
		w := &Writer{W: &b}
		for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
			part := rest[:min(size, len(rest))]
			if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
				t.Errorf("Write(%q) = %d, %v", part, n, err)
			}
		}
		if want := "é\\x1b[2J\\u202e\ta\n\\xff€"; b.String() != want {
			t.Errorf("by %d bytes: %q, want %q", size, b.String(), want)
		}
	}
}

func TestWriterKeepsErrors(t *testing.T) {
	w := &Writer{W: broke{}}
	if n, err := w.Write([]byte("a")); n != 0 || err == nil {
		t.Errorf("Write = %d, %v, want 0 and the error", n, err)
	}
}

type broke struct{}

func (broke) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestCSVCell(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"stop", "stop"},
		{`=HYPERLINK("http://evil","x")`, `'=HYPERLINK("http://evil","x")`},
		{"+1", "'+1"},
		{"-2+3", "'-2+3"},
		{"@SUM(1)", "'@SUM(1)"},
		{"\t=1", "'\t=1"},
		{"\r=1", "'\r=1"},
		{"\n=1", "'\n=1"},
		{"＝1", "'＝1"}, // Excel in Japanese reads it as =
		{"a=1", "a=1"},
		{"'=1", "'=1"},
	} {
		if got := CSVCell(tt.text); got != tt.want {
			t.Errorf("CSVCell(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	got := Markdown("a|b\n<img src=x> [x](javascript:1) `c` @all \x1b $x$")
	want := "a\\|b\\\\n&lt;img src=x&gt; \\[x\\](javascript:1) \\`c\\` @\u200ball \\\\x1b \\$x\\$"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	text := "{\n  \"a\": \"é\u202e\u009b\x7f\U000e0041\"\n}\n"
	got := JSON([]byte(text))
	if want := "{\n  \"a\": \"é\\u202e\\u009b\\u007f\\udb40\\udc41\"\n}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var same, was any
	if err := errors.Join(json.Unmarshal([]byte(text), &was), json.Unmarshal([]byte(got), &same)); err != nil ||
		!reflect.DeepEqual(same, was) {
		t.Errorf("got the data %v of %q, want %v; %v", same, got, was, err)
	}
}

func TestFileName(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"lora-a", "lora-a"},
		{"org/lora", "org_lora"},
		{"", "_"},
		{".", "_"},
		{"..", "__"},
		{"../../etc/passwd", "_._.._etc_passwd"},
		{`a\b:c*d?e"f<g>h|i`, "a_b_c_d_e_f_g_h_i"},
		{"a\x00b\nc\u202ed\xffe", "a_b_c_d_e"},
		{"name.", "name_"},
		{"name ", "name_"},
		{" name", "_name"},
		{"con", "_con"},
		{"NUL.txt", "_NUL.txt"},
		{"com1", "_com1"},
		{"LPT²", "_LPT²"},
		{"console", "console"},
		{"e\u0301", "é"},
		{strings.Repeat("x", 230), strings.Repeat("x", 91) + "-" + "17f5e6ed"},
		{strings.Repeat("é", 60), strings.Repeat("é", 45) + "-" + "f989aaf5"},
	} {
		if got := FileName(tt.text, nil); got != tt.want {
			t.Errorf("FileName(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestFileNamesAreDistinct(t *testing.T) {
	long := strings.Repeat("x", 230)
	texts := []string{"a/b", "a_b", "A_B", "a:b", "a/b", "é", "e\u0301", "É", long + "1", long + "2", "", "\x00", "_"}
	taken, seen := map[string]bool{}, map[string]string{}
	for _, text := range texts {
		name := FileName(text, taken)
		key := strings.ToLower(name)
		if other, twice := seen[key]; twice {
			t.Errorf("%q and %q are both %q", other, text, name)
		}
		seen[key] = text
		if !taken[key] {
			t.Errorf("FileName(%q) = %q is not taken", text, name)
		}
	}
	if got := FileName("a/b", map[string]bool{}); got != "a_b" {
		t.Errorf("a name that nothing has taken is %q, want a_b", got)
	}
}

func FuzzTerminal(f *testing.F) {
	for _, seed := range []string{
		"", "a\x1b[1m", "\u202e", "می\u200cخواهم", "\xff\xe2\x80", "a\U000e0041\n", "\u009b31m", "\x1b]0;x\a",
		"a\x00\x7f\u2028", "\u2066x\u2069", strings.Repeat("9", 500),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Terminal(text)
		if !utf8.ValidString(got) {
			t.Errorf("Terminal(%q) = %q is not UTF-8", text, got)
		}
		if strings.ContainsAny(Kind(text), "0123456789\n\x1b") {
			t.Errorf("Kind(%q) = %q has a number, or a control character", text, Kind(text))
		}
		if again := Terminal(got); again != got {
			t.Errorf("Terminal(%q) = %q, and of that %q", text, got, again)
		}
		if i := strings.IndexFunc(got, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
		}); i >= 0 {
			t.Errorf("Terminal(%q) = %q has a control character at %d", text, got, i)
		}
	})
}

func FuzzCell(f *testing.F) {
	for _, seed := range []string{"", "=1", "'", "|", "a\n|b|", "`@", "\t=1", "＝1", "\x00=1", "\r@", "\u202e|",
		"</td><script>", "\\|"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := CSVCell(text); got != "" && strings.ContainsRune("=+-@\t\r\n", rune(got[0])) ||
			!strings.HasSuffix(got, text) {
			t.Errorf("CSVCell(%q) = %q", text, got)
		}
		got := Markdown(text)
		for i := range len(got) {
			if c := got[i]; strings.IndexByte("\n\r<>", c) >= 0 || strings.IndexByte("|`", c) >= 0 &&
				(i == 0 || got[i-1] != '\\') {
				t.Errorf("Markdown(%q) = %q has a bare %q", text, got, c)
			}
		}
	})
}

func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"", "..", "con", "a/b", "a.", "\u202e", strings.Repeat("é", 120), "e\u0301",
		"../../x", "a\x00b", "a_b", strings.Repeat("a/", 120), "con.json", "\x1b[2J", "lpt¹", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		taken := map[string]bool{}
		first, second := FileName(text, taken), FileName(strings.ToUpper(text), taken)
		if lower := strings.ToLower(first); lower == strings.ToLower(second) {
			t.Errorf("FileName(%q) is %q twice", text, first)
		}
		for _, name := range []string{first, second} {
			if len(name) == 0 || len(name) > maxFileName || !utf8.ValidString(name) ||
				strings.ContainsAny(name, `/\:*?"<>|`) ||
				strings.ContainsFunc(name, unicode.IsControl) || strings.Trim(name, ". ") != name ||
				reserved.MatchString(name) {
				t.Errorf("FileName(%q) = %q", text, name)
			}
		}
	})
}

func TestArgument(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"run.jsonl": "run.jsonl", "my run's.jsonl": `'my run'\''s.jsonl'`,
		"$HOME": "'$HOME'", "": "''", "a;b": "'a;b'", "a=1,2:3@4/5%": "a=1,2:3@4/5%", "a\x1bb": `a\x1bb`} {
		if got := Argument(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
