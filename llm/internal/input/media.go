package input

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/mediahost"
)

// MediaOptions are the options of the media in prompts.
type MediaOptions struct {
	Each          *datasets.MediaMix
	Content       string // NoiseContent, SolidContent, or "" for noise, or solid with inference-perf's prompts
	BytesPerPixel float64
	Pool          datasets.MediaPool
	Delivery      string // DeliveredAsData or DeliveredByURL
	Listen        string // of the server for DeliveredByURL
	URL           string
	Log           string // path
}

// What files hold, and how they come to the model server.
const (
	NoiseContent    = "noise"
	SolidContent    = "solid"
	DeliveredAsData = "data"
	DeliveredByURL  = "url"
)

// DefaultMediaOptions returns the options of media if nothing is said of them.
func DefaultMediaOptions() *MediaOptions { return &MediaOptions{Delivery: DeliveredAsData} }

// hasMedia reports whether prompts have media.
func (o *DatasetOptions) hasMedia() bool { return o.Media != nil || o.Shared.Media != nil }

// checkMedia checks the options of media, and refuses them where there is no prompt to put them into.
func checkMedia(o *DatasetOptions) error {
	if !o.hasMedia() {
		return nil
	}
	if o.Shared.Media != nil && o.Kind != "shared_prefix" {
		return invalid("sharedPrefix", fmt.Errorf("type %s does not use it", o.Kind))
	}
	name := "media"
	if o.Media == nil {
		name = "sharedPrefix"
	}
	if err := refuseMedia(o); err != nil {
		return invalid(name, err)
	}
	if err := mediaOptions(o).Validate(); err != nil {
		return invalid(name, err)
	}
	for _, kind := range MediaKinds(o) {
		if err := api.CheckMedia(o.API, kind); err != nil {
			return invalid(name, err)
		}
	}
	if o.Media == nil {
		return nil
	}
	if err := o.Media.check(); err != nil {
		return invalid("media", err)
	}
	if o.Media.Each == nil && o.Shared.Media == nil {
		return invalid("media", errors.New("has no image, video or audio: say what requests have, such as "+
			"{image: {count: 1}}"))
	}
	return nil
}

// refuseMedia tells why requests cannot have media.
func refuseMedia(o *DatasetOptions) error {
	switch {
	case slices.Contains(sessionKinds, o.Kind):
		return fmt.Errorf("type %s replays sessions as they were recorded: media go with single requests", o.Kind)
	case o.Kind == visionArena:
		return errors.New("type visionarena has images of its own: leave media out")
	case o.Kind == "conversation_replay":
		return errors.New("type conversation_replay has several turns: media go with single requests")
	case o.Turns != 0:
		return errors.New("media go with single requests: leave turns out")
	case o.Shared.MultiTurn:
		return errors.New("media go with single requests: leave sharedPrefix.enableMultiTurnChat out")
	case o.API.Input() != api.InputMessages:
		return fmt.Errorf("api '%s' sends texts alone: media need api: 'chat', 'anthropic_messages' or 'responses'",
			o.API.Name())
	}
	return nil
}

// MediaKinds returns the kinds of media in the items of a data set, as requests carry them: the frames of a video can
// be images.
func MediaKinds(o *DatasetOptions) (kinds []string) {
	mixes := []*datasets.MediaMix{o.Shared.Media}
	if o.Media != nil {
		mixes = append(mixes, o.Media.Each)
	}
	for _, mix := range mixes {
		if mix == nil {
			continue
		}
		if mix.Image != nil {
			kinds = append(kinds, string(datasets.Image))
		}
		if mix.Video != nil {
			kind, _ := (&datasets.Media{Kind: datasets.Video, Format: mix.Video.Format}).PartType()
			kinds = append(kinds, kind)
		}
		if mix.Audio != nil {
			kinds = append(kinds, string(datasets.Audio))
		}
	}
	return kinds
}

// check checks the options that are not those of the files.
func (o *MediaOptions) check() error {
	switch {
	case o.Content != "" && o.Content != NoiseContent && o.Content != SolidContent:
		return fmt.Errorf("content: must be '%s' or '%s', got %q", NoiseContent, SolidContent, o.Content)
	case o.Delivery != DeliveredAsData && o.Delivery != DeliveredByURL:
		return fmt.Errorf("delivery: must be '%s' or '%s', got %q", DeliveredAsData, DeliveredByURL, o.Delivery)
	}
	if o.Delivery == DeliveredAsData {
		for name, value := range map[string]string{"listen": o.Listen, "url": o.URL, "log": o.Log} {
			if value != "" {
				return fmt.Errorf("%s: needs delivery: '%s'", name, DeliveredByURL)
			}
		}
		return nil
	}
	return mediahost.Options{Listen: o.Listen, URL: o.URL, Log: o.Log}.Check()
}

