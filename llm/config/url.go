package config

import (
	"net/url"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// URL is an absolute URL of http or https. It has a path, / at least, as inference-perf completes it. It is empty if
// none was given.
type URL string

// Decode reads the value of a key.
func (u *URL) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	parsed, err := url.Parse(v.Text)
	if v.Kind != tagged.TextKind || err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" ||
		parsed.Host == "" {
		shown := *v
		shown.Text = secret.WithoutUser(v.Text)
		d.Faults.AddType(&shown, path, "an http or https URL", false)
		return
	}
	if *u = URL(v.Text); parsed.Path == "" {
		parsed.Path = "/"
		*u = URL(parsed.String())
	}
}

// Encode returns the value to write.
func (u URL) Encode(*tagged.Writer) *tagged.Value {
	if u == "" {
		return tagged.NullValue()
	}
	return tagged.TextValue(secret.RedactURL(string(u)))
}

// TypeText names the type in the list of keys.
func (URL) TypeText() string { return "URL" }
