package engine

import (
	"context"
	"net/http"

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
	if value := e.opts.Authorization(); value != "" {
		header.Set("Authorization", value)
	}
	for name, value := range e.opts.Headers {
		header.Set(name, value)
	}
	return header
}
