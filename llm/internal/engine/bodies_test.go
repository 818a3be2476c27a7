package engine

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// BenchmarkBodies builds the bodies of requests with an image of a pool, and with a text of the same length. The bare
// row copies as many bytes once.
func BenchmarkBodies(b *testing.B) {
	p := media.Picture{Width: 1024, Height: 1024, Format: media.PNG}
	data, err := p.Encode()
	if err != nil {
		b.Fatal(err)
	}
	file := base64.StdEncoding.EncodeToString(data)
	image := &datasets.Media{Kind: datasets.Image, Format: "png", Width: 1024, Height: 1024, Bytes: int64(len(data)),
		Files: []string{file}}
	chat := []datasets.Message{{Role: "user", Content: "what is this?"}}
	parts := []datasets.Part{{Text: "what is this?"}, {Media: image}}
	text := []datasets.Message{{Role: "user", Content: strings.Repeat("a text of words ", len(file)/16)}}
	b.Run("bare copy", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			sink = append([]byte(nil), file...)
		}
	})
	for _, d := range []api.Dialect{api.Chat, api.Messages, api.Responses} {
		for name, job := range map[string]func() *api.Request{
			"image": func() *api.Request {
				list, _ := messages(chat, parts)
				return &api.Request{Messages: list, Checked: true, Model: "m"}
			},
			"text": func() *api.Request {
				list, _ := messages(text, nil)
				return &api.Request{Messages: list, Checked: true, Model: "m"}
			},
			"text, unchecked": func() *api.Request {
				list, _ := messages(text, nil)
				return &api.Request{Messages: list, Model: "m"}
			},
		} {
			b.Run(fmt.Sprintf("%s of %s", d.Name(), name), func(b *testing.B) {
				b.SetBytes(int64(len(file)))
				for b.Loop() {
					if sink, err = d.Body(job()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

var sink []byte

// A body has no copy of a file, in whichever API, and so costs the same whatever the file's size.
func TestBodiesHaveNoCopyOfAFile(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("QUJD", 1<<18)
	parts := []datasets.Part{{Text: "a"}, {Media: &datasets.Media{Kind: datasets.Image, Format: "png",
		Files: []string{file}}}}
	for _, d := range []api.Dialect{api.Chat, api.Messages, api.Responses} {
		list, media := messages([]datasets.Message{{Role: "user", Content: "a"}}, parts)
		body, err := d.Body(&api.Request{Messages: list, Checked: true})
		if err != nil || len(list) > 1000 || len(body) > 1000 || len(media.Blobs) != 1 {
			t.Errorf("%s: %v, messages of %d bytes in a body of %d", d.Name(), err, len(list), len(body))
		}
	}
}
