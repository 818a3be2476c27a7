package config

import (
	"net/url"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// URL is an absolute one of http or https, with a path, / at least, as the original completes it; empty if none was
// given.
type URL string

func (u *URL) decode(d *decoder, v *value, path string) {
	parsed, err := url.Parse(v.text)
	if v.kind != textKind || err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		shown := *v
		shown.text = secret.WithoutUser(v.text)
		d.typeFault(&shown, path, "an http or https URL", false)
		return
	}
	if *u = URL(v.text); parsed.Path == "" {
		parsed.Path = "/"
		*u = URL(parsed.String())
	}
}

func (u URL) encode(*writer) *value {
	if u == "" {
		return nullValue()
	}
	return textValue(secret.RedactURL(string(u)))
}

func (URL) typeText() string { return "URL" }
