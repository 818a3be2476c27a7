package prometheus

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/network"
)

// fake answers queries with the answer set for a query, and otherwise with one value.
type fake struct {
	*httptest.Server
	lock    sync.Mutex
	queries []string
	header  http.Header // headers of the last query
}

const vector = `{"status":"success","data":{"resultType":"vector","result":[%s]}}`

func answered(values ...string) string {
	for i, v := range values {
		values[i] = fmt.Sprintf(`{"metric":{"engine":"%d"},"value":[1,"%s"]}`, i, v)
	}
	return fmt.Sprintf(vector, strings.Join(values, ","))
}

func newFake(t *testing.T, reply func(query string) string) *fake {
	t.Helper()
	f := new(fake)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query().Get("query")
		f.lock.Lock()
		f.queries, f.header = append(f.queries, query), r.Header.Clone()
		f.lock.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if query == "time()" {
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"scalar","result":[1,"%s"]}}`, epoch(time.Now()))
			return
		}
		fmt.Fprint(w, reply(query))
	}))
	t.Cleanup(f.Close)
	return f
}

func open(t *testing.T, s Source) *Prometheus {
	t.Helper()
	c, err := Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	return c
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for want, handler := range map[string]http.HandlerFunc{
		"access refused (401 Unauthorized); set PROMETHEUS_TOKEN":     status(401),
		"access refused (403 Forbidden)":                              status(403),
		"nothing there answers queries (404 Not Found)":               status(404),
		"the server keeps answering 502 Bad Gateway; try again later": status(502),
		"the server sends elsewhere (302 Found), as login pages do": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://login.invalid/", http.StatusFound)
		},
		"it answers with a web page, so this is not a Prometheus": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "<!DOCTYPE html><html></html>")
		},
		"the answer is no JSON, so this is not a Prometheus": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "OK")
		},
		"the answer has no status, so this is not a Prometheus": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "{}")
		},
		"no connection: the server closed the connection": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "{")
		},
		"no connection: no answer in 300ms": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			c := open(t, Source{URL: strings.Replace(server.URL, "://", "://me:secret-word@", 1)})
			c.patience = 300 * time.Millisecond
			files, err := c.Collect(t.Context(), both, aRun(), func(string) {})
			if err == nil || len(files) > 0 || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, %v, want %q", files, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "secret-word") {
				t.Errorf("the message holds the password: %v", err)
			}
		})
	}
}

// No message repeats the credentials of a request, even if the server repeats them in an answer or in bytes that are no
// HTTP.
func TestCredentialsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusOK, 0} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// one of them is cut
			said, _ := json.Marshal(fmt.Sprint(r.Header, strings.Repeat("_", 17), r.Header.Get("Authorization")))
			if status == 0 {
				conn, _, _ := w.(http.Hijacker).Hijack()
				fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", strings.ReplaceAll(string(said), " ", "_"))
				_ = conn.Close()
				return
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"status":"error","errorType":%s,"error":%[1]s}`, said)
		}))
		t.Cleanup(server.Close)
		for _, s := range []Source{
			{Token: "prometheus-token"}, {User: "me", Password: "prometheus-password"},
			{Headers: http.Header{"X-Api-Key": {"prometheus-key"}, "Authorization": {"Bearer prometheus-token"}}},
		} {
			s.URL = server.URL
			_, err := open(t, s).ask(t.Context(), question{text: "up"})
			basic := base64.StdEncoding.EncodeToString([]byte(s.User + ":" + s.Password))
			if text := fmt.Sprint(err); !strings.Contains(text, "***") || strings.Contains(text, "prometheus-") ||
				strings.Contains(text, basic) {
				t.Errorf("%d, %+v: got %v", status, s, err)
			}
		}
	}
}

func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(string) string { return strings.Repeat(" ", maxAnswer+1) })
	_, err := open(t, Source{URL: f.URL}).ask(t.Context(), question{text: "x"})
	if want := "the answer is above 8 MiB; narrow the series by a filter"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c := open(t, Source{URL: server.URL})
	_, err := c.Collect(t.Context(), both, aRun(), func(string) {})
	for _, err := range []error{err, c.Check(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "no connection: dial tcp") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v", err)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	go func() {
		<-asked
		cancel()
	}()
	if _, err := open(t, Source{URL: server.URL}).Collect(ctx, both, aRun(), func(string) {}); !errors.Is(err,
		context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
}

