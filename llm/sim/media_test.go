package sim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// picture returns an image.
func picture(t *testing.T, width, height int, seed uint64) []byte {
	t.Helper()
	p := media.Picture{Width: width, Height: height, Format: media.PNG, Content: media.Solid, Seed: seed}
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func inBase64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// withPicture returns the paths of the APIs with a request of the words and a picture each.
func withPicture(words, file string) map[string]string {
	const ask = `{"model":"sim","max_tokens":1,`
	url := `"data:image/png;base64,` + file + `"`
	return map[string]string{
		"/v1/chat/completions": ask + `"messages":[{"role":"user","content":[{"type":"text","text":"` + words + `"},` +
			`{"type":"image_url","image_url":{"url":` + url + `}}]}]}`,
		"/v1/messages": ask + `"messages":[{"role":"user","content":[{"type":"text","text":"` + words + `"},{"type":` +
			`"image","source":{"type":"base64","media_type":"image/png","data":"` + file + `"}}]}]}`,
		"/v1/responses": ask + `"input":[{"role":"user","content":[{"type":"input_text","text":"` + words + `"},` +
			`{"type":"input_image","image_url":` + url + `}]}]}`,
	}
}

func serve(t *testing.T, s *Server, path, body string) *sink {
	t.Helper()
	w := &sink{header: http.Header{}}
	s.ServeHTTP(w, post(t, path, body))
	return w
}

// A picture is in the usage and in the truth, whichever API it comes by.
func TestPicturesOfAllAPIs(t *testing.T) {
	t.Parallel()
	file := picture(t, 280, 56, 1)
	for path, body := range withPicture("one two three", inBase64(file)) {
		synctest.Test(t, func(t *testing.T) {
			s := mustNew(t, func(o *Options) { o.PromptTime, o.Media.Time = ms, time.Second })
			begin, w := time.Now(), serve(t, s, path, body)
			took := time.Since(begin)
			got := s.Truths()[0]
			if got.Images != 1 || got.Pixels != 280*56 || got.MediaBytes != int64(len(file)) || got.MediaTokens != 20 ||
				got.PromptTokens != 23 || got.EncoderHits != 0 {
				t.Errorf("%s: got %+v", path, got)
			}
			encoding := time.Duration(280 * 56 * 1000)
			if want := 50*ms + 23*ms + encoding; took != want || got.Encoding != int64(encoding) {
				t.Errorf("%s: took %v, want %v, with %v of the encoder", path, took, want, time.Duration(got.Encoding))
			}
			answer := w.body.String()
			usage := gjson.Get(answer, "usage")
			if tokens := usage.Get("prompt_tokens").Int() + usage.Get("input_tokens").Int(); tokens != 23 {
				t.Errorf("%s: usage of %d tokens: %s", path, tokens, answer)
			}
		})
	}
}

// What the encoder has seen takes it no time, and the prefix cache tells pictures apart.
func TestMediaAreCached(t *testing.T) {
	t.Parallel()
	words := strings.Repeat("w ", 20)
	first, second := inBase64(picture(t, 280, 280, 1)), inBase64(picture(t, 280, 280, 7))
	if first == second {
		t.Fatal("the pictures are equal")
	}
	for path := range withPicture("", "") {
		synctest.Test(t, func(t *testing.T) {
			s := mustNew(t, func(o *Options) {
				o.TTFT, o.Media.Time, o.Media.EncoderCache, o.PrefixCacheTokens = 0, time.Second, 2, Unlimited
			})
			const each = 280 * 280 * 1000
			for i, tt := range []struct {
				file         string
				hits, cached int
				took         time.Duration
			}{{first, 0, 0, each}, {second, 0, 16, each}, {first, 1, 112, 0}, {second, 1, 112, 0}} {
				begin := time.Now()
				serve(t, s, path, withPicture(words, tt.file)[path])
				if got := s.Truths()[i]; got.EncoderHits != tt.hits || got.CachedTokens != tt.cached ||
					time.Since(begin) != tt.took || got.MediaTokens != 100 {
					t.Errorf("%s, request %d: took %v, got %+v, want %+v", path, i, time.Since(begin), got, tt)
				}
			}
		})
	}
}

// mediaPart returns a chat of one part.
func mediaPart(part string) string {
	return `{"model":"sim","messages":[{"role":"user","content":[` + part + `]}]}`
}

func TestMediaAreRefused(t *testing.T) {
	t.Parallel()
	image := func(url string) string { return mediaPart(`{"type":"image_url","image_url":{"url":"` + url + `"}}`) }
	small := "data:image/png;base64," + inBase64(picture(t, 8, 8, 1))
	for _, tt := range []struct {
		options, body string
		status        int
		want          string
	}{
		{"", image("x"), 400, "the URL must be either a HTTP, data or file URL"},
		{"", image("data:image/png;base64,AA!"), 400, "illegal base64"},
		{"", image("data:image/png;base64,AAAA"), 400, "cannot identify image file"},
		{"", image("http://192.0.2.1/x.png"), 400, "fetches from this machine alone, 192.0.2.1 is another"},
		{"", mediaPart(`{"type":"video_url","video_url":{"url":"` + small + `"}}`), 400, "cannot identify video file"},
		{"", mediaPart(`{"type":"image","source":{}}`), 400, "the URL must be"},
		{"text-only=true", image(small), 400, "sim is not a multimodal model"},
		{"text-only=true", mediaPart(`{"type":"text","text":"a"}`), 200, ""},
		{"media-formats=jpeg,webp", image(small), 400, `image format \"png\" is not supported, supported are jpeg, webp`},
		{"media-formats=png", image(small), 200, ""},
		{"max-body=50", image(small), 413, "request body too large: it has"},
	} {
		o, err := ParseQuery(tt.options + "&ttft=0s&itl=0s")
		if err != nil {
			t.Fatal(err)
		}
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w := serve(t, s, "/v1/chat/completions", tt.body)
		if status := max(w.status, 200); status != tt.status || !strings.Contains(w.body.String(), tt.want) {
			t.Errorf("%s %.80s: got status %d and %s, want %d and %s", tt.options, tt.body, status, w.body.String(),
				tt.status, tt.want)
		}
	}
}

// A picture by its address is fetched before the request is admitted.
func TestMediaAreFetched(t *testing.T) {
	t.Parallel()
	file := picture(t, 56, 56, 1)
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.png" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(file)
	}))
	defer files.Close()
	s := mustNew(t, func(o *Options) { o.TTFT, o.ITL = 0, 0 })
	ask := func(path string) *sink {
		return serve(t, s, "/v1/chat/completions",
			mediaPart(fmt.Sprintf(`{"type":"image_url","image_url":{"url":"%s%s"}}`, files.URL, path)))
	}
	ask("/a.png")
	if got := s.Truths()[0]; got.Images != 1 || got.MediaBytes != int64(len(file)) || got.Fetching <= 0 ||
		got.Admitted-got.Received < got.Fetching {
		t.Errorf("got %+v", got)
	}
	if w := ask("/b.png"); w.status != 400 || !strings.Contains(w.body.String(), "status 404") {
		t.Errorf("got status %d: %s", w.status, w.body.String())
	}
}

