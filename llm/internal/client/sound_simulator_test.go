package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// What is measured of speech is what the simulator did, in every format: when the first sound came, and what a player
// misses.
func TestSpeechOfTheSimulator(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"pcm", "wav", "mp3"} {
		for _, stream := range []string{api.StreamAudio, api.StreamSSE} {
			t.Run(format+" "+stream, func(t *testing.T) {
				t.Parallel()
				o := api.SoundOptions{Format: format, StreamFormat: stream}
				synctest.Test(t, func(t *testing.T) { compareSpeech(t, o) })
			})
		}
	}
}

func compareSpeech(t *testing.T, o api.SoundOptions) {
	// 100 letters are 6 s. The player has played 1.5 s of the first 2 s when the server stops for 3 s, and would have
	// 2.5 s left of the next 2 s, at twice the speed, when it stops again.
	server := simulated(t, "ttft=120ms&speech-rate=4&speech-stalls=2s:3s,4s:2s")
	c := speechClient(t, func(opts *Options) { opts.Model, opts.Sound = "sim", o })
	a, err := c.Do(t.Context(), handled{server}, &Request{Prompt: strings.Repeat("x", 100)})
	if err != nil || a.Record.Failed() {
		t.Fatal(err, a.Record.Error)
	}
	r, truth := a.Record, server.Truths()[0]
	first, _ := record.FirstAudio(r)
	if first != 120*ms || truth.Chunks[0]-truth.Received != int64(120*ms) {
		t.Errorf("first audio after %v, want 120ms", first)
	}
	seconds, _ := record.AudioSeconds(r)
	// a frame of MP3 is 26 ms
	if d := seconds - truth.AudioSeconds; d < -0.03 || d > 0.03 || seconds < 6 || seconds > 6.1 {
		t.Errorf("got %v seconds of sound, the server made %v", seconds, truth.AudioSeconds)
	}
	got, known := record.NewPlayback(r.Chunks, r.ChunkBytes, seconds, 0)
	want := record.Playback{Begin: 120 * ms, Stalls: 2, Missing: 1500*ms + 500*ms, Longest: 1500 * ms}
	within := 5 * ms
	if o.Format == "mp3" { // chunks are of whole frames, and the server stops behind one
		within = 105 * ms
	}
	off := func(a, b time.Duration) bool { return (a - b).Abs() > within }
	if r.Output[0].Format != o.Format {
		t.Errorf("got the format %s", r.Output[0].Format)
	}
	if !known || got.Begin != want.Begin || got.Stalls != want.Stalls || off(got.Missing, want.Missing) ||
		off(got.Longest, want.Longest) {
		t.Errorf("the player: got %+v, want %+v", got, want)
	}
	if len(truth.Stalls) != 2 || len(truth.ChunkBytes) != len(truth.Chunks) {
		t.Errorf("the truth has %d stalls, %d chunks and %d sizes", len(truth.Stalls), len(truth.Chunks),
			len(truth.ChunkBytes))
	}
}

// Over a network of this machine, the first sound is stamped soon after it was written.
func TestFirstAudioIsStampedSoon(t *testing.T) {
	t.Parallel()
	opts := sim.DefaultOptions()
	opts.TTFT, opts.SpeechRate = 5*ms, 0
	server, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	c := speechClient(t, func(o *Options) { o.BaseURL, o.Model = server.URL(), "sim" })
	var late []time.Duration
	for i := range 51 {
		a, err := c.Do(t.Context(), http.DefaultTransport, &Request{ID: fmt.Sprint(i), Prompt: "a text"})
		if err != nil || a.Record.Failed() {
			t.Fatal(err, a.Record.Error)
		}
		first, _ := record.FirstAudio(a.Record)
		truths := server.Truths()
		at := slices.IndexFunc(truths, func(truth sim.Truth) bool { return truth.ID == fmt.Sprint(i) })
		late = append(late, time.Duration(a.Record.Start+int64(first)-truths[at].Chunks[0]))
	}
	slices.Sort(late)
	if median := late[len(late)/2]; median < -ms/10 || median > 2*ms {
		t.Errorf("the median is %v after the truth, of %v to %v", median, late[0], late[len(late)-1])
	}
}

func TestTranscriptionsOfTheSimulator(t *testing.T) {
	t.Parallel()
	file, err := media.Sound{Seconds: 4}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			server := simulated(t, "ttft=100ms&itl=10ms&prompt-time=1ms") // 40 tokens of sound, 10 words
			c := newClient(t, func(o *Options) { o.Speak(api.Transcription); o.Model, o.Streaming = "sim", stream })
			a, err := c.Do(t.Context(), handled{server}, &Request{Media: &Media{
				Files: []api.File{{Name: "a.wav", Type: wav, Data: file}},
				Facts: []record.Media{{Kind: record.MediaAudio, Seconds: 4, Bytes: int64(len(file))}}}})
			if err != nil || a.Record.Failed() {
				t.Fatal(err, a.Record.Error)
			}
			r := a.Record
			ttft, known := r.TTFT()
			if n := r.Counts(); r.Latency() != 230*ms || known != stream || known && ttft != 140*ms || n.Prompt != 40 ||
				n.Completion != 10 || len(strings.Fields(a.Text)) != 10 {
				t.Errorf("streamed %t: got %v, TTFT %v, %d and %d tokens: %q", stream, r.Latency(), ttft, n.Prompt,
					n.Completion, a.Text)
			}
			if factor, _ := record.RealTimeFactor(r); factor != 0.0575 {
				t.Errorf("got a factor of %v", factor)
			}
		})
	}
}

func TestSoundsThatTheSimulatorRefuses(t *testing.T) {
	t.Parallel()
	server := simulated(t, "")
	speech := speechClient(t, func(o *Options) { o.Model, o.Sound.Voice = "sim", "nobody" })
	a, err := speech.Do(t.Context(), handled{server}, &Request{Prompt: "a"})
	const voice = `voice "nobody" is unknown: use one of alloy`
	if err != nil || a.Record.Status != 400 || !strings.Contains(a.Record.Error, voice) {
		t.Errorf("got %v %s", err, a.Record.Error)
	}
	c := newClient(t, func(o *Options) { o.Speak(api.Transcription); o.Model = "sim" })
	files := []api.File{{Name: "a", Type: octet, Data: []byte("text")}}
	a, err = c.Do(t.Context(), handled{server}, &Request{Media: &Media{Files: files}})
	const file = "the file is no sound that can be read"
	if err != nil || a.Record.Status != 400 || !strings.Contains(a.Record.Error, file) {
		t.Errorf("got %v %s", err, a.Record.Error)
	}
}

// OpenAI's own client reads what the simulator answers.
func TestOfficialClientReadsSounds(t *testing.T) {
	t.Parallel()
	opts := sim.DefaultOptions()
	opts.TTFT, opts.ITL, opts.SpeechRate = 0, 0, 0
	server, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	var got struct {
		Stream, Events, Usage, Input, Output int
		Seconds                              float64
		Text, Error                          string
		Streamed, SRT                        bool
	}
	lines := officialClient(t, "openai", "openai_sound_client.py", []string{server.URL()})
	if len(lines) != 1 {
		t.Fatalf("got %q", lines)
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatalf("%s: %v", lines[0], err)
	}
	if got.Stream != 57_600 || got.Events != 12 || got.Usage != 15 || got.Seconds != 1.2 || got.Input != 12 ||
		got.Output != 3 || !got.Streamed || !got.SRT || len(strings.Fields(got.Text)) != 3 {
		t.Errorf("got %s", lines[0])
	}
}
