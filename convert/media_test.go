package convert

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The per-request file lists the media as inference-perf does.
func TestPerRequestMediaAreInferencePerfs(t *testing.T) {
	t.Parallel()
	const name = "per_request_lifecycle_metrics.json"
	path := filepath.Join("testdata", "inference-perf", "p_multimodal", name+".gz")
	r, err := run.ReadFiles(run.Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := NewReport(r, Options{}).Write(dir, Files{PerRequest: true, Fields: Fields{Info: true}}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	in, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	type element struct {
		Info struct {
			Request map[string]any `json:"request_metrics"`
		}
	}
	var want, got []element
	if err := json.NewDecoder(in).Decode(&want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content(t, filepath.Join(dir, name)), &got); err != nil {
		t.Fatal(err)
	}
	media := 0
	for i, w := range want {
		for _, kind := range []string{"image", "video", "audio"} {
			if w.Info.Request[kind] != nil {
				media++
			}
			if g := got[i].Info.Request[kind]; !reflect.DeepEqual(g, w.Info.Request[kind]) {
				t.Errorf("request %d: %s: got %v, want %v", i, kind, g, w.Info.Request[kind])
			}
		}
	}
	if len(got) != len(want) || media < 100 {
		t.Errorf("%d requests of %d, %d kinds of media", len(got), len(want), media)
	}
}

// asked returns a request of an API that starts at a second of the run and takes a second.
func asked(api string, second int64) *record.Request {
	start := 1_700_000_000*runtest.Second + second*runtest.Second
	return &record.Request{API: api, Start: start, End: start + runtest.Second, Status: 200, Chunks: []int64{}}
}

// The media of prompts count, and those of answers where the API makes media. What is unknown of one is left out.
func TestFiguresOfMedia(t *testing.T) {
	t.Parallel()
	chat, edit, speech, failed := asked("chat", 0), asked(record.APIImage, 1), asked(record.APISpeech, 2), asked("chat", 2)
	chat.Media = []record.Media{{Kind: "image", Width: 200, Height: 100, Bytes: 5000}, {Kind: "image", URL: true},
		{Kind: "video", Format: "png_frames", Width: 30, Height: 20, Frames: 8, Bytes: 800}}
	edit.Media = []record.Media{{Kind: "image", Width: 64, Height: 64, Bytes: 100}}
	edit.Output = []record.Media{{Kind: "image", Width: 100, Height: 100, Bytes: 7000}}
	speech.Chunks, speech.ChunkBytes = []int64{100, 200}, []int64{24_000, 24_000}
	speech.Output = []record.Media{{Kind: "audio", Format: "pcm", Seconds: 1, Bytes: 48_000}}
	failed.Media, failed.ErrorType = chat.Media, record.ErrorTimeout
	doc := summaryJSON(t, runOf(t, chat, edit, speech, failed), Options{})
	for path, want := range map[string]float64{
		"image.count.mean": 1, "image.count.min": 0, "image.count.max": 2, "image.pixels.max": 20_000,
		"image.pixels.min": 10_000, "image.bytes.mean": 6000, "image.aspect_ratio.max": 2,
		"video.count.mean": 1. / 3, "video.frames.mean": 8, "video.pixels.mean": 600, "video.bytes.mean": 800,
		"video.aspect_ratio.mean": 1.5, "audio.count.max": 1, "audio.seconds.mean": 1, "audio.bytes.mean": 48_000,
		"throughput.images_per_sec": 1, "throughput.videos_per_sec": 1. / 3, "throughput.audios_per_sec": 1. / 3,
	} {
		if got := doc.Get("successes." + path); got.Type != gjson.Number || got.Num != want {
			t.Errorf("%s: got %s, want %v", path, got.Raw, want)
		}
	}
	for _, path := range []string{"successes.latency.time_to_first_token", "successes.latency.inter_token_latency",
		"xk6_llm.latency.chunk_gap"} {
		if got := doc.Get(path); got.Raw != "null" {
			t.Errorf("%s: got %s, want null: the chunks are of a sound", path, got.Raw)
		}
	}
}
