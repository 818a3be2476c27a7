package foreign

import (
	"encoding/json"
	"math"
)

// Medium is a picture, a video or a sound in a prompt. What the tool did not store is 0.
type Medium struct {
	Kind          string // image, video or audio
	Width, Height int    // in pixels
	Frames        int
	Seconds       float64
	Bytes         int64
}

// instance is a medium as inference-perf stores it.
type instance struct {
	Pixels  float64 `json:"pixels"`       // of an image or of a frame
	Aspect  float64 `json:"aspect_ratio"` // width over height
	Frames  float64 `json:"frames"`
	Seconds float64 `json:"seconds"`
	Bytes   float64 `json:"bytes"`
}

// most bounds the counts of a medium.
const most = 1 << 40

// medium returns an instance as a medium, and false if its values are impossible.
func (i *instance) medium(kind string) (Medium, bool) {
	for _, x := range [...]float64{i.Pixels, i.Aspect, i.Frames, i.Seconds, i.Bytes} {
		if !(x >= 0 && x <= most) {
			return Medium{}, false
		}
	}
	m := Medium{Kind: kind, Frames: int(i.Frames), Seconds: i.Seconds, Bytes: int64(i.Bytes)}
	m.Width, m.Height = sides(i.Pixels, i.Aspect)
	return m, true
}

// sides returns the width and the height of a picture by the number of its pixels and the ratio of its sides. They are
// 0 if the two numbers are not those of whole sides.
func sides(pixels, aspect float64) (width, height int) {
	w := math.Round(math.Sqrt(pixels * aspect))
	h := math.Round(pixels / w)
	if !(w >= 1 && h >= 1) || w*h != pixels || math.Abs(w/h-aspect) > 1e-9*aspect {
		return 0, 0
	}
	return int(w), int(h)
}

// media reads the media of a kind: null, or {count, instances}.
func (e *inferencePerfElement) media(kind string) error {
	return e.in.objectOrNull(func(key string) error {
		if key != "instances" {
			return e.in.skip()
		}
		raw, err := e.in.raw()
		if err != nil {
			return err
		}
		var list []instance
		if err := json.Unmarshal(raw, &list); err != nil {
			return e.in.fail("it is no list of %ss", kind)
		}
		for i := range list {
			m, ok := list[i].medium(kind)
			if !ok {
				return e.in.fail("number %d is no %s that can be", i, kind)
			}
			e.q.Media = append(e.q.Media, m)
		}
		return nil
	})
}
