package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

const nameIt = ": name the model (option model, MODEL in our scripts)"

func TestDiscover(t *testing.T) {
	t.Parallel()
	const two = `{"data":[{"id":"a"},{"id":"b:latest"}]}`
	const page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body></html>"
	for _, tt := range []struct {
		name, model, body string
		status            int
		want, remark, err string // … is the server's address
	}{
		{"the first of the list", "", two, 200, "a", "", ""},
		{"one of the list", "a", two, 200, "a", "", ""},
		{"the latest", "b", two, 200, "b", "", ""},
		{"an array alone", "", "[" + `{"id":"a"}` + "]", 200, "a", "", ""},
		{"not in the list", "c", two, 200, "c",
			`model "c" is not in the list of …/v1/models, which has: a, b:latest. If the server does not know it, ` +
				`requests will say so`, ""},
		{"hostile names", "c", `{"data":[{"id":"a\u001b[31m\u202e\r\nb"}]}`, 200, "c",
			`which has: a\x1b[31m\u202e\r\nb. If`, ""},
		{"hostile words", "", `{"error":{"message":"a\u001b[31m\u202e\r\nb"}}`, 500, "", "", `(a\x1b[31m\u202e b)`},
		{"hostile text", "c", "a\x1b]0;t\a\u009b", 200, "c", `(a\x1b]0;t\x07\u009b)`, ""},
		{"no such endpoint, model named", "c", "", 404, "c",
			`…/v1/models answered with status 404 (Not Found), so nobody checked that it serves model "c": check ` +
				`the path of baseURL (BASE_URL in our scripts)`, ""},
		{"no such endpoint", "", "", 404, "", "",
			"…/v1/models answered with status 404 (Not Found): check the path of baseURL (BASE_URL in our " +
				"scripts), or name the model (option model, MODEL in our scripts)"},
		{"an empty list", "", `{"data":[]}`, 200, "", "", "…/v1/models lists no models" + nameIt},
		{"an empty list, model named", "c", `{"data":[{"id":""}]}`, 200, "c",
			`…/v1/models lists no models, so nobody checked that it serves model "c"`, ""},
		{"no list, model named", "c", "ok", 200, "c",
			`…/v1/models is no list of models (ok), so nobody checked that it serves model "c": check the path`, ""},
		{"no list", "", `{"data":null}`, 200, "", "",
			`…/v1/models is no list of models ({"data":null}): check the path of baseURL (BASE_URL in our ` +
				`scripts), or name the model`},
		{"a web page", "", "<!doctype html><title>Sign in</title>", 200, "", "",
			"…/v1/models is no list of models (Sign in): check the path"},
		{"a page without a title", "", "<html></html>", 200, "", "",
			"…/v1/models is no list of models (text/html; charset=utf-8): check the path"},
		{"no key", "", `{"error":{"message":"who are you"}}`, 401, "", "",
			"…/v1/models refused the API key of apiKey with status 401 (who are you): check apiKey (API_KEY in " +
				"our scripts), or name the model"},
		{"a forbidden list", "c", "", 403, "c",
			`…/v1/models refused the API key of apiKey with status 403 (Forbidden), so nobody checked that it ` +
				`serves model "c": check apiKey`, ""},
		{"broken server, model named", "c", "", 500, "c",
			"answered with status 500 (Internal Server Error), so nobody checked", ""},
		{"broken server", "", "", 500, "", "", "…/v1/models answered with status 500 (Internal Server Error)" + nameIt},
		{"not ready", "", `{"error":{"message":"Loading model"}}`, 503, "", "",
			"…/v1/models answered with status 503 (Loading model): the server is not ready: wait for it"},
		{"not ready, model named", "c", `{"error":{"message":"Loading model"}}`, 503, "c",
			`…/v1/models answered with status 503 (Loading model), so nobody checked that it serves model "c": ` +
				`the server is not ready: wait for it`, ""},
		{"nothing behind the proxy", "", page, 502, "", "",
			"…/v1/models answered with status 502 (502 Bad Gateway): the server behind this proxy or gateway does " +
				"not answer: see that it runs"},
		{"slow behind the proxy", "", "", 504, "", "", "status 504 (Gateway Timeout): the server behind this proxy"},
		{"a key that is not known", "", "No connected db.", 400, "", "",
			"status 400 (No connected db.): check apiKey (API_KEY in our scripts), or name the model"},
		{"plain HTTP to a port of TLS", "", "Client sent an HTTP request to an HTTPS server.\n", 400, "", "",
			"(Client sent an HTTP request to an HTTPS server.): write https:// in baseURL (BASE_URL in our scripts)"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/models" || r.Header.Get("Authorization") != "Bearer k" {
				t.Errorf("%s: asked %s with %v", tt.name, r.URL, r.Header)
			}
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		c := newClient(t, func(o *Options) { o.BaseURL, o.Model, o.APIKey = server.URL, tt.model, "k" })
		model, remark, err := c.Discover(t.Context(), new(http.Transport))
		said := ""
		if err != nil {
			said = strings.ReplaceAll(err.Error(), server.URL, "…")
		}
		remark = strings.ReplaceAll(remark, server.URL, "…")
		if model != tt.want || !strings.Contains(remark, tt.remark) || (remark == "") != (tt.remark == "") ||
			!strings.Contains(said, tt.err) || (said == "") != (tt.err == "") {
			t.Errorf("%s: got %q, remark %q, error %q\nwant %q, remark %q, error %q", tt.name, model, remark, said,
				tt.want, tt.remark, tt.err)
		}
		if strings.ContainsAny(said+remark, "\r\n<\x1b\u009b\u202e") {
			t.Errorf("%s: got %q, of several lines or a page", tt.name, said+remark)
		}
		server.Close()
	}
}

