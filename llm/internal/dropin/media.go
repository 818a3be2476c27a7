package dropin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// mediaTypes are the types of data whose prompts have the media of data.multimodal. inference-perf knows the second and
// the third, and sends the others without media.
var mediaTypes = []config.DataType{
	config.RandomData, config.SyntheticData, config.SharedPrefixData, config.MockData, config.PromptsData,
	config.ShareGPT, config.CNNDailyMail, config.InfinityInstruct, config.BillSumConversations,
}

// keyed is the media of a configuration together with their key.
type keyed struct {
	key string
	*config.Multimodal
}

// mixes returns the media of a configuration that have an effect.
func mixes(d config.Data) (list []keyed) {
	if d.Multimodal != nil && slices.Contains(mediaTypes, d.Type) {
		list = append(list, keyed{eachKey, d.Multimodal})
	}
	if p := d.SharedPrefix; d.Type == config.SharedPrefixData && p != nil && p.Multimodal != nil {
		list = append(list, keyed{prefixKey, p.Multimodal})
	}
	return list
}

// The keys of media.
const eachKey, prefixKey, ownMedia = "data.multimodal", "data.shared_prefix.multimodal", "x-llm.media"

// hasMedia reports whether the prompts of a configuration have media.
func hasMedia(d config.Data) bool { return len(mixes(d)) > 0 }

// mediaOptions sets the options of the media in prompts.
func mediaOptions(m mapping, o Map) {
	for _, mix := range mixes(m.config.Data) {
		switch drawn := mixOption(mix.Multimodal); {
		case len(drawn) == 0:
		case mix.key == eachKey:
			o["media"] = drawn
		default:
			o["sharedPrefix"].(Map)["media"] = drawn // set before
		}
	}
	if len(m.config.Own.Media) > 0 {
		own, ok := o["media"].(Map)
		if !ok {
			own = Map{}
		}
		m.add(own, m.config.Own.Media)
		o["media"] = own
	}
}

// usualLengths sets the lengths that inference-perf gives texts beside media, and their answers, if none are set.
func usualLengths(data config.Data, o Map) {
	if data.Type == config.SyntheticData && data.Multimodal != nil {
		o.set("inputDistribution", int64(100), data.Input == nil)
		o.set("outputDistribution", int64(30), data.Output == nil)
	}
}

// mixOption returns the media of a prompt as an option. Those without a count are not drawn.
func mixOption(m *config.Multimodal) Map {
	o := Map{}
	if i := m.Image; i != nil && i.Count != nil {
		image := Map{"count": lengthOption(i.Count), "insertionPoint": placeOption(i.Insertion),
			"representation": string(i.Representation)}
		image.set("resolutions", listOption(i.Resolutions, func(w config.WeightedResolution) any {
			return Map{"resolution": resolutionOption(w.Resolution), "weight": w.Weight}
		}), len(i.Resolutions) > 0)
		o["image"] = image
	}
	if v := m.Video; v != nil && v.Count != nil {
		video := Map{"count": lengthOption(v.Count), "insertionPoint": placeOption(v.Insertion),
			"representation": string(v.Representation)}
		video.set("profiles", listOption(v.Profiles, func(w config.WeightedProfile) any {
			profile := Map{"resolution": resolutionOption(w.Profile.Resolution), "frames": w.Profile.Frames}
			return Map{"profile": profile, "weight": w.Weight}
		}), len(v.Profiles) > 0)
		o["video"] = video
	}
	if a := m.Audio; a != nil && a.Count != nil {
		audio := Map{"count": lengthOption(a.Count), "insertionPoint": placeOption(a.Insertion)}
		audio.set("durations", listOption(a.Durations, func(w config.WeightedDuration) any {
			return Map{"duration": w.Duration, "weight": w.Weight}
		}), len(a.Durations) > 0)
		o["audio"] = audio
	}
	return o
}

func listOption[T any](items []T, option func(T) any) (list []any) {
	for _, item := range items {
		list = append(list, option(item))
	}
	return list
}

func resolutionOption(r config.Resolution) any {
	if r.Name != "" {
		return r.Name
	}
	return Map{"width": r.Width, "height": r.Height}
}

