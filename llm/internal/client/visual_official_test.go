package client

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// OpenAI's own client reads the simulator's pictures, the events of streamed ones, and its jobs.
func TestOfficialClientReadsPicturesAndVideos(t *testing.T) {
	t.Parallel()
	opts := sim.DefaultOptions()
	opts.ImageTime, opts.VideoTime = 0, 40*time.Second // 78 ms for a second of 64 × 32 pixels
	server, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	lines := officialClient(t, "openai", "openai_visual_client.py", []string{server.URL()})
	if len(lines) != 1 {
		t.Fatalf("got %q", lines)
	}
	var got struct {
		Sizes, Events, States              []string
		Edited, Last, Size, Seconds, Error string
		Progress, Usage, Video             int
		MP4, Deleted                       bool
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatalf("%s: %v", lines[0], err)
	}
	const partial = "image_generation.partial_image"
	want := fmt.Sprint([]string{"64x32", "64x32"}, []string{partial, partial, "image_generation.completed"},
		"32x32", "64x32", "64x32", "1", 100, 3, true, true)
	if is := fmt.Sprint(got.Sizes, got.Events, got.Edited, got.Last, got.Size, got.Seconds, got.Progress, got.Usage,
		got.MP4, got.Deleted); is != want || got.Video == 0 {
		t.Errorf("got %s, want %s", lines[0], want)
	}
	if n := len(got.States); n < 2 || got.States[0] != "queued" && got.States[0] != "in_progress" ||
		got.States[n-1] != "completed" {
		t.Errorf("got states %q", got.States)
	}
}
