package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
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

// hasParts reports whether the content of some message is a list.
func hasParts(messages gjson.Result) (has bool) {
	messages.ForEach(func(_, message gjson.Result) bool {
		has = message.Get("content").IsArray()
		return !has
	})
	return has
}

// medium is a picture, a video or a sound of a prompt.
type medium struct {
	kind, format          string
	bytes                 int
	width, height, frames int
	seconds               float64
	tokens                int
	hash                  uint64 // of its bytes
}

// pixels returns the pixels of all frames.
func (m *medium) pixels() int64 { return int64(m.width) * int64(m.height) * int64(max(1, m.frames)) }

// mediaReader reads the media of a prompt.
type mediaReader struct {
	opts     *MediaOptions
	list     []medium
	fetching time.Duration
	encoding time.Duration // of those that are not in the encoder's cache
	hits     int           // those that are
	err      error         // the first
}

func (r *mediaReader) tokens() (n int) {
	for i := range r.list {
		n += r.list[i].tokens
	}
	return n
}

// read reads a part, and returns a part of text that stands for it.
func (r *mediaReader) read(kind string, part gjson.Result) string {
	if r.err != nil {
		return ""
	}
	if r.opts.TextOnly {
		r.list = append(r.list, medium{kind: kind}) // to be refused
		return ""
	}
	data, err := r.data(part)
	if err == nil {
		m := medium{kind: kind, format: part.Get("input_audio.format").Str, bytes: len(data)}
		if err = m.look(data, r.opts.Formats); err == nil {
			m.tokens = r.opts.tokens(&m)
			r.list = append(r.list, m)
			return `{"type":"text","text":"` + prefix.Media(m.hash, m.tokens) + `"}`
		}
	}
	r.err = err
	return ""
}

// errURL is how vLLM refuses other addresses.
var errURL = errors.New("the URL must be either a HTTP, data or file URL")

// data returns the bytes of a part, which may have to be fetched.
func (r *mediaReader) data(part gjson.Result) ([]byte, error) {
	source := part.Get("source")
	for _, file := range [...]gjson.Result{part.Get("input_audio.data"), source.Get("data")} {
		if file.Exists() {
			return base64.StdEncoding.DecodeString(file.Str)
		}
	}
	address := source.Get("url")
	for _, name := range [...]string{"image_url", "video_url", "audio_url"} {
		if v := part.Get(name); v.IsObject() {
			address = v.Get("url")
		} else if v.Exists() {
			address = v
		}
	}
	if rest, is := strings.CutPrefix(address.Str, "data:"); is {
		_, file, _ := strings.Cut(rest, ",")
		return base64.StdEncoding.DecodeString(file)
	}
	if !strings.HasPrefix(address.Str, "http://") && !strings.HasPrefix(address.Str, "https://") {
		return nil, errURL
	}
	begin := time.Now()
	data, err := fetch(address.Str)
	r.fetching += time.Since(begin)
	return data, err
}

// look reads the head of a medium.
func (m *medium) look(data []byte, formats []string) (err error) {
	switch m.kind {
	case "image":
		m.format, m.width, m.height, err = media.ReadImage(data)
	case "video":
		m.format = "mp4"
		m.width, m.height, m.frames, m.seconds, err = media.ReadVideo(data)
	default:
		sound := media.NewSoundReader("", 0, 0)
		sound.Add(data)
		if m.format, m.seconds = sound.Format(), sound.Seconds(); m.format == "" {
			err = errors.New("a sound of an unknown format")
		}
	}
	if err != nil {
		return fmt.Errorf("cannot identify %s file: %w", m.kind, err)
	}
	if formats != nil && !slices.Contains(formats, m.format) {
		return fmt.Errorf("%s format %q is not supported, supported are %s", m.kind, m.format,
			strings.Join(formats, ", "))
	}
	sum := sha256.Sum256(data)
	m.hash = binary.LittleEndian.Uint64(sum[:])
	return nil
}

// encode adds up what the encoder needs, and keeps what it makes in its cache.
func (r *mediaReader) encode(cache *prefix.Cache) {
	for i := range r.list {
		m := &r.list[i]
		if cache != nil && cache.Request([]prefix.Hash{prefix.Hash(m.hash)}) > 0 {
			r.hits++
			continue
		}
		r.encoding += r.opts.time(m)
	}
}

// TruthOfMedia is what the server knows of the pictures, videos and sounds of a prompt.
type TruthOfMedia struct {
	Images      int     `json:"images,omitempty"`
	Videos      int     `json:"videos,omitempty"`
	Audios      int     `json:"audios,omitempty"`
	MediaBytes  int64   `json:"media_bytes,omitempty"`   // of the files
	Pixels      int64   `json:"pixels,omitempty"`        // of images, and of all frames of videos
	Frames      int     `json:"frames,omitempty"`        // of videos
	Seconds     float64 `json:"sound_seconds,omitempty"` // of sounds
	MediaTokens int     `json:"media_tokens,omitempty"`  // those of prompt_tokens that are media
	EncoderHits int     `json:"encoder_hits,omitempty"`  // media whose encoding was in the cache
	Encoding    int64   `json:"encoder_ns,omitempty"`    // time of the encoder, before the first token
	Fetching    int64   `json:"fetch_ns,omitempty"`      // time that fetching media took, before admission
}

// tell writes the truth.
func (r *mediaReader) tell(t *Truth) {
	for i := range r.list {
		m := &r.list[i]
		switch m.kind {
		case "image":
			t.Images++
			t.Pixels += m.pixels()
		case "video":
			t.Videos++
			t.Frames += m.frames
			t.Pixels += m.pixels()
		default:
			t.Audios++
			t.Seconds += m.seconds
		}
		t.MediaBytes += int64(m.bytes)
	}
	t.MediaTokens, t.EncoderHits = r.tokens(), r.hits
	t.Encoding, t.Fetching = int64(r.encoding), int64(r.fetching)
}
