package secret

import (
	"net/url"
	"regexp"
	"strings"
)

// The parts of a URL that may hold a secret.
var (
	userInfo  = regexp.MustCompile(`^(,?\s*[A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@`)
	parameter = regexp.MustCompile(`[?&][^=&#]+=[^&#]+`)
	anyURL    = regexp.MustCompile(`(?:^|,)\s*[A-Za-z][A-Za-z0-9+.-]*://`)
)

// RedactURL replaces the user of a URL, or of several with commas between them, and the parameters of its query that
// have the name of a credential, by [Mark]. Other texts are returned unchanged.
func RedactURL(text string) string {
	begins := anyURL.FindAllStringIndex(text, -1)
	if begins == nil {
		return text
	}
	var shown strings.Builder
	last := 0
	for _, at := range begins {
		shown.WriteString(redactOne(text[last:at[0]]))
		last = at[0]
	}
	return shown.String() + redactOne(text[last:])
}

// redactOne redacts one URL, with the comma before it.
func redactOne(text string) string {
	text = userInfo.ReplaceAllString(text, "${1}"+Mark+"@")
	return parameter.ReplaceAllStringFunc(text, func(pair string) string {
		name, _, _ := strings.Cut(pair[1:], "=")
		if plain, err := url.QueryUnescape(name); err == nil && inQuery(plain) {
			return pair[:len(name)+2] + Mark
		}
		return pair
	})
}

// WithoutUser is for a text that should be a URL, and is none or of no use: [RedactURL], and [Mark] in the place of all
// before an @, wherever that is.
func WithoutUser(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		text = Mark + text[at:]
	}
	return RedactURL(text)
}

// inQuery reports whether a parameter of a URL is a credential by its name. Azure's functions call their keys code.
func inQuery(name string) bool { return Named(name) || name == "code" }

// WithoutPassword replaces the password of a URL, or a user without a password, which may be a token, by xxxxx. Of a
// text that has an @ and is no URL it keeps only the end from the last @ on.
func WithoutPassword(text string) string {
	u, err := url.Parse(text)
	switch at := strings.LastIndexByte(text, '@'); {
	case err == nil && u.User != nil:
		if _, both := u.User.Password(); !both {
			u.User = url.User("xxxxx")
		}
		return u.Redacted()
	case at >= 0 && (err != nil || u.Host == "" && strings.Contains(u.Opaque+u.Path, "@")):
		return "…" + text[at:]
	}
	return text
}
