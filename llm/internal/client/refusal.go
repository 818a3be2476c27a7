package client

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What requests are authorized by, as messages name it.
const (
	noCredential = "a request without a key"
	keyOfOption  = "the API key of apiKey"
	userOfURL    = "the user of baseURL"
	keyOfQuery   = "the key in the query of baseURL"
)

// credential names what requests are authorized by, without its value.
func (o *Options) credential(header http.Header) string {
	names := slices.Sorted(maps.Keys(o.Headers))
	own := func(matches func(lower string) bool) int {
		return slices.IndexFunc(names, func(name string) bool { return matches(strings.ToLower(name)) })
	}
	if i := own(func(lower string) bool { return lower == "authorization" }); i >= 0 {
		return "the header " + names[i]
	}
	switch {
	case o.APIKey != "":
		return keyOfOption
	case header.Get("Authorization") != "":
		return userOfURL
	}
	if i := own(secret.Named); i >= 0 {
		return "the header " + names[i]
	}
	for _, text := range []string{o.BaseURL, o.Endpoint} {
		if u, err := url.Parse(text); err == nil {
			for name := range u.Query() {
				if secret.Named(name) {
					return keyOfQuery
				}
			}
		}
	}
	return noCredential
}

// credentialFix returns what to do if the credential is refused.
func (c *Client) credentialFix() string {
	switch c.credential {
	case noCredential:
		return setKey
	case keyOfOption:
		return "check apiKey (API_KEY in our scripts)"
	case keyOfQuery:
		return "check baseURL (BASE_URL in our scripts)"
	case userOfURL:
		return "check the user and password in baseURL (BASE_URL in our scripts), or " + setKey
	}
	return "check its value"
}

// unknownKey is what LiteLLM says of a key that it does not know if it has no database of keys.
const unknownKey = "No connected db"

// explain adds to a refusal what the server cannot know: what the request was authorized by, and where it went.
func (c *Client) explain(r *record.Request) {
	if r.ErrorType != record.ErrorHTTP {
		return
	}
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		r.Error += fmt.Sprintf(" (the server refused %s: %s)", c.credential, c.credentialFix())
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		if !strings.Contains(strings.ToLower(r.Error), "model") { // otherwise the error is not about the path
			r.Error += fmt.Sprintf(" (api %s: no %s%s)", c.opts.API.Name(), show(c.endpoint), c.versionHint())
		}
	case http.StatusBadRequest:
		if c.credential != noCredential && strings.Contains(r.Error, unknownKey) {
			r.Error += fmt.Sprintf(" (the gateway does not know %s: %s)", c.credential, c.credentialFix())
		}
	}
}
