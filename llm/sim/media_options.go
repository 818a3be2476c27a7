package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
)

// MediaOptions describes what the server does with pictures, videos and sounds of prompts.
type MediaOptions struct {
	ImageTokens int // of an image; 0 means those of the rule
	VideoTokens int // of a frame of a video; likewise
	AudioTokens int // of a second of sound; likewise
	// Rule names a model whose rule tells the tokens of media; "" means squares of 28 × 28 pixels, as Qwen2.5-VL has
	// them, two frames of a video in each, and 25 tokens for a second of sound.
	Rule         string
	Time         time.Duration // of the encoder, per megapixel of images and frames, and per second of sound
	EncoderCache int           // media whose encoding is kept, by their bytes; 0 for none, Unlimited for all
	TextOnly     bool          // media are refused
	Formats      []string      // which are taken; nil for all
}

func mediaFlags() []Flag {
	return []Flag{
		{"image-tokens", "tokens of an image (0: by media-rule)",
			whole(func(o *Options) *int { return &o.Media.ImageTokens })},
		{"video-tokens", "tokens of a frame of a video (0: by media-rule)",
			whole(func(o *Options) *int { return &o.Media.VideoTokens })},
		{"audio-tokens", "tokens of a second of sound (0: by media-rule)",
			whole(func(o *Options) *int { return &o.Media.AudioTokens })},
		{"media-rule", "a model whose rule tells the tokens of media (squares of 28 x 28 pixels, 25 tokens a second)",
			text(func(o *Options) *string { return &o.Media.Rule })},
		{"media-time", "time of the encoder per megapixel of images and frames, and per second of sound (0s)",
			span(func(o *Options) *time.Duration { return &o.Media.Time })},
		{"encoder-cache", "media whose encoding is kept, or unlimited (0: none)",
			orUnlimited(func(o *Options) *int { return &o.Media.EncoderCache })},
		{"text-only", "refuse media, as the server of a model of texts does: true or false (false)",
			func(o *Options, v string) (err error) {
				o.Media.TextOnly, err = strconv.ParseBool(v)
				return err
			}},
		{"media-formats", "formats of media that are taken, separated by commas (all)",
			names(func(o *Options) *[]string { return &o.Media.Formats })},
		{"max-body", "bytes of a request's body, above which it is refused with status 413 (0: 64 MiB)",
			whole(func(o *Options) *int { return &o.MaxBody })},
	}
}

// orUnlimited reads a number, or unlimited.
func orUnlimited(field func(*Options) *int) func(*Options, string) error {
	return func(o *Options, v string) (err error) {
		if v == "unlimited" {
			*field(o) = Unlimited
			return nil
		}
		*field(o), err = strconv.Atoi(v)
		return err
	}
}

// knownFormats are those that the server can tell apart.
var knownFormats = []string{"png", "jpeg", "webp", "gif", "mp4", "wav", "mp3", "flac", "ogg"}

func (o *Options) validateMedia() error {
	m := &o.Media
	for _, each := range []struct {
		name  string
		value int
	}{{"image-tokens", m.ImageTokens}, {"video-tokens", m.VideoTokens}, {"audio-tokens", m.AudioTokens},
		{"max-body", o.MaxBody}} {
		if each.value < 0 {
			return fmt.Errorf("simulator option %s must not be negative, got %d", each.name, each.value)
		}
	}
	switch _, known := media.RuleFor(m.Rule); {
	case m.Time < 0 || m.Time > maxTime:
		return fmt.Errorf("simulator option media-time must be from 0 to %v, got %v", maxTime, m.Time)
	case m.EncoderCache < 0 && m.EncoderCache != Unlimited:
		return fmt.Errorf("simulator option encoder-cache must be 0, a number of media or unlimited, got %d",
			m.EncoderCache)
	case m.Rule != "" && !known:
		return fmt.Errorf("simulator option media-rule: no rule is known for %q, use image-tokens and the like", m.Rule)
	}
	for _, name := range m.Formats {
		if !slices.Contains(knownFormats, name) {
			return fmt.Errorf("simulator option media-formats must be of %s, got %q", strings.Join(knownFormats, ", "),
				name)
		}
	}
	return nil
}

// newCache returns the cache of the encoder, nil for none.
func (o *MediaOptions) newCache() *prefix.Cache {
	if o.EncoderCache == 0 {
		return nil
	}
	return prefix.NewCache(max(0, o.EncoderCache))
}

// tokens returns the tokens of a medium.
func (o *MediaOptions) tokens(m *medium) int {
	rule, _ := media.RuleFor(o.Rule)
	switch {
	case m.kind == "image" && o.ImageTokens > 0:
		return o.ImageTokens
	case m.kind == "image" && o.Rule != "":
		return rule.Image(m.width, m.height)
	case m.kind == "image":
		return m.squares()
	case m.kind == "video" && o.VideoTokens > 0:
		return m.frames * o.VideoTokens
	case m.kind == "video" && o.Rule != "":
		return rule.Video(m.width, m.height, m.frames)
	case m.kind == "video":
		return (m.frames + 1) / 2 * m.squares()
	case o.AudioTokens > 0:
		return int(math.Ceil(m.seconds * float64(o.AudioTokens)))
	case o.Rule != "":
		return rule.Audio(m.seconds)
	}
	return int(math.Ceil(m.seconds * 25))
}

// squares returns how many squares of 28 × 28 pixels a picture is resized to.
func (m *medium) squares() int {
	const side = 28
	return max(1, (m.width+side/2)/side) * max(1, (m.height+side/2)/side)
}

// time returns what the encoder needs for a medium.
func (o *MediaOptions) time(m *medium) time.Duration {
	size := float64(m.pixels())/1e6 + m.seconds
	if m.kind == "video" {
		size -= m.seconds // of its pictures alone
	}
	return time.Duration(min(size*float64(o.Time), float64(maxTime)))
}