// refusedMedia names what this module does not do with media, by their keys.
func refusedMedia(c *config.Config) (faults []error) {
	list := mixes(c.Data)
	faults = append(withoutText(c), countless(list, c.Own)...)
	if len(list) == 0 && c.Own.Media == nil || faults != nil {
		return faults
	}
	if !sendsMessages(config.APIType((mapping{config: c}).api())) {
		faults = append(faults, fmt.Errorf("api.type: must be chat, anthropic_messages or responses for "+
			"%s, got %s: other requests have text alone", mediaKey(list), c.API.Type))
	}
	if p := c.Data.SharedPrefix; p != nil && p.MultiTurn && c.Data.Type == config.SharedPrefixData {
		faults = append(faults, fmt.Errorf("data.shared_prefix.enable_multi_turn_chat: must be false with multimodal: "+
			"media go with single requests, as in inference-perf"))
	}
	for _, mix := range list {
		if m := mix.Image; m != nil {
			faults = append(faults, checkInsertion(mix.key+".image", m.Insertion)...)
		}
		if m := mix.Video; m != nil {
			faults = append(faults, checkInsertion(mix.key+".video", m.Insertion)...)
		}
		if m := mix.Audio; m != nil {
			faults = append(faults, checkInsertion(mix.key+".audio", m.Insertion)...)
		}
	}
	return faults
}

// mediaKey returns the key that asks for media.
func mediaKey(list []keyed) string {
	if len(list) == 0 {
		return ownMedia
	}
	return list[0].key
}

// withoutText names the media of data whose requests have none.
func withoutText(c *config.Config) (faults []error) {
	d := c.Data
	if !slices.Contains(mediaTypes, d.Type) {
		for _, asked := range []struct {
			key string
			set bool
		}{{eachKey, d.Multimodal != nil}, {ownMedia, len(c.Own.Media) > 0}} {
			if asked.set {
				faults = append(faults, fmt.Errorf("%s: data.type %s takes no media: "+
					"leave it out, or use data.type random, synthetic or prompts", asked.key, d.Type))
			}
		}
	}
	if p := d.SharedPrefix; d.Type != config.SharedPrefixData && p != nil && p.Multimodal != nil {
		faults = append(faults, fmt.Errorf("%s: data.type %s has no system prompts to put media into: use %s, or "+
			"data.type shared_prefix", prefixKey, d.Type, eachKey))
	}
	return faults
}

// countless names the media that nothing draws, because their number is missing.
func countless(list []keyed, own config.Own) (faults []error) {
	for _, mix := range list {
		for _, m := range []struct {
			kind, plural   string
			given, counted bool
		}{
			{"image", "images", mix.Image != nil, mix.Image != nil && mix.Image.Count != nil},
			{"video", "videos", mix.Video != nil, mix.Video != nil && mix.Video.Count != nil},
			{"audio", "sounds", mix.Audio != nil, mix.Audio != nil && mix.Audio.Count != nil},
		} {
			if m.given && !m.counted && (mix.key != eachKey || own.Media[m.kind] == nil) {
				faults = append(faults, fmt.Errorf("%s.%s.count: is missing, so no request would have %s: write "+
					"count: {type: fixed, mean: 1}, or leave %[2]s out", mix.key, m.kind, m.plural))
			}
		}
	}
	drawn := len(list) > 0
	for _, kind := range []string{"image", "video", "audio"} {
		drawn = drawn || own.Media[kind] != nil
	}
	if len(own.Media) > 0 && !drawn {
		faults = append(faults, fmt.Errorf("%s: has no image, video or audio, and nor has %s: say what requests have, "+
			"such as {image: {count: 1}}", ownMedia, eachKey))
	}
	return faults
}

func checkInsertion(key string, at *config.Amount) []error {
	switch {
	case at == nil:
		return nil
	case at.Distribution != nil && (at.Distribution.Min < 0 || at.Distribution.Max > 1):
		return []error{fmt.Errorf("%s.insertion_point: min and max must be 0 or 1, before the text or behind it, got "+
			"%d and %d", key, at.Distribution.Min, at.Distribution.Max)}
	case at.Distribution == nil && !(at.X >= 0 && at.X <= 1):
		return []error{fmt.Errorf("%s.insertion_point: must be from 0, before the text, to 1, behind it, got %v", key,
			at.X)}
	}
	return nil
}

// drawnOfMedia lists the distributions of the numbers of media.
func drawnOfMedia(d config.Data) (list []length) {
	for _, mix := range mixes(d) {
		key := strings.TrimPrefix(mix.key, "data.")
		if mix.Image != nil {
			list = append(list, length{key + ".image.count", mix.Image.Count})
		}
		if mix.Video != nil {
			list = append(list, length{key + ".video.count", mix.Video.Count})
		}
		if mix.Audio != nil {
			list = append(list, length{key + ".audio.count", mix.Audio.Count})
		}
	}
	return list
}
