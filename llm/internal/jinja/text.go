package jinja

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// stringMethod calls a method of Python's str.
func stringMethod(r *render, s, name string, a callArgs) Value {
	r.spend(len(s))
	switch name {
	case "strip", "lstrip", "rstrip":
		return strip(name, s, orDefault(a.bind(name, "chars")[0], nil))
	case "split", "rsplit":
		v := a.bind(name, "sep", "maxsplit")
		return split(r, name, s, orDefault(v[0], nil), integer(orDefault(v[1], int64(-1))))
	case "startswith", "endswith":
		return hasAffix(name, s, a.bind(name, "affix")[0])
	case "removeprefix":
		return strings.TrimPrefix(s, textOf(name, a.bind(name, "prefix")[0]))
	case "removesuffix":
		return strings.TrimSuffix(s, textOf(name, a.bind(name, "suffix")[0]))
	case "partition", "rpartition":
		return partition(name, s, textOf(name, a.bind(name, "sep")[0]))
	case "splitlines":
		return splitLines(s, truth(orDefault(a.bind(name, "keepends")[0], false)))
	case "replace":
		v := a.bind(name, "old", "new", "count")
		return replace(r, s, textOf(name, v[0]), textOf(name, v[1]), integer(orDefault(v[2], int64(-1))))
	case "join":
		return joinTexts(r, s, a.bind(name, "iterable")[0], true)
	case "count":
		return int64(strings.Count(s, textOf(name, a.bind(name, "sub")[0])))
	case "find", "rfind", "index", "rindex":
		return find(name, s, textOf(name, a.bind(name, "sub")[0]))
	case "center", "ljust", "rjust", "zfill":
		v := a.bind(name, "width", "fillchar")
		return pad(r, name, s, integer(v[0]), textOf(name, orDefault(v[1], " ")))
	case "format":
		return format(r, s, a)
	}
	if len(a.list)+len(a.names) > 0 {
		fail("arguments of the method %s of a str are not supported", name)
	}
	return casedMethod(s, name)
}

// casedMethod calls a method without arguments.
func casedMethod(s, name string) Value {
	switch name {
	case "upper":
		return upper(s)
	case "lower":
		return lower(s)
	case "casefold":
		return cases.Fold().String(s)
	case "capitalize":
		return capitalize(s)
	case "title":
		return titleCase(s)
	case "islower", "isupper":
		return isCased(s, name == "isupper")
	}
	if is, ok := classes[name]; ok {
		return s != "" && strings.IndexFunc(s, func(c rune) bool { return !is(c) }) < 0
	}
	if name == "isascii" {
		return strings.IndexFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
	}
	fail("the method %s of a str is not supported", name)
	return nil
}

// classes holds the character classes that Python distinguishes. Beyond ASCII, isdigit and isnumeric know many more
// characters.
var classes = map[string]func(rune) bool{
	"isspace":   isSpace,
	"isalpha":   unicode.IsLetter,
	"isdecimal": func(c rune) bool { return unicode.Is(unicode.Nd, c) },
	"isdigit":   func(c rune) bool { return ascii("isdigit", c) && unicode.Is(unicode.Nd, c) },
	"isnumeric": func(c rune) bool { return ascii("isnumeric", c) && unicode.Is(unicode.Nd, c) },
	"isalnum":   func(c rune) bool { return unicode.IsLetter(c) || ascii("isalnum", c) && unicode.IsDigit(c) },
}

func ascii(method string, c rune) bool {
	if unicode.IsNumber(c) && c >= utf8.RuneSelf {
		fail("the method %s of a str is not supported for the character %q", method, c)
	}
	return true
}

func textOf(method string, v Value) string {
	s, ok := v.(string)
	if !ok {
		if _, no := v.(missing); no {
			fail("%s: an argument is missing", method)
		}
		defined(v)
		fail("%s: an argument must be str, not %s", method, typeName(v))
	}
	return s
}

func strip(name, s string, chars Value) Value {
	in := isSpace
	if chars != nil {
		set := textOf(name, chars)
		in = func(c rune) bool { return strings.ContainsRune(set, c) }
	}
	if name != "rstrip" {
		s = strings.TrimLeftFunc(s, in)
	}
	if name != "lstrip" {
		s = strings.TrimRightFunc(s, in)
	}
	return s
}

// split divides a text at a separator or at white space, at most n times if n is not negative.
func split(r *render, name, s string, sep Value, n int64) Value {
	r.spend(16 * len(s))
	var parts []string
	switch {
	case sep == nil:
		parts = splitSpace(s, n, name == "rsplit")
	case textOf(name, sep) == "":
		fail("empty separator")
	case name == "split":
		limit := -1
		if n >= 0 {
			limit = int(min(n, 1<<30)) + 1
		}
		parts = strings.SplitN(s, textOf(name, sep), limit)
	default:
		parts = splitRight(s, textOf(name, sep), n)
	}
	return texts(parts)
}

func texts(parts []string) *List {
	list := NewList()
	for _, part := range parts {
		list.Items = append(list.Items, part)
	}
	return list
}

