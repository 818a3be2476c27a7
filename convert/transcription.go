package convert

import (
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Transcription sums up the successes of the API transcription, which turns sounds into text.
type Transcription struct {
	Answered
	RealTime     *Distribution `json:"real_time_factor"`  // latency / seconds of sound: above 1, slower than it plays
	Speed        *Distribution `json:"real_time_speed"`   // the inverse, also called RTFx
	Measured     int           `json:"requests_measured"` // whose sounds have a known length
	AudioSeconds *Distribution `json:"audio_seconds"`     // of the files
	AudioTotal   Maybe         `json:"audio_seconds_total"`
	AudioRate    Maybe         `json:"audio_seconds_per_sec"`
	FileBytes    *Distribution `json:"file_bytes"`
	Uploading    *Distribution `json:"uploading"`            // time that the form took to send
	AfterUpload  *Distribution `json:"latency_after_upload"` // latency less uploading
	FirstText    *Distribution `json:"time_to_first_text"`   // of streamed answers
}

// newTranscription returns the figures of the successes of the API.
func newTranscription(g *subset, ok []*run.Request) *Transcription {
	t := &Transcription{Answered: g.answered(ok)}
	t.RealTime, t.Speed = g.sum(ok, realTimeFactor), g.sum(ok, realTimeSpeed)
	t.AudioSeconds = g.sum(ok, audioSeconds)
	t.Measured = len(g.values(ok, audioSeconds))
	total := knownTotal(g, ok, audioSeconds)
	t.AudioTotal, t.AudioRate = Maybe(total), g.perSecond(total)
	t.FileBytes, t.Uploading = g.sum(ok, fileBytes), g.sum(ok, uploading)
	t.AfterUpload = g.sum(ok, func(g *subset, q *run.Request) float64 { return requestLatency(g, q) - uploading(g, q) })
	t.FirstText = g.sum(ok, func(_ *subset, q *run.Request) float64 {
		if q.LeftOut {
			return unknown
		}
		return q.TTFT
	})
	return t
}

func fileBytes(_ *subset, q *run.Request) float64 {
	if q.Media == nil || len(q.Media.Prompt) == 0 {
		return unknown
	}
	return float64(q.Media.Prompt[0].Bytes)
}

func uploading(_ *subset, q *run.Request) float64 {
	if q.LeftOut || q.Media == nil || q.Media.Sent == 0 {
		return unknown
	}
	return float64(q.Media.Sent) / 1e9
}

func (t *Transcription) rates() []string { return []string{rate(t.AudioRate, 2) + " s of sound/s"} }

func (t *Transcription) sentence() string {
	var list []string
	if t.Speed != nil {
		factor := percentileCells(t.RealTime, 1, 50, 99)
		list = append(list, "p50 "+percentileCells(t.Speed, 1, 50)[0]+" times as fast as the sound plays (RTFx; "+
			"latency / seconds of sound p50 "+factor[0]+", p99 "+factor[1]+")")
	}
	if t.Uploading != nil {
		list = append(list, "uploads p50 "+percentileCells(t.Uploading, 1000, 50)[0]+" ms")
	}
	return strings.Join(list, "; ")
}

// warn tells of sounds that are in few figures.
func (t *Transcription) warn(w *warner) {
	if n := t.Requests - t.Measured; n > 0 {
		w.warn(true, "the length of %s is unknown: they have no real-time factor; send wav, mp3 or flac",
			plural(n, "sound"))
	}
}
