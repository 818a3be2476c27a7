package scrape

import (
	"context"
	"sync"
	"time"
)

// Pages holds the URLs of the pages that the process reads. Each page is read once, however many clients name it. The
// zero value holds none. Pages may be used concurrently.
type Pages struct {
	mu    sync.Mutex
	known map[string]bool
}

// Start begins to read each of the pages that is not read yet, at every interval, and returns after the first reading
// of each, within Timeout. If that is before the first request, the differences of the counters include the whole run.
//
// newPage makes the page of a URL. untilTestEnd runs work beside the test, and closes stop at the end of the test.
func (p *Pages) Start(urls []string, interval time.Duration, newPage func(url string) *Page,
	untilTestEnd func(work func(stop <-chan struct{}))) {
	var first sync.WaitGroup
	for _, url := range p.add(urls) {
		page, looked := newPage(url), make(chan struct{})
		first.Go(func() {
			page.Look(context.Background())
			close(looked)
		})
		untilTestEnd(func(stop <-chan struct{}) {
			<-looked
			page.Watch(stop, interval)
		})
	}
	first.Wait()
}

// add returns the URLs that were not added before.
func (p *Pages) add(urls []string) (added []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[string]bool{}
	}
	for _, url := range urls {
		if !p.known[url] {
			p.known[url] = true
			added = append(added, url)
		}
	}
	return added
}
