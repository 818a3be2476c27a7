package plain

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFileName is how many bytes a name may have, so that others fit around it: file systems take 255.
const maxFileName = 100

// reserved are the names of devices on Windows, with whatever extension.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)`)

// FileName makes of a text a part of a path that Linux, macOS and Windows take: of at most 100 bytes and without a
// separator, a character that is not shown, or the name of a device. What does not fit becomes an underscore. The name
// is not one of taken, whose keys are names in lower case, and is added to it; a name that is cut, or taken by another
// text, ends in a hash of the text. The map may be nil if a single name is wanted.
func FileName(text string, taken map[string]bool) string {
	name := fileName(norm.NFC.String(text)) // macOS takes a letter and its accent for the letter that has it
	if len(name) > maxFileName {
		name = hashed(name, text)
	}
	for salt := text; taken[strings.ToLower(name)]; salt += "'" {
		name = hashed(fileName(norm.NFC.String(text)), salt)
	}
	if taken != nil {
		taken[strings.ToLower(name)] = true
	}
	return name
}

// hashed is a name that ends in a hash of a text.
func hashed(name, text string) string {
	sum := sha256.Sum256([]byte(text))
	suffix := "-" + hex.EncodeToString(sum[:4])
	return cut(name, maxFileName-len(suffix)) + suffix
}

// cut is the longest beginning of so many bytes at most that is whole characters.
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
	for _, end := range []int{0, len(name) - 1} { // hidden files; Windows drops what ends a name
		if name[end] == '.' || name[end] == ' ' {
			name[end] = '_'
		}
	}
	if reserved.Match(name) {
		return "_" + string(name)
	}
	return string(name)
}
