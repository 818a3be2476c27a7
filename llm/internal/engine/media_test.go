package engine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// whole returns messages with their blobs in place.
func whole(messages json.RawMessage, blobs []string) string {
	var all []byte
	for {
		begin, end, i := api.NextBlob(messages)
		all = append(all, messages[:begin]...)
		if i < 0 {
			return string(all)
		}
		all, messages = append(all, blobs[i]...), messages[end:]
	}
}

func TestMessagesWithMedia(t *testing.T) {
	t.Parallel()
	parts := []datasets.Part{
		{Text: "look \"here\""},
		{Media: &datasets.Media{Kind: datasets.Image, Format: "png", Files: []string{"AAAA"}, Width: 2, Height: 3}},
		{Media: &datasets.Media{Kind: datasets.Video, Format: "jpeg_frames", Files: []string{"BBBB", "CCCC"}}},
		{Media: &datasets.Media{Kind: datasets.Video, Format: "mp4", Files: []string{"DDDD"}}},
		{Media: &datasets.Media{Kind: datasets.Audio, Format: "wav", Files: []string{"EEEE"}}},
		{Media: &datasets.Media{Kind: datasets.Audio, Format: "wav", Files: []string{"EEEE"},
			URLs: []string{"http://h/a"}}},
		{Media: &datasets.Media{Kind: datasets.Image, Format: "png", URLs: []string{"http://h/b"}}},
	}
	got, media := messages([]datasets.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "x"}}, parts)
	want := `[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"look \"here\""},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},` +
		`{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,BBBB"}},` +
		`{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,CCCC"}},` +
		`{"type":"video_url","video_url":{"url":"data:video/mp4;base64,DDDD"}},` +
		`{"type":"input_audio","input_audio":{"data":"EEEE","format":"wav"}},` +
		`{"type":"audio_url","audio_url":{"url":"http://h/a"}},` +
		`{"type":"image_url","image_url":{"url":"http://h/b"}}]}]`
	if all := whole(got, media.Blobs); all != want {
		t.Errorf("got  %s\nwant %s", all, want)
	}
	if len(media.Blobs) != 5 || len(media.Facts) != 6 || media.Facts[0].Height != 3 || !media.Facts[5].URL {
		t.Errorf("got %d blobs, facts %+v", len(media.Blobs), media.Facts)
	}
	if _, media := messages([]datasets.Message{{Role: "user", Content: "x"}}, nil); media != nil {
		t.Errorf("a chat without media: got %+v", media)
	}
}

func TestCutBlobs(t *testing.T) {
	t.Parallel()
	long, text := strings.Repeat("QUJD", 300), strings.Repeat("of words ", 300)
	for _, tt := range []struct {
		messages string
		blobs    int
	}{
		{`[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + long + `"}}]}]`, 1},
		{`[{"content":[{"source":{"media_type":"image/png","data":"` + long + `"}},{"data":"` + long + `"}]}]`, 2},
		{`[{"content":[{"image_url":{"url":"data:image/png;base64,QUJD"}}]}]`, 0},
		{`[{"content":[{"image_url":{"url":"data:text/plain,` + long + `"}}]}]`, 0},
		{`[{"content":[{"data":"` + text + `"}]}]`, 0},
		{`[{"content":[{"text":"\"data:image/png;base64,` + long + `"}]}]`, 0},
		{`[{"content":[{"data":"` + long + `\n"}]}]`, 0},
		{`[{"content":[{"data":"` + long, 0},
	} {
		short, blobs := cutBlobs(json.RawMessage(tt.messages))
		if len(blobs) != tt.blobs || whole(short, blobs) != tt.messages {
			t.Errorf("%.80s: got %d blobs, want %d, in %.200q", tt.messages, len(blobs), tt.blobs, short)
		}
	}
}

func FuzzCutBlobs(f *testing.F) {
	long := strings.Repeat("QUJD", 300)
	f.Add(`[{"content":[{"url":"data:image/png;base64,` + long + `"},{"data":"` + long + `"}]}]`)
	f.Add(`"data`)
	f.Add(`"data:;base64,`)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\xff") {
			return // not the text of JSON
		}
		short, blobs := cutBlobs(json.RawMessage(text))
		if got := whole(short, blobs); got != text {
			t.Errorf("%q: got %q", text, got)
		}
		(&seenMedia{}).facts(short, blobs)
	})
}
