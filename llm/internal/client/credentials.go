package client

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// Credentials returns the headers that authorize a request, and others that the dialect wants.
func (o *Options) Credentials() map[string]string {
	if o.APIKeyHeader != "" {
		return with(o.API.Headers(""), o.PageCredentials())
	}
	headers := o.API.Headers(o.APIKey)
	if o.APIKey == "" {
		headers = with(headers, o.PageCredentials())
	}
	return headers
}

// PageCredentials returns the headers that authorize requests for the server's other pages, of whichever API: from
// APIKey, or from the user in BaseURL, or both if they do not want the same header.
func (o *Options) PageCredentials() map[string]string {
	headers := map[string]string{}
	if o.APIKey == "" || o.APIKeyHeader != "" {
		if value := basic(o.BaseURL); value != "" {
			headers["Authorization"] = value
		}
	}
	switch {
	case o.APIKey == "":
	case strings.EqualFold(o.APIKeyHeader, "Authorization"):
		headers["Authorization"] = bareKey(o.APIKey)
	case o.APIKeyHeader != "":
		headers[o.APIKeyHeader] = bareKey(o.APIKey)
	default:
		headers["Authorization"] = api.Bearer(o.APIKey)
	}
	return headers
}

// basic returns the user of a base URL as the header Authorization carries it, "" without one.
func basic(baseURL string) string {
	base, err := url.Parse(baseURL)
	if err != nil || base.User == nil {
		return ""
	}
	password, _ := base.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(base.User.Username()+":"+password))
}

// bareKey returns a key without the prefix that some users copy with it.
func bareKey(key string) string { return strings.TrimPrefix(key, "Bearer ") }

// with returns headers and further ones, which replace those of the same names.
func with(headers, further map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, headers)
	maps.Copy(all, further)
	return all
}

// checkKey returns an error if the key cannot be sent. No error shows the key, nor a name of its header that may be the
// key itself.
func checkKey(o *Options) error {
	switch {
	case !validValue(o.APIKey):
		return errors.New("apiKey holds a line break or another control character")
	case o.APIKeyHeader == "":
		return nil
	case o.APIKey == "":
		return fmt.Errorf("apiKeyHeader: there is no key to send: %s, or leave apiKeyHeader out", setKey)
	case !validName(o.APIKeyHeader):
		return errors.New("apiKeyHeader is not the name of a header such as \"api-key\"")
	}
	for name := range o.Headers {
		if strings.EqualFold(name, o.APIKeyHeader) {
			return fmt.Errorf("headers: %q is the header of apiKeyHeader: leave one of them out", name)
		}
	}
	return nil
}