// mediaOptions returns the options of the files, without their seed.
func mediaOptions(o *DatasetOptions) *datasets.MediaOptions {
	original := o.Prompts == OriginalPrompts
	m := &datasets.MediaOptions{Prefix: o.Shared.Media, Original: original, Solid: original}
	if own := o.Media; own != nil {
		m.Each, m.BytesPerPixel, m.Pool = own.Each, own.BytesPerPixel, own.Pool
		if own.Content != "" {
			m.Solid = own.Content == SolidContent
		}
	}
	return m
}

// withMedia adds media to the items of a set.
func (s *Source) withMedia(o *DatasetOptions, set datasets.Set) (datasets.Set, error) {
	if !o.hasMedia() {
		return set, nil
	}
	m := mediaOptions(o)
	if o.Seed != nil {
		m.Seed = *o.Seed
	}
	m.Salt = s.salt(o)
	if own := o.Media; own != nil && own.Delivery == DeliveredByURL {
		at := mediahost.Options{Listen: own.Listen, URL: own.URL}
		if own.Log != "" {
			at.Log = s.Abs(own.Log)
		}
		host, err := s.Shared.hosts.Get(at, func() (*mediahost.Host, error) { return mediahost.New(at), nil })
		if err != nil {
			return nil, err
		}
		m.Host = mediaHost{host}
	}
	with, err := datasets.NewMultimodal(set, *m)
	if err != nil {
		return nil, invalid("media", err)
	}
	return with, nil
}

// mediaHost serves the files of a data set.
type mediaHost struct{ *mediahost.Host }

// Add makes a file available, and returns its address.
func (h mediaHost) Add(f datasets.HostedFile) (string, error) {
	return h.Host.Add(mediahost.File{Name: f.Name, Type: f.Type, Kind: string(f.Kind), Once: f.Once,
		Open: f.Open})
}

// tooMuch is the size of the body of a request that many servers and gateways refuse.
const tooMuch = 32 << 20

// Prepare makes the media of prompts that come again before the load, and tells what is sent. Calls after the first do
// nothing. An error is one that the first request tells of, too.
func (s *Set) Prepare(ctx context.Context, log logrus.FieldLogger) {
	for _, part := range s.parts {
		part.Prepare(ctx, log)
	}
	set, ok := s.Set.(*datasets.Multimodal)
	if !ok {
		return
	}
	s.prepared.Do(func() {
		last := time.Now()
		made, err := set.Prepare(ctx, func(done, all int) {
			if now := time.Now(); now.Sub(last) > 2*time.Second {
				last = now
				log.Infof("making media: %d of %d so far", done, all)
			}
		})
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			log.Warnf("making media: %v", err)
			return
		}
		log.Info(plain.Terminal(describeMedia(set, made)))
		if body := made.Most / 3 * 4; body > tooMuch && !set.Hosted() {
			log.Warnf("requests have up to %s of media: many servers and gateways refuse such bodies. Smaller "+
				"resolutions, the format jpeg or delivery: 'url' make them smaller", megabytes(float64(body)))
		}
	})
}

// describeMedia says what media a data set sends.
func describeMedia(set *datasets.Multimodal, made datasets.Prepared) string {
	text := []string{"requests have media: " + set.Describe(), megabytes(made.Bytes) + " a request on average"}
	if set.Hosted() {
		text = append(text, "which the model server fetches from this machine")
	} else {
		text = append(text, "and a third more in base64")
	}
	if made.Pool > 0 {
		text = append(text, fmt.Sprintf("%v%% of them from a pool of %d files", 100*set.Reuse(), made.Pool))
	}
	if made.Memory > 0 {
		text = append(text, "those that come again take "+megabytes(float64(made.Memory))+" of memory")
	}
	return strings.Join(text, ", ")
}

func megabytes(n float64) string {
	switch {
	case n < 100_000:
		return fmt.Sprintf("%.1f kB", n/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
	return fmt.Sprintf("%.1f GB", n/1e9)
}
