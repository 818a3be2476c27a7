package datasets

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// MediaOptions say which pictures, videos and sounds the prompts of a set get.
type MediaOptions struct {
	Each *MediaMix // of each request; nil: none
	// Prefix are the media of the prefixes of a set with shared prefixes: the same in all requests of a group.
	Prefix *MediaMix

	// Solid makes images of one colour and silence, as inference-perf does, in place of noise.
	Solid bool
	// BytesPerPixel is the size of files of noise, for each pixel of each frame; 0 is what photographs have.
	BytesPerPixel float64
	Pool          MediaPool

	Seed int64
	// Salt goes into the files, and not into how many there are, their sizes and their places.
	Salt string
	// Original draws numbers of media as inference-perf does. They differ for the types uniform and skew_normal.
	Original bool
	// Host, if set, serves the files, and requests have their addresses.
	Host MediaHost
}

// MediaMix is what is drawn for a prompt. Media of a nil kind are not drawn.
type MediaMix struct {
	Image *ImageMix
	Video *VideoMix
	Audio *AudioMix
}

// MediaPool is the files that come again and again. Without files all media are new.
type MediaPool struct {
	Size int // files of each resolution, profile or duration
	// Reuse is the share of media that are files of the pool, each of them as likely as any other. The rest are new
	// files, which are sent once. Over any stretch of requests the share is met to within a few media.
	Reuse float64
}

// MediaHost serves files of media to the model server. It may be used concurrently.
type MediaHost interface {
	// Add makes a file available, and returns its address. A file of the same name replaces the one before.
	Add(file HostedFile) (url string, err error)
}

// HostedFile is a file of a MediaHost.
type HostedFile struct {
	Name string // such as 3c1f….png: 32 hexadecimal digits that the seed and the file determine
	Type string // the media type
	Kind MediaKind
	Once bool                   // one request names it: it may be forgotten when that must be over
	Open func() ([]byte, error) // makes the file, or takes it from the memory
}

// Resolution is a size in pixels.
type Resolution struct{ Width, Height int }

// ImageMix is the images of a prompt.
type ImageMix struct {
	Count       Distribution
	Place       Place
	Format      string // png, jpeg or webp
	Resolutions []Weighted[Resolution]
}

// VideoMix is the videos of a prompt.
type VideoMix struct {
	Count    Distribution
	Place    Place
	Format   string // mp4, png_frames or jpeg_frames
	Profiles []Weighted[VideoProfile]
}

// VideoProfile is a kind of video. Videos have 10 frames a second.
type VideoProfile struct {
	Resolution
	Frames int
}

// AudioMix is the sounds of a prompt.
type AudioMix struct {
	Count     Distribution
	Place     Place
	Durations []Weighted[float64] // seconds
}

// Weighted is a value and its weight in a choice. If no weight is above 0, the first value is chosen.
type Weighted[T any] struct {
	Value  T
	Weight float64
}

// Presets returns the resolutions that have names, by name.
func Presets() map[string]Resolution {
	return map[string]Resolution{"4k": {3840, 2160}, "1080p": {1920, 1080}, "720p": {1280, 720}, "360p": {640, 360}}
}

// What media are like if nothing is said of it.
var (
	defaultResolution = Resolution{512, 512}
	defaultProfile    = VideoProfile{defaultResolution, 10}
)

// The formats of images and of videos.
var (
	imageFormats = []string{media.PNG, media.JPEG, media.WebP}
	videoFormats = []string{"mp4", "png_frames", "jpeg_frames"}
)

// Limits of what is made.
const (
	maxMedia   = 1000    // of a kind in a request
	maxFrames  = 10_000  // of a video
	maxSeconds = 3600    // of a sound
	maxPool    = 1 << 16 // files
	// maxBytesPerPixel is somewhat more than the colours of a pixel take.
	maxBytesPerPixel = 4
)