func TestDiscoverWithoutAKey(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	defer server.Close()
	c := newClient(t, func(o *Options) { o.BaseURL, o.Model = server.URL, "" })
	_, _, err := c.Discover(t.Context(), new(http.Transport))
	if err == nil || !strings.HasSuffix(err.Error(), "status 500 (Internal Server Error): set apiKey (API_KEY in "+
		"our scripts) if it wants one, or name the model (option model, MODEL in our scripts)") {
		t.Errorf("got %v", err)
	}
}

// If the list tells nothing about the path, the remark tells where requests go.
func TestDiscoverBelowAPrefix(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		403: `…/prefix/models refused a request without a key with status 403 (Forbidden), so nobody checked that ` +
			`it serves model "m": set apiKey (API_KEY in our scripts). Requests go to …/prefix/chat/completions`,
		404: `…/prefix/models answered with status 404 (Not Found), so nobody checked that it serves model "m": ` +
			`check the path of baseURL (BASE_URL in our scripts): ` +
			`/v1 is added to a bare host alone, so write "…/prefix/v1" if the API is there. Requests go to ` +
			`…/prefix/chat/completions`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
		}))
		c := newClient(t, func(o *Options) { o.BaseURL = server.URL + "/prefix" })
		_, remark, err := c.Discover(t.Context(), new(http.Transport))
		if got := strings.ReplaceAll(remark, server.URL, "…"); got != want || err != nil {
			t.Errorf("%d: got %s, %v, want %s", status, got, err, want)
		}
		server.Close()
	}
}

func TestDiscoverAdapters(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"id":"a"}]}`)
	}))
	defer server.Close()
	c := newClient(t, func(o *Options) { o.BaseURL, o.Model, o.Adapters = server.URL, "", []string{"x", "a", "y"} })
	model, remark, err := c.Discover(t.Context(), new(http.Transport))
	if model != "a" || err != nil || !strings.HasPrefix(remark, `model "x", "y" is not in the list of `) {
		t.Errorf("got %q, %q, %v", model, remark, err)
	}
}

func TestDiscoverRedirect(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"https://h/v1/models?key=secret": `is redirected to "https://h/v1/models": set baseURL (BASE_URL in our ` +
			`scripts) to "https://h/v1"`,
		"https://u:secret@h/login": `is redirected to "https://u:xxxxx@h/login": set baseURL (BASE_URL in our ` +
			`scripts) to "https://u:xxxxx@h/login"`,
		"/api/v1/models": `/api/v1/models": set baseURL (BASE_URL in our scripts) to "http://127.0.0.1`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to, http.StatusMovedPermanently)
		}))
		c := newClient(t, func(o *Options) { o.BaseURL, o.Model = server.URL, "" })
		_, _, err := c.Discover(t.Context(), new(http.Transport))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", to, err, want)
		}
		server.Close()
	}
}

