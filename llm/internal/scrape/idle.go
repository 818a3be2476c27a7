package scrape

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Idle tells by their pages of metrics whether servers are idle: no request runs there, and none waits. A page that
// does not tell is asked once. The zero value has asked no page. Idle may be used concurrently.
type Idle struct {
	mu    sync.Mutex
	tells map[string]bool // by the URL of each page that was asked
}

// Ask reads the pages, all at the same time, and returns after Timeout at the latest. known is false if no page tells.
// A page that told before and cannot be read now is that of a server that is busy. Ask uses neither Push nor Warn of
// the pages.
func (i *Idle) Ask(ctx context.Context, pages []*Page) (idle, known bool) {
	var asked sync.WaitGroup
	var mu sync.Mutex
	idle = true
	for _, page := range pages {
		if told, before := i.told(page.URL); before && !told {
			continue
		}
		asked.Go(func() {
			pageIdle, pageKnown := i.ask(ctx, page)
			mu.Lock()
			defer mu.Unlock()
			idle, known = idle && (pageIdle || !pageKnown), known || pageKnown
		})
	}
	asked.Wait()
	return idle && known, known
}

func (i *Idle) ask(ctx context.Context, page *Page) (idle, known bool) {
	line, err := page.Read(ctx)
	if err != nil {
		told, before := i.told(page.URL)
		if !before && ctx.Err() == nil && !errors.Is(err, errTimeout) {
			i.keep(page.URL, false)
		}
		return false, told
	}
	running, runs := line.Values[record.ServerRunning]
	waiting, waits := line.Values[record.ServerWaiting]
	i.keep(page.URL, runs || waits)
	return running == 0 && waiting == 0, runs || waits
}

// told reports whether a page tells, and whether that is known.
func (i *Idle) told(url string) (tells, known bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	tells, known = i.tells[url]
	return tells, known
}

func (i *Idle) keep(url string, tells bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.tells == nil {
		i.tells = map[string]bool{}
	}
	i.tells[url] = tells
}
