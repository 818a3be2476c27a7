package record

import (
	"fmt"
	"math"
)

// Kinds of media.
const (
	MediaImage = "image"
	MediaVideo = "video"
	MediaAudio = "audio"
)

// Media is a picture, a video or a sound, in a request or in an answer. What is unknown of it is 0.
type Media struct {
	Kind string `json:"kind"` // one of the constants Media…
	// Format is the format of its bytes, such as png, jpeg, webp, mp4, wav or pcm; png_frames and jpeg_frames are
	// videos sent as the images of their frames.
	Format  string  `json:"format,omitempty"`
	Width   int     `json:"width,omitempty"` // in pixels
	Height  int     `json:"height,omitempty"`
	Frames  int     `json:"frames,omitempty"`  // of a video
	Seconds float64 `json:"seconds,omitempty"` // how long a video or a sound plays
	Bytes   int64   `json:"bytes"`             // of the file, or of all frames, before base64
	Tokens  int     `json:"tokens,omitempty"`  // of a prompt, estimated by the model's rule
	// ID is the same for media of the same bytes, and other for others; "" if nobody compared them.
	ID  string `json:"id,omitempty"`
	URL bool   `json:"url,omitempty"` // its address alone was sent, or came
}

// Pixels returns the number of pixels of an image or of a frame, or 0 if unknown.
func (m *Media) Pixels() int64 { return int64(m.Width) * int64(m.Height) }

// Poll tells how a client learnt that a job of the server was done. The answer was there between End less Bound and
// End.
type Poll struct {
	Count   int   `json:"count"`      // how often the client asked
	Created int64 `json:"created_ns"` // instant at which the job was accepted
	Bound   int64 `json:"bound_us"`   // from the last time that the job was not done to End, in microseconds
	// Download is how long the result took to fetch once the job was done, after End, in nanoseconds; 0 if it was not.
	Download int64 `json:"download_ns,omitempty"`
}

// maxSide bounds the width and the height of an image.
const maxSide = 1 << 20

func (m *Media) validate() error {
	switch {
	case m.Kind != MediaImage && m.Kind != MediaVideo && m.Kind != MediaAudio:
		return fmt.Errorf("media: unknown kind %q", m.Kind)
	case m.Width < 0 || m.Width > maxSide || m.Height < 0 || m.Height > maxSide:
		return fmt.Errorf("media: a size of %d × %d is out of range", m.Width, m.Height)
	case m.Frames < 0 || m.Frames > math.MaxInt32:
		return fmt.Errorf("media: %w", outOfRange("frames", int64(m.Frames)))
	case !(m.Seconds >= 0 && m.Seconds <= maxTime/1e9):
		return fmt.Errorf("media: seconds out of range at %v", m.Seconds)
	case m.Bytes < 0 || m.Bytes > maxNumber:
		return fmt.Errorf("media: %w", outOfRange("bytes", m.Bytes))
	case m.Tokens < 0 || m.Tokens > maxCount:
		return fmt.Errorf("media: %w", outOfRange("tokens", int64(m.Tokens)))
	}
	return nil
}

func (p *Poll) validate() error {
	switch {
	case p == nil:
		return nil
	case p.Count < 0 || p.Count > maxCount:
		return fmt.Errorf("poll: %w", outOfRange("count", int64(p.Count)))
	case p.Created < 0 || p.Created > maxTime:
		return fmt.Errorf("poll: %w", outOfRange("created_ns", p.Created))
	case p.Bound < 0 || p.Bound > maxTime/1000:
		return fmt.Errorf("poll: %w", outOfRange("bound_us", p.Bound))
	case p.Download < 0 || p.Download > maxTime:
		return fmt.Errorf("poll: %w", outOfRange("download_ns", p.Download))
	}
	return nil
}

// hasMedia reports whether the request says anything of media.
func hasMedia(r *Request) bool {
	return r.Sent != 0 || r.Characters != 0 || r.Poll != nil || r.AskedSize != "" || r.ServerSeconds != 0 ||
		len(r.Media)+len(r.Output)+len(r.ChunkBytes) > 0
}

