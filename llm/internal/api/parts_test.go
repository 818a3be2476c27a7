package api

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestPartsOfMedia(t *testing.T) {
	t.Parallel()
	chat := `[{"role":"user","content":[{"type":"text","text":"a"},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},` +
		`{"type":"image_url","image_url":{"url":"http://h/x.png"}}]}]`
	for _, tt := range []struct {
		dialect        Dialect
		messages, want string
	}{
		{Chat, chat, chat},
		{Messages, chat, `[{"role":"user","content":[{"type":"text","text":"a"},` +
			`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},` +
			`{"type":"image","source":{"type":"url","url":"http://h/x.png"}}]}]`},
		{Responses, chat, `[{"role":"user","content":[{"type":"input_text","text":"a"},` +
			`{"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"low"},` +
			`{"type":"input_image","image_url":"http://h/x.png"}]}]`},
		{Messages, `[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]}]`,
			`[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png",` +
				`"data":"AAAA"}}]}]`},
		{Chat, `[{"role":"user","content":[{"type":"video_url","video_url":{"url":"data:video/mp4;base64,AAAA"}}]}]`,
			`[{"role":"user","content":[{"type":"video_url","video_url":{"url":"data:video/mp4;base64,AAAA"}}]}]`},
	} {
		for _, checked := range []bool{false, true} {
			body, err := tt.dialect.Body(&Request{Messages: []byte(tt.messages), Checked: checked})
			if err != nil {
				t.Fatal(err)
			}
			got := gjson.GetBytes(body, "messages").Raw + gjson.GetBytes(body, "input").Raw
			if got != tt.want {
				t.Errorf("%s of %s:\ngot  %s\nwant %s", tt.dialect.Name(), tt.messages, got, tt.want)
			}
		}
	}
}

func TestCheckMedia(t *testing.T) {
	t.Parallel()
	for _, d := range All() {
		for _, kind := range []string{"image", "video", "audio"} {
			want := ""
			if (d == Messages || d == Responses) && kind != "image" {
				want = "api " + d.Name() + " has no field for " + kind + ": set api: 'chat', "
			}
			err := CheckMedia(d, kind)
			if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s in %s: got error %v, want %q …", kind, d.Name(), err, want)
			}
		}
	}
}

// A mark goes through every conversion as it is.
func TestBlobsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	mark := string(AppendBlob(nil, 70_001))
	chat := `[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,` + mark + `"}}]}]`
	for _, d := range []Dialect{Chat, Messages, Responses} {
		body, err := d.Body(&Request{Messages: []byte(chat), Checked: true})
		if err != nil {
			t.Fatal(err)
		}
		begin, end, blob := NextBlob(body)
		if blob != 70_001 || string(body[begin:end]) != mark || bytes.Count(body, []byte(mark)) != 1 {
			t.Errorf("%s: got blob %d in %q", d.Name(), blob, body)
		}
		if begin, end, blob = NextBlob(body[end:]); blob != -1 || begin != end {
			t.Errorf("%s: got another blob %d", d.Name(), blob)
		}
	}
}

func TestReadMedia(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]Media{
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}`:           {"image", "png", false, "AA"},
		`{"type":"image_url","image_url":"data:image/jpeg;charset=x;base64,AA"}`:        {"image", "jpeg", false, "AA"},
		`{"type":"image_url","image_url":{"url":"https://h/x"}}`:                        {"image", "", true, "https://h/x"},
		`{"type":"input_image","file_id":"x"}`:                                          {"image", "", true, ""},
		`{"type":"video_url","video_url":{"url":"data:video/mp4;base64,AA"}}`:           {"video", "mp4", false, "AA"},
		`{"type":"audio_url","audio_url":{"url":"http://h/x"}}`:                         {"audio", "", true, "http://h/x"},
		`{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}`:             {"audio", "wav", false, "AA"},
		`{"type":"image","source":{"type":"base64","media_type":"image/x","data":"A"}}`: {"image", "x", false, "A"},
		`{"type":"image","source":{"type":"url","url":"http://h"}}`:                     {"image", "", true, "http://h"},
	} {
		if got, is := ReadMedia(gjson.Parse(part)); !is || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", part, got, is, want)
		}
	}
	if _, is := ReadMedia(gjson.Parse(`{"type":"text","text":"image_url"}`)); is {
		t.Error("a text was taken for media")
	}
}

func TestWithoutMedia(t *testing.T) {
	t.Parallel()
	given := `[{"role":"user","name":"n","content":[{"type":"image_url","image_url":{"url":"u"}},` +
		`{"type":"text","text":"a"},{"type":"image","source":{}}]},{"role":"user","content":"b"},` +
		`{"role":"user","content":[{"type":"video_url"}]}]`
	want := `[{"role":"user","name":"n","content":[{"type":"text","text":"a"}]},{"role":"user","content":"b"},` +
		`{"role":"user","content":[]}]`
	if got := string(WithoutMedia([]byte(given))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Plain ends before the first byte that needs an escape or more than a byte, and not long before it.
func TestPlain(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 20 {
			text := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("~ ", 10)
			special := c < ' ' || c == '"' || c == '\\' || c >= 0x80
			n := Plain(text)
			if special && (n > at || n < at-8) || !special && n < len(text)-8 {
				t.Errorf("byte %#x at %d of %d: got %d", c, at, len(text), n)
			}
		}
	}
}
