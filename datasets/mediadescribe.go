package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// mediaNames are the names of one medium and of several.
var mediaNames = map[MediaKind][2]string{
	Image: {"image", "images"}, Video: {"video", "videos"}, Audio: {"sound", "sounds"},
}

// describe says what is drawn of a kind, "" if nothing is.
func (d *drawer) describe(kind MediaKind) string {
	var sizes []string
	for _, f := range d.profiles() {
		if f.kind != kind {
			continue
		}
		size := f.size()
		if !slices.Contains(sizes, size) {
			sizes = append(sizes, size)
		}
	}
	if sizes == nil {
		return ""
	}
	if more := len(sizes) - 3; more > 0 {
		sizes = append(sizes[:3], fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("%s (%s)", d.number(kind), strings.Join(sizes, " or "))
}

// number says how many media of a kind a prompt has.
func (d *drawer) number(kind MediaKind) string {
	var c Distribution
	switch kind {
	case Image:
		c = d.mix.Image.Count
	case Video:
		c = d.mix.Video.Count
	case Audio:
		c = d.mix.Audio.Count
	}
	low, high, names := c.Least(), c.Most(), mediaNames[kind]
	switch {
	case low != high:
		return fmt.Sprintf("%d to %d %s", low, high, names[1])
	case low == 1:
		return "1 " + names[0]
	}
	return fmt.Sprintf("%d %s", low, names[1])
}

// size says how large a medium is.
func (f mediaFile) size() string {
	switch f.kind {
	case Audio:
		return fmt.Sprintf("%s, %v s", f.format, f.seconds)
	case Video:
		return fmt.Sprintf("%s, %d × %d, %d frames", f.format, f.width, f.height, f.frames)
	}
	return fmt.Sprintf("%s, %d × %d", f.format, f.width, f.height)
}