// checkMedia checks what a request says of media.
func (r *Request) checkMedia() error {
	for _, list := range [...][]Media{r.Media, r.Output} {
		for i := range list {
			if err := list[i].validate(); err != nil {
				return err
			}
		}
	}
	if !(r.ServerSeconds >= 0 && r.ServerSeconds <= maxTime/1e9) {
		return fmt.Errorf("server_seconds out of range at %v", r.ServerSeconds)
	}
	if r.Characters < 0 || r.Characters > maxCount {
		return outOfRange("characters", r.Characters)
	}
	if r.Sent < 0 || r.Sent > maxTime {
		return outOfRange("sent_ns", r.Sent)
	}
	if len(r.ChunkBytes) > 0 && len(r.ChunkBytes) != len(r.Chunks) {
		return fmt.Errorf("%d chunk_bytes for %d chunks_us", len(r.ChunkBytes), len(r.Chunks))
	}
	var sum int64
	for _, n := range r.ChunkBytes {
		if n < 0 || n > maxNumber-sum {
			return fmt.Errorf("chunk_bytes out of range at %d", n)
		}
		sum += n
	}
	return r.Poll.validate()
}

// media appends what a request says of media, by encoding/json: such requests are large, and so few a second.
func (e *encoder) media(r *Request) {
	if len(r.Media) > 0 {
		e.value("media", r.Media)
	}
	if len(r.Output) > 0 {
		e.value("output_media", r.Output)
	}
	e.someText("asked_size", r.AskedSize)
	appendSome(e, "chunk_bytes", r.ChunkBytes)
	e.some("characters", r.Characters)
	e.some("sent_ns", r.Sent)
	if r.ServerSeconds != 0 {
		e.value("server_seconds", r.ServerSeconds)
	}
	if r.Poll != nil {
		e.value("poll", r.Poll)
	}
}

// media reads a list of media into buf, which is reused, and assigns it to dst, once.
func (s *scan) media(buf, dst *[]Media) bool {
	if *dst != nil || !s.is('[') {
		return false
	}
	list := (*buf)[:0]
	for {
		var m Media
		if !s.members(func(key []byte) bool { return s.mediaField(key, &m) }) {
			return false
		}
		list = append(list, m)
		if s.is(']') {
			*buf, *dst = list, list
			return true
		}
		if !s.is(',') {
			return false
		}
	}
}

// members reads an object that has members, and calls field for each to read its value.
func (s *scan) members(field func(key []byte) bool) bool {
	if !s.is('{') {
		return false
	}
	for {
		key, ok := s.quoted()
		if !ok || !s.is(':') || !field(key) {
			return false
		}
		if s.is('}') {
			return true
		}
		if !s.is(',') {
			return false
		}
	}
}

func (s *scan) mediaField(key []byte, m *Media) bool {
	switch string(key) {
	case "kind":
		return s.name(&m.Kind)
	case "format":
		return s.name(&m.Format)
	case "width":
		return s.int(&m.Width)
	case "height":
		return s.int(&m.Height)
	case "frames":
		return s.int(&m.Frames)
	case "seconds":
		return s.decimal(&m.Seconds)
	case "bytes":
		return s.int64(&m.Bytes)
	case "tokens":
		return s.int(&m.Tokens)
	case "id":
		return s.fresh(&m.ID)
	case "url":
		return s.bool(&m.URL)
	}
	return false
}

// poll reads how a job was asked for, once.
func (s *scan) poll(k *kept) bool {
	if k.request.Poll != nil {
		return false
	}
	p := &k.poll
	*p, k.request.Poll = Poll{}, p
	return s.members(func(key []byte) bool {
		switch string(key) {
		case "count":
			return s.int(&p.Count)
		case "created_ns":
			return s.int64(&p.Created)
		case "bound_us":
			return s.int64(&p.Bound)
		case "download_ns":
			return s.int64(&p.Download)
		}
		return false
	})
}

// mediaOf reads a field on media.
func (s *scan) mediaOf(key []byte, k *kept) bool {
	r := &k.request
	switch string(key) {
	case "media":
		return s.media(&k.media, &r.Media)
	case "output_media":
		return s.media(&k.output, &r.Output)
	case "asked_size":
		return s.name(&r.AskedSize)
	case "chunk_bytes":
		return list(s, &k.chunkBytes, &r.ChunkBytes)
	case "characters":
		return s.int64(&r.Characters)
	case "sent_ns":
		return s.int64(&r.Sent)
	case "server_seconds":
		return s.decimal(&r.ServerSeconds)
	case "poll":
		return s.poll(k)
	}
	return false
}
