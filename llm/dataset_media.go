package llm

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
)

// readMedia reads the option media of a Dataset.
func readMedia(rt *sobek.Runtime, dst **input.MediaOptions) func(sobek.Value) error {
	return func(v sobek.Value) error {
		o, mix := input.DefaultMediaOptions(), &datasets.MediaMix{}
		f := mixFields(rt, mix)
		maps.Copy(f, fields{
			"content":       text(&o.Content),
			"bytesPerPixel": aboveZero(&o.BytesPerPixel),
			"pool":          func(v sobek.Value) error { return readPool(rt, &o.Pool, v) },
			"delivery":      text(&o.Delivery),
			"listen":        text(&o.Listen),
			"url":           text(&o.URL),
			"log":           text(&o.Log),
		})
		if err := f.read(rt, "media", v); err != nil {
			return err
		}
		if *mix != (datasets.MediaMix{}) {
			o.Each = mix
		}
		*dst = o
		return nil
	}
}

// readMix reads the option media of sharedPrefix.
func readMix(rt *sobek.Runtime, dst **datasets.MediaMix) func(sobek.Value) error {
	return func(v sobek.Value) error {
		mix := &datasets.MediaMix{}
		if err := mixFields(rt, mix).read(rt, "media", v); err != nil {
			return err
		}
		if *mix == (datasets.MediaMix{}) {
			return errors.New("has no image, video or audio: say what prefixes have, such as {image: {count: 1}}")
		}
		*dst = mix
		return nil
	}
}

func mixFields(rt *sobek.Runtime, mix *datasets.MediaMix) fields {
	return fields{
		"image": func(v sobek.Value) error {
			mix.Image = &datasets.ImageMix{Format: "png"}
			return fields{
				"count": count1(rt, &mix.Image.Count), "insertionPoint": anywhere(rt, &mix.Image.Place),
				"representation": text(&mix.Image.Format),
				"resolutions":    choices(rt, "resolution", &mix.Image.Resolutions, resolution(rt)),
			}.read(rt, "image", v)
		},
		"video": func(v sobek.Value) error {
			mix.Video = &datasets.VideoMix{Format: "mp4"}
			return fields{
				"count": count1(rt, &mix.Video.Count), "insertionPoint": anywhere(rt, &mix.Video.Place),
				"representation": text(&mix.Video.Format),
				"profiles":       choices(rt, "profile", &mix.Video.Profiles, profile(rt)),
			}.read(rt, "video", v)
		},
		"audio": func(v sobek.Value) error {
			mix.Audio = &datasets.AudioMix{}
			return fields{
				"count": count1(rt, &mix.Audio.Count), "insertionPoint": anywhere(rt, &mix.Audio.Place),
				"durations": choices(rt, "duration", &mix.Audio.Durations, number),
			}.read(rt, "audio", v)
		},
	}
}

func readPool(rt *sobek.Runtime, dst *datasets.MediaPool, v sobek.Value) error {
	var size int64
	pool := datasets.MediaPool{Reuse: 1}
	err := fields{"size": integer(&size, 1), "reuse": number(&pool.Reuse)}.read(rt, "pool", v)
	switch {
	case err != nil:
		return err
	case size == 0:
		return errors.New("size is missing: how many files of each resolution, profile or duration come again")
	}
	pool.Size = int(min(size, math.MaxInt32))
	*dst = pool
	return nil
}

// aboveZero reads a number above 0.
func aboveZero(dst *float64) func(sobek.Value) error {
	return func(v sobek.Value) error {
		if err := number(dst)(v); err != nil {
			return err
		}
		if *dst <= 0 {
			return fmt.Errorf("must be above 0, got %v", *dst)
		}
		return nil
	}
}

// count1 reads a distribution of numbers of media, and sets it to 1 at once, which is the default.
func count1(rt *sobek.Runtime, dst *datasets.Distribution) func(sobek.Value) error {
	*dst = datasets.Constant(1)
	return distribution(rt, dst)
}

// anywhere reads where media stand in the text, and sets it to anywhere at once, which is the default.
func anywhere(rt *sobek.Runtime, dst *datasets.Place) func(sobek.Value) error {
	*dst = datasets.Place{Anywhere: true}
	return place(rt, dst)
}

// choices reads a value, or a list of values, each alone or with its weight: {name: value, weight: 2}.
func choices[T any](rt *sobek.Runtime, name string, dst *[]datasets.Weighted[T],
	read func(*T) func(sobek.Value) error) func(sobek.Value) error {
	one := func(v sobek.Value) (c datasets.Weighted[T], err error) {
		c.Weight = 1
		if obj, ok := v.(*sobek.Object); ok && slices.Contains(obj.Keys(), name) {
			return c, fields{name: read(&c.Value), "weight": number(&c.Weight)}.read(rt, name, v)
		}
		return c, read(&c.Value)(v)
	}
	return func(v sobek.Value) error {
		obj, ok := v.(*sobek.Object)
		if !ok || obj.ClassName() != "Array" {
			c, err := one(v)
			*dst = []datasets.Weighted[T]{c}
			return err
		}
		*dst = nil
		for i := range int(obj.Get("length").ToInteger()) {
			c, err := one(obj.Get(strconv.Itoa(i)))
			if err != nil {
				return fmt.Errorf("number %d: %w", i, err)
			}
			*dst = append(*dst, c)
		}
		if *dst == nil {
			return errors.New("is an empty list: name a value, or leave it out")
		}
		return nil
	}
}

// resolution reads a size by its name, or as {width, height}.
func resolution(rt *sobek.Runtime) func(*datasets.Resolution) func(sobek.Value) error {
	known := datasets.Presets()
	return func(dst *datasets.Resolution) func(sobek.Value) error {
		return func(v sobek.Value) error {
			if preset, ok := known[v.String()]; ok {
				*dst = preset
				return nil
			}
			if _, isObject := v.(*sobek.Object); !isObject {
				got := describe(v)
				if name, isText := export(v).(string); isText {
					got = plain.Quote(name)
				}
				return fmt.Errorf("must be %s or {width, height}, got %s",
					strings.Join(slices.Sorted(maps.Keys(known)), ", "), got)
			}
			var width, height int64
			err := fields{"width": integer(&width, 1), "height": integer(&height, 1)}.read(rt, "resolution", v)
			switch {
			case err != nil:
				return err
			case width == 0 || height == 0:
				return errors.New("a resolution has a width and a height")
			}
			*dst = datasets.Resolution{Width: int(width), Height: int(height)}
			return nil
		}
	}
}

// profile reads a kind of video: {resolution, frames}.
func profile(rt *sobek.Runtime) func(*datasets.VideoProfile) func(sobek.Value) error {
	return func(dst *datasets.VideoProfile) func(sobek.Value) error {
		return func(v sobek.Value) error {
			var frames int64
			*dst = datasets.VideoProfile{Resolution: datasets.Resolution{Width: 512, Height: 512}}
			err := fields{
				"resolution": resolution(rt)(&dst.Resolution), "frames": integer(&frames, 1),
			}.read(rt, "profile", v)
			switch {
			case err != nil:
				return err
			case frames == 0:
				return errors.New("a profile has frames")
			}
			dst.Frames = int(frames)
			return nil
		}
	}
}
