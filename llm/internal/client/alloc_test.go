package client

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// A token costs no allocation, of an answer or of a call that is kept: many more tokens cost a request only a few more,
// because the lists of their times and the texts grow.
func TestTokensAllocateNothing(t *testing.T) {
	tokensAllocateNothing(t, chunk("token"), 20, func(a Answer) int { return len(a.Record.Chunks) })
	tokensAllocateNothing(t, calls(`{"index":0,"function":{"name":"f","arguments":"1"}}`), 40,
		func(a Answer) int { return len(a.ToolCalls[0].Arguments) })
}

func tokensAllocateNothing(t *testing.T, token string, most float64, count func(Answer) int) {
	t.Helper()
	c := newClient(t, nil)
	perRequest := func(tokens int) float64 {
		body := strings.Repeat(token, tokens) + stop + done
		rt := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
				Body: io.NopCloser(strings.NewReader(body))}, nil
		})
		return testing.AllocsPerRun(20, func() {
			a, err := c.Do(t.Context(), rt, &Request{ID: "1", Prompt: "p", KeepCalls: true})
			if err != nil || a.Record.Failed() || count(a) != tokens {
				t.Fatalf("%v, %q, %d tokens of %d", err, a.Record.Error, count(a), tokens)
			}
		})
	}
	short, long := perRequest(1000), perRequest(8000)
	t.Logf("a request of 1,000 tokens allocates %v times, one of 8,000 %v times", short, long)
	if long-short > most {
		t.Errorf("7,000 tokens more cost %v allocations, want %v at most", long-short, most)
	}
}

// waitingBody brings an answer's first chunk and then waits, below as many bytes of stack as net/http's body needs.
type waitingBody struct {
	first   io.Reader
	waiting *sync.WaitGroup
	end     chan struct{}
}

func (w *waitingBody) Read(p []byte) (int, error) {
	var frames [1100]byte
	if n, err := w.first.Read(p); err == nil {
		return n, nil
	}
	w.waiting.Done()
	<-w.end
	runtime.KeepAlive(&frames)
	return 0, io.EOF
}

func (*waitingBody) Close() error { return nil }

// A request that waits for the next token needs a stack of 4 kB. Deeper frames would double it, for each stream.
func TestAWaitingRequestHasASmallStack(t *testing.T) {
	most := uint64(5 << 10)
	race := debug.BuildSetting{Key: "-race", Value: "true"}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, race) {
		most *= 4 // the race detector makes frames larger
	}
	const streams = 500
	c := newClient(t, nil)
	var before, during runtime.MemStats
	var waiting, running sync.WaitGroup
	waiting.Add(streams)
	end := make(chan struct{})
	rt := roundTrip(func(*http.Request) (*http.Response, error) {
		body := &waitingBody{strings.NewReader(chunk("a")), &waiting, end}
		return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
	})
	runtime.ReadMemStats(&before)
	for range streams {
		running.Go(func() { _, _ = c.Do(t.Context(), rt, &Request{ID: "1", Messages: json.RawMessage("[]")}) })
	}
	waiting.Wait()
	runtime.ReadMemStats(&during)
	close(end)
	running.Wait()
	if each := (during.StackInuse - before.StackInuse) / streams; each > most {
		t.Errorf("a waiting request has a stack of %d bytes, want 4096", each)
	}
}

// BenchmarkOneToken compares a request of one token with one of a client that only reads lines. Both share a process
// with a server that allocates nothing.
func BenchmarkOneToken(b *testing.B) {
	url := cannedServer(b, chunk("token")+stop+done)
	transport := new(http.Transport)
	b.Cleanup(transport.CloseIdleConnections)
	b.Run("bare", func(b *testing.B) {
		text, lines := []byte(`{"model":"m","prompt":"a short prompt"}`), bufio.NewReader(nil)
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequest(http.MethodPost, url+"/v1/completions", bytes.NewReader(text))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := transport.RoundTrip(req)
			if err != nil {
				b.Fatal(err)
			}
			for lines.Reset(resp.Body); err == nil; {
				_, err = lines.ReadSlice('\n')
			}
			_ = resp.Body.Close()
		}
	})
	b.Run("client", func(b *testing.B) {
		opts := DefaultOptions()
		opts.BaseURL, opts.API, opts.Model = url, api.Completion, "m"
		c, err := New(opts)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			a, err := c.Do(b.Context(), transport, &Request{ID: "1", Prompt: "a short prompt", MaxTokens: 1})
			if err != nil || a.Record.Failed() {
				b.Fatal(err, a.Record.Error)
			}
		}
	})
}

// cannedServer answers every request with the same stream of events.
func cannedServer(b *testing.B, events string) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"+
		"Date: Mon, 02 Jan 2034 15:04:05 GMT\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(events),
		events)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				request := make([]byte, 64<<10)
				for {
					if _, err := conn.Read(request); err != nil {
						return
					}
					_, _ = conn.Write(answer)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// BenchmarkStream reads an answer of a thousand tokens, one chunk each, in events as servers send them.
func BenchmarkStream(b *testing.B) {
	chunk := "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\",\"created\":1700000," +
		"\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"token\"},\"finish_reason\":null}]}\n\n"
	message := "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":" +
		"\"text_delta\",\"text\":\"token\"}}\n\n"
	delta := "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":" +
		"\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"token\",\"sequence_number\":7}\n\n"
	for dialect, stream := range map[api.Dialect]string{
		api.Chat: strings.Repeat(chunk, 1000) + stop + done,
		api.Messages: strings.Repeat(message, 1000) +
			"data: {\"delta\":{\"stop_reason\":\"end_turn\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
		api.Responses: strings.Repeat(delta, 1000) +
			"data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n",
	} {
		b.Run(dialect.Name(), func(b *testing.B) {
			opts := DefaultOptions()
			opts.BaseURL, opts.Model, opts.API = "http://h", "m", dialect
			c, err := New(opts)
			if err != nil {
				b.Fatal(err)
			}
			rt := roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK,
					Header: http.Header{"Content-Type": {"text/event-stream"}},
					Body:   io.NopCloser(strings.NewReader(stream))}, nil
			})
			b.ReportAllocs()
			for b.Loop() {
				if a, err := c.Do(b.Context(), rt, &Request{ID: "1", Prompt: "p", MaxTokens: 1000}); err != nil ||
					a.Record.Failed() {
					b.Fatal(err)
				}
			}
		})
	}
}
