package llm

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// sumOfMedia adds up what a record says of the media of a prompt, as the simulator's truth does.
func sumOfMedia(list []record.Media) (sum sim.TruthOfMedia) {
	for i := range list {
		m := &list[i]
		sum.MediaBytes += m.Bytes
		sum.MediaTokens += m.Tokens
		frames := strings.HasSuffix(m.Format, "_frames")
		switch {
		case m.Kind == record.MediaImage, frames:
			sum.Images += max(1, m.Frames)
			sum.Pixels += m.Pixels() * int64(max(1, m.Frames))
		case m.Kind == record.MediaVideo:
			sum.Videos++
			sum.Frames += m.Frames
			sum.Pixels += m.Pixels() * int64(m.Frames)
		default:
			sum.Audios++
			sum.Seconds += m.Seconds
		}
	}
	return sum
}

// What a record says of the media of a request is what the server found in it, whichever API it came by, from a data
// set or written by the script itself.
func TestRecordsOfMediaAreTheTruth(t *testing.T) {
	t.Parallel()
	const image = `image: {count: 2, representation: 'webp', resolutions: [
		{resolution: {width: 280, height: 56}, weight: 1}, {resolution: {width: 33, height: 77}, weight: 1}]}`
	const frames = `video: {profiles: {resolution: {width: 64, height: 32}, frames: 3}, representation: 'jpeg_frames'}`
	const video = `video: {profiles: {resolution: {width: 64, height: 32}, frames: 4}}`
	for i, tt := range []struct{ api, media, model string }{
		{"chat", image + `, ` + video, "Qwen2.5-VL-7B"},
		{"chat", image + `, ` + frames, "Qwen2.5-VL-7B"},
		{"chat", image + `, audio: {durations: 0.7}`, "Qwen2.5-Omni-7B"},
		{"anthropic_messages", image + `, ` + frames, "Qwen2.5-VL-7B"},
		{"responses", image + `, ` + frames, "Qwen2.5-VL-7B"},
	} {
		t.Run(fmt.Sprintf("%s %d", tt.api, i), func(t *testing.T) {
			t.Parallel()
			v, path := newVU(t, New()), filepath.Join(t.TempDir(), "truth.jsonl")
			v.run(t, fmt.Sprintf(`
				const client = new Client({api: '%[1]s', baseURL:
					'sim:?ttft=0s&itl=0s&model=%[3]s&media-rule=%[3]s&encoder-cache=9&truth=%[4]s'});
				const items = {type: 'mock', api: '%[1]s'}, own = [];
				for (const delivery of ['data', 'url']) {
					own.push(new Dataset({...items, media: {delivery, pool: {size: 2}, %[2]s}}));
				}`, tt.api, tt.media, tt.model, path))
			v.start(t)
			v.run(t, `for (const data of own) for (let i = 0; i < 4; i++) client.send({...data.at(i), maxTokens: 2});`)
			all, _ := v.records()
			truths, err := sim.ReadTruths(path)
			if err != nil || len(all) != 8 {
				t.Fatal(err, len(all))
			}
			hits := 0
			for k, r := range all {
				truth := truths[r.ID]
				hits += truth.EncoderHits
				got, want := sumOfMedia(r.Media), truth.TruthOfMedia
				off, fetched := math.Abs(got.Seconds-want.Seconds), want.Fetching > 0
				got.Seconds, want.EncoderHits, want.Fetching, want.Seconds = 0, 0, 0, 0
				if r.Failed() || got != want || off > 1e-3 || got.MediaTokens == 0 || r.Sent == 0 ||
					fetched != (k >= 4) || r.Media[0].URL != fetched {
					t.Errorf("request %d: got %+v of %+v, the server found %+v (%s)", k, got, r.Media, want, r.Error)
				}
			}
			if hits == 0 {
				t.Error("no media of the pool came twice")
			}
		})
	}
}

// A script that sends what the API has no field for ends the test: no request of its kind could be sent.
func TestMediaWithoutAFieldEndTheTest(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]string{
		`{type: 'video_url', video_url: {url: 'http://h/x'}}`:                                "video",
		`{type: 'input_audio', input_audio: {data: 'AA', format: 'wav'}}`:                    "audio",
		`{type: 'image_url', image_url: {url: 'data:image/png;base64,AAAA'}}`:                "",
		`...data.at(0).messages[0].content.filter((part) => part.type !== 'text').slice(-1)`: "video",
	} {
		for _, api := range []string{"chat", "anthropic_messages", "responses"} {
			v := newVU(t, New())
			v.run(t, `const client = new Client({api: '`+api+`', baseURL: 'sim:?ttft=0s&itl=0s'});
				const data = new Dataset({type: 'mock', media: {video: {profiles: {frames: 1}}}});`)
			v.start(t)
			_, err := v.RunOnEventLoop(`client.send({messages: [{role: 'user', content: [` + part + `]}]})`)
			if api == "chat" || want == "" {
				if err != nil {
					t.Errorf("%s to %s: %v", part, api, err)
				}
				continue
			}
			want := "test aborted: api " + api + " has no field for " + want
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s to %s: got error %v, want %q", part, api, err, want)
			}
		}
	}
}

// Without the address that media are to have, no request can be sent.
func TestMediaThatCannotBeServedEndTheTest(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, code := range []string{"data.at(0)", "data.next()"} {
		v := newVU(t, New())
		v.run(t, `const data = new Dataset({type: 'mock', media: {image: {resolutions: {width: 9, height: 9}},
			delivery: 'url', listen: '`+l.Addr().String()+`'}});`)
		v.start(t)
		_, err := v.RunOnEventLoop(code)
		if err == nil || !strings.Contains(err.Error(), "test aborted: serving media: listen tcp") {
			t.Errorf("%s: got %v", code, err)
		}
	}
}
