package scrape

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// DefaultInterval is the time between readings unless an option sets it.
const DefaultInterval = time.Second

// MinInterval is the shortest time between readings. Engines update their gauges a few times a second at most.
const MinInterval = 100 * time.Millisecond

// Options name the pages of a server.
type Options struct {
	Auto     bool     // read the page /metrics of the server that the requests go to
	URLs     []string // further pages
	Interval time.Duration
}

// Add adds a page: its URL, or "auto" for the page of the server itself. Its error does not hold the URL.
func (o *Options) Add(page string) error {
	if page == "auto" {
		o.Auto = true
		return nil
	}
	if _, err := ParseURL(page); err != nil {
		return err
	}
	o.URLs = append(o.URLs, page)
	return nil
}

// Check returns an error if the interval is too short.
func (o *Options) Check() error {
	if o.Interval < MinInterval {
		return fmt.Errorf("must be at least %v, got %v", MinInterval, o.Interval)
	}
	return nil
}

// PagesOf returns the URLs of the pages to read for servers, by the base URLs of their APIs.
func (o *Options) PagesOf(baseURLs ...string) (list []string) {
	for _, each := range baseURLs {
		if base, err := url.Parse(each); o.Auto && err == nil {
			base.Path, base.RawPath, base.RawQuery = "/metrics", "", ""
			list = append(list, base.String())
		}
	}
	return append(list, o.URLs...)
}

// ParseURL parses the URL of a page. Its error says what a URL must look like, and does not hold the text, which may
// contain a password.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New(`must be the URL of a page such as "http://localhost:8000/metrics"`)
	}
	return u, nil
}

// SameServer reports whether two URLs lead to the same scheme, host and port. The credentials of the one may be sent to
// the other only then.
func SameServer(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && x.Host == y.Host
}
