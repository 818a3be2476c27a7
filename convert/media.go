package convert

import (
	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// inference-perf's figures of media: of each request how many it has, 0 included, and of each medium what is known.
type (
	imageBlock struct {
		Count       *Distribution `json:"count"`
		Pixels      *Distribution `json:"pixels"`
		Bytes       *Distribution `json:"bytes"`
		AspectRatio *Distribution `json:"aspect_ratio"` // width / height
	}
	videoBlock struct {
		Count       *Distribution `json:"count"`
		Frames      *Distribution `json:"frames"`
		Pixels      *Distribution `json:"pixels"` // of a frame
		Bytes       *Distribution `json:"bytes"`  // of the file, or of all frames
		AspectRatio *Distribution `json:"aspect_ratio"`
	}
	audioBlock struct {
		Count   *Distribution `json:"count"`
		Seconds *Distribution `json:"seconds"`
		Bytes   *Distribution `json:"bytes"`
	}
)

// mediaOf returns the media of a request that inference-perf's keys are about: those of its answer if its API makes
// media, else those of its prompt.
func mediaOf(q *run.Request) []record.Media {
	switch {
	case q.Media == nil:
		return nil
	case q.Textless:
		return q.Media.Answer
	}
	return q.Media.Prompt
}

// mediaFigures holds inference-perf's figures of media of a group.
type mediaFigures struct {
	image                  imageBlock
	video                  videoBlock
	audio                  audioBlock
	images, videos, audios float64 // how many there are
}

// mediaFiguresOf returns the figures of the successes.
func mediaFiguresOf(g *subset) (f mediaFigures) {
	if !g.run.HasMedia {
		none := g.sum(g.ok, zero)
		f.image.Count, f.video.Count, f.audio.Count = none, none, none
		return f
	}
	lists := map[string]*mediaLists{record.MediaImage: {}, record.MediaVideo: {}, record.MediaAudio: {}}
	for _, q := range g.ok {
		counts := map[string]float64{}
		for _, m := range mediaOf(q) {
			counts[m.Kind]++
			lists[m.Kind].add(&m)
		}
		for kind, l := range lists {
			l.counts = append(l.counts, counts[kind])
		}
	}
	sum := func(values []float64) *Distribution { return NewDistribution(values, g.opts.Percentiles) }
	i, v, a := lists[record.MediaImage], lists[record.MediaVideo], lists[record.MediaAudio]
	f.images, f.videos, f.audios = i.n, v.n, a.n
	f.image = imageBlock{sum(i.counts), sum(i.pixels), sum(i.bytes), sum(i.ratios)}
	f.video = videoBlock{sum(v.counts), sum(v.frames), sum(v.pixels), sum(v.bytes), sum(v.ratios)}
	f.audio = audioBlock{sum(a.counts), sum(a.seconds), sum(a.bytes)}
	return f
}

// mediaLists holds the figures of media of a kind.
type mediaLists struct {
	n                                      float64
	counts                                 []float64 // of each request
	pixels, bytes, ratios, frames, seconds []float64 // of each medium that has the figure
}

func (l *mediaLists) add(m *record.Media) {
	l.n++
	if m.Bytes > 0 || !m.URL { // those that a server fetched from elsewhere are of unknown size
		l.bytes = append(l.bytes, float64(m.Bytes))
	}
	if pixels := m.Pixels(); pixels > 0 {
		l.pixels, l.ratios = append(l.pixels, float64(pixels)), append(l.ratios, ratioOf(m))
	}
	if m.Frames > 0 {
		l.frames = append(l.frames, float64(m.Frames))
	}
	if m.Seconds > 0 {
		l.seconds = append(l.seconds, m.Seconds)
	}
}

// ratioOf returns the width in heights, 0 without a height.
func ratioOf(m *record.Media) float64 {
	if m.Height == 0 {
		return 0
	}
	return float64(m.Width) / float64(m.Height)
}

// The media of a request in inference-perf's per-request file. Each is null without any of its kind.
type (
	imageInstances struct {
		Count     int             `json:"count"`
		Instances []imageInstance `json:"instances"`
	}
	imageInstance struct {
		Pixels      int64 `json:"pixels"`
		Bytes       int64 `json:"bytes"`
		AspectRatio Float `json:"aspect_ratio"`
	}
	videoInstances struct {
		Count     int             `json:"count"`
		Instances []videoInstance `json:"instances"`
	}
	videoInstance struct {
		Pixels      int64 `json:"pixels"`
		Bytes       int64 `json:"bytes"`
		AspectRatio Float `json:"aspect_ratio"`
		Frames      int   `json:"frames"`
	}
	audioInstances struct {
		Count     int             `json:"count"`
		Instances []audioInstance `json:"instances"`
	}
	audioInstance struct {
		Bytes   int64 `json:"bytes"`
		Seconds Float `json:"seconds"`
	}
)

// setMedia lists the media of a success.
func (m *requestMetrics) setMedia(q *run.Request) {
	for _, item := range mediaOf(q) {
		switch ratio := Float(ratioOf(&item)); item.Kind {
		case record.MediaImage:
			if m.Image == nil {
				m.Image = &imageInstances{}
			}
			m.Image.Count++
			m.Image.Instances = append(m.Image.Instances, imageInstance{item.Pixels(), item.Bytes, ratio})
		case record.MediaVideo:
			if m.Video == nil {
				m.Video = &videoInstances{}
			}
			m.Video.Count++
			m.Video.Instances = append(m.Video.Instances, videoInstance{item.Pixels(), item.Bytes, ratio, item.Frames})
		case record.MediaAudio:
			if m.Audio == nil {
				m.Audio = &audioInstances{}
			}
			m.Audio.Count++
			m.Audio.Instances = append(m.Audio.Instances, audioInstance{item.Bytes, Float(item.Seconds)})
		}
	}
}

// mediaRate returns how many media come a second. Of imported results without times the rate is unknown, which
// inference-perf's key cannot say: 0.
func mediaRate(n, seconds float64) Float {
	if !(seconds > 0) {
		return 0
	}
	return Float(n / seconds)
}

// comparedMedia returns what a comparison needs of the media of a request, nil if it has none.
func comparedMedia(g *subset, q *run.Request) *compare.Media {
	if q.Media == nil {
		return nil
	}
	m := &compare.Media{FirstAudio: unknown, RealTime: unknown, Missing: unknown, Continuous: unknown,
		PerPicture: unknown}
	if !q.Failed() {
		setComparedAnswer(g, q, m)
	}
	for _, item := range mediaOf(q) {
		switch item.Kind {
		case record.MediaImage:
			m.Images++
		case record.MediaVideo:
			m.Videos++
		case record.MediaAudio:
			m.Audios++
		}
	}
	return m
}

// setComparedAnswer sets what is compared of a success by its API.
func setComparedAnswer(g *subset, q *run.Request, m *compare.Media) {
	switch q.API {
	case record.APISpeech:
		m.FirstAudio, m.RealTime = firstArrival(g, q), realTimeFactor(g, q)
		played, known := record.NewPlayback(q.Media.Arrivals, q.Media.Sound, playSeconds(g, q), 0)
		if !known || q.LeftOut {
			return
		}
		m.Missing, m.Continuous = played.Missing.Seconds(), 0
		if m.Missing <= tolerance {
			m.Continuous = 1
		}
	case record.APITranscription:
		m.RealTime = realTimeFactor(g, q)
	case record.APIImage:
		if n := len(q.Media.Answer); n > 0 {
			m.PerPicture = requestLatency(g, q) / float64(n)
		}
	}
}
