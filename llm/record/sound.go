package record

import "time"

// FirstAudio returns the time from sending to the first bytes of sound in an answer, which a header is not, and false
// if none came.
func FirstAudio(r *Request) (time.Duration, bool) {
	if len(r.ChunkBytes) == 0 || len(r.Chunks) == 0 || r.API == APIImage {
		return 0, false
	}
	return micros(r.Chunks[0]), true
}

// AudioSeconds returns how long the sound of a request plays: of speech that of the answer, of a transcription that of
// the file. It returns false if that is unknown.
func AudioSeconds(r *Request) (seconds float64, known bool) {
	var list []Media
	switch r.API {
	case APISpeech:
		list = r.Output
	case APITranscription:
		list = r.Media
	}
	for i := range list {
		if list[i].Kind == MediaAudio {
			seconds += list[i].Seconds
		}
	}
	return seconds, seconds > 0
}

// RealTimeFactor returns the latency divided by the seconds of sound: above 1, the server is slower than the sound
// plays. It returns false if the length of the sound is unknown.
func RealTimeFactor(r *Request) (factor float64, known bool) {
	seconds, known := AudioSeconds(r)
	if !known {
		return 0, false
	}
	return r.Latency().Seconds() / seconds, true
}

// Playback is what a listener would have heard of a sound that plays while it comes.
type Playback struct {
	Begin   time.Duration // from sending to the begin of the sound
	Stalls  int           // how often the player had nothing left to play
	Missing time.Duration // how long it stood still, in all
	Longest time.Duration // how long it stood still at a time
}

// shortestStall is the time that a player must stand still for a stall: devices have more than that in store. What is
// shorter counts as missing all the same.
const shortestStall = 5 * time.Millisecond

// NewPlayback simulates a player: it begins once it has so much sound, or all of it, plays at the speed of the sound,
// and stands still while it has none left. arrivals are in microseconds after sending, and sound the bytes that came
// then, which play for the given seconds in all. It returns false for a sound of unknown length.
func NewPlayback(arrivals, sound []int64, seconds float64, buffer time.Duration) (p Playback, known bool) {
	var total int64
	for _, n := range sound {
		total += n
	}
	if len(arrivals) == 0 || len(arrivals) != len(sound) || total == 0 || !(seconds > 0) {
		return p, false
	}
	perByte := seconds / float64(total)
	came, playing := int64(0), false
	var empty time.Duration // when the player will have nothing left
	for i, us := range arrivals {
		at := micros(us)
		if playing && at > empty {
			gap := at - empty
			if gap >= shortestStall {
				p.Stalls++
			}
			p.Missing += gap
			p.Longest = max(p.Longest, gap)
		}
		came += sound[i]
		if !playing && (spanOf(float64(came)*perByte) >= buffer || i == len(arrivals)-1) {
			playing, p.Begin = true, at
		}
		if playing {
			empty = p.Begin + p.Missing + spanOf(float64(came)*perByte)
		}
	}
	return p, true
}

func spanOf(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
