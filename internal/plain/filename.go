package plain

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFileName is the greatest length of a name in bytes. File systems allow 255, and callers add to the name.
const maxFileName = 100

// reserved matches the names of devices on Windows, with any extension.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)`)

// FileName turns a text into an element of a path that Linux, macOS and Windows accept: at most 100 bytes, without
// separators, invisible characters or names of devices. An underscore replaces each character that is not allowed. used
// holds the names, in lower case, that the result must differ from, and FileName adds the result to it; nil means that
// there are none. A name that is cut, or used for another text, ends in a hash of the text.
func FileName(text string, used map[string]bool) string {
	name := fileName(norm.NFC.String(text)) // to macOS a letter with a combining accent equals the accented letter
	if len(name) > maxFileName {
		name = hashed(name, text)
	}
	for salt := text; used[strings.ToLower(name)]; salt += "'" {
		name = hashed(fileName(norm.NFC.String(text)), salt)
	}
	if used != nil {
		used[strings.ToLower(name)] = true
	}
	return name
}

// hashed returns a name that ends in a hash of a text.
func hashed(name, text string) string {
	sum := sha256.Sum256([]byte(text))
	suffix := "-" + hex.EncodeToString(sum[:4])
	return cut(name, maxFileName-len(suffix)) + suffix
}

// cut returns the longest beginning of a text that has at most that many bytes and ends with a whole character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func fileName(text string) string {
	var b strings.Builder
	for i, r := range text {
		if strings.ContainsRune(`/\:*?"<>|`, r) || !shown(text, i, r) {
			r = '_'
		}
		b.WriteRune(r)
	}
	name := []byte(b.String())
	if len(name) == 0 {
		return "_"
	}
	for _, end := range []int{0, len(name) - 1} { // a leading dot hides a file; Windows drops trailing ones
		if name[end] == '.' || name[end] == ' ' {
			name[end] = '_'
		}
	}
	if reserved.Match(name) {
		return "_" + string(name)
	}
	return string(name)
}
