package probe

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// wire asks a server what is no request of the load, and counts all that is sent. It may be used concurrently.
type wire struct {
	transport http.RoundTripper
	header    http.Header
	mask      *secret.Mask

	mu       sync.Mutex
	requests int
	trip     time.Duration // the shortest round trip; 0 before the first
}

// asideTimeout is the limit of a question beside the requests.
const asideTimeout = time.Second

// Limits of what is read of an answer, in bytes.
const (
	maxList = 8 << 20  // of the list of models
	maxPage = 4 << 20  // of a page of metrics, and of a reply to /tokenize
	maxFact = 64 << 10 // of a page that tells a version, and of a refusal
)

// page is an answer to a question that is not a request of the load.
type page struct {
	status int
	header http.Header
	body   []byte
}

func (g *page) ok() bool { return g.status >= 200 && g.status <= 299 }

// words returns what a refusal says.
func (g *page) words() string {
	return plain.Terminal(plain.Clip(cmp.Or(api.ErrorMessage(g.body), http.StatusText(g.status), "no words"), 200))
}

// fetch asks for a page, and notes how long its head took on the open connection. A body makes it a POST of JSON.
func (w *wire) fetch(ctx context.Context, url string, body []byte, most int64) (*page, error) {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	var open, head time.Time
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { open = time.Now() },
		GotFirstResponseByte: func() { head = time.Now() },
	}), method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = w.header.Clone()
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	w.count()
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body == nil {
		w.noteTrip(head.Sub(open))
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, cause(ctx, err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("the answer is larger than %d KiB", most>>10)
	}
	return &page{status: resp.StatusCode, header: resp.Header, body: data}, nil
}

// cause returns why ctx ended if it did, and else the error.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (w *wire) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests++
}

// noteTrip notes how long the head of an answer took; the shortest is the round trip.
func (w *wire) noteTrip(took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if took > 0 && (w.trip == 0 || took < w.trip) {
		w.trip = took
	}
}

// readAside returns a page of the server, "" if it cannot be read.
func (w *wire) readAside(ctx context.Context, url string) string {
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	answer, err := w.fetch(ctx, url, nil, maxPage)
	if err != nil || !answer.ok() {
		return ""
	}
	return string(answer.body)
}

// hide replaces the secrets that requests carry in a text of the server.
func (w *wire) hide(text string) string { return plain.Terminal(w.mask.Text(text)) }
