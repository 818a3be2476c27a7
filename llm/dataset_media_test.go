package llm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestMediaOptionsRefuse(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.write(t, "/scripts/set.jsonl", `{"messages": [{"role": "user", "content": "hi", "name": "x"}]}`)
	const image = `media: {image: {}}`
	for options, want := range map[string]string{
		`type: 'mock', media: {image: {resolutions: {width: 0, height: 5}}}`:          `"width": must be at least 1, got 0`,
		`type: 'mock', media: {image: {resolutions: {width: 5}}}`:                     `a resolution has a width and a height`,
		`type: 'mock', media: {image: {resolutions: {width: 5, height: 99999}}}`:      `from 1 to 16383 pixels, got 5 × 99999`,
		`type: 'mock', media: {image: {resolutions: '8k'}}`:                           `must be 1080p, 360p, 4k, 720p or {width`,
		`type: 'mock', media: {image: {resolutions: []}}`:                             `is an empty list`,
		`type: 'mock', media: {image: {resolutions: ['4k', 5]}}`:                      `number 1: must be 1080p`,
		`type: 'mock', media: {image: {resolutions: [{resolution: '4k', wight: 1}]}}`: `unknown resolution option "wight"`,
		`type: 'mock', media: {image: {resolutions: [{resolution: '4k', weight: -1}]}}`: `resolutions[0].weight: must not be ` +
			`negative, got -1`,
		`type: 'mock', media: {image: {representation: 'jpg'}}`:                  `unknown "jpg", did you mean "jpeg"?`,
		`type: 'mock', media: {image: {resolutions: '720i'}}`:                    `or {width, height}, got "720i"`,
		`type: 'mock', media: {image: {count: {min: 1, max: 3}}}`:                `min 1 and max 3, and is what a mean that`,
		`type: 'random', inputDistribution: 5, outputDistribution: 5`:            `made with the model's; or set tokensPerWord: 1.3`,
		`type: 'mock', media: {image: {representation: 'gif'}}`:                  `unknown "gif", known are png, jpeg, webp`,
		`type: 'mock', media: {image: {format: 'png'}}`:                          `unknown image option "format"`,
		`type: 'mock', media: {image: {count: -1}}`:                              `must be at least 0, got -1`,
		`type: 'mock', media: {image: {count: 1001}}`:                            `count: a request has at most 1000, got up to 1001`,
		`type: 'mock', media: {image: {insertionPoint: 1.5}}`:                    `must be from 0, before the text, to 1`,
		`type: 'mock', media: {image: {insertionPoint: {max: 2}}}`:               `min and max must be 0 or 1`,
		`type: 'mock', media: {video: {profiles: {resolution: '4k'}}}`:           `a profile has frames`,
		`type: 'mock', media: {video: {profiles: {frames: 0}}}`:                  `"frames": must be at least 1, got 0`,
		`type: 'mock', media: {audio: {durations: 0}}`:                           `above 0 and up to 3600 seconds, got 0`,
		`type: 'mock', media: {audio: {durations: [{duration: 4000}]}}`:          `up to 3600 seconds, got 4000`,
		`type: 'mock', media: {pool: {reuse: 1}, image: {}}`:                     `size is missing`,
		`type: 'mock', media: {pool: {size: 1, reuse: 2}, image: {}}`:            `pool.reuse must be from 0 to 1, got 2`,
		`type: 'mock', media: {pool: {size: 1e9}, image: {}}`:                    `pool.size must be from 1 to 65536`,
		`type: 'mock', media: {bytesPerPixel: 9, image: {}}`:                     `bytesPerPixel must be above 0 and at most 4`,
		`type: 'mock', media: {bytesPerPixel: 0, image: {}}`:                     `must be above 0, got 0`,
		`type: 'mock', media: {content: 'solid', bytesPerPixel: 1, image: {}}`:   `bytesPerPixel is for content 'noise'`,
		`type: 'mock', media: {content: 'x', image: {}}`:                         `content: must be 'noise' or 'solid', got "x"`,
		`type: 'mock', media: {delivery: 'x', image: {}}`:                        `delivery: must be 'data' or 'url', got "x"`,
		`type: 'mock', media: {listen: '127.0.0.1:1', image: {}}`:                `listen: needs delivery: 'url'`,
		`type: 'mock', media: {delivery: 'url', listen: '0.0.0.0:1', image: {}}`: `url: is missing`,
		`type: 'mock', media: {}`:                                                `has no image, video or audio`,
		`type: 'shared_prefix', tokenizer: 'x', sharedPrefix: {media: {}}`:       `has no image, video or audio`,
		`type: 'mock', api: 'completion', ` + image:                              `api 'completion' sends texts alone: media need api: 'chat'`,
		`type: 'mock', api: 'embeddings', ` + image:                              `api 'embeddings' sends texts alone`,
		`type: 'mock', api: 'rerank', ` + image:                                  `api 'rerank' sends texts alone`,
		`type: 'mock', api: 'anthropic_messages', media: {video: {}}`:            `api anthropic_messages has no field for video`,
		`type: 'mock', api: 'responses', media: {audio: {}}`:                     `api responses has no field for audio`,
		`type: 'conversation_replay', tokenizer: 'x', ` + image:                  `several turns: media go with single requests`,
		`type: 'otel_trace_replay', path: 'x', ` + image:                         `replays sessions as they were recorded`,
		`type: 'visionarena', ` + image:                                          `visionarena has images of its own`,
		`type: 'shareGPT', path: 'sample:', turns: 'all', ` + image:              `leave turns out`,
		`type: 'shared_prefix', tokenizer: 'x', sharedPrefix: {enableMultiTurnChat: true}, ` + image: `leave ` +
			`sharedPrefix.enableMultiTurnChat out`,
		`type: 'mock', sharedPrefix: {media: {image: {}}}`: `type mock does not use it`,
	} {
		_, err := v.RunOnEventLoop(`new Dataset({` + options + `})`)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n\n") {
			t.Errorf("%s: got %v, want %s", options, err, want)
		}
	}
	for _, code := range []string{`api: 'anthropic_messages', media: {image: {}}`, `api: 'responses', media: {image: {}, ` +
		`delivery: 'url'}`, `api: 'anthropic_messages', media: {video: {representation: 'jpeg_frames'}}`,
		`media: {video: {}, audio: {}, image: {}}`, `media: {video: {}, audio: {}, image: {}, delivery: 'url'}`} {
		if _, err := v.RunOnEventLoop(`new Dataset({type: 'mock', ` + code + `})`); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	_, err := v.RunOnEventLoop(`new Dataset({type: 'prompts', path: './set.jsonl', ` + image + `}).at(0)`)
	if err == nil || !strings.Contains(err.Error(), "message 1 of one has other fields: leave media out") {
		t.Errorf("a message of several fields: %v", err)
	}
}

