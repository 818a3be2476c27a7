package probe

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
)

// place is where a server's API may be.
type place struct {
	base   string   // as a base URL of the client
	list   *url.URL // of models; nil if there is none
	model  string   // that the path names; "" if it names none
	root   *url.URL // of the API
	server *url.URL // without a path and a query
	secure bool     // https
}

// usualRoots are the roots under which APIs are found on a bare host, the usual one first: "" is the client's own. Each
// of the others is asked only if the one before it is not there.
var usualRoots = []string{"", "/api/v1", "/openai/v1"}

// locate lists the places that the URL may mean, and the headers to send there. Its error says what is wrong with the
// URL or a header.
func (p *prober) locate() error {
	text := strings.TrimSpace(p.opts.URL)
	schemes := []string{""}
	if _, added := client.WithScheme(text); added {
		text = strings.TrimPrefix(text, "//")
		schemes = guessSchemes(text)
	}
	if d := p.dialects(text)[0]; !d.Input().Generates() {
		return fmt.Errorf("a probe measures tokens, and api %q has none: send a request by client.%s()", d.Name(),
			d.Verb())
	}
	for _, scheme := range schemes {
		for _, base := range p.bases(scheme + text) {
			at, err := p.place(base)
			if err != nil {
				return errorOfURL(err)
			}
			p.places = append(p.places, at)
		}
	}
	base := p.places[0].base
	o := p.options(base, p.dialects(base)[0])
	p.wire.header = http.Header{"User-Agent": {"xk6-llm"}}
	for name, value := range o.Credentials() {
		p.wire.header.Set(name, value)
	}
	for name, value := range p.opts.Headers {
		p.wire.header.Set(name, value)
	}
	p.wire.mask = p.secrets()
	return nil
}

// secrets returns a mask of what requests carry and no server may bring into a result.
func (p *prober) secrets() *secret.Mask {
	var s secret.Set
	s.Add(p.opts.APIKey)
	s.Add(strings.TrimPrefix(p.opts.APIKey, "Bearer "))
	s.Headers(p.wire.header)
	s.URL(p.places[0].base)
	s.URL(p.opts.Endpoint)
	s.Fields(p.opts.Body)
	s.Proxies()
	return s.Mask()
}

// errorOfURL says URL where the client speaks of its option.
func errorOfURL(err error) error { return reworded{err} }

// reworded is an error of the client in the words of a command.
type reworded struct{ error }

// Error returns the message.
func (r reworded) Error() string { return reword(r.error.Error()) }

// Unwrap returns the error itself.
func (r reworded) Unwrap() error { return r.error }

// reword puts flags in the place of options and settings of scripts.
func reword(text string) string { return words.Replace(text) }

var words = strings.NewReplacer(
	"name the model (option model, MODEL in our scripts)", nameModel, "baseURL (BASE_URL in our scripts)", "the URL",
	"set apiKey (API_KEY in our scripts)", "give "+keyFlag,
	"apiKey (API_KEY in our scripts)", keyFlag, "set api (API in our scripts)", "give --api", "baseURL", "URL",
)

// guessSchemes returns the schemes that a text without one may have, the likelier first: https is that of hosts with a
// domain and no port.
func guessSchemes(text string) []string {
	host, _, _ := strings.Cut(text, "/")
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	public := strings.Contains(name, ".") && net.ParseIP(name) == nil && port == ""
	if public || port == "443" {
		return []string{"https://", "http://"}
	}
	return []string{"http://", "https://"}
}

// bases returns the base URLs that a URL may mean.
func (p *prober) bases(text string) []string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || p.opts.Endpoint != "" {
		return []string{text} // the client says what is wrong with it
	}
	if u.Path = strings.TrimRight(u.Path, "/"); u.Path != "" {
		list := []string{client.ServerURL(text)}
		if list[0] != u.String() && list[0] != text {
			list = append(list, text)
		}
		return list
	}
	var list []string
	for _, root := range usualRoots {
		u.Path = root
		list = append(list, u.String())
	}
	return list
}

func (p *prober) place(base string) (place, error) {
	c, err := client.New(p.options(base, p.dialects(base)[0]))
	if err != nil {
		return place{}, err
	}
	root := c.Root()
	server := *root
	server.Path, server.RawPath, server.RawQuery = "", "", ""
	at := place{base: base, root: root, server: &server, secure: root.Scheme == "https"}
	at.list, at.model = c.Listing()
	return at, nil
}

// dialects returns the dialects to try at a place, the first of them first. A path that is an endpoint's says which.
func (p *prober) dialects(base string) []api.Dialect {
	path := p.opts.Endpoint
	if path == "" {
		path = base
	}
	path, _, _ = strings.Cut(path, "?")
	given := client.DialectOf(path)
	switch {
	case p.opts.API != nil:
		return []api.Dialect{p.opts.API}
	case given != nil:
		return []api.Dialect{given}
	case p.opts.Endpoint != "":
		return []api.Dialect{api.Chat}
	}
	return []api.Dialect{api.Chat, api.Completion}
}

// options returns the client's options for requests to a base URL.
func (p *prober) options(base string, dialect api.Dialect) client.Options {
	s := &p.result.Settings
	o := client.DefaultOptions()
	o.BaseURL, o.Endpoint, o.API, o.Model, o.Timeout = base, s.Endpoint, dialect, s.Model, p.opts.Timeout
	o.IgnoreEOS, o.MaxTokensField = s.IgnoreEOS, s.MaxTokensField
	o.APIKey, o.APIKeyHeader, o.Headers = p.opts.APIKey, p.opts.APIKeyHeader, p.opts.Headers
	o.Extra = api.Extra{}
	for _, fields := range []api.Extra{p.opts.Body, s.Body} {
		for name, value := range fields {
			o.Extra[name] = value
		}
	}
	return o
}

// below returns the URL of a path below another, with the query of that.
func below(root *url.URL, path string) string { return root.JoinPath(path).String() }

// shown returns a URL as messages show it, without its query, which may hold a secret.
func shown(u *url.URL) string {
	v := *u
	v.RawQuery, v.User = "", nil
	return v.String()
}

// withoutQuery returns a URL without its query, which may hold a secret.
func withoutQuery(url string) string {
	head, _, _ := strings.Cut(url, "?")
	return head
}
