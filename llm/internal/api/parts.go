package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// HasParts reports whether the content of some message may be a list of parts, of messages without white space. It
// costs next to nothing for messages of long texts.
func HasParts(messages json.RawMessage) bool { return bytes.Contains(messages, []byte(`"content":[`)) }

// CheckMedia returns an error if an API has no form for a kind of media: image, video or audio.
func CheckMedia(d Dialect, kind string) error {
	if (d == Messages || d == Responses) && kind != "image" {
		return fmt.Errorf("api %s has no field for %s: set api: 'chat', or send pictures alone, as the frames of a "+
			"video are with the representation png_frames or jpeg_frames", d.Name(), kind)
	}
	return nil
}

// EachPart calls f for each part of each content that is a list, until f returns false.
func EachPart(messages json.RawMessage, f func(part gjson.Result) bool) {
	more := true
	gjson.ParseBytes(messages).ForEach(func(_, message gjson.Result) bool {
		if content := message.Get("content"); content.IsArray() {
			content.ForEach(func(_, part gjson.Result) bool {
				more = f(part)
				return more
			})
		}
		return more
	})
}

// appendImageBlock appends a picture in Anthropic's form: the data of a data URL, or an address.
func appendImageBlock(dst []byte, url gjson.Result) []byte {
	raw := url.Raw[1 : len(url.Raw)-1] // without the quotes
	if rest, isData := strings.CutPrefix(raw, "data:"); isData {
		if mime, data, isBase64 := strings.Cut(rest, ";base64,"); isBase64 {
			dst = append(append(dst, `{"type":"image","source":{"type":"base64","media_type":"`...), mime...)
			return append(append(append(dst, `","data":"`...), data...), `"}}`...)
		}
	}
	return append(append(append(dst, `{"type":"image","source":{"type":"url","url":"`...), raw...), `"}}`...)
}

// appendInputImage appends a picture in the form of OpenAI's Responses.
func appendInputImage(dst []byte, image gjson.Result) []byte {
	dst = append(append(dst, `{"type":"input_image","image_url":`...), image.Get("url").Raw...)
	if detail := image.Get("detail"); detail.Exists() {
		dst = append(append(dst, `,"detail":`...), detail.Raw...)
	}
	return append(dst, '}')
}

// Media is what a part of a message says of a picture, a video or a sound.
type Media struct {
	Kind   string // image, video or audio
	Format string // as the part tells it, such as png; "" if it does not
	URL    bool   // the server is to fetch it
	File   string // in base64, or the mark of a blob; the address if URL
}

// ReadMedia reads a part of OpenAI's chat, of OpenAI's Responses or of Anthropic's Messages. It reports whether it is
// one of media.
func ReadMedia(part gjson.Result) (m Media, is bool) {
	switch part.Get("type").Str {
	case "image_url":
		m = mediaAt("image", part.Get("image_url"))
	case "video_url":
		m = mediaAt("video", part.Get("video_url"))
	case "audio_url":
		m = mediaAt("audio", part.Get("audio_url"))
	case "input_image":
		m = mediaAt("image", part.Get("image_url"))
	case "input_audio":
		sound := part.Get("input_audio")
		m = Media{Kind: "audio", Format: sound.Get("format").Str, File: sound.Get("data").Str}
	case "image":
		source := part.Get("source")
		_, format, _ := strings.Cut(source.Get("media_type").Str, "/")
		if m = (Media{Kind: "image", Format: format, File: source.Get("data").Str}); source.Get("type").Str == "url" {
			m.URL, m.File = true, source.Get("url").Str
		}
	default:
		return Media{}, false
	}
	return m, true
}

// mediaAt reads an address, or an object with one.
func mediaAt(kind string, v gjson.Result) Media {
	url := v.Str
	if v.IsObject() {
		url = v.Get("url").Str
	}
	mime, file, isFile := strings.Cut(url, ";base64,")
	if !isFile || !strings.HasPrefix(mime, "data:") {
		return Media{Kind: kind, URL: true, File: url}
	}
	mime, _, _ = strings.Cut(mime, ";") // parameters
	_, format, _ := strings.Cut(mime, "/")
	return Media{Kind: kind, Format: format, File: file}
}

// WithoutMedia returns messages without the parts that ReadMedia reads.
func WithoutMedia(messages json.RawMessage) json.RawMessage {
	dst := make(json.RawMessage, 0, len(messages))
	return appendList(dst, gjson.ParseBytes(messages), func(dst []byte, message gjson.Result) []byte {
		if !message.Get("content").IsArray() {
			return append(dst, message.Raw...)
		}
		separator := byte('{')
		message.ForEach(func(name, value gjson.Result) bool {
			dst = append(append(append(dst, separator), name.Raw...), ':')
			separator = ','
			if name.Str == "content" {
				dst = appendList(dst, value, appendUnlessMedia)
			} else {
				dst = append(dst, value.Raw...)
			}
			return true
		})
		return append(dst, '}')
	})
}

func appendUnlessMedia(dst []byte, part gjson.Result) []byte {
	if _, is := ReadMedia(part); is {
		return dst
	}
	return append(dst, part.Raw...)
}

// appendList appends a list of what each makes of the elements of another, without those of which it makes nothing.
func appendList(dst []byte, list gjson.Result, each func([]byte, gjson.Result) []byte) []byte {
	dst = append(dst, '[')
	list.ForEach(func(_, element gjson.Result) bool {
		before := len(dst)
		if dst = each(dst, element); len(dst) > before {
			dst = append(dst, ',')
		}
		return true
	})
	return append(bytes.TrimSuffix(dst, []byte{','}), ']')
}
