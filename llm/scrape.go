package llm

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/lifecycle"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// serverPages are the pages of metrics that a client's server has, as its options name them.
type serverPages struct {
	auto  bool // the one beside the base URL
	urls  []string
	every time.Duration
}

const defaultServerInterval = time.Second

// read reads true, 'auto', a URL, or a list of URLs.
func (p *serverPages) read(v sobek.Value) error {
	p.auto, p.urls = false, nil
	switch x := export(v).(type) {
	case bool:
		p.auto = x
		return nil
	case string:
		return p.add(x)
	case []any:
		for i, each := range x {
			text, ok := each.(string)
			if !ok {
				return fmt.Errorf("number %d must be a string", i)
			}
			if err := p.add(text); err != nil {
				return fmt.Errorf("number %d %w", i, err)
			}
		}
		return nil
	}
	return fmt.Errorf("must be true, 'auto', the URL of a page of metrics, or a list of them, got %s", describe(v))
}

func (p *serverPages) add(text string) error {
	if text == "auto" {
		p.auto = true
		return nil
	}
	if _, err := scrape.ParseURL(text); err != nil {
		return err
	}
	p.urls = append(p.urls, text)
	return nil
}

func (p *serverPages) check() error {
	if p.every < scrape.MinInterval {
		return fmt.Errorf("must be at least %v, got %v", scrape.MinInterval, p.every)
	}
	return nil
}

// redact adds the options to those for the record file.
func (p *serverPages) redact(m map[string]any) {
	list := []string{}
	if p.auto {
		list = append(list, "auto")
	}
	for _, page := range p.urls {
		list = append(list, redactURL(page))
	}
	if len(list) > 0 {
		m["serverMetrics"], m["serverMetricsInterval"] = list, p.every.String()
	}
}

// urlsFor lists the URLs of the pages of a server.
func (p *serverPages) urlsFor(baseURL string) []string {
	list := p.urls
	if base, err := url.Parse(baseURL); p.auto && err == nil {
		base.Path, base.RawPath, base.RawQuery = "/metrics", "", ""
		list = append([]string{base.String()}, list...)
	}
	return list
}

// scrapers are the pages that the process reads, each once however many clients name it.
type scrapers struct {
	mu    sync.Mutex
	known map[string]bool
}

// fresh gives those of some pages that nobody reads yet.
func (s *scrapers) fresh(urls []string) (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]bool{}
	}
	for _, each := range urls {
		if !s.known[each] {
			s.known[each] = true
			list = append(list, each)
		}
	}
	return list
}

// scrape begins to read the pages of a endpoint, before the first request goes there: so the counters' differences have all
// of the run in them. The first reading is waited for, a second at most.
func (m *ModuleInstance) scrape(p *endpoint, state *lib.State, transport http.RoundTripper) {
	events := m.vu.Events()
	if !lifecycle.Emits(events) {
		return
	}
	tags, first := state.Tags.GetCurrentValues().Tags, sync.WaitGroup{}
	for _, each := range m.root.scrapers.fresh(p.opts.pages.urlsFor(p.baseURL)) {
		page := &scrape.Page{URL: each, Name: redactURL(each), Header: p.credentialsFor(each),
			Transport: apart(transport)}
		page.Push = func(line *record.Server) { push(context.Background(), state, m.metrics.Event(line, tags)) }
		page.Warn = func(problem error) { state.Logger.Warn(plain.Message(problem)) }
		looked := make(chan struct{})
		first.Go(func() {
			page.Look(context.Background())
			close(looked)
		})
		lifecycle.UntilTestEnd(events, func(stop <-chan struct{}) {
			<-looked
			page.Watch(stop, p.opts.pages.every)
		})
	}
	first.Wait()
}

// apart is a transport with connections of its own, so that a VU that closes its own disturbs nobody.
func apart(transport http.RoundTripper) http.RoundTripper {
	if t, ok := transport.(*http.Transport); ok {
		return t.Clone()
	}
	return transport
}

// credentialsFor are the headers of the client's requests, for a page of the same server alone.
func (p *endpoint) credentialsFor(page string) http.Header {
	header := http.Header{}
	at, err := url.Parse(page)
	base, baseErr := url.Parse(p.baseURL)
	if err != nil || baseErr != nil || at.Scheme != base.Scheme || at.Host != base.Host {
		return header
	}
	if value := p.opts.Authorization(); value != "" {
		header.Set("Authorization", value)
	}
	for name, value := range p.opts.Headers {
		header.Set(name, value)
	}
	return header
}
