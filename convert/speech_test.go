package convert

import (
	"math"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The figures of speech and of transcriptions are those of the requests. Half of the sounds come late, and one is of
// unknown length.
func TestFiguresOfSound(t *testing.T) {
	t.Parallel()
	lines := runtest.MediaLines()
	spoken, late, seconds := 0, 0, 0.0
	for _, line := range lines {
		q, isRequest := line.(*record.Request)
		if !isRequest || q.API != record.APISpeech || q.Failed() {
			continue
		}
		q.Characters = 30
		switch spoken++; {
		case spoken == 1:
			q.Output[0].Format, q.Output[0].Seconds = "aac", 0
			continue
		case spoken%2 == 0: // after 150 + 1000 ms there is nothing left
			q.Chunks[2] = 1_400_000
			q.End = q.Start + 1_500_000_000
			late++
		}
		seconds += 1.5
	}
	p := NewReport(mustRead(t, asRecords(t, lines)), Options{})
	s, w := p.Summary.Additions.Speech, p.Summary.Additions.Transcription
	known := spoken - 1
	if s.Requests != spoken || s.Formats["pcm"] != known || s.Formats["aac"] != 1 || float64(s.AudioTotal) != seconds ||
		float64(s.Characters) != float64(30*spoken) {
		t.Errorf("speech: got %+v", s)
	}
	if s.FirstAudio.Max != 0.15 || s.RealTime.Min != 0.6 || s.RealTime.Max != 1 || math.Abs(s.Speed.Max-1/0.6) > 1e-9 {
		t.Errorf("got first audio %v, factors %v, speeds %v", s.FirstAudio, s.RealTime, s.Speed)
	}
	at, buffered := s.Players[0], s.Players[1]
	if at.Requests != known || at.Stalls != late || at.Stalled != late || math.Abs(at.Longest.Max-0.25) > 1e-6 ||
		math.Abs(float64(at.Continuous)-float64(known-late)/float64(known)) > 1e-9 || at.Begin.Max != 0.15 {
		t.Errorf("the player: got %+v", at)
	}
	if buffered.Buffer != 0.1 || buffered.Stalls != late {
		t.Errorf("the other player: got %+v", buffered)
	}
	if w.Measured != w.Requests || w.RealTime.Max != 0.125 || w.Speed.Max != 8 || w.FirstText.Max != 0.2 ||
		w.Uploading.Max != 0.002 || math.Abs(w.AfterUpload.Max-0.498) > 1e-9 || w.FileBytes.Max != 128_044 {
		t.Errorf("transcription: got %+v", w)
	}
	warned := strings.Join(p.Summary.Additions.Warnings, "\n")
	const want = "the length of 1 sound is unknown, because the format does not tell it (aac: 1, pcm: "
	if !strings.Contains(warned, want) {
		t.Errorf("got warnings %s, want %s", warned, want)
	}
	if text := s.sentence(); !strings.Contains(text, "first audio p50 150") || !strings.Contains(text, "stall") {
		t.Errorf("got %s", text)
	}
}

// Tables of a run that only speaks tell of sound per second, and say nothing of tokens, which nobody counts.
func TestTablesOfSpeech(t *testing.T) {
	t.Parallel()
	spoken, written := asked(record.APISpeech, 0), asked(record.APITranscription, 1)
	spoken.Chunks, spoken.ChunkBytes = []int64{1000}, []int64{48_000}
	spoken.Output = []record.Media{{Kind: "audio", Format: "pcm", Seconds: 1, Bytes: 48_000}}
	written.Media = []record.Media{{Kind: "audio", Format: "wav", Seconds: 5, Bytes: 160_044}}
	for _, tt := range []struct {
		list       []*record.Request
		want, lack string
	}{
		{[]*record.Request{spoken}, "throughput: 1.00 requests/s, 1.00 s of speech/s\n", "tokens"},
		{[]*record.Request{spoken, written}, "0.50 s of speech/s, 2.50 s of sound transcribed/s", "nothing to count"},
	} {
		var table strings.Builder
		if err := NewReport(runOf(t, tt.list...), Options{}).WriteTables(Screen{W: &table}); err != nil {
			t.Fatal(err)
		}
		if text := table.String(); !strings.Contains(text, tt.want) || strings.Contains(text, tt.lack) {
			t.Errorf("%d requests: got\n%s\nwant %s, and nothing of %s", len(tt.list), text, tt.want, tt.lack)
		}
	}
}
