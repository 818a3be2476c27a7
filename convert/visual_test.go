package convert

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// shown returns a request for pictures or a video that starts at a second of the run and takes some milliseconds.
func shown(api string, second, ms int64, output ...record.Media) *record.Request {
	q := &record.Request{API: api, Start: 1_700_000_000*runtest.Second + second*runtest.Second, Status: 200,
		Chunks: []int64{}, Output: output, BytesReceived: 1000}
	q.End = q.Start + ms*1_000_000
	q.Connected, q.FirstByte = q.Start+1000, q.End-ms*100_000 // a tenth of the time is reading
	return q
}

func ofSize(width, height int) record.Media {
	return record.Media{Kind: record.MediaImage, Format: "png", Width: width, Height: height, Bytes: 5000}
}

func checkFigures(t *testing.T, list []*record.Request, want map[string]float64) (warnings []string) {
	t.Helper()
	r := runOf(t, list...)
	doc := summaryJSON(t, r, Options{})
	for path, x := range want {
		if got := doc.Get(path); math.Abs(got.Num-x) > 1e-9 || !got.Exists() {
			t.Errorf("%s: got %s, want %v", path, got.Raw, x)
		}
	}
	p := NewReport(r, Options{})
	if _, err := p.Write(t.TempDir(), allFiles); err != nil || len(p.Faults) > 0 {
		t.Errorf("error %v, faults %q", err, p.Faults)
	}
	return Summarize(r, Options{}).Additions.Warnings
}

// Two requests for 512 × 512 pixels, one for four pictures of which each has twice the sides, and one whose address
// alone came, over 3 s and the 500 ms that the last one took.
func TestFiguresOfPictures(t *testing.T) {
	t.Parallel()
	list := []*record.Request{
		shown(record.APIImage, 0, 200, ofSize(512, 512)),
		shown(record.APIImage, 1, 400, ofSize(1024, 1024), ofSize(1024, 1024), ofSize(1024, 1024), ofSize(1024, 1024)),
		shown(record.APIImage, 2, 300, record.Media{Kind: record.MediaImage, URL: true}),
		shown(record.APIImage, 3, 500, ofSize(512, 512), ofSize(512, 256)),
	}
	list[0].AskedSize, list[3].AskedSize = "512x512", "512x512"
	list[1].ServerSeconds, list[3].Chunks, list[3].ChunkBytes = 0.35, []int64{250_000, 500_000}, []int64{9, 9}
	const seconds, mega = 3.5, (2*512*512 + 512*256 + 4*1024*1024) / 1e6
	warnings := checkFigures(t, list, map[string]float64{
		"successes.throughput.images_per_sec": 8 / seconds, "successes.image.count.max": 4,
		"xk6_llm.image.requests": 4, "xk6_llm.image.pictures": 8, "xk6_llm.image.pictures_per_sec": 8 / seconds,
		"xk6_llm.image.megapixels_per_sec": mega / seconds, "xk6_llm.image.seconds_per_picture.min": 0.1,
		"xk6_llm.image.seconds_per_picture.max": 0.3, "xk6_llm.image.pictures_per_request.mean": 2,
		"xk6_llm.image.megapixels_per_picture.mean": mega / 7, "xk6_llm.image.reading_time.max": 0.05,
		"xk6_llm.image.time_to_first_byte.min": 0.18, "xk6_llm.image.time_to_first_picture.mean": 0.25,
		"xk6_llm.image.server_seconds.mean": 0.35, "xk6_llm.image.pictures_by_address": 1,
		"xk6_llm.image.pictures_of_other_size": 1, "xk6_llm.image.formats.png": 7,
		"xk6_llm.image.by_size.1.requests": 2, "xk6_llm.image.by_size.1.pictures": 3,
		"xk6_llm.image.by_size.2.request_latency.max": 0.4, "xk6_llm.image.by_size.#": 3,
	})
	text := strings.Join(warnings, "\n")
	for _, want := range []string{"1 of 8 images are of another size than asked for, such as 512x256 for 512x512",
		"of 1 of 8 images the address alone came"} {
		if !strings.Contains(text, want) {
			t.Errorf("got warnings %q, want %q", warnings, want)
		}
	}
}

// Two videos of 2 s, of which one came at once and the other by a job, over 10 s and the 4 s that the last one took.
func TestFiguresOfVideos(t *testing.T) {
	t.Parallel()
	clip := record.Media{Kind: record.MediaVideo, Format: "mp4", Width: 64, Height: 32, Frames: 48, Seconds: 2,
		Bytes: 9000}
	list := []*record.Request{shown(record.APIVideo, 0, 1000, clip), shown(record.APIVideo, 10, 4000, clip)}
	list[1].Poll = &record.Poll{Count: 30, Created: list[1].Start + 20_000_000, Bound: 400_000, Download: 70_000_000}
	list[1].ServerSeconds = 3.5
	const seconds = 14.0
	warnings := checkFigures(t, list, map[string]float64{
		"successes.throughput.videos_per_sec": 2 / seconds, "xk6_llm.video.videos": 2,
		"xk6_llm.video.videos_per_sec": 2 / seconds, "xk6_llm.video.frames_per_sec": 96 / seconds,
		"xk6_llm.video.real_time_factor.min": 0.5, "xk6_llm.video.real_time_factor.max": 2,
		"xk6_llm.video.bound.min": 0, "xk6_llm.video.bound.max": 0.4, "xk6_llm.video.bound_of_latency.max": 0.1,
		"xk6_llm.video.polls_per_request.max": 30, "xk6_llm.video.time_to_job.mean": 0.02,
		"xk6_llm.video.download_time.mean": 0.07, "xk6_llm.video.server_seconds.mean": 3.5,
		"xk6_llm.video.by_size.0.requests": 2,
	})
	if slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "pollInterval") }) {
		t.Errorf("a warning of polling although the bound is small at the median: %q", warnings)
	}
	list[1].Poll.Bound = 1_000_000
	warnings = checkFigures(t, []*record.Request{list[1]}, nil)
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, "known to 25 % of its latency at the median") {
		t.Errorf("got %q", warnings)
	}
}