func splitRight(s, sep string, n int64) []string {
	var parts []string
	for i := strings.LastIndex(s, sep); i >= 0 && n != 0; i = strings.LastIndex(s, sep) {
		parts = append(parts, s[i+len(sep):])
		s = s[:i]
		n--
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	return parts
}

// splitSpace divides a text at white space.
func splitSpace(s string, n int64, right bool) []string {
	var parts []string
	if right {
		for s = strings.TrimRightFunc(s, isSpace); s != "" && n != 0; n-- {
			i := strings.LastIndexFunc(s, isSpace)
			_, size := utf8.DecodeRuneInString(s[max(i, 0):])
			if i < 0 {
				i, size = 0, 0
			}
			parts = append(parts, s[i+size:])
			s = strings.TrimRightFunc(s[:i], isSpace)
		}
		if s != "" {
			parts = append(parts, s)
		}
		slices.Reverse(parts)
		return parts
	}
	for s = strings.TrimLeftFunc(s, isSpace); s != "" && n != 0; n-- {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 {
			i = len(s)
		}
		parts = append(parts, s[:i])
		s = strings.TrimLeftFunc(s[i:], isSpace)
	}
	if s != "" {
		parts = append(parts, s)
	}
	return parts
}

func hasAffix(name, s string, affix Value) Value {
	has := strings.HasPrefix
	if name == "endswith" {
		has = strings.HasSuffix
	}
	if l, ok := affix.(*List); ok && l.kind == tuple {
		return slices.ContainsFunc(l.Items, func(one Value) bool { return has(s, textOf(name, one)) })
	}
	return has(s, textOf(name, affix))
}

func partition(name, s, sep string) Value {
	if sep == "" {
		fail("empty separator")
	}
	if name == "partition" {
		before, after, found := strings.Cut(s, sep)
		if !found {
			sep = ""
		}
		return newTuple(before, sep, after)
	}
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return newTuple("", "", s)
	}
	return newTuple(s[:i], sep, s[i+len(sep):])
}

// splitLines divides a text where Python sees the end of a line.
func splitLines(s string, keep bool) *List {
	list := NewList()
	for s != "" {
		i := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if i < 0 {
			list.Items = append(list.Items, s)
			break
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			size = 2
		}
		end := i
		if keep {
			end += size
		}
		list.Items = append(list.Items, s[:end])
		s = s[i+size:]
	}
	return list
}

func replace(r *render, s, from, to string, n int64) string {
	times := int64(strings.Count(s, from))
	if n >= 0 {
		times = min(times, n)
	}
	spendTimes(r, times, max(0, len(to)-len(from)))
	r.spend(len(s))
	return strings.Replace(s, from, to, int(times))
}

// joinTexts joins texts. With strict, as for the method of str, other values are an error; otherwise, as for the
// filter, they are written as text.
func joinTexts(r *render, sep string, v Value, strict bool) string {
	var b strings.Builder
	next := iterate(r, v)
	for i := 0; ; i++ {
		item, ok := next()
		if !ok {
			return b.String()
		}
		if i > 0 {
			b.WriteString(sep)
		}
		if _, isText := item.(string); strict && !isText {
			fail("sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		text := str(r, item)
		r.spend(len(sep) + len(text))
		if b.WriteString(text); b.Len() > maxOnce {
			r.spend(b.Len())
		}
	}
}

func find(name, s, sub string) Value {
	i := strings.Index(s, sub)
	if name[0] == 'r' {
		i = strings.LastIndex(s, sub)
	}
	if i < 0 && strings.HasSuffix(name, "index") {
		fail("substring not found")
	}
	if i > 0 {
		i = utf8.RuneCountInString(s[:i])
	}
	return int64(i)
}

func pad(r *render, name, s string, width int64, fill string) string {
	n := width - int64(utf8.RuneCountInString(s))
	if utf8.RuneCountInString(fill) != 1 {
		fail("the fill character must be exactly one character long")
	}
	if n <= 0 {
		return s
	}
	spendTimes(r, n, len(fill))
	pad := func(n int64) string { return strings.Repeat(fill, int(n)) }
	switch name {
	case "ljust":
		return s + pad(n)
	case "rjust":
		return pad(n) + s
	case "center":
		left := n/2 + n&width&1
		return pad(left) + s + pad(n-left)
	}
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = s[:1], s[1:]
	}
	return sign + strings.Repeat("0", int(n)) + s
}

func upper(s string) string { return cases.Upper(language.Und).String(s) }
func lower(s string) string { return cases.Lower(language.Und).String(s) }
func title(s string) string { return cases.Title(language.Und).String(s) }

func capitalize(s string) string {
	if s == "" {
		return ""
	}
	_, size := utf8.DecodeRuneInString(s)
	return title(s[:size]) + lower(s[size:])
}

// titleCase implements Python's str.title: a letter that does not follow a letter becomes a capital.
func titleCase(s string) string {
	var b strings.Builder
	inWord := false
	for _, c := range s {
		one := string(c)
		switch cased := unicode.IsLetter(c) && unicode.ToUpper(c) != unicode.ToLower(c); {
		case cased && inWord:
			b.WriteString(lower(one))
		case cased, unicode.IsLower(c): // letters such as ß, whose capital form has two letters
			b.WriteString(title(one))
			inWord = true
		default:
			b.WriteString(one)
			inWord = false
		}
	}
	return b.String()
}

func isCased(s string, upper bool) bool {
	found := false
	for _, c := range s {
		switch {
		case unicode.IsUpper(c) && !upper, unicode.IsLower(c) && upper, unicode.IsTitle(c):
			return false
		case unicode.IsUpper(c), unicode.IsLower(c):
			found = true
		}
	}
	return found
}