// A script sends an item with an image.
func TestItemWithMedia(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	content := v.run(t, `
		const data = new Dataset({type: 'mock', media: {pool: {size: 2}, image: {resolutions: {width: 30, height: 20}, insertionPoint: 0.5}}});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});
		JSON.stringify(data.at(0).messages[0].content)`).String()
	var parts []struct {
		Type, Text string
		ImageURL   struct{ URL string } `json:"image_url"`
	}
	if err := json.Unmarshal([]byte(content), &parts); err != nil {
		t.Fatal(err)
	}
	if len(parts) != 3 || parts[0].Text+parts[2].Text != "mock prompt 1" || parts[0].Text != "mock p" {
		t.Fatalf("got %.200s", content)
	}
	file, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(parts[1].ImageURL.URL, "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := png.DecodeConfig(bytes.NewReader(file)); err != nil || c.Width != 30 || c.Height != 20 {
		t.Errorf("got %v, %v", c, err)
	}
	v.start(t)
	v.run(t, `client.send(data.at(0))`)
	all, _ := v.records()
	if len(all) != 1 || all[0].ErrorType != "" || all[0].BytesSent < int64(len(file)) || len(all[0].Media) != 1 ||
		all[0].Media[0].Width != 30 || all[0].Media[0].Bytes != int64(len(file)) {
		t.Fatalf("got %+v", all)
	}
}

