package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/network"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Limits of one reading: its time, and the size of the page in bytes.
const (
	Timeout = time.Second
	MaxPage = 4 << 20
)

// Page is a page of metrics to read. Its methods must not be called concurrently.
type Page struct {
	URL       string // http or https; a user and password in it go as basic authentication
	Name      string // the URL without secrets, for lines and messages
	Header    http.Header
	Transport http.RoundTripper

	Push func(line *record.Server) // takes each sample
	Warn func(problem error)       // takes the first failure

	failed int64 // readings since the last line
	warned bool
}

// Look reads the page once, and gives up after Timeout. It counts failures, and reports the first to Warn.
func (p *Page) Look(ctx context.Context) {
	line, err := p.Read(ctx)
	if err == nil {
		line.Failed, p.failed = p.failed, 0
		p.Push(line)
		return
	}
	p.failed++
	if !p.warned {
		p.warned = true
		p.Warn(fmt.Errorf("server metrics: %s: %w", p.Name, err))
	}
}

// Watch reads the page at every interval until stop is closed, and then once more, so that the last line counts the
// last requests. It blocks, and returns within two Timeouts after stop is closed.
func (p *Page) Watch(stop <-chan struct{}, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
		case <-ticker.C:
		}
		last := closed(stop) // also if both channels were ready
		p.Look(context.Background())
		if last {
			break
		}
	}
	if p.failed > 0 { // no line follows to tell
		p.Push(&record.Server{Time: record.UnixNano(time.Now()), Source: p.Name, Failed: p.failed,
			Values: map[string]float64{}})
	}
}

func closed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

var errTimeout = fmt.Errorf("no whole page within %v", Timeout)

// Read returns a sample, and gives up after Timeout. Its time is halfway between request and response. It uses neither
// Push nor Warn.
func (p *Page) Read(ctx context.Context) (*record.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	asked := time.Now()
	text, err := p.fetch(ctx)
	took := time.Since(asked)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, errTimeout
	case err != nil:
		return nil, err
	}
	s := Parse(text)
	if len(s.Values) == 0 {
		return nil, errors.New("no metrics of vLLM, SGLang, TGI, llama.cpp or DCGM are on the page")
	}
	return &record.Server{Time: record.UnixNano(asked.Add(took / 2)), Source: p.Name, Engine: s.Engine,
		Models: s.Models, Values: s.Values}, nil
}

func (p *Page) fetch(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return "", err
	}
	for name, values := range p.Header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1")
	if user := req.URL.User; user != nil && req.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := p.Transport.RoundTrip(req) // without an http.Client, which would follow redirects
	if err != nil {
		return "", secret.MaskForHeader(req.Header).Error(network.WithoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusNotImplemented:
		return "", fmt.Errorf("status %d (SGLang has the page with --enable-metrics, llama.cpp with --metrics)",
			resp.StatusCode)
	default:
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, MaxPage+1))
	if len(text) > MaxPage {
		return "", fmt.Errorf("the page is larger than %d bytes", MaxPage)
	}
	return string(text), secret.MaskForHeader(req.Header).Error(err)
}
