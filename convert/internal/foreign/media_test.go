package foreign

import (
	"fmt"
	"strings"
	"testing"
)

func TestSidesOfPictures(t *testing.T) {
	t.Parallel()
	for _, tt := range [][2]int{{1, 1}, {512, 512}, {1920, 1080}, {33, 17}, {16383, 1}, {1, 16383}, {16381, 16383}} {
		w, h := sides(float64(tt[0]*tt[1]), float64(tt[0])/float64(tt[1]))
		if w != tt[0] || h != tt[1] {
			t.Errorf("got %d × %d, want %d × %d", w, h, tt[0], tt[1])
		}
	}
	for _, tt := range [][2]float64{{0, 0}, {0, 1}, {7, 0}, {7, 1}, {12, 1.4}} {
		if w, h := sides(tt[0], tt[1]); w != 0 || h != 0 {
			t.Errorf("%v pixels of ratio %v: got %d × %d", tt[0], tt[1], w, h)
		}
	}
}

func TestMediaOfInferencePerf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ metrics, want string }{
		{`"image": null, "video": null, "audio": null`, "[]"},
		{`"image": {"count": 0, "instances": []}`, "[]"},
		{`"image": {"count": 0, "instances": null}, "video": {}`, "[]"},
		{
			`"image": {"count": 2, "instances": [{"pixels": 512, "bytes": 636, "aspect_ratio": 2.0}, ` +
				`{"pixels": 0, "bytes": 9, "aspect_ratio": 0}]}, "video": {"count": 1, "instances": [{"pixels": 561, ` +
				`"bytes": 1633, "aspect_ratio": 1.9411764705882353, "frames": 3}]}, "audio": {"count": 1, "instances": ` +
				`[{"bytes": 364, "seconds": 0.01}]}`,
			"[{image 32 16 0 0 636} {image 0 0 0 0 9} {video 33 17 3 0 1633} {audio 0 0 0 0.01 364}]",
		},
		{`"image": {"instances": [{"pixels": -1}]}`, "[0].info.request_metrics.image.instances: number 0 is no image"},
		{`"audio": {"instances": [{"seconds": 1e300}]}`, "number 0 is no audio"},
		{`"audio": {"instances": {}}`, "is no list of audios"},
		{`"video": {"instances": ["x"]}`, "is no list of videos"},
		{`"video": 3`, "want an object"},
	} {
		r := open(t, []byte(`[{"start_time": 1, "end_time": 2, "info": {"request_metrics": {"text": {"input_tokens": 1}, `+
			tt.metrics+`}}, "error": null}]`))
		q, err := r.Next()
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(q.Media)
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.metrics, got, tt.want)
		}
	}
}
