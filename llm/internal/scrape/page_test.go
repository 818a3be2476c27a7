package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// server is a transport that answers by a function.
type server func(req *http.Request) (*http.Response, error)

func (s server) RoundTrip(req *http.Request) (*http.Response, error) { return s(req) }

func answer(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// watched is a page that keeps its lines and problems.
type watched struct {
	Page
	lines    []*record.Server
	problems []string
}

func watch(s server) *watched {
	w := &watched{Page: Page{URL: "http://user:secret@host/metrics", Name: "http://host/metrics", Transport: s}}
	w.Push = func(line *record.Server) { w.lines = append(w.lines, line) }
	w.Warn = func(problem error) { w.problems = append(w.problems, problem.Error()) }
	return w
}

func TestLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := watch(func(req *http.Request) (*http.Response, error) {
			if user, password, _ := req.BasicAuth(); user != "user" || password != "secret" ||
				req.Header.Get("X") != "y" || !strings.HasPrefix(req.Header.Get("Accept"), "text/plain") {
				t.Errorf("asked with %v", req.Header)
			}
			time.Sleep(200 * time.Millisecond)
			return answer(200, vllmPage)
		})
		w.Header = http.Header{"X": {"y"}}
		begun := time.Now()
		w.Look(t.Context())
		if len(w.lines) != 1 || w.problems != nil {
			t.Fatalf("%d lines, problems %q", len(w.lines), w.problems)
		}
		got := w.lines[0]
		if got.Source != "http://host/metrics" || got.Engine != "vllm" || got.Values[record.ServerRunning] != 5 ||
			got.Failed != 0 {
			t.Errorf("got %+v", got)
		}
		if want := record.UnixNano(begun.Add(100 * time.Millisecond)); got.Time != want {
			t.Errorf("its time is %d ns, want the middle, %d", got.Time, want)
		}
	})
}

// Watch pushes a line every second, and one at the end with the last values.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		w := watch(func(*http.Request) (*http.Response, error) {
			asked++
			return answer(200, fmt.Sprintf("vllm:request_success_total %d\n", asked))
		})
		stop := make(chan struct{})
		time.AfterFunc(3500*time.Millisecond, func() { close(stop) })
		begun := time.Now()
		w.Watch(stop, time.Second)
		if took := time.Since(begun); took != 3500*time.Millisecond {
			t.Errorf("Watch ended after %v", took)
		}
		if len(w.lines) != 4 || w.lines[3].Values[record.ServerRequests] != 4 {
			t.Errorf("%d lines, the last %+v", len(w.lines), w.lines[len(w.lines)-1])
		}
	})
}

// Each reading of a page that does not answer ends after a second. The failure is reported once, counted, and does not
// delay the end.
func TestWatchOfADeadPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := watch(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		stop := make(chan struct{})
		time.AfterFunc(3500*time.Millisecond, func() { close(stop) })
		begun := time.Now()
		w.Watch(stop, time.Second)
		if took := time.Since(begun); took > 5500*time.Millisecond {
			t.Errorf("Watch ended after %v, want at most two seconds after the stop", took)
		}
		if len(w.problems) != 1 || w.problems[0] != "server metrics: http://host/metrics: no whole page within 1s" {
			t.Errorf("problems %q", w.problems)
		}
		if len(w.lines) != 1 || w.lines[0].Failed < 3 || w.lines[0].Values == nil || len(w.lines[0].Values) > 0 {
			t.Errorf("lines %+v, want one that counts the failures", w.lines)
		}
	})
}

// The line after some failures counts them.
func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	broken := true
	w := watch(func(*http.Request) (*http.Response, error) {
		if broken {
			return answer(503, "")
		}
		return answer(200, vllmPage)
	})
	w.Look(t.Context())
	w.Look(t.Context())
	broken = false
	w.Look(t.Context())
	w.Look(t.Context())
	if len(w.lines) != 2 || w.lines[0].Failed != 2 || w.lines[1].Failed != 0 {
		t.Errorf("got %+v", w.lines)
	}
	if len(w.problems) != 1 || !strings.Contains(w.problems[0], "status 503") {
		t.Errorf("problems %q", w.problems)
	}
}

// endless is the body of a page that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestProblemsWithAPage(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]server{
		"status 404 (SGLang has the page with --enable-metrics, llama.cpp with --metrics)": func(
			*http.Request) (*http.Response, error) {
			return answer(404, "")
		},
		"status 501 (SGLang has the page with --enable-metrics, llama.cpp with --metrics)": func(
			*http.Request) (*http.Response, error) {
			return answer(501, "")
		},
		"status 503": func(*http.Request) (*http.Response, error) { return answer(503, "") },
		"no metrics of vLLM, SGLang, TGI, llama.cpp or DCGM are on the page": func(
			*http.Request) (*http.Response, error) {
			return answer(200, "up 1\n")
		},
		"the page is larger than 4194304 bytes": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(endless{})}, nil
		},
		"connection refused": func(*http.Request) (*http.Response, error) {
			return nil, errors.New("connection refused")
		},
	} {
		w := watch(s)
		w.Look(context.Background())
		if len(w.problems) != 1 || w.problems[0] != "server metrics: http://host/metrics: "+want || len(w.lines) > 0 {
			t.Errorf("got %q and %d lines, want %q", w.problems, len(w.lines), want)
		}
	}
}

// The transport quotes an answer that is not HTTP, and the server may repeat secrets in it.
func TestProblemsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		errors.New(`malformed HTTP status code "sk-page-key"`), errors.New("407 not x-page-key"),
		&url.Error{Op: "Get", URL: "http://u:p@host/?key=x", Err: errors.New("bad page-password")},
	} {
		w := watch(func(*http.Request) (*http.Response, error) { return nil, err })
		w.URL, w.Header = "http://u:page-password@host/metrics", http.Header{"X-Api-Key": {"x-page-key"}}
		if err.Error() == `malformed HTTP status code "sk-page-key"` {
			w.Header.Set("Authorization", "Bearer sk-page-key")
		}
		w.Look(t.Context())
		if got := fmt.Sprint(w.problems); !strings.Contains(got, "***") || strings.Contains(got, "page-key") ||
			strings.Contains(got, "page-password") || strings.Contains(got, "u:p@") {
			t.Errorf("got %s", got)
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"http://h/metrics", "https://u:p@h:1/x?y=z"} {
		if u, err := ParseURL(text); err != nil || u.String() != text {
			t.Errorf("%s: got %v, %v", text, u, err)
		}
	}
	for _, text := range []string{"", "metrics", "/metrics", "ftp://h/x", "http://", "http://u:secret@h:port/",
		"sim:"} {
		if _, err := ParseURL(text); err == nil || strings.Contains(err.Error(), "secret") ||
			!strings.Contains(err.Error(), "http://localhost:8000/metrics") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
