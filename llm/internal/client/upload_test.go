package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// slowServer serves one request: it reads the body in tenths with a pause before each, and begins to answer one more
// pause later.
func slowServer(conn net.Conn, pause time.Duration) {
	defer func() { _ = conn.Close() }()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	for range 10 {
		time.Sleep(pause)
		_, _ = io.CopyN(io.Discard, req.Body, req.ContentLength/10)
	}
	_, _ = io.Copy(io.Discard, req.Body)
	time.Sleep(pause)
	answer := chunk("a") + stop + done
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s",
		len(answer), answer)
}

// What it takes to send a body with media is told apart, and is in the TTFT, whether the file is apart from the text or
// not.
func TestUploadIsTimed(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("QUJD", 250_000)
	messages := func(file string) json.RawMessage {
		return json.RawMessage(`[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + file + `"}}]}]`)
	}
	facts := []record.Media{{Kind: record.MediaImage}}
	mark := string(api.AppendBlob(nil, 0))
	for name, req := range map[string]Request{
		"apart": {Messages: messages(mark), Media: &Media{Blobs: []string{file}, Facts: facts}},
		"in it": {Messages: messages(file), Media: &Media{Facts: facts}},
		"text":  {Messages: messages(file)},
	} {
		synctest.Test(t, func(t *testing.T) {
			const pause = 100 * time.Millisecond
			rt := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				go slowServer(there, pause)
				return here, nil
			}}
			defer rt.CloseIdleConnections()
			a, err := newClient(t, nil).Do(t.Context(), rt, &req)
			if err != nil || a.Record.Failed() {
				t.Fatal(err, a.Record)
			}
			sent, ttft := time.Duration(a.Record.Sent), time.Duration(a.Record.Chunks[0])*time.Microsecond
			if want := 10 * pause; req.Media != nil && sent != want || req.Media == nil && sent != 0 {
				t.Errorf("%s: sent within %v, want %v", name, sent, want)
			}
			if want := 11 * pause; ttft != want {
				t.Errorf("%s: a TTFT of %v, want %v", name, ttft, want)
			}
		})
	}
}

// A server that refuses a body before it has read it is heard, over HTTP/1 and over HTTP/2.
func TestRefusalOfALargeBody(t *testing.T) {
	t.Parallel()
	o := sim.DefaultOptions()
	o.MaxBody = 1 << 20
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(s)
		server.EnableHTTP2 = http2
		server.StartTLS()
		defer server.Close()
		c := newClient(t, func(o *Options) { o.BaseURL, o.API, o.Model = server.URL+"/v1", api.Completion, "sim" })
		a, err := c.Do(t.Context(), server.Client().Transport, &Request{ID: "1", Prompt: strings.Repeat("x", 8<<20)})
		if err != nil {
			t.Fatal(err)
		}
		if r := a.Record; r.Status != http.StatusRequestEntityTooLarge || r.ErrorType != record.ErrorHTTP ||
			!strings.Contains(r.Error, "request body too large") || r.Sent != 0 {
			t.Errorf("HTTP/2 %v: got %s %d: %s", http2, r.ErrorType, r.Status, r.Error)
		}
	}
}

// A connection that is closed while a large body is sent may be a refusal, and the error says so.
func TestCloseDuringALargeBody(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1 << 10, 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			rt := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				go func() {
					_, _ = io.CopyN(io.Discard, there, 512)
					_ = there.Close()
				}()
				return here, nil
			}}
			a, err := newClient(t, nil).Do(t.Context(), rt, &Request{Messages: json.RawMessage(`"` +
				strings.Repeat("x", size) + `"`)})
			if err != nil {
				t.Fatal(err)
			}
			r := a.Record
			if told := strings.Contains(r.Error, "it may not take so large a body"); told != (size > smallBody) ||
				r.ErrorType != record.ErrorReset {
				t.Errorf("a body of %d bytes: got %s: %s", size, r.ErrorType, r.Error)
			}
		})
	}
}
