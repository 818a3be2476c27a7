package llm

import (
	"context"
	"fmt"
	"net/http"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/lifecycle"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// serverPages are the options of a Client that name the pages of metrics of its server.
type serverPages struct{ scrape.Options }

// read reads true, 'auto', a URL, or a list of URLs.
func (p *serverPages) read(v sobek.Value) error {
	p.Auto, p.URLs = false, nil
	switch x := export(v).(type) {
	case bool:
		p.Auto = x
		return nil
	case string:
		return p.Add(x)
	case []any:
		for i, each := range x {
			text, ok := each.(string)
			if !ok {
				return fmt.Errorf("number %d must be a string", i)
			}
			if err := p.Add(text); err != nil {
				return fmt.Errorf("number %d %w", i, err)
			}
		}
		return nil
	}
	return fmt.Errorf("must be true, 'auto', the URL of a page of metrics, or a list of them, got %s", describe(v))
}

// redact adds the options to the options in the record file.
func (p *serverPages) redact(m map[string]any) {
	list := []string{}
	if p.Auto {
		list = append(list, "auto")
	}
	for _, page := range p.URLs {
		list = append(list, redactURL(page))
	}
	if len(list) > 0 {
		m["serverMetrics"], m["serverMetricsInterval"] = list, p.Interval.String()
	}
}

// scrape begins to read the pages of an endpoint, before the first request goes there. Without k6's events it does
// nothing, because nothing would end the reading.
func (m *ModuleInstance) scrape(e *endpoint, state *lib.State, transport http.RoundTripper) {
	events := m.vu.Events()
	if !lifecycle.Emits(events) {
		return
	}
	tags := state.Tags.GetCurrentValues().Tags
	newPage := func(url string) *scrape.Page {
		return &scrape.Page{
			URL: url, Name: redactURL(url), Header: e.credentialsFor(url), Transport: apart(transport),
			Push: func(line *record.Server) { push(context.Background(), state, m.metrics.Event(line, tags)) },
			Warn: func(problem error) { state.Logger.Warn(plain.Message(problem)) },
		}
	}
	m.root.scraped.Start(e.opts.pages.PagesOf(e.baseURL), e.opts.pages.Interval, newPage,
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
