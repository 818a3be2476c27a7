package prometheus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/seed-307b789f/xk6-llm/internal/network"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Source holds the URL of a Prometheus and the credentials for it. Only the URL is ever printed, and without its
// password.
type Source struct {
	URL string // http or https; a user and a password in it are used as basic auth
	// Google selects Google's managed Prometheus of a project, with the credentials of this machine. URL then replaces
	// its base, and is usually empty.
	Google  bool
	Project string // project at Google; empty means the project of the credentials

	User, Password string // basic auth; has precedence over the user in URL
	Token          string // bearer token; has precedence over basic auth
	Headers        http.Header
	CA             string // file of certificates to trust besides the system's
	Insecure       bool   // trust any certificate
}

const (
	googleBase  = "https://monitoring.googleapis.com"
	googleScope = "https://www.googleapis.com/auth/monitoring.read"
)

// Prometheus is a client of a Prometheus server. It may be used concurrently. After a fault that every query would meet
// it sends no more queries.
type Prometheus struct {
	base           string // without user and password, and without a slash at the end
	user, password string
	token          string
	google         bool
	tokens         oauth2.TokenSource // nil except for Google
	headers        http.Header
	http           *http.Client
	patience       time.Duration // the longest time without any answer
	pause          time.Duration // before the second attempt; twice as long before the third
	over           atomic.Pointer[fault]
	lock           sync.Mutex
	waiting        time.Time // the time of the first query since the last answer; zero if there is none
}

// Open returns a client. It sends no query yet, but for Google it looks for credentials.
func Open(ctx context.Context, s Source) (*Prometheus, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 30 * time.Second,
		ForceAttemptHTTP2: true,
	}
	trust, err := s.trust()
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = trust
	c := &Prometheus{
		google: s.Google, user: s.User, password: s.Password, token: s.Token, headers: s.Headers.Clone(),
		http: &http.Client{Transport: transport, CheckRedirect: sameHost}, patience: 10 * time.Second,
		pause: network.FirstPause,
	}
	base := s.URL
	if s.Google && base == "" {
		base = googleBase
	}
	if err := c.setBase(base); err != nil {
		return nil, err
	}
	if s.Google {
		return c, c.openGoogle(ctx, s.Project)
	}
	return c, nil
}

func (c *Prometheus) setBase(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no URL of a Prometheus, want such as http://host:9090", hidden(text))
	}
	if u.User != nil && c.user == "" {
		c.user = u.User.Username()
		c.password, _ = u.User.Password()
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	c.base = strings.TrimRight(u.String(), "/")
	return nil
}

// hidden returns a text that may be a URL without the parts that may be a password.
func hidden(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "", text
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = "***" + rest[at:]
	}
	if ok {
		scheme += "://"
	}
	return scheme + rest
}

func (s Source) trust() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.Insecure} // only if the user asks for it
	if s.CA == "" {
		return config, nil
	}
	text, err := textfile.ReadFile(s.CA)
	if err != nil {
		return nil, fmt.Errorf("certificates to trust: %w", err)
	}
	if text, err = textfile.Trim(text); err != nil {
		return nil, fmt.Errorf("certificates to trust: %q: %w", s.CA, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("certificates to trust: no certificate in %q, want PEM", s.CA)
	}
	config.RootCAs = pool
	return config, nil
}

// openGoogle finds the credentials as all of Google's programs do. The source of tokens outlives ctx.
func (c *Prometheus) openGoogle(ctx context.Context, project string) error {
	keep := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient,
		&http.Client{Transport: c.http.Transport, Timeout: c.patience})
	credentials, err := google.FindDefaultCredentials(keep, googleScope)
	if err != nil { // the text of the error can quote a file of credentials
		return &fault{what: "no credentials of Google found",
			fix: "set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials, or run gcloud auth " +
				"application-default login"}
	}
	if project == "" {
		project = credentials.ProjectID
	}
	if project == "" {
		return &fault{what: "the credentials of Google name no project", fix: "set GOOGLE_CLOUD_PROJECT"}
	}
	c.tokens = credentials.TokenSource
	c.base += "/v1/projects/" + url.PathEscape(project) + "/location/global/prometheus"
	return nil
}

// sameHost follows redirections within a host only, so that credentials reach no other host.
func sameHost(next *http.Request, before []*http.Request) error {
	if len(before) > 5 || next.URL.Host != before[0].URL.Host || next.URL.Scheme != before[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// String returns the URL without user and password.
func (c *Prometheus) String() string { return c.base }
