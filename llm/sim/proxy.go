package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/alarm"
)

// ProxyOptions describes what a proxy does to answers. The zero value passes them on as they are.
type ProxyOptions struct {
	Delay time.Duration // of each piece of an answer: its head, each read of its body, its end
	Merge int           // events that are written at once; 0 and 1 join none
	// Keep keeps a request up when its client has gone away, as some gateways do: the server is not told.
	Keep bool
}

// Proxy is an http.Handler that passes requests on to a server and delays the answers. Each piece of an answer leaves
// Delay after it came, however many are on their way, so that the delays do not add up. Of pieces joined by Merge the
// last to come counts.
type Proxy struct {
	target    *url.URL
	transport http.RoundTripper
	opts      ProxyOptions
	clock     func() alarm.Clock
	early     time.Duration   // by which a clock is set early, because it goes off late
	open      context.Context // until Close
	shut      context.CancelFunc
	service   *service // nil unless it listens
}

// NewProxy returns a proxy of the server at a base URL, with or without /v1, which it reaches by a transport. It does
// not listen by itself.
func NewProxy(target string, transport http.RoundTripper, o ProxyOptions) (*Proxy, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(strings.TrimSuffix(strings.TrimSuffix(target, "/"), "/v1"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("proxy: %q is no address of a server such as http://127.0.0.1:8000", target)
	}
	p := &Proxy{target: u, transport: transport, opts: o, clock: alarm.Plain}
	p.open, p.shut = context.WithCancel(context.Background())
	return p, nil
}

// ListenProxy returns a proxy that serves on an address such as "127.0.0.1:0" until Close.
func ListenProxy(addr, target string, o ProxyOptions) (*Proxy, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy, t.DisableCompression, t.MaxIdleConns, t.MaxIdleConnsPerHost = nil, true, 0, 1<<16
	p, err := NewProxy(target, t, o)
	if err != nil {
		return nil, err
	}
	p.clock, p.early = alarm.New, usualLateness
	if p.service, err = newService(p.open, addr, p); err != nil {
		return nil, err
	}
	p.service.serve()
	return p, nil
}

// usualLateness is what alarm.Clock is late by on Linux. What is left of it is spent in a loop, which costs nothing
// where the machine is so busy that the clock is later.
const usualLateness = 60 * time.Microsecond

// URL returns the base URL of a proxy that listens.
func (p *Proxy) URL() string { return p.service.url() }

// Close cuts the requests in progress.
func (p *Proxy) Close() error {
	p.shut()
	err := p.service.close()
	if t, ok := p.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	return err
}

// hopHeaders belong to one connection.
var hopHeaders = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// ServeHTTP passes on one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := r.Context()
	if p.opts.Keep {
		client = context.WithoutCancel(client)
	}
	ctx, cancel := context.WithCancel(client)
	defer cancel()
	defer context.AfterFunc(p.open, cancel)()
	answer, err := p.transport.RoundTrip(p.request(ctx, r))
	if err != nil {
		if ctx.Err() == nil {
			writeJSON(w, http.StatusBadGateway, openAIFault(http.StatusBadGateway, "proxy: "+err.Error()))
		}
		return
	}
	defer func() { _ = answer.Body.Close() }()
	if err := p.copy(ctx, w, answer); err != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler) // so that no client takes the answer for complete
	}
}

// request returns the request to send in place of one that came.
func (p *Proxy) request(ctx context.Context, r *http.Request) *http.Request {
	out := r.Clone(ctx)
	out.URL.Scheme, out.URL.Host = p.target.Scheme, p.target.Host
	out.URL.Path = p.target.Path + r.URL.Path
	if r.URL.RawPath != "" {
		out.URL.RawPath = p.target.EscapedPath() + r.URL.RawPath
	}
	out.Host, out.RequestURI, out.Close = "", "", false
	if r.ContentLength == 0 {
		out.Body = nil
	}
	dropHopHeaders(out.Header)
	return out
}

func dropHopHeaders(h http.Header) {
	for _, name := range hopHeaders {
		h.Del(name)
	}
}

func proxyFlags() []Flag {
	return []Flag{
		{"proxy-delay", "serve through a proxy that delays each piece of an answer by so much (0s)",
			span(func(o *Options) *time.Duration { return &o.Proxy.Delay })},
		{"proxy-merge", "events that this proxy joins into one write (0: none)",
			whole(func(o *Options) *int { return &o.Proxy.Merge })},
		{"proxy-cancel", "what this proxy does when a client goes away: pass it on, or keep the request up (pass)",
			func(o *Options, v string) error {
				if v != "pass" && v != "keep" {
					return errors.New("expected pass or keep")
				}
				o.Proxy.Keep = v == "keep"
				return nil
			}},
	}
}

// maxMerge bounds the events that are held back.
const maxMerge = 10_000

func (o *ProxyOptions) validate() error {
	switch {
	case o.Delay < 0 || o.Delay > maxTime:
		return fmt.Errorf("simulator option proxy-delay must be from 0s to %v, got %v", maxTime, o.Delay)
	case o.Merge < 0 || o.Merge > maxMerge:
		return fmt.Errorf("simulator option proxy-merge must be from 0 to %d, got %d", maxMerge, o.Merge)
	}
	return nil
}
