package client

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// pictures keeps the pictures of a whole answer, or the one of an event, and reports whether they are pictures. at is
// when they came: what it takes to look at them is in no latency.
func (r *reply) pictures(at time.Time) bool {
	rec := r.outcome.rec
	for _, p := range r.delta.Pictures.List {
		m, err := lookAt(p)
		if err != nil {
			r.outcome.fail(at, record.ErrorMalformed, fmt.Sprintf("picture %d: %v", len(rec.Output), err))
			return false
		}
		if m.URL {
			r.outcome.note(record.NoteNotFetched)
		}
		rec.Output = append(rec.Output, m)
	}
	if took := r.delta.Pictures.Server; took > 0 {
		rec.ServerSeconds = took
	}
	return true
}

// picture keeps the picture of an event, be it whole or in part, and reports whether it is one. The last one that was
// asked for ends the stream.
func (r *reply) picture(at time.Time, us int64) bool {
	rec, d := r.outcome.rec, &r.delta
	if d.Pictures == nil || len(d.Pictures.List) == 0 {
		return true
	}
	rec.Chunks = append(rec.Chunks, us)
	rec.ChunkBytes = append(rec.ChunkBytes, decodedSize(d.Pictures.List[0].Base64))
	if d.FinishReason == "" {
		return true
	}
	d.FinishReason = "" // of one picture
	if !r.pictures(at) {
		return false
	}
	if len(rec.Output) == r.ask.AskedPictures() {
		d.FinishReason, d.Done = "stop", true
	}
	return true
}

// headSize is how many bytes of a picture are decoded at first, to learn its size. More are needed only of files whose
// head holds a profile or a small picture of its own.
const headSize = 48 << 10

// lookAt returns what the record says of a picture of an answer.
func lookAt(p api.Picture) (record.Media, error) {
	m := record.Media{Kind: record.MediaImage, URL: p.URL, Bytes: decodedSize(p.Base64)}
	if p.URL {
		return m, nil
	}
	head, err := decode64(p.Base64[:min(len(p.Base64), headSize/3*4)])
	if err == nil {
		m.Format, m.Width, m.Height, err = media.ReadImage(head)
	}
	if err != nil && m.Bytes > headSize {
		if head, err = decode64(p.Base64); err == nil {
			m.Format, m.Width, m.Height, err = media.ReadImage(head)
		}
	}
	return m, err
}

// decodedSize returns how many bytes a text in base64 stands for.
func decodedSize(text []byte) int64 {
	return int64(base64.RawStdEncoding.DecodedLen(len(bytes.TrimRight(text, "="))))
}

// decode64 decodes base64 with or without padding, of either alphabet.
func decode64(text []byte) ([]byte, error) {
	text = bytes.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	return encoding.AppendDecode(make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(text))), text)
}
