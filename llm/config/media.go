package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Multimodal adds media to prompts. Media of a nil kind are not added.
type Multimodal struct {
	Image *Images `key:"image" default:"null"`
	Video *Videos `key:"video" default:"null"`
	Audio *Audios `key:"audio" default:"null"`
}

// Images are the images of a prompt.
type Images struct {
	Count *Distribution `key:"count" default:"null"` // per prompt; nil: no images
	// the position in the text, from 0 to 1; nil: anywhere
	Insertion      *Amount              `key:"insertion_point" default:"null"`
	Resolutions    []WeightedResolution `key:"resolutions,null" default:"null" one:"resolution"`
	Representation ImageFormat          `key:"representation" default:"png"`
}

// Videos are the videos of a prompt.
type Videos struct {
	Count *Distribution `key:"count" default:"null"` // per prompt; nil: no videos
	// the position in the text, from 0 to 1; nil: anywhere
	Insertion      *Amount           `key:"insertion_point" default:"null"`
	Profiles       []WeightedProfile `key:"profiles,null" default:"null" one:"profile"`
	Representation VideoFormat       `key:"representation" default:"mp4"`
}

// Audios are the sounds of a prompt.
type Audios struct {
	Count *Distribution `key:"count" default:"null"` // per prompt; nil: no sounds
	// position in the text, from 0 to 1; nil: anywhere
	Insertion *Amount            `key:"insertion_point" default:"null"`
	Durations []WeightedDuration `key:"durations,null" default:"null" one:"duration"`
}

// WeightedResolution is a resolution and its weight in the choice. An empty list means 512 × 512.
type WeightedResolution struct {
	Resolution Resolution `key:"resolution,required"`
	Weight     float64    `key:"weight" default:"1.0" check:"at least 0"`
}

// WeightedProfile is a profile and its weight in the choice. An empty list means 512 × 512 with 10 frames.
type WeightedProfile struct {
	Profile Profile `key:"profile,required"`
	Weight  float64 `key:"weight" default:"1.0" check:"at least 0"`
}

// WeightedDuration is a duration in seconds and its weight in the choice. An empty list means 1 s.
type WeightedDuration struct {
	Duration float64 `key:"duration,required" check:"seconds above 0"`
	Weight   float64 `key:"weight" default:"1.0" check:"at least 0"`
}

// Profile is a kind of video.
type Profile struct {
	Resolution Resolution `key:"resolution,required"`
	Frames     int64      `key:"frames,required" check:"above 0"`
}

// Resolution is a size in pixels. Name is set if the configuration gives the size by name.
type Resolution struct {
	Name          string
	Width, Height int64
}

// size is a resolution without a name.
type size struct {
	Height int64 `key:"height,required" check:"above 0"`
	Width  int64 `key:"width,required" check:"above 0"`
}

// namedResolutions returns the resolutions that have names, by name.
func namedResolutions() map[string]Resolution {
	return map[string]Resolution{
		"4k": {"4k", 3840, 2160}, "1080p": {"1080p", 1920, 1080}, "720p": {"720p", 1280, 720},
		"360p": {"360p", 640, 360},
	}
}

// Decode reads the value of a key.
func (r *Resolution) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	known := namedResolutions()
	if preset, ok := known[v.Text]; ok && v.Kind == tagged.TextKind {
		*r = preset
		return
	}
	if v.Kind != tagged.ObjectKind {
		names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		d.Faults.AddType(v, path, "one of "+names+" or {height, width}", false)
		return
	}
	var s size
	d.Object(v, &s, path)
	*r = Resolution{Width: s.Width, Height: s.Height}
}

// Encode returns the value to write.
func (r Resolution) Encode(w *tagged.Writer) *tagged.Value {
	if r.Name != "" {
		return tagged.TextValue(r.Name)
	}
	return w.Object(&size{Width: r.Width, Height: r.Height})
}

// TypeText names the type in the list of keys.
func (Resolution) TypeText() string { return "resolution" }

// ImageFormat is a format of images. inference-perf sends png for webp.
type ImageFormat string

// Choices returns the values that the key accepts.
func (ImageFormat) Choices() []string { return []string{"png", "jpeg", "webp"} }

// VideoFormat is a format of videos: a file, or its frames as images.
type VideoFormat string

// Choices returns the values that the key accepts.
func (VideoFormat) Choices() []string { return []string{"mp4", "png_frames", "jpeg_frames"} }
