// Package secret keeps credentials out of what is stored and shown. [Named] recognizes by its name what holds a
// credential, a [Set] collects the credentials that a client sends, and a [Mask] replaces them in the answers of a
// server, which may repeat what it was sent.
package secret

import (
	"regexp"
	"slices"
	"strings"
)

// Mark is the text that replaces a secret.
const Mark = "***"

// Named reports whether a header, an option, a field of a body or a parameter of a URL with this name holds a
// credential: Authorization, api_key, x-goog-api-key, authToken. It returns false for names of tokens that a model
// reads or writes, and for what names the header of a key.
func Named(name string) bool {
	lower := strings.ToLower(name)
	if !slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(lower, sign) }) {
		return false // the quick way out for most names
	}
	return credential.MatchString(harmless.ReplaceAllString(separated(name), ""))
}

// credential matches names that hold a credential, each of which contains one of signs; harmless matches the parts of
// names that only look like one.
var (
	signs = []string{"auth", "key", "token", "cookie", "secret", "pass", "credential", "bearer", "jwt", "pwd",
		"sig"}
	credential = regexp.MustCompile(`auth($|[^o]|o[^r]|ori[sz])` +
		`|(api|access|secret|private|subscription|master|signing|license|account|shared)-?key|(^|-)key$` +
		`|token($|[^a-z])|cookie|secret|passw|passphrase|credential|bearer|signature|jwt|(^|-)(pass|pwd|sig)($|-)`)
	harmless = regexp.MustCompile(
		`(^|-)(eos|bos|pad|unk|sep|cls|mask|stop|start|end|special|image|first|last|max|min|per)-token` +
			`($|-)|token-(ids?|count|limit|budget|healing|type|probs?|logprobs?)($|-)|(^|-)cache-key$|(^|-)key-header$`)
)

// separated returns a name in lower case with hyphens between its words.
func separated(name string) string {
	var b strings.Builder
	lower := false
	for _, c := range name {
		switch {
		case c == '_' || c == ' ' || c == '.':
			c = '-'
		case c >= 'A' && c <= 'Z' && lower:
			b.WriteByte('-')
		}
		lower = c >= 'a' && c <= 'z'
		b.WriteRune(c)
	}
	return strings.ToLower(b.String())
}
