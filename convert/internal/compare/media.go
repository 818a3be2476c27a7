package compare

import "math"

// Media holds what is compared of the pictures, videos and sounds of a request: of its answer where the API makes
// media, else of its prompt.
type Media struct {
	Images, Videos, Audios float64
	FirstAudio             float64 // seconds from sending to the first bytes of a sound; NaN if the answer is none
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
			latency: func(q *Request) float64 {
				if q.Media == nil {
					return math.NaN()
				}
				return q.Media.FirstAudio
			}},
		mediaRate("image", func(m *Media) float64 { return m.Images }),
		mediaRate("video", func(m *Media) float64 { return m.Videos }),
		mediaRate("audio", func(m *Media) float64 { return m.Audios }),
	}
}