// Validate returns an error that names the first fault, by the names of options in scripts.
func (o *MediaOptions) Validate() error {
	switch p := o.Pool; {
	case p.Size < 0 || p.Size > maxPool:
		return fmt.Errorf("pool.size must be from 1 to %d, got %d", maxPool, p.Size)
	case !(p.Reuse >= 0 && p.Reuse <= 1):
		return fmt.Errorf("pool.reuse must be from 0 to 1, got %v", p.Reuse)
	case !(o.BytesPerPixel >= 0 && o.BytesPerPixel <= maxBytesPerPixel):
		return fmt.Errorf("bytesPerPixel must be above 0 and at most %d, got %v", maxBytesPerPixel, o.BytesPerPixel)
	case o.Solid && o.BytesPerPixel > 0:
		return errors.New("bytesPerPixel is for content 'noise': leave one of the two out")
	}
	for _, mix := range []*MediaMix{o.Each, o.Prefix} {
		if err := mix.validate(); err != nil {
			return err
		}
	}
	return nil
}

func (m *MediaMix) validate() error {
	if m == nil {
		return nil
	}
	if m.Image != nil {
		if err := m.Image.validate(); err != nil {
			return fmt.Errorf("image.%w", err)
		}
	}
	if m.Video != nil {
		if err := m.Video.validate(); err != nil {
			return fmt.Errorf("video.%w", err)
		}
	}
	if m.Audio != nil {
		if err := m.Audio.validate(); err != nil {
			return fmt.Errorf("audio.%w", err)
		}
	}
	return nil
}

func (m *ImageMix) validate() error {
	if err := checkFormat(m.Format, imageFormats); err != nil {
		return err
	}
	if err := checkMix(m.Count, m.Place); err != nil {
		return err
	}
	return checkChoices("resolutions", m.Resolutions, Resolution.validate)
}

func (m *VideoMix) validate() error {
	if err := checkFormat(m.Format, videoFormats); err != nil {
		return err
	}
	if err := checkMix(m.Count, m.Place); err != nil {
		return err
	}
	return checkChoices("profiles", m.Profiles, func(p VideoProfile) error {
		if p.Frames < 1 || p.Frames > maxFrames {
			return fmt.Errorf("a video has 1 to %d frames, got %d", maxFrames, p.Frames)
		}
		return p.Resolution.validate()
	})
}

func (m *AudioMix) validate() error {
	if err := checkMix(m.Count, m.Place); err != nil {
		return err
	}
	return checkChoices("durations", m.Durations, func(seconds float64) error {
		if !(seconds > 0 && seconds <= maxSeconds) {
			return fmt.Errorf("a sound has above 0 and up to %d seconds, got %v", maxSeconds, seconds)
		}
		return nil
	})
}

func (r Resolution) validate() error {
	if r.Width < 1 || r.Height < 1 || r.Width > media.MaxSide || r.Height > media.MaxSide {
		return fmt.Errorf("width and height must be from 1 to %d pixels, got %d × %d", media.MaxSide, r.Width, r.Height)
	}
	return nil
}

func checkFormat(format string, known []string) error {
	if near, ok := spelling.Nearest(format, known); ok && near != format {
		return fmt.Errorf("representation: unknown %q, did you mean %q?", format, near)
	}
	if !slices.Contains(known, format) {
		return fmt.Errorf("representation: unknown %q, known are %s", format, strings.Join(known, ", "))
	}
	return nil
}

func checkMix(count Distribution, place Place) error {
	if err := count.Validate(); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	if n := count.Most(); n > maxMedia {
		return fmt.Errorf("count: a request has at most %d, got up to %d", maxMedia, n)
	}
	if err := place.Validate(); err != nil {
		return fmt.Errorf("insertionPoint: %w", err)
	}
	return nil
}

func checkChoices[T any](name string, list []Weighted[T], check func(T) error) error {
	for i, choice := range list {
		if err := check(choice.Value); err != nil {
			return fmt.Errorf("%s[%d]: %w", name, i, err)
		}
		if !(choice.Weight >= 0) || math.IsInf(choice.Weight, 0) {
			return fmt.Errorf("%s[%d].weight: must not be negative, got %v", name, i, choice.Weight)
		}
	}
	return nil
}