// transport answers queries without a network.
type transport func(query string, r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return f(r.URL.Query().Get("query"), r)
}

func reply(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// For every way in which a server fails, it is given up within 10 s of its last answer.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	busy := func(r *http.Request, after time.Duration) (*http.Response, error) {
		if err := network.Sleep(r.Context(), after); err != nil {
			return nil, err
		}
		return reply(http.StatusServiceUnavailable, "<html>")
	}
	n := 0
	for name, tt := range map[string]struct {
		answer transport
		err    string // the error if the server answers nothing, else the message
		want   time.Duration
	}{
		"503": {func(_ string, r *http.Request) (*http.Response, error) { return busy(r, 0) },
			"the server keeps answering 503 Service Unavailable; try again later", 1500 * time.Millisecond},
		"slow 503": {func(_ string, r *http.Request) (*http.Response, error) { return busy(r, 4*time.Second) },
			"the server keeps answering 503 Service Unavailable; try again later", 10 * time.Second},
		"hanging": {func(_ string, r *http.Request) (*http.Response, error) { return hang(r) },
			"no connection: no answer in 10s", 10 * time.Second},
		"refusing": {func(string, *http.Request) (*http.Response, error) {
			return nil, errors.New("connection refused")
		}, "no connection: connection refused", 1500 * time.Millisecond},
		"hanging in its body": {func(_ string, r *http.Request) (*http.Response, error) {
			answer, _ := reply(http.StatusOK, "")
			answer.Body = hangingBody{r.Context()}
			return answer, nil
		}, "no connection: no answer in 10s", 10 * time.Second},
		"503 later": {func(query string, r *http.Request) (*http.Response, error) {
			if query == "time()" {
				return reply(http.StatusOK, answered(epoch(time.Now())))
			}
			return busy(r, 0)
		}, "", 10 * time.Second},
		"hanging later": {func(query string, r *http.Request) (*http.Response, error) {
			if query == "time()" {
				return reply(http.StatusOK, answered(epoch(time.Now())))
			}
			return hang(r)
		}, "", 10 * time.Second},
		"now and then 503": {func(query string, r *http.Request) (*http.Response, error) {
			if n++; n%3 == 0 {
				return busy(r, 0)
			}
			return reply(http.StatusOK, answered("1"))
		}, "", time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, err := Open(t.Context(), Source{URL: "http://p"})
			if err != nil {
				t.Fatal(err)
			}
			var lock sync.Mutex // of n
			c.http.Transport = transport(func(query string, r *http.Request) (*http.Response, error) {
				if name == "now and then 503" {
					lock.Lock()
					defer lock.Unlock()
				}
				return tt.answer(query, r)
			})
			var messages []string
			time.Sleep(time.Until(aRun().End.Add(time.Hour))) // virtual time begins before the end of the run
			start := time.Now()
			files, err := c.Collect(t.Context(), both, aRun(), func(line string) { messages = append(messages, line) })
			if took := time.Since(start); took > tt.want {
				t.Errorf("%s: it took %v, want %v", name, took, tt.want)
			}
			switch gaveUp := slices.ContainsFunc(messages, func(line string) bool {
				return strings.HasPrefix(line, "given up, figures are missing: ")
			}); {
			case tt.err != "":
				if err == nil || err.Error() != tt.err || len(files) > 0 {
					t.Errorf("%s: got %v and %d files, want %q", name, err, len(files), tt.err)
				}
			case err != nil || len(files) != 3 || gaveUp != (tt.want == 10*time.Second):
				t.Errorf("%s: got %v and %d files, messages %q", name, err, len(files), messages)
			}
		})
	}
}

// hangingBody returns nothing until its request has ended.
type hangingBody struct{ ctx context.Context }

func (b hangingBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (hangingBody) Close() error { return nil }

// A server that goes away during the queries is not asked hundreds of times.
func TestGoneMeanwhile(t *testing.T) {
	t.Parallel()
	asked := 0
	var lock sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		if asked++; asked > 20 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, answered("0"))
	}))
	t.Cleanup(server.Close)
	files, _ := collect(t, open(t, Source{URL: server.URL}), both, aRun())
	if got := files[2].Additions.Reasons["successes.count"]; !strings.HasPrefix(got, "access refused") ||
		asked > 20+atOnce {
		t.Errorf("got %q after %d queries", got, asked)
	}
	holds(t, files[2].Document)
}