func TestTokensOfMedia(t *testing.T) {
	t.Parallel()
	image := medium{kind: "image", width: 1024, height: 768}
	video := medium{kind: "video", width: 280, height: 280, frames: 9, seconds: 3}
	audio := medium{kind: "audio", seconds: 1.5}
	for _, tt := range []struct {
		o    MediaOptions
		m    medium
		want int
	}{
		{MediaOptions{}, image, 37 * 27}, {MediaOptions{}, video, 5 * 100}, {MediaOptions{}, audio, 38},
		{MediaOptions{}, medium{kind: "image", width: 1, height: 1}, 1},
		{MediaOptions{ImageTokens: 256}, image, 256}, {MediaOptions{VideoTokens: 10}, video, 90},
		{MediaOptions{AudioTokens: 50}, audio, 75},
	} {
		if got := tt.o.tokens(&tt.m); got != tt.want {
			t.Errorf("%+v of %+v: got %d tokens, want %d", tt.m, tt.o, got, tt.want)
		}
	}
	o := MediaOptions{Time: time.Second}
	for m, want := range map[medium]time.Duration{
		image: 786432 * time.Microsecond, video: 705600 * time.Microsecond, audio: 1500 * time.Millisecond,
	} {
		if got := o.time(&m); got != want {
			t.Errorf("%+v: got %v of the encoder, want %v", m, got, want)
		}
	}
}

func TestMediaOptions(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"image-tokens=-1":                        "simulator option image-tokens must not be negative, got -1",
		"encoder-cache=-2":                       "simulator option encoder-cache must be 0, a number of media",
		"media-rule=nobody/knows":                `simulator option media-rule: no rule is known for "nobody/knows"`,
		"media-time=2h":                          "simulator option media-time must be from 0 to 1h",
		"media-formats=png,bmp":                  `simulator option media-formats must be of png, jpeg`,
		"text-only=perhaps":                      `simulator option text-only="perhaps"`,
		"encoder-cache=unlimited&text-only=true": "",
	} {
		_, err := ParseQuery(query)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: got error %v, want %s", query, err, want)
		}
	}
}
