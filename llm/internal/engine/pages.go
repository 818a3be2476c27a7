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

// scrape begins to read the pages of an endpoint, before the first request goes there. Without k6's events it does
// nothing, because nothing would end the reading.
func (v *VU) scrape(e *endpoint, state *lib.State, transport http.RoundTripper) {
	events := v.k6.Events()
	if !lifecycle.Emits(events) {
		return
	}
	tags := state.Tags.GetCurrentValues().Tags
	newPage := func(url string) *scrape.Page {
		return &scrape.Page{
			URL: url, Name: redactURL(url), Header: e.credentialsFor(url), Transport: apart(transport),
			Push: func(line *record.Server) { push(context.Background(), state, v.metrics.Event(line, tags)) },
			Warn: func(problem error) { state.Logger.Warn(plain.Message(problem)) },
		}
	}
	v.process.scraped.Start(e.opts.Pages.PagesOf(e.baseURL), e.opts.Pages.Interval, newPage,
		func(work func(stop <-chan struct{})) { lifecycle.UntilTestEnd(events, work) })
}

// ServerIdle reports whether the servers that were sent requests are idle, as their own pages of metrics tell: those of
// the option serverMetrics, or /metrics of the base URL. known is false if none tells; then no page is asked again. It
// returns within a second and logs nothing.
//
// Pages can be late: SGLang brings its page up to date every 30 seconds while it has nothing to do.
func (p *Process) ServerIdle(ctx context.Context) (idle, known bool) {
	pages := map[string]*scrape.Page{}
	for _, e := range p.clients.list() {
		for _, page := range e.idlePages() {
			pages[page.URL] = page
		}
	}
	return p.idle.Ask(ctx, slices.Collect(maps.Values(pages)))
}

// idlePages returns the pages that tell whether the server is idle, or nil if it was sent nothing.
func (e *endpoint) idlePages() (list []*scrape.Page) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.final || e.err != nil {
		return nil
	}
	if e.between == nil {
		transport, ok := apart(e.found).(*http.Transport)
		if !ok {
			return nil
		}
		e.between = transport
	}
	options := e.opts.Pages
	options.Auto = options.Auto || len(options.URLs) == 0
	for _, url := range options.PagesOf(e.baseURL) {
		list = append(list, &scrape.Page{URL: url, Header: e.credentialsFor(url), Transport: e.between})
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

// credentialsFor returns the headers of the client's requests if the page is on the same server. Other servers get no
// headers.
func (e *endpoint) credentialsFor(page string) http.Header {
	header := http.Header{}
	if !scrape.SameServer(page, e.baseURL) {
		return header
	}
	for name, value := range e.opts.PageCredentials() {
		header.Set(name, value)
	}
	for name, value := range e.opts.Headers {
		header.Set(name, value)
	}
	return header
}
