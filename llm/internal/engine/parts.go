package engine

import (
	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// mediaOf returns what a record says of the media among parts.
func mediaOf(parts []datasets.Part) (all []record.Media) {
	for _, p := range parts {
		if m := p.Media; m != nil {
			all = append(all, record.Media{Kind: string(m.Kind), Format: m.Format, Width: m.Width, Height: m.Height,
				Frames: m.Frames, Seconds: m.Seconds, Bytes: m.Bytes, ID: m.ID, URL: m.URLs != nil})
		}
	}
	return all
}

// sizeOfParts returns about how many bytes parts take in a request.
func sizeOfParts(parts []datasets.Part) (size int) {
	for _, p := range parts {
		size += len(p.Text) + 64
		if p.Media == nil {
			continue
		}
		for _, file := range append(p.Media.URLs, p.Media.Files...) {
			size += len(file) + 64
		}
	}
	return size
}

// appendParts appends the content of a message with media, as OpenAI's chat has it. The other dialects make their own
// form of it.
func appendParts(dst []byte, parts []datasets.Part) []byte {
	dst = append(dst, '[')
	for i, p := range parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		if p.Media == nil {
			dst = append(appendString(append(dst, `{"type":"text","text":`...), p.Text), '}')
			continue
		}
		dst = appendFiles(dst, p.Media)
	}
	return append(dst, ']')
}

// appendFiles appends a part for each file.
func appendFiles(dst []byte, m *datasets.Media) []byte {
	list, urls := m.Files, m.URLs != nil
	if urls {
		list = m.URLs
	}
	for i, file := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFile(dst, m, file, urls)
	}
	return dst
}

func appendFile(dst []byte, m *datasets.Media, file string, url bool) []byte {
	if m.Kind == datasets.Audio && !url {
		dst = append(append(dst, `{"type":"input_audio","input_audio":{"data":"`...), file...)
		return append(appendString(append(dst, `","format":`...), m.Format), "}}"...)
	}
	kind, mime := "image_url", "image/"+m.Format
	switch {
	case m.Kind == datasets.Audio:
		kind = "audio_url"
	case m.Format == "png_frames":
		mime = "image/png"
	case m.Format == "jpeg_frames":
		mime = "image/jpeg"
	case m.Kind == datasets.Video:
		kind, mime = "video_url", "video/"+m.Format
	}
	dst = append(append(append(append(append(dst, `{"type":"`...), kind...), `","`...), kind...), `":{"url":"`...)
	if !url {
		dst = append(append(append(dst, "data:"...), mime...), ";base64,"...)
	}
	return append(append(dst, file...), `"}}`...)
}
