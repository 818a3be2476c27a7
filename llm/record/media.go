package record

import (
	"errors"
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
	URL     bool    `json:"url,omitempty"`     // the server was to fetch it; the request has its address only
}

// Pixels returns the number of pixels of an image or of a frame, or 0 if unknown.
func (m *Media) Pixels() int64 { return int64(m.Width) * int64(m.Height) }

// Poll tells how a client learnt that a job of the server was done. The answer was there between End less Bound and
// End.
type Poll struct {
	Count   int   `json:"count"`      // how often the client asked
	Created int64 `json:"created_ns"` // instant at which the job was accepted
	Bound   int64 `json:"bound_us"`   // from the last time that the job was not done to End, in microseconds
	// Server is how long the job took as the server tells, in seconds; 0 if it does not.
	Server float64 `json:"server_seconds,omitempty"`
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
	case m.Bytes < 0:
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
	case p.Count < 0:
		return fmt.Errorf("poll: %w", outOfRange("count", int64(p.Count)))
	case p.Created < 0 || p.Created > maxTime:
		return fmt.Errorf("poll: %w", outOfRange("created_ns", p.Created))
	case p.Bound < 0 || p.Bound > maxTime/1000:
		return fmt.Errorf("poll: %w", outOfRange("bound_us", p.Bound))
	case !(p.Server >= 0 && p.Server <= maxTime/1e9):
		return fmt.Errorf("poll: server_seconds out of range at %v", p.Server)
	}
	return nil
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
	if r.Sent < 0 || r.Sent > maxTime {
		return outOfRange("sent_ns", r.Sent)
	}
	if len(r.ChunkBytes) > 0 && len(r.ChunkBytes) != len(r.Chunks) {
		return fmt.Errorf("%d chunk_bytes for %d chunks_us", len(r.ChunkBytes), len(r.Chunks))
	}
	var sum int64
	for _, n := range r.ChunkBytes {
		if n < 0 || n > math.MaxInt64-sum {
			return errors.New("chunk_bytes out of range")
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
	appendSome(e, "chunk_bytes", r.ChunkBytes)
	e.some("sent_ns", r.Sent)
	if r.Poll != nil {
		e.value("poll", r.Poll)
	}
}
