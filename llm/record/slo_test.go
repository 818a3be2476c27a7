package record

import (
	"fmt"
	"testing"
	"time"
)

// answered returns a request that takes 100 ms to its first token and 10 ms to each further one, n tokens in all.
func answered(n int) *Request {
	r := &Request{Start: 1, Streaming: true}
	for i := range int64(n) {
		r.Chunks = append(r.Chunks, 100_000+10_000*i)
	}
	r.End = r.Start + 100e6 + 10e6*int64(n-1)
	return r
}

func TestMeets(t *testing.T) {
	t.Parallel()
	failed := answered(3)
	failed.ErrorType = ErrorReset
	for _, tt := range []struct {
		name   string
		r      *Request
		bounds Bounds
		want   bool
	}{
		{"no bounds", answered(3), Bounds{}, true},
		{"failed", failed, Bounds{}, false},
		{"TTFT at the bound", answered(3), Bounds{TTFT: 100}, true},
		{"TTFT above", answered(3), Bounds{TTFT: 99.999}, false},
		{"TPOT at the bound", answered(3), Bounds{TPOT: 10}, true},
		{"TPOT above", answered(3), Bounds{TPOT: 9}, false},
		{"one token has no TPOT", answered(1), Bounds{TPOT: 1}, true},
		{"one token keeps its TTFT", answered(1), Bounds{TTFT: 100, TPOT: 1}, true},
		{"one token above its TTFT", answered(1), Bounds{TTFT: 99, TPOT: 1}, false},
		{"TPOT of an answer that is not streamed", &Request{Start: 1, End: 9, Usage: []byte(`{"completion_tokens":9}`)},
			Bounds{TPOT: 1000}, false},
		{"ITL above", answered(3), Bounds{ITL: 9}, false},
		{"one token has no ITL", answered(1), Bounds{ITL: 1}, true},
		{"NTPOT at the bound", answered(3), Bounds{NTPOT: 40}, true},
		{"NTPOT above", answered(3), Bounds{NTPOT: 39}, false},
		{"latency at the bound", answered(3), Bounds{Latency: 120}, true},
		{"latency above", answered(3), Bounds{Latency: 119}, false},
		{"one of two", answered(3), Bounds{TTFT: 1000, TPOT: 1}, false},
	} {
		if got := tt.r.Meets(tt.bounds); got != tt.want {
			t.Errorf("%s: got %t", tt.name, got)
		}
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	var b Bounds
	for i, name := range latencyNames {
		if err := b.Set(name, time.Duration(i+1)*1500*time.Microsecond); err != nil {
			t.Error(err)
		}
	}
	if want := (Bounds{TTFT: 1.5, TPOT: 3, NTPOT: 4.5, ITL: 6, Latency: 7.5, FirstAudio: 9, RTF: 0.0105}); b != want {
		t.Errorf("got %+v, want %+v", b, want)
	}
	const from, sound = `unknown latency "`, `, first_audio, rtf`
	for name, want := range map[string]string{
		"nonsense": from + `nonsense", known are ttft, tpot, ntpot, itl, request_latency` + sound,
		"":         from + `", known are ttft, tpot, ntpot, itl, request_latency` + sound,
		"ttfb": from + `ttfb": did you mean "ttft"? Known are ttft, tpot, ntpot, itl, ` +
			`request_latency` + sound,
		"TTFT": from + `TTFT": did you mean "ttft"? Known are ttft, tpot, ntpot, itl, ` +
			`request_latency` + sound,
		"ttft_ms": from + `ttft_ms": did you mean "ttft"? Known are ttft, tpot, ntpot, ` +
			`itl, request_latency` + sound,
		"time_to_first_token": from + `time_to_first_token": did you mean "ttft"? Known are ttft, ` +
			`tpot, ntpot, itl, request_latency` + sound,
		"Time-Per-Output-Token_sec": from + `Time-Per-Output-Token_sec": did you mean "tpot"? Known are ` +
			`tpot, ttft, ntpot, itl, request_latency` + sound,
		"normalized_time_per_output_token": from + `normalized_time_per_output_token": did you mean "ntpot"? Known ` +
			`are ntpot, ttft, tpot, itl, request_latency` + sound,
		"inter_token_latency": from + `inter_token_latency": did you mean "itl"? Known are itl, ttft, ` +
			`tpot, ntpot, request_latency` + sound,
		"itl_ms": from + `itl_ms": did you mean "itl"? Known are itl, ttft, tpot, ntpot, ` +
			`request_latency` + sound,
		"e2e_latency": from + `e2e_latency": did you mean "request_latency"? Known are ` +
			`request_latency, ttft, tpot, ntpot, itl` + sound,
		"request_latancy": from + `request_latancy": did you mean "request_latency"? Known are ` +
			`request_latency, ttft, tpot, ntpot, itl` + sound,
		"ttfa": from + `ttfa": did you mean "first_audio"? Known are first_audio, ttft, tpot, ntpot, itl, ` +
			`request_latency, rtf`,
		"Real-Time-Factor": from + `Real-Time-Factor": did you mean "rtf"? Known are rtf, ttft, tpot, ntpot, itl, ` +
			`request_latency, first_audio`,
	} {
		if err := b.Set(name, time.Second); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	if err := b.Set("ttft", 0); err == nil || err.Error() != `the bound on ttft must be positive, got 0s` {
		t.Errorf("got %v", err)
	}
}

// Bounds on what requests of an API cannot have are none, and bounds that are not about a request do not judge it.
func TestMeetsOfSound(t *testing.T) {
	t.Parallel()
	speech := func(first int64, seconds float64) *Request {
		return &Request{API: APISpeech, Start: 1e9, End: 3e9, Streaming: true, Chunks: []int64{first * 1000},
			ChunkBytes: []int64{9}, Output: []Media{{Kind: MediaAudio, Seconds: seconds}}}
	}
	silent := speech(100, 4)
	silent.Chunks, silent.ChunkBytes = nil, nil
	transcription := &Request{API: APITranscription, Start: 1e9, End: 3e9,
		Media: []Media{{Kind: MediaAudio, Seconds: 4}}}
	chat := &Request{API: "chat", Start: 1e9, End: 3e9, Streaming: true, Chunks: []int64{100_000}}
	sound := Bounds{FirstAudio: 100, RTF: 0.5}
	for _, tt := range []struct {
		name            string
		r               *Request
		bounds          Bounds
		concern, within bool
	}{
		{"at the bounds", speech(100, 4), sound, true, true},
		{"late", speech(101, 4), sound, true, false},
		{"slow", speech(100, 3.9), sound, true, false},
		{"of unknown length", speech(100, 0), sound, true, false},
		{"without a sound", silent, sound, true, false},
		{"tokens alone", speech(100, 4), Bounds{TTFT: 1, ITL: 1}, false, true},
		{"tokens and the latency", speech(100, 4), Bounds{TTFT: 1, Latency: 1999}, true, false},
		{"a transcription", transcription, sound, true, true},
		{"a slow transcription", transcription, Bounds{RTF: 0.49}, true, false},
		{"a transcription has no first audio", transcription, Bounds{FirstAudio: 1}, false, true},
		{"a chat has neither", chat, sound, false, true},
		{"a chat beside speech", chat, Bounds{FirstAudio: 1, TTFT: 99}, true, false},
		{"the latency of a chat", chat, Bounds{Latency: 1999}, true, false},
	} {
		if concern, within := tt.bounds.Concern(tt.r), tt.r.Meets(tt.bounds); concern != tt.concern ||
			within != tt.within {
			t.Errorf("%s: got %t, %t, want %t, %t", tt.name, concern, within, tt.concern, tt.within)
		}
	}
}

func ExampleRequest_Meets() {
	r := &Request{Start: 1, End: 300e6, Streaming: true, Chunks: []int64{120_000, 140_000}}
	fmt.Println(r.Meets(Bounds{TTFT: 200}), r.Meets(Bounds{TTFT: 100}))
	// Output: true false
}
