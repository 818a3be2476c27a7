package client

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// defaultPath is where the API begins on a bare host.
const defaultPath = "/v1"

// address holds where a client's requests go. Its URLs have no user part; they keep the base URL's query.
type address struct {
	base     *url.URL // root of the API: every other path is below it
	endpoint *url.URL
	models   *url.URL      // nil where no server has a list of models
	user     *url.Userinfo // user of the base URL, nil if it has none

	deployment string // the model that the path itself names; "" if it names none

	bare    bool   // the base URL is only a host, to which /v1 was added
	leftOut string // the endpoint's path, if the base URL ended with it

	// unversioned reports that the path was taken as it stands although nothing in it shows where the API begins.
	unversioned bool
}

// parseAddress reads a base URL. It adds /v1 to a bare host and uses any other path as it stands. The path may be the
// endpoint's own, or that of another dialect, which is left out. If endpoint is not "", it follows the base URL in
// place of all that would be added.
func parseAddress(text, endpoint string, dialect api.Dialect) (*address, error) {
	text, _ = WithScheme(text)
	base, err := parseBase(text)
	if err != nil {
		return nil, fmt.Errorf("baseURL %q %w", shown(text), err)
	}
	a := &address{user: base.User}
	base.User = nil
	path := strings.TrimRight(base.EscapedPath(), "/")
	if endpoint != "" {
		return a, a.setEndpoint(base, path, endpoint, dialect)
	}
	path = strings.TrimSuffix(path, "/models") // the list of models, as shown in a browser
	root, given := splitEndpoint(path)
	if err := spoken("baseURL", shown(text), root, dialect); err != nil {
		return nil, err
	}
	switch {
	case given != nil:
		a.leftOut = given.Path()
	case path == "":
		root, a.bare = defaultPath, true
	default:
		a.unversioned = !versioned(path)
	}
	a.place(base, root, root+dialect.Path())
	return a, nil
}

// setEndpoint takes the endpoint's own path, which may have a query, in place of the path that the dialect has.
func (a *address) setEndpoint(base *url.URL, prefix, endpoint string, dialect api.Dialect) error {
	given, err := url.Parse(endpoint)
	switch {
	case strings.ContainsAny(endpoint, " \t\r\n"):
		return errors.New("endpoint holds a space: take it out")
	case !strings.HasPrefix(endpoint, "/") || err != nil || given.Host != "" || given.Fragment != "":
		return fmt.Errorf("endpoint %q is not a path such as \"/openai/deployments/NAME/chat/completions?"+
			"api-version=2024-10-21\", to follow baseURL", shown(endpoint))
	}
	full := prefix + given.EscapedPath()
	if err := spoken("endpoint", shown(endpoint), full, dialect); err != nil {
		return err
	}
	base.RawQuery = strings.Trim(base.RawQuery+"&"+given.RawQuery, "&")
	root, known := splitEndpoint(strings.TrimRight(full, "/"))
	a.place(base, root, full)
	if known == nil {
		a.models = nil // nothing shows where the list would be
	}
	return nil
}

// place sets the URLs of an API. A deployment has no list of models: its path names the one that it has.
func (a *address) place(base *url.URL, root, endpoint string) {
	a.base, a.endpoint, a.models = at(base, root), at(base, endpoint), at(base, root+"/models")
	if name := deployment.FindStringSubmatch(root); name != nil {
		a.models = nil
		a.deployment, _ = url.PathUnescape(name[1]) // the path was parsed before
	}
}

// spoken refuses the endpoints of other APIs. option is where the path is from.
func spoken(option, value, path string, dialect api.Dialect) error {
	_, given := splitEndpoint(path)
	switch other := otherEndpoint.FindString(path); {
	case other != "":
		return fmt.Errorf("%s %q is the endpoint of an API that is not spoken here: leave %s out of it", option, value,
			other)
	case given != nil && given != dialect:
		return fmt.Errorf("%s %q is an endpoint of api %q, and the request is one of api %q: "+
			"leave %s out of it, or set api (API in our scripts)", option, value, given.Name(), dialect.Name(),
			given.Path())
	}
	return nil
}

// parseBase returns an error that tells what is wrong with a base URL. Its errors do not contain the URL, which may
// hold a password.
func parseBase(text string) (*url.URL, error) {
	scheme, rest, found := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	base, err := url.Parse(text)
	switch {
	case strings.ContainsAny(text, " \t\r\n"):
		return nil, errors.New("holds a space: take it out")
	case !found && text != "" && !strings.HasPrefix(text, "http:") && !strings.HasPrefix(text, "https:"):
		return nil, errors.New(`is not a URL such as "http://localhost:8000/v1": write http:// before it`)
	case found && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https"):
		return nil, errors.New(`is not a URL such as "http://localhost:8000/v1": only http and https will do`)
	case strings.Count(authority, ":") > 1 && !strings.ContainsAny(authority, "[@"):
		return nil, errors.New(`is not a URL such as "http://[::1]:8000/v1": an IPv6 address stands in brackets`)
	case err != nil && strings.Contains(text, "@"):
		return nil, errors.New(`is not a URL such as "http://user:password@localhost:8000/v1": ` +
			`/ ? # and % in a password are %2F %3F %23 and %25`)
	case err != nil || !found || base.Hostname() == "":
		return nil, errors.New(`is not a URL such as "http://localhost:8000/v1"`)
	case base.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("has a fragment, which is never sent: leave out what follows #")
	}
	if port := base.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("has the port %s: ports are from 1 to 65535", port)
		}
	}
	return base, nil
}

