package e2e

import (
	"bytes"
	"encoding/json"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay passes bytes between clients and a server, and notes when they came. It knows nothing of the client's code.
type relay struct {
	url    string
	target string // host:port of the server

	mu   sync.Mutex
	seen map[string]*passage // by X-Request-Id
}

// passage is what the relay saw of one request. Times are in nanoseconds since 1970, by the clock of the operating
// system at the start and the monotonic clock since then.
type passage struct {
	asked int64   // the last bytes of the request came
	parts []int64 // when each piece of the answer came: content, reasoning or part of a call
	rest  []byte  // of the answer, behind the last whole event
}

// newRelay starts a relay to a base URL such as http://127.0.0.1:8000. It ends with the test.
func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{url: "http://" + listener.Addr().String(), target: strings.TrimPrefix(target, "http://"),
		seen: map[string]*passage{}}
	var group sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { r.connect(client) })
		}
	})
	return r
}

// connect passes the bytes of one connection until either side closes it.
func (r *relay) connect(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	c := &connection{relay: r}
	var group sync.WaitGroup
	group.Go(func() {
		pass(server, client, c.ask)
		_ = server.Close()
	})
	pass(client, server, c.answer)
	_ = client.Close()
	group.Wait()
}

// pass copies bytes and tells what came when, before it passes them on.
func pass(to, from net.Conn, tell func(data []byte, at int64)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			tell(buffer[:n], now())
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

var relayStart = time.Now()

// now returns the time as the client takes it: the clock at the start, and then the monotonic one.
func now() int64 { return relayStart.UnixNano() + int64(time.Since(relayStart)) }

// connection is one of the relay's connections, on which requests follow each other.
type connection struct {
	relay *relay
	now   *passage
}

var requestID = regexp.MustCompile(`(?i)\r\nx-request-id: *([^\r\n]+)`)

func (c *connection) ask(data []byte, at int64) {
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	if m := requestID.FindSubmatch(data); m != nil {
		c.now = &passage{}
		c.relay.seen[string(m[1])] = c.now
	}
	if c.now != nil {
		c.now.asked = at
	}
}

func (c *connection) answer(data []byte, at int64) {
	c.relay.mu.Lock()
	defer c.relay.mu.Unlock()
	if c.now == nil {
		return
	}
	c.now.rest = append(c.now.rest, data...)
	for {
		event, rest, whole := bytes.Cut(c.now.rest, []byte("\n\n"))
		if !whole {
			return
		}
		c.now.rest = rest
		if _, text, found := bytes.Cut(event, []byte("data: ")); found {
			for range kindsOf(text) {
				c.now.parts = append(c.now.parts, at)
			}
		}
	}
}

// kindsOf returns how many kinds of output an event of a chat or a completion brings: content, reasoning, calls.
func kindsOf(event []byte) (n int) {
	var e struct {
		Choices []struct {
			Text  string
			Delta struct {
				Content, Reasoning string
				ReasoningContent   string            `json:"reasoning_content"`
				ToolCalls          []json.RawMessage `json:"tool_calls"`
			}
		}
	}
	if json.Unmarshal(event, &e) != nil || len(e.Choices) == 0 {
		return 0
	}
	d := e.Choices[0].Delta
	for _, present := range []bool{e.Choices[0].Text+d.Content != "", d.Reasoning+d.ReasoningContent != "",
		len(d.ToolCalls) > 0} {
		if present {
			n++
		}
	}
	return n
}

// of returns what the relay saw of a request, nil if it saw none.
func (r *relay) of(id string) *passage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[id]
}
