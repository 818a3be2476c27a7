package record

import (
	"testing"
	"time"
)

func TestPlayback(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, tt := range []struct {
		name            string
		arrivals, sound []int64 // ms, and ms of sound
		buffer          time.Duration
		want            Playback
	}{
		{"all at once", []int64{100}, []int64{900}, 0, Playback{Begin: 100 * ms}},
		{"in time", []int64{100, 200, 300}, []int64{100, 100, 100}, 0, Playback{Begin: 100 * ms}},
		{"late once", []int64{100, 250, 300}, []int64{100, 100, 100}, 0,
			Playback{Begin: 100 * ms, Stalls: 1, Missing: 50 * ms, Longest: 50 * ms}},
		{"late twice", []int64{100, 250, 400}, []int64{100, 100, 100}, 0,
			Playback{Begin: 100 * ms, Stalls: 2, Missing: 100 * ms, Longest: 50 * ms}},
		{"what is short is no stall", []int64{100, 204, 300}, []int64{100, 100, 100}, 0,
			Playback{Begin: 100 * ms, Missing: 4 * ms, Longest: 4 * ms}},
		{"a buffer makes up for it", []int64{100, 150, 350}, []int64{50, 200, 100}, 100 * ms,
			Playback{Begin: 150 * ms}},
		{"a buffer larger than the sound", []int64{100, 150}, []int64{50, 20}, time.Second, Playback{Begin: 150 * ms}},
	} {
		var arrivals, sound []int64
		seconds := 0.0
		for i, at := range tt.arrivals {
			arrivals, sound = append(arrivals, at*1000), append(sound, 48*tt.sound[i])
			seconds += float64(tt.sound[i]) / 1000
		}
		got, known := NewPlayback(arrivals, sound, seconds, tt.buffer)
		off := (got.Missing - tt.want.Missing).Abs() + (got.Longest - tt.want.Longest).Abs() // of rounding
		got.Missing, got.Longest = tt.want.Missing, tt.want.Longest
		if !known || got != tt.want || off > time.Microsecond {
			t.Errorf("%s: got %+v, off by %v, want %+v", tt.name, got, off, tt.want)
		}
	}
	for _, tt := range []struct {
		arrivals, sound []int64
		seconds         float64
	}{{nil, nil, 1}, {[]int64{1}, []int64{0}, 1}, {[]int64{1}, []int64{5}, 0}, {[]int64{1, 2}, []int64{5}, 1}} {
		if _, known := NewPlayback(tt.arrivals, tt.sound, tt.seconds, 0); known {
			t.Errorf("%v of %v, %v s: a playback is known", tt.arrivals, tt.sound, tt.seconds)
		}
	}
}

func TestFiguresOfSound(t *testing.T) {
	t.Parallel()
	r := &Request{API: APISpeech, Start: 1e9, End: 4e9, Chunks: []int64{70_000}, ChunkBytes: []int64{9},
		Output: []Media{{Kind: MediaAudio, Seconds: 2}}, Media: []Media{{Kind: MediaAudio, Seconds: 6}}}
	first, known := FirstAudio(r)
	factor, has := RealTimeFactor(r)
	if !known || first != 70*time.Millisecond || !has || factor != 1.5 {
		t.Errorf("got %v, a factor of %v", first, factor)
	}
	r.API = APITranscription
	if factor, has = RealTimeFactor(r); !has || factor != 0.5 {
		t.Errorf("got a factor of %v", factor)
	}
	if _, has = RealTimeFactor(&Request{API: APISpeech}); has {
		t.Error("a sound of unknown length has a factor")
	}
}