// hostFirst matches an address without a scheme: localhost, a name with a dot, an address or a name with a port, maybe
// after a user. A word alone may be anything.
var hostFirst = regexp.MustCompile(`(?i)^(?:[^/?#@\s]*@)?(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[0-9a-f:]+\]|[\w-]+:[0-9]+)` +
	`(?::[0-9]+)?(?:[/?]|$)`)

// WithScheme puts http:// before a base URL that begins with a host, or https:// if its port is 443, and reports
// whether it did. It returns any other text unchanged.
func WithScheme(text string) (base string, added bool) {
	host := strings.TrimPrefix(text, "//")
	if strings.Contains(text, "://") || !hostFirst.MatchString(host) {
		return text, false
	}
	if u, err := url.Parse("https://" + host); err == nil && u.Port() == "443" {
		return u.String(), true
	}
	return "http://" + host, true
}

// nextURL matches a comma and the beginning of another base URL behind it. Other commas belong to the URL before them,
// as in the options of the simulator.
var nextURL = regexp.MustCompile(`\s*,\s*((?i:https?|sim):|[\w.-]+:\d+(/|,|\s|$))`)

// SplitURLs splits a text that names several base URLs, with commas between them.
func SplitURLs(text string) (list []string) {
	for {
		at := nextURL.FindStringSubmatchIndex(text)
		if at == nil {
			return append(list, strings.TrimSpace(text))
		}
		list, text = append(list, strings.TrimSpace(text[:at[0]])), text[at[2]:]
	}
}

// splitEndpoint splits a path into the endpoint at its end and what precedes the endpoint. Without an endpoint it
// returns the path and nil.
func splitEndpoint(path string) (root string, dialect api.Dialect) {
	root = path
	for _, d := range api.All() { // the path of one may be the end of another's
		if before, found := strings.CutSuffix(path, d.Path()); found && len(before) < len(root) {
			root, dialect = before, d
		}
	}
	return root, dialect
}

// DialectOf returns the dialect whose endpoint a path or a URL ends with, nil if it ends with none.
func DialectOf(path string) api.Dialect {
	_, dialect := splitEndpoint(strings.TrimRight(path, "/"))
	return dialect
}

// ownRoot matches a version in a path, such as v1 or v1beta, or a deployment: they show where an API begins.
var ownRoot = regexp.MustCompile(`(?i)(?:^|/)(?:v[0-9][^/]*|deployments)(?:/|$)`)

// deployment matches a path to a deployment of Azure, and the name of the deployment.
var deployment = regexp.MustCompile(`(?i)/deployments/([^/]+)$`)

// otherEndpoint matches the end of a path that is an endpoint of another API.
var otherEndpoint = regexp.MustCompile(
	`/(?:score|generate|generate_stream|tokenize)$`)

// versioned reports whether a path itself shows where an API begins.
func versioned(path string) bool { return ownRoot.MatchString(path) }

// at returns base with another path, given in its escaped form.
func at(base *url.URL, escaped string) *url.URL {
	u := *base
	u.Path, _ = url.PathUnescape(escaped) // the path was parsed before
	u.RawPath = escaped
	return &u
}

// ServerURLs returns the base URLs of the servers that a text names, each as ServerURL returns it.
func ServerURLs(text string) string {
	list := SplitURLs(text)
	for i := range list {
		list[i] = ServerURL(list[i])
	}
	return strings.Join(list, ",")
}

// ServerURL returns the base URL of a server whose address is written for inference-perf, which appends /v1 to any
// path. A path that has a version already, or is an endpoint's, stays as it is, and so does a text that is not a URL.
func ServerURL(text string) string {
	base, added := WithScheme(text)
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return text
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if _, endpoint := splitEndpoint(path); path != "" && endpoint == nil && !versioned(path) {
		path += defaultPath
	}
	if base = at(u, path).String(); added { // the client adds the scheme, and says so
		_, base, _ = strings.Cut(base, "://")
	}
	return base
}

// shown returns a base URL as messages show it: without secrets, which may also be in its query.
func shown(text string) string {
	head, _, _ := strings.Cut(secret.WithoutPassword(text), "?")
	return head
}

// show returns a URL as messages show it.
func show(u *url.URL) string { return shown(u.String()) }