// Some servers compress whether or not they are asked to.
func TestDiscoverCompressed(t *testing.T) {
	t.Parallel()
	for encoding, want := range map[string]string{"gzip": "",
		"br": `gave no list of models (compressed body: Content-Encoding: br is not supported`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			if encoding == "br" {
				_, _ = w.Write([]byte{0x8b, 0x0a, 0x80})
				return
			}
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, `{"data":[{"id":"a"}]}`)
			_ = z.Close()
		}))
		c := newClient(t, func(o *Options) { o.BaseURL, o.Model = server.URL, "" })
		model, _, err := c.Discover(t.Context(), &http.Transport{DisableCompression: true})
		if (model == "a") != (want == "") || (err == nil) != (want == "") || err != nil &&
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v", encoding, model, err)
		}
		server.Close()
	}
}

func TestDiscoverTooLarge(t *testing.T) {
	t.Parallel()
	entry := strings.Repeat(`{"id":"a"},`, 1000)
	for _, tt := range []struct {
		status int
		body   flood
		want   string
	}{
		{200, flood{head: `{"data":[`, block: entry, tail: `{"id":"a"}]}`, times: maxModels/len(entry) - 2}, ""},
		{200, flood{head: `{"data":[`, block: entry},
			"gave no list of models (the page is larger than 8 MiB): name the model"},
		{200, flood{block: strings.Repeat(" ", 1000)},
			"gave no list of models (the page is larger than 8 MiB): name the model"},
		{404, flood{block: strings.Repeat("no ", 1000)}, "answered with status 404 (no no"},
	} {
		c := newClient(t, func(o *Options) { o.Model = "" })
		_, _, err := c.Discover(t.Context(), roundTrip(func(req *http.Request) (*http.Response, error) {
			httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{})
			return &http.Response{StatusCode: tt.status, Header: http.Header{}, Body: &tt.body}, nil
		}))
		if err == nil != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("status %d: got %v, want %q", tt.status, err, tt.want)
		}
	}
}

func TestDiscoverUnreachable(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for _, tt := range []struct{ base, want string }{
		{"http://u:secret@127.0.0.1:1/?key=secret",
			": check the URL of the server and that it runs"},
		{secure.URL,
			": set caPath to the certificate of the authority that signed it, or give k6 --insecure-skip-tls-verify"},
		{"https://" + strings.TrimPrefix(plain.URL, "http://"),
			": if the server has no TLS, write http:// in baseURL (BASE_URL in our scripts)"},
	} {
		c := newClient(t, func(o *Options) { o.BaseURL, o.Model = tt.base, "m" })
		_, _, err := c.Discover(context.Background(), new(http.Transport))
		if err == nil || !strings.HasPrefix(err.Error(), "cannot reach ") || !strings.HasSuffix(err.Error(), tt.want) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", tt.base, err, tt.want)
		}
	}
}

// A server that answers with nothing, or with a TLS alert, can be reached: requests then ask for a named model.
func TestDiscoverBroken(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"":                             "gave no list of models (EOF)" + nameIt,
		"\x15\x03\x01\x00\x02\x02\x16": ": write https:// in baseURL (BASE_URL in our scripts)",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{": "gave no list of models (unexpected EOF)" + nameIt,
	} {
		base := rawServer(t, answer, false)
		c := newClient(t, func(o *Options) { o.BaseURL, o.Model = base, "" })
		_, _, err := c.Discover(t.Context(), new(http.Transport))
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", answer, err, want)
		}
		c = newClient(t, func(o *Options) { o.BaseURL, o.Model = base, "m" })
		if model, remark, err := c.Discover(t.Context(), new(http.Transport)); model != "m" || remark == "" ||
			err != nil {
			t.Errorf("%q, model named: got %q, %q, %v", answer, model, remark, err)
		}
	}
}

