package client

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// withBlobs returns a text with a mark for each % and the body that it stands for.
func withBlobs(text string, blobs ...string) (b body, want string) {
	b.blobs, want = blobs, text
	for i := range blobs {
		want = strings.Replace(want, "%", blobs[i], 1)
		text = strings.Replace(text, "%", string(api.AppendBlob(nil, i)), 1)
	}
	b.text = []byte(text)
	return b, want
}

func TestBodiesWithBlobs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		blobs []string
	}{
		{"", nil}, {"text", nil}, {"", []string{}}, {"a%b", []string{"one"}}, {"%", []string{"one"}},
		{"%%b%", []string{"one", strings.Repeat("two", 5000), ""}}, {"a%", []string{""}},
	} {
		b, want := withBlobs(tt.text, tt.blobs...)
		if got := b.size(); got != int64(len(want)) {
			t.Errorf("%q: got %d bytes, want %d", tt.text, got, len(want))
		}
		for range 2 { // an attempt more
			got, err := io.ReadAll(iotest.OneByteReader(b.open(new(bytes.Reader))))
			if err != nil || string(got) != want {
				t.Errorf("%q: got %q, %v, want %q", tt.text, got, err, want)
			}
		}
		if tt.blobs != nil {
			if err := iotest.TestReader(b.open(new(bytes.Reader)), []byte(want)); err != nil {
				t.Errorf("%q: %v", tt.text, err)
			}
		}
	}
}

// The server gets the files of media; the record says how large they are, and its body leaves them out.
func TestRequestsWithBlobs(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("QUJD", 100_000)
	b, want := withBlobs(`[{"role":"user","content":[{"type":"image_url","image_url":`+
		`{"url":"data:image/png;base64,%"}}]}]`, file)
	c := newClient(t, func(o *Options) { o.Text = true })
	var got string
	var length int64
	rt := roundTrip(func(req *http.Request) (*http.Response, error) {
		data, err := io.ReadAll(req.Body)
		got, length = string(data), req.ContentLength
		answer := io.NopCloser(strings.NewReader(chunk("a") + stop + done))
		return &http.Response{StatusCode: http.StatusOK, Body: answer}, err
	})
	media := &Media{Blobs: b.blobs, Facts: []record.Media{{Kind: record.MediaImage, Bytes: 300_000, Tokens: 7}}}
	a, err := c.Do(t.Context(), rt, &Request{ID: "1", Messages: b.text, Checked: true, Media: media})
	if err != nil || a.Record.Failed() {
		t.Fatal(err, a.Record)
	}
	if !strings.Contains(got, want) || length != int64(len(got)) || a.Record.BytesSent != length {
		t.Errorf("got a body of %d bytes with a length of %d, a record of %d", len(got), length, a.Record.BytesSent)
	}
	if len(a.Record.Media) != 1 || a.Record.Media[0].Bytes != 300_000 || media.Tokens() != 7 {
		t.Errorf("got media %+v", a.Record.Media)
	}
	shown := a.Record.RequestBody
	if len(shown) > 1000 || !strings.Contains(shown, `"data:image/png;base64,(400000 bytes)"`) {
		t.Errorf("got a body of %d bytes in the record: %.300s", len(shown), shown)
	}
}
