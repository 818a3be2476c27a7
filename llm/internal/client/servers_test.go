package client

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recorded lists the answers of real servers under testdata/servers, which README.md there describes.
func recorded(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "servers", "*", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings %s: %v", pattern, err)
	}
	return paths
}

// replay reads a recorded answer: a head and a body without framing.
func replay(t *testing.T, path string) (*http.Response, []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, body, found := bytes.Cut(data, []byte("\r\n\r\n"))
	if !found {
		head, body, _ = bytes.Cut(data, []byte("\n\n"))
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append(bytes.Clone(head), "\r\n\r\n"...))), nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return resp, body
}

// The golden file with the outcome of each recorded answer was checked line by line.
func TestAnswersOfRealServers(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, path := range recorded(t, "*.txt") {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "models") {
			continue
		}
		dialect := api.Chat
		for prefix, d := range map[string]api.Dialect{"completion": api.Completion, "messages": api.Messages,
			"responses": api.Responses} {
			if strings.HasPrefix(name, prefix) {
				dialect = d
			}
		}
		c := newClient(t, func(o *Options) {
			o.Streaming, o.API = !strings.Contains(name, "whole"), dialect
		})
		resp, body := replay(t, path)
		answer := do(t, t.Context(), c, roundTrip(func(*http.Request) (*http.Response, error) {
			resp.Body = io.NopCloser(bytes.NewReader(body))
			return resp, nil
		}))
		fmt.Fprintf(&got, "%s/%s\n\t%s\n", filepath.Base(filepath.Dir(path)), name, outline(answer))
		numbered := strings.HasSuffix(path, filepath.Join("glmock", "completion-stream.txt"))
		if want, plain := plainText(body, numbered); plain && answer.Text != want &&
			dialect != api.Messages && dialect != api.Responses {
			t.Errorf("%s: got %q, want %q", path, answer.Text, want)
		}
	}
	golden := filepath.Join("testdata", "servers", "outlines.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	compareLines(t, got.String(), string(want))
}

func compareLines(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("line %d differs (-update writes it anew):\n%s\nwant\n%s", i+1,
				strings.Join(g[i:min(i+2, len(g))], "\n"), strings.Join(w[min(i, len(w)):min(i+2, len(w))], "\n"))
		}
	}
}

// outline describes an answer in a line.
func outline(a Answer) string {
	r, c := a.Record, a.Record.Counts()
	text := a.Text
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	outcome := "success"
	if r.Failed() {
		outcome = fmt.Sprintf("%s %d %q", r.ErrorType, r.Status, shorten(r.Error))
	}
	kept := ""
	if a.Reasoning != "" {
		kept = fmt.Sprintf("; %d bytes of reasoning", len(a.Reasoning))
	}
	for _, call := range a.ToolCalls {
		kept += fmt.Sprintf("; call %q %s(%s)", call.ID, call.Name, call.Arguments)
	}
	return fmt.Sprintf("%s; text %q, chunks %d, reasoning %d, tool calls %d; finish %q; tokens in %d by %s, out %d "+
		"by %s; note %q%s",
		outcome, text, len(r.Chunks), len(r.Reasoning), len(r.ToolCalls), r.FinishReason, c.Prompt, c.PromptSource,
		c.Completion, c.CompletionSource, r.Note, kept)
}

// plainText reads the text of a stream of chat or completion chunks in a second way: line by line, the first choice
// alone unless the server numbers its chunks.
func plainText(body []byte, numbered bool) (text string, isStream bool) {
	for line := range strings.Lines(string(body)) {
		data, isData := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !isData {
			continue
		}
		isStream = true
		var chunk struct {
			Choices []struct {
				Index int
				Text  string
				Delta struct{ Content string }
			}
		}
		_ = json.Unmarshal([]byte(data), &chunk)
		for _, choice := range chunk.Choices {
			if choice.Index == 0 || numbered {
				text += choice.Text + choice.Delta.Content
			}
		}
	}
	return text, isStream
}

// piece is what one read of a socket returned.
type piece struct {
	MS    float64 `json:"ms"`
	Bytes string  `json:"bytes"` // Latin-1
}

// timed reads a recording of a raw socket, whose first line is the request.
func timed(t *testing.T, path string) []piece {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var pieces []piece
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	for _, line := range lines[1:] {
		var p piece
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		raw := make([]byte, 0, len(p.Bytes))
		for _, r := range p.Bytes {
			raw = append(raw, byte(r))
		}
		p.Bytes = string(raw)
		pieces = append(pieces, p)
	}
	return pieces
}

// Each chunk has the time of the read that brought the end of its event, with the framing of HTTP and with the
// boundaries of a socket's reads.
func TestTimesOfRealServers(t *testing.T) {
	t.Parallel()
	for _, path := range recorded(t, "timed-*.jsonl") {
		pieces := timed(t, path)
		want := arrivals(pieces)
		synctest.Test(t, func(t *testing.T) {
			r := do(t, t.Context(), newClient(t, nil), roundTrip(func(req *http.Request) (*http.Response, error) {
				src, w := io.Pipe()
				go func() {
					start := time.Now()
					for _, p := range pieces {
						time.Sleep(time.Duration(p.MS*1e6) - time.Since(start))
						_, _ = io.WriteString(w, p.Bytes)
					}
					_ = w.Close()
				}()
				return http.ReadResponse(bufio.NewReader(src), req)
			})).Record
			var got []int64
			for _, list := range [][]int64{r.Chunks, r.Reasoning, r.ToolCalls} {
				got = append(got, list...)
			}
			slices.Sort(got)
			if r.Failed() || !slices.Equal(got, want) {
				t.Errorf("%s: error %q, output at\n%v µs; want\n%v", path, r.Error, got, want)
			}
		})
	}
}

// arrivals returns when each event with output ended, from the bytes of the socket.
func arrivals(pieces []piece) (us []int64) {
	var all strings.Builder
	var ends []int
	for _, p := range pieces {
		all.WriteString(p.Bytes)
		ends = append(ends, all.Len())
	}
	stream := all.String()
	for at := 0; ; {
		from := strings.Index(stream[at:], "data: {")
		if from < 0 {
			return us
		}
		from += at
		to := from + strings.Index(stream[from:], "\n\n") + 2
		at = to
		var d api.Delta
		if api.Chat.Decode([]byte(stream[from+len("data: "):to]), &d) == nil &&
			(len(d.Content) > 0 || d.Reasoning || d.ToolCall) {
			i := slices.IndexFunc(ends, func(end int) bool { return end >= to })
			us = append(us, record.Micros(time.Duration(pieces[i].MS*1e6)))
		}
	}
}