// An item is sent as it is if the script has not changed it, without being written as JSON. Any change is sent.
func TestChangedItemsWithMedia(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, `
		const data = new Dataset({type: 'mock', media: {image: {resolutions: {width: 30, height: 20}, insertionPoint: 0.5}, audio: {durations: 0.1, insertionPoint: 1}}});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s', text: true});
		const part = (k) => (m) => m[0].content[k];`)
	same, changes := []string{`(m) => m`, `(m) => { m[0].content[0].text += '' }`}, []string{
		`(m) => { m[0].content[0].text = 'other' }`, `(m) => { m[0].content[0].more = 1 }`,
		`(m) => { m[0].content.push({type: 'text', text: 'more'}) }`, `(m) => { m[0].content.pop() }`,
		`(m) => { m[0].content.reverse() }`, `(m) => { m[0].content[1].image_url.url += '=' }`,
		`(m) => { m[0].content[1].image_url.detail = 'low' }`, `(m) => { m[0].content[3].input_audio.format = 'mp3' }`,
		`(m) => { m[0].name = 'x' }`, `(m) => { m.push({role: 'user', content: 'x'}) }`,
		`(m) => { m[0].content = 'x' }`, `(m) => { m.unshift({role: 'system', content: [{type: 'text', text: 'x'}]}) }`,
	}
	for _, list := range [][]string{same, changes} {
		for _, change := range list {
			v.run(t, `var messages = data.at(0).messages; (`+change+`)(messages)`)
			kept, parts := unchanged(v.run(t, `messages`))
			if want := &list[0] == &same[0]; want != (parts != nil) || want && len(kept) != 1 {
				t.Errorf("%s: unchanged %v", change, parts != nil)
			}
		}
	}
	var o, plain requestOptions
	v.run(t, `var messages = data.at(0).messages; messages.unshift({role: 'system', content: 'be "brief"'})`)
	if err := o.readMessages(v.run(t, `messages`)); err != nil || o.Media == nil {
		t.Fatal(o.Media, err)
	}
	if err := plain.readMessages(v.run(t, `JSON.parse(JSON.stringify(messages))`)); err != nil || plain.Media != nil {
		t.Fatal(plain.Media, err)
	}
	text := string(o.Messages)
	for i, blob := range o.Media.Blobs {
		text = strings.Replace(text, string(api.AppendBlob(nil, i)), blob, 1)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(text), &a), json.Unmarshal(plain.Messages, &b)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got %.300s, want %.300s", text, plain.Messages)
	}
}

// Where requests have addresses, the server fetches the files, and records tell of them.
func TestItemsWithAddresses(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	log := filepath.Join(t.TempDir(), "fetches.jsonl")
	v.run(t, `
		const data = new Dataset({type: 'mock', media: {delivery: 'url', log: '`+log+`', audio: {durations: 0.25},
			video: {representation: 'png_frames', profiles: {resolution: {width: 8, height: 8}, frames: 2}}}});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});`)
	got := v.run(t, `data.at(0).messages[0].content.map((p) => p.type).sort().join(' ')`).String()
	if !strings.HasPrefix(got, "audio_url image_url image_url text") {
		t.Errorf("got %s", got)
	}
	v.start(t)
	v.run(t, `client.send(data.at(0))`)
	all, _ := v.records()
	if len(all) != 1 || all[0].ErrorType != "" || len(all[0].Media) != 2 {
		t.Fatalf("got %+v", all[0])
	}
	for _, m := range all[0].Media {
		if !m.URL || m.Bytes == 0 || m.Kind == record.MediaVideo && m.Frames != 2 {
			t.Errorf("got %+v", m)
		}
	}
	if text, err := os.ReadFile(log); err != nil || strings.Count(string(text), `"status":200`) != 3 {
		t.Errorf("got %s, %v", text, err)
	}
}
