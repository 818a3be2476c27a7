package convert

import (
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Transcription sums up the successes of the API transcription, which turns sounds into text.
type Transcription struct {
	Answered
	Sounds
	FileBytes   *Distribution `json:"file_bytes"`
	Uploading   *Distribution `json:"uploading"`            // time that the form took to send
	AfterUpload *Distribution `json:"latency_after_upload"` // latency less uploading
	FirstText   *Distribution `json:"time_to_first_text"`   // of streamed answers
}

// newTranscription returns the figures of the successes of the API.
func newTranscription(g *subset, ok []*run.Request) *Transcription {
	t := &Transcription{Answered: newAnswered(g, ok), Sounds: newSounds(g, ok), FileBytes: g.sum(ok, fileBytes),
		Uploading: g.sum(ok, sending)}
	t.AfterUpload = g.sum(ok, func(g *subset, q *run.Request) float64 { return requestLatency(g, q) - sending(g, q) })
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

func (t *Transcription) rates() []string {
	return []string{rate(t.AudioRate, 2) + " s of sound transcribed/s"}
}

func (t *Transcription) first() string { return middle("RTF", t.RealTime, 1, "") }

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
	n := t.Requests - t.Measured
	w.warn(n > 0, "the length of %s is unknown: they have no real-time factor; send wav, mp3 or flac",
		plural(n, "sound"))
}
