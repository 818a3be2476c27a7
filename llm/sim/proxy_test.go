package sim

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// network connects in memory to a handler, so that time can be virtual.
type network struct {
	http.Transport
	server http.Server
	conns  chan net.Conn
}

func (n *network) Accept() (net.Conn, error) {
	if c, open := <-n.conns; open {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (n *network) Close() error   { return nil }
func (n *network) Addr() net.Addr { return &net.UnixAddr{} }

func newNetwork(t *testing.T, handler http.Handler) *network {
	t.Helper()
	n := &network{conns: make(chan net.Conn)}
	n.DialContext = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		n.conns <- far
		return near, nil
	}
	n.server.Handler = handler
	n.server.Protocols, n.Protocols = new(http.Protocols), new(http.Protocols)
	n.server.Protocols.SetHTTP1(true)
	n.server.Protocols.SetUnencryptedHTTP2(true)
	n.Protocols.SetHTTP1(true)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = n.server.Serve(n)
	}()
	t.Cleanup(func() {
		n.CloseIdleConnections()
		close(n.conns)
		_ = n.server.Close()
		<-served
	})
	return n
}

// newTestProxy returns a proxy before a server, and how clients reach it.
func newTestProxy(t *testing.T, s http.Handler, o ProxyOptions) *network {
	t.Helper()
	p, err := NewProxy("http://server/v1/", newNetwork(t, s), o)
	if err != nil {
		t.Fatal(err)
	}
	return newNetwork(t, p)
}

// read returns the answer to a request, and when what was read came.
func (n *network) read(t *testing.T, ctx context.Context, body string) (status int, text string, came []time.Duration) {
	t.Helper()
	start := time.Now()
	r := post(t, "http://proxy/v1/completions", body).WithContext(ctx)
	r.RequestURI = ""
	answer, err := n.RoundTrip(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	came = append(came, time.Since(start))
	defer func() { _ = answer.Body.Close() }()
	for buf := make([]byte, 1<<16); ; {
		n, err := answer.Body.Read(buf)
		if n > 0 {
			text, came = text+string(buf[:n]), append(came, time.Since(start))
		}
		if err == io.EOF {
			return answer.StatusCode, text, append(came, time.Since(start))
		}
		if err != nil {
			return answer.StatusCode, text + err.Error(), came
		}
	}
}

const fourTokens = `{"model":"sim","prompt":"a","max_tokens":4,"stream":true}`

// Each piece leaves the delay after it came, also if that is longer than the time between two.
func TestProxyDelaysAndMerges(t *testing.T) {
	t.Parallel()
	direct := []time.Duration{50 * ms, 50 * ms, 60 * ms, 70 * ms, 80 * ms, 80 * ms, 80 * ms} // head, tokens, tail, end
	for _, tt := range []struct {
		query string
		want  []time.Duration
	}{
		{"", direct},
		{"proxy-delay=5ms", shifted(direct, 5*ms)},
		{"proxy-delay=1us", shifted(direct, time.Microsecond)},
		{"proxy-delay=3s", shifted(direct, 3*time.Second)},
		{"proxy-merge=2", []time.Duration{60 * ms, 60 * ms, 80 * ms, 80 * ms, 80 * ms}},
		{"proxy-merge=3&proxy-delay=25ms", []time.Duration{75 * ms, 95 * ms, 105 * ms, 105 * ms}},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := with(t, tt.query)
			s := newFrom(t, "")
			_, whole, _ := newNetwork(t, s).read(t, t.Context(), fourTokens)
			status, text, came := newTestProxy(t, s, o.Proxy).read(t, t.Context(), fourTokens)
			if !slices.Equal(came, tt.want) {
				t.Errorf("%q: came after %v, want %v", tt.query, came, tt.want)
			}
			if text = strings.ReplaceAll(text, "sim-1", "sim-0"); status != 200 || text != whole {
				t.Errorf("%q: status %d, %s\nwant %s", tt.query, status, text, whole)
			}
		})
	}
}

func shifted(list []time.Duration, by time.Duration) []time.Duration {
	list = slices.Clone(list)
	for i := range list {
		list[i] += by
	}
	return list
}

// A client that goes away ends the request behind the proxy at once, unless the proxy keeps it up.
func TestProxyPassesCancellation(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"": "client gone", "proxy-delay=1s": "client gone", "proxy-cancel=keep": "",
		"proxy-cancel=keep&proxy-delay=5ms": "",
	} {
		for _, stay := range []time.Duration{20 * ms, 65 * ms} {
			synctest.Test(t, func(t *testing.T) {
				s := newFrom(t, "")
				n := newTestProxy(t, s, with(t, query).Proxy)
				ctx, cancel := context.WithTimeout(t.Context(), stay)
				defer cancel()
				n.read(t, ctx, fourTokens)
				time.Sleep(time.Second)
				list := s.Truths()
				if len(list) != 1 || list[0].Error != want ||
					want != "" && list[0].Gone-list[0].Received != int64(stay) {
					t.Errorf("%q, gone after %v: got %+v, want the error %q", query, stay, list, want)
				}
			})
		}
	}
}

