package convert

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Speech sums up the successes of the API speech, whose answers are sounds. Sounds whose length the bytes do not tell
// are in no figure of it.
type Speech struct {
	Answered
	FirstAudio *Distribution `json:"time_to_first_audio"` // the first bytes of sound, which a header is not
	Sounds
	BytesRate  Maybe          `json:"audio_bytes_per_sec"`
	Characters Maybe          `json:"characters"` // of the texts
	CharRate   Maybe          `json:"characters_per_sec"`
	Formats    map[string]int `json:"formats"` // answers by format; unknown for those of none
	Players    []Player       `json:"players"`
}

// Sounds sums up the sounds of speech or of transcriptions, of those whose length is known.
type Sounds struct {
	RealTime     *Distribution `json:"real_time_factor"`  // latency / seconds of sound: above 1, slower than it plays
	Speed        *Distribution `json:"real_time_speed"`   // the inverse, also called RTFx
	Measured     int           `json:"requests_measured"` // how many they are
	AudioSeconds *Distribution `json:"audio_seconds"`
	AudioTotal   Maybe         `json:"audio_seconds_total"`
	AudioRate    Maybe         `json:"audio_seconds_per_sec"`
}

// newSounds returns the figures of the sounds of successes.
func newSounds(g *subset, ok []*run.Request) Sounds {
	total := knownTotal(g, ok, playSeconds)
	return Sounds{RealTime: g.sum(ok, realTimeFactor), Speed: g.sum(ok, realTimeSpeed),
		Measured: len(g.values(ok, playSeconds)), AudioSeconds: g.sum(ok, playSeconds), AudioTotal: Maybe(total),
		AudioRate: perSecond(g, total)}
}

// Player sums up what listeners heard who played each sound while it came.
type Player struct {
	Buffer     float64       `json:"buffer_seconds"` // of sound, before which they did not begin
	Requests   int           `json:"requests"`       // whose sounds have a known length
	Tolerance  float64       `json:"tolerance_seconds"`
	Continuous Maybe         `json:"continuity_ok"` // share of sounds of which no more than the tolerance was missing
	Stalled    int           `json:"requests_stalled"`
	Stalls     int           `json:"stalls"`
	Missing    *Distribution `json:"missing_seconds"` // that the player stood still, of each sound
	Longest    *Distribution `json:"longest_stall"`   // of sounds with a stall
	Begin      *Distribution `json:"begin"`           // of the sound, after sending
}

// tolerance is how much of a sound may be missing, in seconds: what vllm-omni's benchmark allows.
const tolerance = 0.1

// newSpeech returns the figures of the successes of the API.
func newSpeech(g *subset, ok []*run.Request) *Speech {
	text := g.total(ok, characters)
	s := &Speech{
		Answered: newAnswered(g, ok), FirstAudio: g.sum(ok, firstArrival), Sounds: newSounds(g, ok),
		BytesRate:  perSecond(g, knownTotal(g, ok, audioBytes)),
		Characters: Maybe(text), CharRate: perSecond(g, text), Formats: map[string]int{}, Players: []Player{},
	}
	for _, q := range ok {
		s.Formats[formatOf(q)]++
	}
	for _, buffer := range []time.Duration{0, 100 * time.Millisecond} {
		s.Players = append(s.Players, newPlayer(g, ok, buffer))
	}
	return s
}

// knownTotal adds a figure up over the requests that have it.
func knownTotal(g *subset, requests []*run.Request, f figure) float64 {
	return stats.Sum(g.values(requests, f))
}

func formatOf(q *run.Request) string {
	if q.Media == nil || len(q.Media.Answer) == 0 || q.Media.Answer[0].Format == "" {
		return "unknown"
	}
	return q.Media.Answer[0].Format
}

// firstArrival is the time to the first bytes of a sound, or to the first picture of a stream.
func firstArrival(_ *subset, q *run.Request) float64 {
	if q.LeftOut || q.Media == nil || len(q.Media.Arrivals) == 0 {
		return unknown
	}
	return float64(q.Media.Arrivals[0]) / 1e6
}

