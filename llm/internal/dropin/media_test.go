package dropin

import (
	"encoding/json"
	"strings"
	"testing"
)

const lengthsOfMedia = "input_distribution: {mean: 20}, output_distribution: {mean: 20}, "

// The media of a configuration become the options of Dataset that mean the same.
func TestMediaOfAConfiguration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ data, own, media, prefix string }{
		{data: "{type: synthetic, " + lengthsOfMedia + "multimodal: {image: {count: {type: fixed, mean: 2}, " +
			"resolutions: 1080p, representation: jpeg, insertion_point: 0.25}}}",
			media: `{"image":{"count":2,"insertionPoint":0.25,"representation":"jpeg","resolutions":[` +
				`{"resolution":"1080p","weight":1}]}}`},
		{data: "{type: synthetic, " + lengthsOfMedia + "multimodal: {video: {count: {type: uniform, min: 0, max: 3}, " +
			"profiles: [{profile: {resolution: {width: 8, height: 6}, frames: 3}, weight: 0.5}], insertion_point: " +
			"{type: uniform, min: 0, max: 1}}, audio: {count: {type: fixed, mean: 1}, durations: 1.5}}}",
			own: "{pool: {size: 3}, log: f.jsonl}",
			media: `{"audio":{"count":1,"durations":[{"duration":1.5,"weight":1}],"insertionPoint":null},` +
				`"log":"/dir/f.jsonl","pool":{"size":3},"video":{"count":{"max":3,"mean":512,"min":0,"skew":0,"stdDev":200,` +
				`"type":"uniform"},"insertionPoint":{"max":1,"mean":512,"min":0,"skew":0,"stdDev":200,"type":"uniform"},` +
				`"profiles":[{"profile":{"frames":3,"resolution":{"height":6,"width":8}},"weight":0.5}],` +
				`"representation":"mp4"}}`},
		{data: "{type: shared_prefix, shared_prefix: {multimodal: {audio: {count: {type: fixed, mean: 1}}}}}",
			media: `null`, prefix: `{"audio":{"count":1,"insertionPoint":null}}`},
		{data: "{type: random, " + lengthsOfMedia + "multimodal: {image: {count: {type: fixed, mean: 1}}}}",
			media: `{"image":{"count":1,"insertionPoint":null,"representation":"png"}}`},
		{data: "{type: prompts, path: p, multimodal: {image: {}}}", own: "{image: {count: 2}}",
			media: `{"image":{"count":2}}`},
		{data: "{type: mock}", own: "{image: {count: 2}}", media: `{"image":{"count":2}}`},
	} {
		own := ""
		if tt.own != "" {
			own = "x-llm: {media: " + tt.own + "}\n"
		}
		c := mustParse(t, server+load+own+"api: {type: chat}\ndata: "+tt.data)
		if err := Refused(c); err != nil {
			t.Errorf("%s: %v", tt.data, err)
		}
		c.Load.BaseSeed = new(int64(1))
		o := Dataset(c, "/dir")
		got, _ := json.Marshal(o["media"])
		if string(got) != tt.media {
			t.Errorf("%s: got %s, want %s", tt.data, got, tt.media)
		}
		if prefix, ok := o["sharedPrefix"].(Map); ok && tt.prefix != "" {
			if got, _ := json.Marshal(prefix["media"]); string(got) != tt.prefix {
				t.Errorf("%s: got %s, want %s", tt.data, got, tt.prefix)
			}
		}
	}
}

// Texts beside media have the lengths of inference-perf's if the configuration has none.
func TestUsualLengthsBesideMedia(t *testing.T) {
	t.Parallel()
	const media = "multimodal: {image: {count: {type: fixed, mean: 1}}}"
	for _, tt := range []struct {
		data          string
		input, output any
	}{
		{"{type: synthetic, " + media + "}", int64(100), int64(30)},
		{"{type: synthetic, input_distribution: {type: fixed, mean: 7}, " + media + "}", int64(7), int64(30)},
		{"{type: synthetic, output_distribution: {type: fixed, mean: 7}, " + media + "}", int64(100), int64(7)},
		{"{type: synthetic}", nil, nil},
	} {
		c := mustParse(t, server+load+"api: {type: chat}\ndata: "+tt.data)
		c.Load.BaseSeed = new(int64(1))
		o := Dataset(c, "")
		if o["inputDistribution"] != tt.input || o["outputDistribution"] != tt.output {
			t.Errorf("%s: got %v and %v", tt.data, o["inputDistribution"], o["outputDistribution"])
		}
	}
}

