package engine

import (
	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
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

// sizeOfParts returns about how many bytes parts take in messages.
func sizeOfParts(parts []datasets.Part) (size int) {
	for _, p := range parts {
		size += len(p.Text) + 64
		if p.Media != nil {
			size += 96 * len(p.Media.Files)
			for _, url := range p.Media.URLs {
				size += len(url) + 64
			}
		}
	}
	return size
}

// partWriter writes the content of a message with media, as OpenAI's chat has it. The other dialects make their own
// form of it. The files stay apart, as blobs.
type partWriter struct {
	dst   []byte
	blobs []string
}

// media returns what the request has besides the text.
func (w *partWriter) media(parts []datasets.Part) *client.Media {
	if parts == nil {
		return nil
	}
	return &client.Media{Blobs: w.blobs, Facts: mediaOf(parts)}
}

func (w *partWriter) parts(parts []datasets.Part) {
	w.dst = append(w.dst, '[')
	for i, p := range parts {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		if p.Media == nil {
			w.dst = append(appendString(append(w.dst, `{"type":"text","text":`...), p.Text), '}')
			continue
		}
		w.files(p.Media)
	}
	w.dst = append(w.dst, ']')
}

// files writes a part for each file.
func (w *partWriter) files(m *datasets.Media) {
	list, urls := m.Files, m.URLs != nil
	if urls {
		list = m.URLs
	}
	for i, file := range list {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.file(m, file, urls)
	}
}

func (w *partWriter) file(m *datasets.Media, file string, url bool) {
	if m.Kind == datasets.Audio && !url {
		w.dst = append(w.dst, `{"type":"input_audio","input_audio":{"data":"`...)
		w.blob(file)
		w.dst = append(appendString(append(w.dst, `","format":`...), m.Format), "}}"...)
		return
	}
	kind, mime := m.PartType()
	w.dst = append(append(append(w.dst, `{"type":"`...), kind...), `_url","`...)
	w.dst = append(append(w.dst, kind...), `_url":{"url":`...)
	if url {
		w.dst = appendString(w.dst, file)
	} else {
		w.dst = append(append(append(w.dst, `"data:`...), mime...), ";base64,"...)
		w.blob(file)
		w.dst = append(w.dst, '"')
	}
	w.dst = append(w.dst, "}}"...)
}

// blob writes a file in base64 by its mark.
func (w *partWriter) blob(file string) {
	if len(w.blobs) == api.MaxBlobs {
		w.dst = append(w.dst, file...)
		return
	}
	w.dst = api.AppendBlob(w.dst, len(w.blobs))
	w.blobs = append(w.blobs, file)
}
