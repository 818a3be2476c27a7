package sim

import (
	"bytes"
	"encoding/json"

	"github.com/tidwall/gjson"
)

// mediaTypes are the types of parts that are no text, with what they hold.
var mediaTypes = map[string]string{
	"image_url": "image", "input_image": "image", "image": "image", "video_url": "video", "input_audio": "audio",
	"audio_url": "audio",
}

// withParts returns messages with what replace makes of the parts that are media; "" leaves the part out.
func withParts(messages gjson.Result, replace func(kind string, part gjson.Result) string) json.RawMessage {
	return appendEach(nil, messages, func(dst []byte, message gjson.Result) []byte {
		if !message.Get("content").IsArray() {
			return append(dst, message.Raw...)
		}
		separator := byte('{')
		message.ForEach(func(name, value gjson.Result) bool {
			dst = append(append(append(dst, separator), name.Raw...), ':')
			separator = ','
			if name.Str != "content" {
				dst = append(dst, value.Raw...)
				return true
			}
			dst = appendEach(dst, value, func(dst []byte, part gjson.Result) []byte {
				if kind := mediaTypes[part.Get("type").Str]; kind != "" {
					return append(dst, replace(kind, part)...)
				}
				return append(dst, part.Raw...)
			})
			return true
		})
		return append(dst, '}')
	})
}

// appendEach appends a list of what each appends for the elements of another.
func appendEach(dst []byte, list gjson.Result, each func(dst []byte, element gjson.Result) []byte) []byte {
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
