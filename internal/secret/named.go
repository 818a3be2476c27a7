// Package secret keeps credentials out of what is stored and shown. [Named] knows by its name what holds one, a [Set]
// collects those that a client sends, and a [Mask] replaces them in the words of a server, which may repeat what it was
// sent.
package secret

import (
	"regexp"
	"slices"
	"strings"
)

// Mark stands in the place of a secret.
const Mark = "***"

// Named says whether what a header, an option, a field of a body or a parameter of a URL holds is a credential, by its
// name: Authorization, api_key, x-goog-api-key, authToken. Names of tokens that a model reads or writes are not.
func Named(name string) bool {
	lower := strings.ToLower(name)
	if !slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(lower, sign) }) {
		return false // as most are, of the bodies of all requests
	}
	return credential.MatchString(harmless.ReplaceAllString(separated(name), ""))
}

// credential is what in a name says that it holds one, with one of signs at least; harmless is what only looks so.
var (
	signs = []string{"auth", "key", "token", "cookie", "secret", "pass", "credential", "bearer", "jwt", "pwd",
		"sig"}
	credential = regexp.MustCompile(`auth($|[^o]|o[^r]|ori[sz])` +
		`|(api|access|secret|private|subscription|master|signing|license|account|shared)-?key|(^|-)key$` +
		`|token($|[^a-z])|cookie|secret|passw|passphrase|credential|bearer|signature|jwt|(^|-)(pass|pwd|sig)($|-)`)
	harmless = regexp.MustCompile(
		`(^|-)(eos|bos|pad|unk|sep|cls|mask|stop|start|end|special|image|first|last|max|min|per)-token` +
			`($|-)|token-(ids?|count|limit|budget|healing|type|probs?|logprobs?)($|-)|(^|-)cache-key$`)
)

// separated writes a name in lower case with hyphens between its words.
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
