package config

import "strings"

// redacted stands for a secret.
const redacted = "***"

// looksSecret says whether what a header or an option of this name holds is a credential, by its name.
func looksSecret(name string) bool {
	name = strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(name))
	for _, word := range []string{"auth", "api-key", "apikey", "token", "cookie", "secret", "passw", "credential"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "key" || strings.HasSuffix(name, "-key")
}

// redactMembers replaces the scalars with the names of credentials, at any depth, and the user information of URLs.
func redactMembers(v *value) *value {
	for i, m := range v.members {
		switch m.value.kind {
		case nullKind, boolKind:
		case listKind, objectKind:
			redactMembers(m.value)
		default:
			if looksSecret(m.key) {
				v.members[i].value = textValue(redacted)
			} else if m.value.kind == textKind {
				m.value.text = redactURL(m.value.text)
			}
		}
	}
	for _, item := range v.items {
		if item.kind == textKind {
			item.text = redactURL(item.text)
		}
		redactMembers(item)
	}
	return v
}
