package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// dialing returns a transport whose first connections fail.
func dialing(t *testing.T, failures ...error) *http.Transport {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if len(failures) > 0 {
			err := failures[0]
			failures = failures[1:]
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// dialError returns what net returns for a system call that failed.
func dialError(call string, number syscall.Errno) error {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8000}
	return &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: os.NewSyscallError(call, number)}
}

// A failure of this machine keeps its error type, and is distinguished from failures of the server.
func TestFaultsOfThisMachine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err        error
		want, note string
	}{
		{dialError("socket", syscall.EMFILE), record.ErrorConnect, "too many open files"},
		{dialError("socket", syscall.ENFILE), record.ErrorConnect, "too many open files"},
		{dialError("connect", syscall.EADDRNOTAVAIL), record.ErrorConnect, "no local port was free"},
		{dialError("bind", syscall.EADDRINUSE), record.ErrorConnect, "no local port was free"},
		{dialError("connect", syscall.ENOBUFS), record.ErrorConnect, "no memory for a connection"},
		{dialError("socket", syscall.ENOMEM), record.ErrorConnect, "no memory for a connection"},
		{dialError("connect", syscall.EPERM), record.ErrorConnect, "a rule of this machine forbids the connection"},
		{dialError("connect", syscall.EACCES), record.ErrorConnect, "a rule of this machine forbids the connection"},
		{dialError("connect", syscall.ENETUNREACH), record.ErrorConnect, "the network is down or unreachable"},
		{&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}, record.ErrorDNS,
			"a name was not resolved"},
		{errors.New("lookup h: no such host"), record.ErrorDNS, "a name was not resolved"}, // k6's own
		{errors.New("IP (127.0.0.1) is in a blacklisted range (127.0.0.0/8)"), record.ErrorConnect,
			"k6 is told not to connect there"},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Err: dialError("connect", syscall.ECONNREFUSED)},
			record.ErrorConnect, "the proxy of this machine cannot be reached"},

		{dialError("connect", syscall.ECONNREFUSED), record.ErrorConnect, ""},
		{dialError("connect", syscall.EHOSTUNREACH), record.ErrorConnect, ""},
		{dialError("connect", syscall.ETIMEDOUT), record.ErrorConnect, ""},
		{dialError("connect", syscall.ECONNRESET), record.ErrorConnect, ""},
	} {
		want := ""
		if tt.note != "" {
			want = record.NoteOwnFault + ": " + tt.note
		}
		r := do(t, t.Context(), newClient(t, nil), dialing(t, tt.err)).Record
		if r.ErrorType != tt.want || r.Note != want {
			t.Errorf("%v: got %q with note %q, want %q with %q", tt.err, r.ErrorType, r.Note, tt.want, want)
		}
	}
}

// A request that succeeds when it is sent again had to wait for this machine before.
func TestFaultsOfThisMachineThatPass(t *testing.T) {
	t.Parallel()
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	body := chunk("a") + stop + done
	base := rawServer(t, head+fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), false)
	c := newClient(t, func(o *Options) { o.BaseURL, o.Retries, o.RetryBackoff = base, 3, ms })
	full := dialError("socket", syscall.EMFILE)
	r := do(t, t.Context(), c, dialing(t, full, full)).Record
	if want := record.NoteOwnFault + ": too many open files"; r.Failed() || r.Retries != 2 || r.Note != want {
		t.Errorf("got %q after %d retries with note %q, want %q", r.Error, r.Retries, r.Note, want)
	}
}

// What breaks a stream of HTTP/2 breaks the answer; a server that takes no further requests does not.
func TestHTTP2Streams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		end    func(server *http.Server)
		want   string
		chunks int
	}{
		{"reset", func(*http.Server) { panic(http.ErrAbortHandler) }, record.ErrorReset, 1},
		{"going away", func(server *http.Server) { go func() { _ = server.Shutdown(context.Background()) }() }, "", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var server *httptest.Server
			server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, chunk("a"))
				_ = http.NewResponseController(w).Flush()
				tt.end(server.Config)
				_, _ = io.WriteString(w, chunk("b")+stop+done)
			}))
			server.EnableHTTP2 = true
			server.StartTLS()
			defer server.Close()
			c := newClient(t, func(o *Options) { o.BaseURL, o.Timeout = server.URL, time.Minute })
			r := do(t, t.Context(), c, server.Client().Transport).Record
			if r.ErrorType != tt.want || len(r.Chunks) != tt.chunks {
				t.Errorf("got %q (%s) with %d chunks, want %q with %d", r.ErrorType, r.Error, len(r.Chunks), tt.want,
					tt.chunks)
			}
		})
	}
}