func TestProxyPassesOnWhatFails(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"failure-kind=truncated": "unexpected EOF", "failure-kind=http": "injected failure",
		"failure-kind=truncated&proxy-delay=5ms":  "unexpected EOF",
		"failure-kind=stream_error&proxy-merge=9": "injected",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newFrom(t, "failure-rate=1&"+query)
			_, text, _ := newTestProxy(t, s, with(t, query).Proxy).read(t, t.Context(), fourTokens)
			if !strings.Contains(text, want) || strings.Contains(text, "[DONE]") {
				t.Errorf("%s: got %s, want %q", query, text, want)
			}
		})
	}
	p, err := NewProxy("http://127.0.0.1:1", new(http.Transport), ProxyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, post(t, "/v1/completions", fourTokens))
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "proxy: dial tcp 127.0.0.1:1") {
		t.Errorf("a server that is not there: %d %s", w.Code, w.Body)
	}
	for _, target := range []string{"", "localhost:8000", "ftp://x", "http://", "%zz"} {
		_, err := NewProxy(target, nil, ProxyOptions{})
		if err == nil || !strings.Contains(err.Error(), "is no address") {
			t.Errorf("%q: got %v", target, err)
		}
	}
}

// A server with a proxy in its options is reached through it, and behind several proxies is one server.
func TestListenThroughProxies(t *testing.T) {
	t.Parallel()
	s, err := Listen("127.0.0.1:0", with(t, "ttft=1ms&itl=1ms&proxy-merge=4&name=n"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Through("127.0.0.1:0", ProxyOptions{Delay: ms})
	if err != nil {
		t.Fatal(err)
	}
	for i, base := range []string{s.URL(), second, s.service.url()} {
		answer, err := http.Post(base+"/v1/completions", "application/json", strings.NewReader(fourTokens))
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		}
		_ = answer.Body.Close()
		if r := s.Truths()[i]; r.CompletionTokens != 4 || r.Endpoint != "n" {
			t.Errorf("%s: %+v", base, r)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestEventsAreCounted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "data: a\n": 0, "data: a\n\n": 1, "data: a\r\n\r\ndata: b\n\n": 2,
		": ping\n\nevent: x\ndata: {}\n\ndata": 2,
	} {
		var whole, single eventCounter
		whole.add([]byte(text))
		for i := range text {
			single.add([]byte{text[i]})
		}
		if whole.count != want || single.count != want {
			t.Errorf("%q: %d events, byte by byte %d; want %d", text, whole.count, single.count, want)
		}
	}
}

// What a proxy adds to a chunk above its delay, at the median and the 99th percentile: each is read by a client of the
// same machine directly and through the proxy in turn.
func BenchmarkProxy(b *testing.B) {
	for _, delay := range []time.Duration{0, ms, 5 * ms} {
		b.Run(delay.String(), func(b *testing.B) {
			s, err := Listen("127.0.0.1:0", with(b, "ttft=2ms&itl=2ms"))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			p, err := ListenProxy("127.0.0.1:0", s.URL(), ProxyOptions{Delay: delay})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			var direct, proxied []int64
			for b.Loop() {
				direct = append(direct, lags(b, s, s.URL())...)
				proxied = append(proxied, lags(b, s, p.URL())...)
			}
			if len(direct) == 0 || len(proxied) == 0 {
				b.Fatal("the machine is too busy")
			}
			slices.Sort(direct)
			slices.Sort(proxied)
			for name, share := range map[string]int{"us-p50": 50, "us-p99": 99} {
				added := proxied[len(proxied)*share/100] - direct[len(direct)*share/100]
				b.ReportMetric(float64(added-int64(delay))/1e3, name)
			}
		})
	}
}

// lags returns how long after it was written each chunk of an answer was read, in nanoseconds.
func lags(b *testing.B, s *Server, base string) (list []int64) {
	b.Helper()
	answer, err := http.Post(base+"/v1/completions", "application/json",
		strings.NewReader(`{"model":"sim","prompt":"a","max_tokens":20,"stream":true}`))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	for buf := make([]byte, 1<<16); err == nil; {
		_, err = answer.Body.Read(buf)
		list = append(list, record.UnixNano(time.Now()))
	}
	truths := s.Truths()
	chunks := truths[len(truths)-1].Chunks
	if len(list) <= len(chunks) { // some were read together
		return nil
	}
	for i, at := range chunks {
		list[i] -= at
	}
	return list[:len(chunks)]
}
