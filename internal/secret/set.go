package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// minLength is the length, in bytes, from which on a value is masked. A shorter one, such as the EMPTY and none that
// servers without keys are given, is part of too many words: replacing it would leave no text readable.
const minLength = 6

// Set collects the values of secrets. The zero value is empty.
type Set struct{ values []string }

// Len returns the number of values.
func (s *Set) Len() int { return len(s.values) }

// Clone returns a set of the same values. Adding to one does not change the other.
func (s *Set) Clone() Set { return Set{slices.Clip(s.values)} }

// Add adds a value, unless it is too short to be masked. Of a value of several lines it adds each line, too, because
// messages are made one line.
func (s *Set) Add(value string) {
	if strings.ContainsAny(strings.TrimSpace(value), "\r\n") {
		for line := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == '\r' || c == '\n' }) {
			s.Add(line)
		}
	}
	if value = strings.TrimSpace(value); len(value) >= minLength && !slices.Contains(s.values, value) {
		s.values = append(s.values, value)
	}
}

// Headers adds the values of those headers that have the name of a credential, and the parts of these values.
func (s *Set) Headers(header http.Header) {
	for name, values := range header {
		if Named(name) {
			for _, value := range values {
				s.header(strings.TrimSpace(value))
			}
		}
	}
}

// schemes lists the schemes of an Authorization header after which only the credential follows.
var schemes = []string{"bearer", "basic", "token", "apikey", "api-key", "key", "jwt"}

// header adds the value of a header, without a scheme, and the values of its parameters or cookies.
func (s *Set) header(value string) {
	scheme, rest, _ := strings.Cut(value, " ")
	if rest = strings.TrimSpace(rest); slices.Contains(schemes, strings.ToLower(scheme)) && len(rest) >= minLength {
		value = rest
	}
	s.Add(value)
	if decoded, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "basic") {
		user, password, _ := strings.Cut(string(decoded), ":")
		s.Add(string(decoded))
		s.user(user, password)
	}
	for part := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == ';' || c == ',' }) {
		if _, value, ok := strings.Cut(part, "="); ok {
			s.Add(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
}

// user adds a password, or a user without a password, which may be a token.
func (s *Set) user(user, password string) {
	if password == "" {
		password = user
	}
	s.Add(password)
}

// URL adds the password of a URL, or a user without a password, and the parameters of its query that have the name of a
// credential. It adds nothing from a text that is no URL.
func (s *Set) URL(text string) {
	if !strings.ContainsAny(text, "@?") {
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		return
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.user(u.User.Username(), password)
		s.Add(base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password)))
	}
	for name, values := range u.Query() {
		if inQuery(name) {
			for _, value := range values {
				s.Add(value)
			}
		}
	}
}

// Proxies adds the passwords of the proxies that the environment names: a proxy that refuses a connection may repeat
// what it was sent.
func (s *Set) Proxies() {
	for _, name := range [...]string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		proxy := os.Getenv(name)
		if proxy != "" && !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		s.URL(proxy)
	}
}

// MaskForHeader returns a mask of the credentials in a request's header and of the passwords of proxies.
func MaskForHeader(header http.Header) *Mask {
	var s Set
	s.Headers(header)
	s.Proxies()
	return s.Mask()
}

// Fields adds the secrets in the fields of a body, at any depth: the scalars, also in lists, of fields that have the
// name of a credential, and the secrets of URLs in other texts.
func (s *Set) Fields(fields map[string]json.RawMessage) {
	for name, raw := range fields {
		scalars(name, decode(raw), func(scalar string, named bool) string {
			if named {
				s.Add(scalar)
			} else {
				s.URL(scalar)
			}
			return scalar
		})
	}
}

// Redact returns the fields of a body with [Mark] instead of scalars that have the name of a credential and instead of
// secrets in URLs. found reports whether there were any. The argument is not changed.
func Redact(fields map[string]json.RawMessage) (redacted map[string]json.RawMessage, found bool) {
	redacted = make(map[string]json.RawMessage, len(fields))
	for name, raw := range fields {
		here := false
		value := scalars(name, decode(raw), func(scalar string, named bool) string {
			shown := Mark
			if !named {
				shown = RedactURL(scalar)
			}
			here = here || shown != scalar
			return shown
		})
		redacted[name] = raw
		if here {
			found = true
			redacted[name], _ = json.Marshal(value) // a decoded value can be encoded
		}
	}
	return redacted, found
}

// decode returns a value whose numbers are kept as they are written, or nil if raw is not JSON.
func decode(raw json.RawMessage) (value any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&value) // a text that is no JSON has no fields
	return value
}

// scalars replaces each text, and each number that has the name of a credential, by the result of with.
func scalars(name string, value any, with func(scalar string, named bool) string) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = scalars(name, member, with)
		}
	case []any:
		for i, item := range v {
			v[i] = scalars(name, item, with)
		}
	case string:
		return with(v, Named(name))
	case json.Number:
		if Named(name) {
			return with(v.String(), true)
		}
	}
	return value
}