// playSeconds returns how long the sound or the video of an answer plays, or the sound to write down.
func playSeconds(_ *subset, q *run.Request) float64 {
	if q.Media == nil {
		return unknown
	}
	list := q.Media.Answer
	if q.API == record.APITranscription {
		list = q.Media.Prompt
	}
	sum := 0.0
	for i := range list {
		sum += list[i].Seconds
	}
	return someOrUnknown(sum)
}

func audioBytes(_ *subset, q *run.Request) float64 {
	if q.Media == nil || len(q.Media.Answer) == 0 {
		return unknown
	}
	return float64(q.Media.Answer[0].Bytes)
}

func realTimeFactor(g *subset, q *run.Request) float64 {
	return requestLatency(g, q) / playSeconds(g, q)
}

func realTimeSpeed(g *subset, q *run.Request) float64 {
	return playSeconds(g, q) / requestLatency(g, q)
}

func characters(_ *subset, q *run.Request) float64 {
	if q.Media == nil || q.Media.Characters == 0 {
		return unknown
	}
	return float64(q.Media.Characters)
}

// newPlayer plays the sounds.
func newPlayer(g *subset, ok []*run.Request, buffer time.Duration) Player {
	p := Player{Buffer: buffer.Seconds(), Tolerance: tolerance, Continuous: Maybe(unknown)}
	var missing, longest, begin []float64
	continuous := 0
	for _, q := range ok {
		if q.Media == nil || q.LeftOut {
			continue
		}
		played, known := record.NewPlayback(q.Media.Arrivals, q.Media.Sound, playSeconds(g, q), buffer)
		if !known {
			continue
		}
		p.Requests++
		p.Stalls += played.Stalls
		missing, begin = append(missing, played.Missing.Seconds()), append(begin, played.Begin.Seconds())
		if played.Stalls > 0 {
			p.Stalled++
			longest = append(longest, played.Longest.Seconds())
		}
		if played.Missing.Seconds() <= tolerance {
			continuous++
		}
	}
	if p.Requests > 0 {
		p.Continuous = Maybe(float64(continuous) / float64(p.Requests))
	}
	p.Missing = NewDistribution(missing, g.opts.Percentiles)
	p.Longest, p.Begin = NewDistribution(longest, g.opts.Percentiles), NewDistribution(begin, g.opts.Percentiles)
	return p
}

func (s *Speech) rates() []string {
	return []string{rate(s.AudioRate, 2) + " s of speech/s"}
}

func (s *Speech) first() string { return middle("first audio", s.FirstAudio, 1000, " ms") }

// sentence tells what listeners ask first.
func (s *Speech) sentence() string {
	list := []string{"first audio p50 " + percentileCells(s.FirstAudio, 1000, 50)[0] + ", p99 " +
		percentileCells(s.FirstAudio, 1000, 99)[0] + " ms"}
	if s.RealTime != nil {
		list = append(list, "latency / seconds of sound (RTF) p50 "+percentileCells(s.RealTime, 1, 50)[0]+", p99 "+
			percentileCells(s.RealTime, 1, 99)[0])
	}
	if p := s.Players[0]; p.Requests > 0 {
		list = append(list, fmt.Sprintf("%s%% of the sounds play with at most %g s missing (%s in %s)",
			Digits(100*float64(p.Continuous)), p.Tolerance, plural(p.Stalls, "stall"), plural(p.Stalled, "sound")))
	}
	return strings.Join(list, "; ")
}

// warn tells of sounds that are in few figures.
func (s *Speech) warn(w *warner) {
	unmeasured := s.Requests - s.Measured
	w.warn(unmeasured > 0, "the length of %s is unknown, because the format does not tell it (%s): they have no "+
		"real-time factor and no player; ask for pcm, wav or mp3", plural(unmeasured, "sound"), countsOf(s.Formats))
}

// countsOf lists names with how often each occurs.
func countsOf(counts map[string]int) string {
	var list []string
	for _, name := range sortedKeys(counts) {
		list = append(list, fmt.Sprintf("%s: %d", name, counts[name]))
	}
	return strings.Join(list, ", ")
}