// inference-perf sends shared prefixes with media as chats, whatever the API.
func TestSharedPrefixesWithMediaAreChats(t *testing.T) {
	t.Parallel()
	const media = ", multimodal: {image: {count: {type: fixed, mean: 1}}}"
	for _, tt := range []struct{ api, own, media, want string }{
		{"completion", "", media, "chat"}, {"anthropic_messages", "", media, "anthropic_messages"},
		{"completion", "", "", "completion"}, {"chat", "", "", "chat"},
		{"chat", "x-llm: {data: inference-perf}\n", "", "completion"},
		{"completion", "x-llm: {data: inference-perf}\n", media, "chat"},
	} {
		c := mustParse(t, server+load+tt.own+"api: {type: "+tt.api+"}\ndata: {type: shared_prefix, shared_prefix: {}"+
			tt.media+"}")
		if err := Refused(c); err != nil {
			t.Errorf("%+v: %v", tt, err)
		}
		c.Load.BaseSeed = new(int64(1))
		if got := Dataset(c, "")["api"]; got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}

func TestRefusedMedia(t *testing.T) {
	t.Parallel()
	const count = "count: {type: fixed, mean: 1}"
	for data, want := range map[string]string{
		"{type: synthetic, " + lengthsOfMedia + "multimodal: {image: {" + count + "}}}": "api.type: must be chat, " +
			"anthropic_messages or responses for data.multimodal, got completion: other requests have text alone",
		"{type: shared_prefix, shared_prefix: {enable_multi_turn_chat: true, multimodal: {image: {" + count +
			"}}}}": "data.shared_prefix.enable_multi_turn_chat: must be false with multimodal: media go with single",
		"{type: shared_prefix, multimodal: {image: {" + count + ", insertion_point: 1.5}}}": "data.multimodal.image." +
			"insertion_point: must be from 0, before the text, to 1, behind it, got 1.5",
		"{type: shared_prefix, shared_prefix: {multimodal: {audio: {" + count + ", insertion_point: {mean: 3}}}}}": "" +
			"data.shared_prefix.multimodal.audio.insertion_point: min and max must be 0 or 1",
		"{type: shared_prefix, multimodal: {video: {count: {min: 1, max: 3}}}}": "data.multimodal.video.count.mean: " +
			"must be from min (1) to max (3), got 512, which it is if it is left out: set it, or write type: uniform",
		"{type: random, multimodal: {image: {resolutions: 720p}}}": "data.multimodal.image.count: is missing, so no " +
			"request would have images: write count: {type: fixed, mean: 1}, or leave image out",
		"{type: shared_prefix, shared_prefix: {multimodal: {audio: {}}}}\nx-llm: {media: {audio: {}}}": "data." +
			"shared_prefix.multimodal.audio.count: is missing, so no request would have sounds",
		"{type: random, multimodal: {image: {" + count + "}}}": "api.type: must be chat, anthropic_messages or " +
			"responses for data.multimodal, got completion",
		"{type: mock}\nx-llm: {media: {image: {}}}": "responses for x-llm.media, got completion",
		"{type: mock}\nx-llm: {media: {pool: {size: 3}}}": "x-llm.media: has no image, video or audio, and nor has " +
			"data.multimodal: say what requests have, such as {image: {count: 1}}",
		"{type: conversation_replay, multimodal: {image: {" + count + "}}}": "data.multimodal: data.type " +
			"conversation_replay takes no media: leave it out, or use data.type random, ",
		"{type: conversation_replay}\nx-llm: {media: {image: {}}}": "x-llm.media: data.type " +
			"conversation_replay takes no media",
		"{type: synthetic, shared_prefix: {multimodal: {image: {" + count + "}}}}": "data.shared_prefix.multimodal: " +
			"data.type synthetic has no system prompts to put media into: use data.multimodal, or",
	} {
		err := Refused(mustParse(t, server+load+"data: "+data))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", data, err, want)
		}
	}
}