func TestLogins(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(string) string { return answered("1") })
	withUser := strings.Replace(f.URL, "://", "://me:word@", 1)
	for _, tt := range []struct {
		source Source
		want   string
	}{
		{Source{URL: f.URL}, ""},
		{Source{URL: withUser}, "Basic bWU6d29yZA=="},
		{Source{URL: withUser, User: "you", Password: "x"}, "Basic eW91Ong="},
		{Source{URL: withUser, Token: "tok"}, "Bearer tok"},
		{Source{URL: f.URL, Headers: http.Header{"x-scope-orgid": {"team"}}}, ""},
	} {
		c := open(t, tt.source)
		if _, err := c.ask(t.Context(), question{text: "x"}); err != nil {
			t.Error(err)
		}
		if got := f.header.Get("Authorization"); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.source, got, tt.want)
		}
		if want := tt.source.Headers != nil; (f.header.Get("X-Scope-Orgid") == "team") != want {
			t.Errorf("%+v: headers %v", tt.source, f.header)
		}
		if strings.Contains(c.String(), "word") {
			t.Errorf("the URL tells the password: %s", c)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(broken, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]Source{
		`"prometheus:9090" is no URL`:              {URL: "prometheus:9090"},
		`"ftp://***@host" is no URL`:               {URL: "ftp://me:word@host"},
		`"http://***@host:x" is no URL`:            {URL: "http://me:word@host:x"},
		"certificates to trust: open":              {URL: "http://host", CA: "nowhere.pem"},
		"certificates to trust: no certificate in": {URL: "http://host", CA: broken},
	} {
		if _, err := Open(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, answered("1"))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the refusals
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	// as editors on Windows save it
	text := append([]byte("\ufeff"),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...)
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		source Source
		want   string
	}{
		{Source{URL: server.URL, CA: ca}, ""},
		{Source{URL: server.URL, Insecure: true}, ""},
		{Source{URL: server.URL}, "its certificate is not trusted"},
		{Source{URL: strings.Replace(server.URL, "https", "http", 1)},
			"the server answered 400 Bad Request without JSON"},
	} {
		_, err := open(t, tt.source).ask(t.Context(), question{text: "x"})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.source, err, tt.want)
		}
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("query") == "time()" {
			fmt.Fprint(w, answered(epoch(time.Now().Add(-time.Minute))))
			return
		}
		fmt.Fprint(w, answered("1"))
	}))
	t.Cleanup(server.Close)
	s := both
	s.Stages = false
	files, messages := collect(t, open(t, Source{URL: server.URL}), s, aRun())
	if len(messages) == 0 || !strings.HasPrefix(messages[0], "the clock of Prometheus is -60.0 s off") ||
		!slices.Contains(files[0].Additions.Warnings, messages[0]) {
		t.Errorf("messages %q, warnings %q", messages, files[0].Additions.Warnings)
	}
}

// The wait is as long as needed, and ends with its context.
func TestWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ago, interval, want time.Duration
		messages            string
	}{
		{0, 15 * time.Second, 17 * time.Second, "waiting 17 s for Prometheus' last scrape"},
		{3500 * time.Millisecond, 15 * time.Second, 13500 * time.Millisecond,
			"waiting 14 s for Prometheus' last scrape"},
		{0, 0, 32 * time.Second, "waiting 32 s for Prometheus' last scrape"},
		{17 * time.Second, 15 * time.Second, 0, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, messages := time.Now(), ""
			err := wait(t.Context(), Settings{ScrapeInterval: tt.interval}, start.Add(-tt.ago), func(line string) {
				messages += line
			})
			if got := time.Since(start); got != tt.want || messages != tt.messages || err != nil {
				t.Errorf("%v ago: got %v, %q, %v, want %v, %q", tt.ago, got, messages, err, tt.want, tt.messages)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := wait(ctx, both, start, func(string) {}); err == nil || time.Since(start) != time.Second {
			t.Errorf("interrupted: got %v after %v", err, time.Since(start))
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	for _, text := range []string{answered("1", "NaN"), answered(), `{"status":"error"}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`, "<html>", ""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := parseAnswer(body)
		if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("the error has several lines: %q", err)
		}
		if err == nil && len(list) > len(body) {
			t.Errorf("%d series of %d bytes", len(list), len(body))
		}
	})
}
