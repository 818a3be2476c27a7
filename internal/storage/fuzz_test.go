package storage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	words "github.com/seed-307b789f/xk6-llm/internal/plain"
)

// answers is a transport with one answer to every request.
type answers struct {
	status int
	body   string
	header http.Header
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)),
		Request: r}, nil
}

// FuzzAnswers checks that every answer of a server leads to a list of names or to an error of one short line that
// repeats no secret.
func FuzzAnswers(f *testing.F) {
	const secret = "hush-0123456789abcdef"
	for _, body := range []string{
		`{"kind":"storage#objects","items":[{"name":"a"},{"name":"../\u0000"}],"nextPageToken":"x"}`,
		`{"kind":"storage#objects","items":7}`,
		`{"error":{"errors":[{"reason":"` + secret + ` \u001b[2J"}]}}`, `{"error":{"errors":[{"reason":"forbidden"}]}}`,
		strings.Repeat(`{"items":[`, 200), "<html>" + secret, "",
	} {
		for _, status := range []int{200, 204, 302, 308, 403, 404, 429, 503, -1} {
			f.Add(status, body, "bytes=0-9")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, last string) {
		s := Target{Provider: GCS, Bucket: "reports"}.session()
		s.open = func(context.Context, Target, *traffic) (bucket, error) {
			server := answers{status, body, http.Header{"Range": {last}, "Location": {last}}}
			return &gcsBucket{name: "reports", base: "http://h", custom: true,
				client: &http.Client{Transport: server, CheckRedirect: noRedirects}, inOne: 4, part: 10}, nil
		}
		const content = "01234567890123456789012"
		_, listErr := func() ([]string, error) {
			var names []string
			err := s.do(t.Context(), "listing", func(ctx context.Context) (err error) {
				names, _, err = s.bucket.page(ctx, "p", "")
				return err
			})
			return names, err
		}()
		createErr := s.do(t.Context(), "creating", func(ctx context.Context) error {
			return s.bucket.create(ctx, "a", "text/plain", strings.NewReader(content), int64(len(content)))
		})
		for _, err := range []error{s.check(t.Context()), listErr, createErr} {
			if err == nil {
				continue
			}
			if text := err.Error(); len(text) > 1000 || words.Terminal(text) != text || strings.Contains(text, "\n") ||
				strings.Contains(text, secret) && !strings.Contains(last, secret) {
				t.Errorf("status %d, %q, %q: got %q", status, body, last, text)
			}
		}
	})
}

// pages is a bucket whose list never ends.
type pages struct {
	memory
	n int
}

func (p *pages) page(context.Context, string, string) (names []string, next string, err error) {
	p.n++
	return nil, fmt.Sprint(p.n), nil
}

func TestListWithoutEnd(t *testing.T) {
	t.Parallel()
	s := inMemory.session()
	s.open = func(context.Context, Target, *traffic) (bucket, error) { return &pages{}, nil }
	if _, err := s.list(t.Context(), "p"); err == nil ||
		!strings.Contains(err.Error(), "the server's list has no end; check endpoint_url") {
		t.Errorf("got %v", err)
	}
}
