package compare

import "math"

// Media holds what is compared of the pictures, videos and sounds of a request: of its answer where the API makes
// media, else of its prompt.
type Media struct {
	Images, Videos, Audios float64
	FirstAudio             float64 // seconds from sending to the first bytes of a sound; NaN if the answer is none
	RealTime               float64 // latency / seconds of sound; NaN if its length is unknown, or without a sound
	Missing                float64 // seconds that a player of the sound stood still; NaN likewise
	Continuous             float64 // 1 if at most so much sound was missing as listeners tolerate, else 0; NaN likewise
	PerPicture             float64 // latency / pictures of an answer; NaN if it has none
}

// otherNames are the names that objectives have for these quantities.
var otherNames = map[string]string{"first_audio": "time_to_first_audio", "ttfa": "time_to_first_audio",
	"rtf": "real_time_factor"}

// ofMedia returns a figure of media, NaN of a request without media.
func ofMedia(figure func(*Media) float64) func(*Request) float64 {
	return func(q *Request) float64 {
		if q.Media == nil {
			return math.NaN()
		}
		return figure(q.Media)
	}
}

// mediaRate returns a rate of media, which only requests with media have.
func mediaRate(name string, n func(*Media) float64) quantity {
	return quantity{name: name + "s_per_sec", unit: Unit(name + "s/s"), direction: HigherIsBetter,
		perSecond: func(q *Request) float64 {
			if q.Media == nil || n(q.Media) == 0 {
				return math.NaN()
			}
			return succeeded(q) * n(q.Media)
		}}
}

// mediaQuantities returns the quantities of media.
func mediaQuantities() []quantity {
	return []quantity{
		{name: "time_to_first_audio", unit: Seconds, direction: LowerIsBetter, headline: true,
			latency: ofMedia(func(m *Media) float64 { return m.FirstAudio })},
		{name: "real_time_factor", unit: Factor, direction: LowerIsBetter, headline: true,
			latency: ofMedia(func(m *Media) float64 { return m.RealTime })},
		{name: "missing_seconds", unit: Seconds, direction: LowerIsBetter,
			latency: ofMedia(func(m *Media) float64 { return m.Missing })},
		{name: "continuity", unit: Share, direction: HigherIsBetter, headline: true,
			share: ofMedia(func(m *Media) float64 { return m.Continuous })},
		{name: "seconds_per_picture", unit: Seconds, direction: LowerIsBetter,
			latency: ofMedia(func(m *Media) float64 { return m.PerPicture })},
		mediaRate("image", func(m *Media) float64 { return m.Images }),
		mediaRate("video", func(m *Media) float64 { return m.Videos }),
		mediaRate("audio", func(m *Media) float64 { return m.Audios }),
	}
}
