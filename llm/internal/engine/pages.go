package engine

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/lifecycle"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// redactPages adds the pages of metrics to the options in the record file.
func (o *Options) redactPages(m map[string]any) {
	list := []string{}
	if o.Pages.Auto {
		list = append(list, "auto")
	}
	for _, page := range o.Pages.URLs {
		list = append(list, redactURL(page))
	}
	if len(list) > 0 {
		m["serverMetrics"], m["serverMetricsInterval"] = list, o.Pages.Interval.String()
	}
}

// scrape begins to read the pages of the endpoints, before the first request goes there; also of those that do not
// answer yet, since they may do so later. Without k6's events it does nothing, because nothing would end the reading.
func (v *VU) scrape(t *target, state *lib.State, transport http.RoundTripper) {
	events := v.k6.Events()
	if !lifecycle.Emits(events) {
		return
	}
	tags := state.Tags.GetCurrentValues().Tags
	newPage := func(url string) *scrape.Page {
		return &scrape.Page{
			URL: url, Name: redactURL(url), Header: t.credentialsFor(url), Transport: apart(transport),
			Push: func(line *record.Server) { push(context.Background(), state, v.metrics.Event(line, tags)) },
			Warn: func(problem error) { state.Logger.Warn(plain.Message(problem)) },
		}
	}
	all := func(*endpoint) bool { return true }
	v.process.scraped.Start(t.opts.Pages.PagesOf(t.baseURLs(all)...), t.opts.Pages.Interval, newPage,
		func(work func(stop <-chan struct{})) { lifecycle.UntilTestEnd(events, work) })
}

// ServerIdle reports whether the servers that were sent requests are idle, as their own pages of metrics tell: those of
// the option serverMetrics, or /metrics of the base URL. known is false if none tells; then no page is asked again. It
// returns within a second and logs nothing.
//
// Pages can be late: SGLang brings its page up to date every 30 seconds while it has nothing to do.
func (p *Process) ServerIdle(ctx context.Context) (idle, known bool) {
	pages := map[string]*scrape.Page{}
	for _, t := range p.clients.list() {
		for _, page := range t.idlePages() {
			pages[page.URL] = page
		}
	}
	return p.idle.Ask(ctx, slices.Collect(maps.Values(pages)))
}

// idlePages returns the pages that tell whether the servers are idle, or nil if they were sent nothing.
func (t *target) idlePages() (list []*scrape.Page) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.final || t.err != nil || t.endpoints == nil {
		return nil
	}
	if t.between == nil {
		transport, ok := apart(t.found).(*http.Transport)
		if !ok {
			return nil
		}
		t.between = transport
	}
	options := t.opts.Pages
	options.Auto = options.Auto || len(options.URLs) == 0
	answers := func(e *endpoint) bool { return e.err == nil }
	for _, url := range options.PagesOf(t.baseURLs(answers)...) {
		list = append(list, &scrape.Page{URL: url, Header: t.credentialsFor(url), Transport: t.between})
	}
	return list
}

// apart returns a transport with connections of its own, so that a VU that closes its connections closes no others.
func apart(transport http.RoundTripper) http.RoundTripper {
	if t, ok := transport.(*http.Transport); ok {
		return t.Clone()
	}
	return transport
}

// baseURLs returns where the endpoints are that are known and fit.
func (t *target) baseURLs(fit func(*endpoint) bool) (list []string) {
	for _, e := range t.endpoints {
		if e.baseURL != "" && fit(e) {
			list = append(list, e.baseURL)
		}
	}
	return list
}

// credentialsFor returns the headers of the client's requests if the page is on the server of an endpoint. Other
// servers get no headers.
func (t *target) credentialsFor(page string) http.Header {
	header := http.Header{}
	i := slices.IndexFunc(t.endpoints, func(e *endpoint) bool { return scrape.SameServer(page, e.baseURL) })
	if i < 0 {
		return header
	}
	for name, value := range t.endpoints[i].pageCredentials() {
		header.Set(name, value)
	}
	for name, value := range t.opts.Headers {
		header.Set(name, value)
	}
	return header
}