// silent returns a transport to a server that accepts connections and whatever is sent, and never answers.
func silent(t *testing.T) *http.Transport {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		return ours, nil
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func TestDiscoverSlow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		base, model, remark, err string
		took                     time.Duration
	}{
		{"http://h", "", "", "http://h/v1/models gave no list of models (no answer in time)" + nameIt, discoverTimeout},
		{"http://h", "m", "http://h/v1/models gave no list of models (no answer in time), so nobody checked", "",
			checkTimeout},
		{"https://h", "m", "",
			"cannot reach https://h/v1: no TLS handshake within 5s: if the server has no TLS, write http:// in baseURL",
			handshakeTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, func(o *Options) { o.BaseURL, o.Model = tt.base, tt.model })
			began := time.Now()
			_, remark, err := c.Discover(t.Context(), silent(t))
			if err == nil {
				err = errors.New("")
			}
			if took := time.Since(began); took != tt.took || !strings.HasPrefix(remark, tt.remark) ||
				!strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("%s, model %q: got %q, %v after %v, want %q, %q after %v", tt.base, tt.model, remark, err,
					took, tt.remark, tt.err, tt.took)
			}
		})
	}
}

func TestDiscoverEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := newClient(t, func(o *Options) { o.BaseURL, o.Model = "http://h", "m" })
		if model, remark, err := c.Discover(ctx, silent(t)); err == nil {
			t.Errorf("got %q, %q, want an error", model, remark)
		}
	})
}

// Whatever a server answers to the request for its models, the remark about it is one short line without the key, and
// the model is one of the list.
func FuzzDiscover(f *testing.F) {
	const key = "sk-0123456789abcdef"
	for _, body := range []string{
		`{"data":[{"id":"a"},{"id":"b:latest"}]}`, `[{"id":"a\u001b[31m\u202e\r\nb"}]`,
		`{"data":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", "<html><title>x\x1b]0;t\a</title>",
		`{"error":{"message":"` + key + `"}}`, `{"error":{"message":"sk-01234\u003567` + key[8:] + `"}}`,
		"\xef\xbb\xbf{\"data\":[{\"id\":7}]}", "\x1f\x8b\x08\x00", "\x00\xff\xfe",
		`{"data":[{"id":"` + strings.Repeat("x", 5000) + `"}]}`, "",
	} {
		f.Add([]byte(body), 200, "application/json", "")
		f.Add([]byte(body), 401, strings.Repeat(body+"\x92", 9), "gzip")
		f.Add([]byte(body), 302, "//u:"+key+"@h/\x1b\u202e", "")
	}
	named, unnamed := DefaultOptions(), DefaultOptions()
	named.BaseURL, named.APIKey, named.Model = "http://u:p4ssw0rd@server.test", key, "m"
	unnamed.BaseURL, unnamed.APIKey = "http://server.test/v1", key
	var clients []*Client
	for _, opts := range []Options{named, unnamed} {
		c, err := New(opts)
		if err != nil {
			f.Fatal(err)
		}
		clients = append(clients, c)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int, header, encoding string) {
		for _, c := range clients {
			model, remark, err := c.Discover(t.Context(), roundTrip(func(r *http.Request) (*http.Response, error) {
				if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
					trace.GotConn(httptrace.GotConnInfo{})
				}
				return &http.Response{
					StatusCode: status, Request: r, Body: io.NopCloser(bytes.NewReader(body)),
					Header: http.Header{"Content-Type": {header}, "Location": {header}, "Content-Encoding": {encoding}},
				}, nil
			}))
			if (model == "") != (err != nil) || err == nil && c.opts.Model == "" &&
				!json.Valid(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))) && encoding == "" {
				t.Errorf("%q: got model %q, %v", body, model, err)
			}
			if err != nil {
				remark = err.Error()
			}
			if len(remark) > 10_000 || plain.Terminal(remark) != remark || strings.ContainsAny(remark, "\r\n") ||
				strings.Contains(remark, key) || strings.Contains(remark, "p4ssw0rd") {
				t.Errorf("%q with status %d and %q: got %q", body, status, header, remark)
			}
		}
	})
}
