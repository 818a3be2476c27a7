package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Multimodal adds media to prompts; a nil kind is not added.
type Multimodal struct {
	Image *Images `key:"image" default:"null"`
	Video *Videos `key:"video" default:"null"`
	Audio *Audios `key:"audio" default:"null"`
}

// Images are the images of a prompt.
type Images struct {
	Count *Distribution `key:"count" default:"null"` // per prompt; nil: no images
	// where in the text, from 0 to 1; nil: anywhere
	Insertion      *Amount              `key:"insertion_point" default:"null"`
	Resolutions    []WeightedResolution `key:"resolutions,null" default:"null" one:"resolution"`
	Representation ImageFormat          `key:"representation" default:"png"`
}

// Videos are the videos of a prompt.
type Videos struct {
	Count *Distribution `key:"count" default:"null"` // per prompt; nil: no videos
	// where in the text, from 0 to 1; nil: anywhere
	Insertion      *Amount           `key:"insertion_point" default:"null"`
	Profiles       []WeightedProfile `key:"profiles,null" default:"null" one:"profile"`
	Representation VideoFormat       `key:"representation" default:"mp4"`
}

// Audios are the sounds of a prompt.
type Audios struct {
	Count     *Distribution      `key:"count" default:"null"`           // per prompt; nil: no sounds
	Insertion *Amount            `key:"insertion_point" default:"null"` // where in the text, from 0 to 1; nil: anywhere
	Durations []WeightedDuration `key:"durations,null" default:"null" one:"duration"`
}

// WeightedResolution is a resolution and how often it is chosen. None at all is 512 × 512.
type WeightedResolution struct {
	Resolution Resolution `key:"resolution,required"`
	Weight     float64    `key:"weight" default:"1.0" check:"at least 0"`
}

// WeightedProfile is a profile and how often it is chosen. None at all is 512 × 512, 10 frames.
type WeightedProfile struct {
	Profile Profile `key:"profile,required"`
	Weight  float64 `key:"weight" default:"1.0" check:"at least 0"`
}

// WeightedDuration is a duration and how often it is chosen. None at all is 1 s.
type WeightedDuration struct {
	Duration float64 `key:"duration,required" check:"seconds above 0"`
	Weight   float64 `key:"weight" default:"1.0" check:"at least 0"`
}

// Profile is a kind of video.
type Profile struct {
	Resolution Resolution `key:"resolution,required"`
	Frames     int64      `key:"frames,required" check:"above 0"`
}

// Resolution is a size in pixels. Name is set if it was given by name.
type Resolution struct {
	Name          string
	Width, Height int64
}

// size is a resolution without a name.
type size struct {
	Height int64 `key:"height,required" check:"above 0"`
	Width  int64 `key:"width,required" check:"above 0"`
}

// presets are the names of resolutions.
func presets() map[string]Resolution {
	return map[string]Resolution{
		"4k": {"4k", 3840, 2160}, "1080p": {"1080p", 1920, 1080}, "720p": {"720p", 1280, 720},
		"360p": {"360p", 640, 360},
	}
}

func (r *Resolution) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	known := presets()
	if preset, ok := known[v.Text]; ok && v.Kind == tagged.TextKind {
		*r = preset
		return
	}
	if v.Kind != tagged.ObjectKind {
		names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		d.TypeFault(v, path, "one of "+names+" or {height, width}", false)
		return
	}
	var s size
	d.Object(v, &s, path)
	*r = Resolution{Width: s.Width, Height: s.Height}
}

func (r Resolution) Encode(w *tagged.Writer) *tagged.Value {
	if r.Name != "" {
		return tagged.TextValue(r.Name)
	}
	return w.Object(&size{Width: r.Width, Height: r.Height})
}

func (Resolution) TypeText() string { return "resolution" }

// ImageFormat is a format of images. inference-perf makes png of webp.
type ImageFormat string

func (ImageFormat) Choices() []string { return []string{"png", "jpeg", "webp"} }

// VideoFormat is a format of videos: a file, or its frames as images.
type VideoFormat string

func (VideoFormat) Choices() []string { return []string{"mp4", "png_frames", "jpeg_frames"} }
