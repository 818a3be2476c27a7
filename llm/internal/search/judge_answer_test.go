package search

import (
	"math"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestAnswerOf(t *testing.T) {
	t.Parallel()
	const ms = 1_000_000
	streamed := record.Request{Start: 5000 * ms, End: 6000 * ms, Streaming: true,
		Chunks: []int64{200_000, 300_000, 500_000}}
	late := streamed
	late.Due = new(int64(4700 * ms))
	silent := record.Request{Start: 5000 * ms, End: 6000 * ms, Streaming: true}
	whole := record.Request{Start: 5000 * ms, End: 6000 * ms, Completion: new(4)}
	failed, cut, left := late, late, late
	failed.ErrorType, cut.ErrorType, left.ErrorType = record.ErrorHTTP, record.ErrorCanceled, record.ErrorAbandoned
	none, never := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		name string
		r    record.Request
		want Answer
	}{
		{"on time", streamed, Answer{TTFT: 0.2, TPOT: 0.15, ITL: 0.15, NTPOT: 1.0 / 3, Latency: 1}},
		{"late", late, Answer{TTFT: 0.5, TPOT: 0.15, ITL: 0.15, NTPOT: 1.3 / 3, Latency: 1.3}},
		{"stream without content", silent, Answer{TTFT: never, TPOT: none, ITL: none, NTPOT: none, Latency: 1}},
		{"not streamed", whole, Answer{TTFT: none, TPOT: none, ITL: none, NTPOT: 0.25, Latency: 1}},
		{"failed", failed, Answer{Failed: true, TTFT: 0.5, TPOT: 0.15, ITL: 0.15, NTPOT: 1.3 / 3, Latency: 1.3}},
		{"the user left", left, Answer{Unfinished: true, Left: true, TTFT: 0.5, TPOT: 0.15, ITL: 0.15, NTPOT: 1.3 / 3,
			Latency: 1.3}},
		{"cut off", cut, Answer{Unfinished: true, TTFT: 0.5, TPOT: 0.15, ITL: 0.15, NTPOT: 1.3 / 3, Latency: 1.3}},
	} {
		got := AnswerOf(&tt.r, tt.r.Counts())
		if got.Failed != tt.want.Failed || got.Unfinished != tt.want.Unfinished ||
			got.Left != tt.want.Left {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
		for _, latency := range []string{"ttft", "tpot", "ntpot", "itl", "request_latency"} {
			if g, w := got.latency(latency), tt.want.latency(latency); !same(g, w) {
				t.Errorf("%s: got %s %v, want %v", tt.name, latency, g, w)
			}
		}
	}
}

// A sound that was asked for late begins as much later for who waits for it.
func TestAnswerOfSpeech(t *testing.T) {
	t.Parallel()
	r := &record.Request{API: record.APISpeech, Due: new(int64(700e6)), Start: 1e9, End: 2.7e9, Streaming: true,
		Chunks: []int64{200_000, 900_000}, ChunkBytes: []int64{4, 4},
		Output: []record.Media{{Kind: record.MediaAudio, Seconds: 4}}}
	a := AnswerOf(r, r.Counts())
	for latency, want := range map[string]float64{
		"ttft": math.NaN(), "itl": math.NaN(), "request_latency": 2, "first_audio": 0.5, "rtf": 0.5,
	} {
		if got := a.latency(latency); !same(got, want) {
			t.Errorf("got %s %v, want %v", latency, got, want)
		}
	}
	if !a.Textless || a.API != record.APISpeech {
		t.Errorf("got %+v", a)
	}
}

// same reports whether two latencies are equal to a nanosecond.
func same(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 2e-9
}

func TestMark(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	full := Answer{TTFT: 0.5, TPOT: 0.02, ITL: 0.02, NTPOT: 0.03, Latency: 2}
	oneToken := Answer{TTFT: 0.5, TPOT: none, ITL: none, NTPOT: 0.6, Latency: 0.6}
	failed := full
	failed.Failed = true
	full.FirstAudio, full.RTF, oneToken.FirstAudio, oneToken.RTF = none, none, none, none
	speech := Answer{TTFT: none, TPOT: none, ITL: none, NTPOT: none, Latency: 2, FirstAudio: 0.2, RTF: 0.5,
		API: record.APISpeech, Textless: true}
	brokenSpeech := speech
	brokenSpeech.Failed = true
	for _, tt := range []struct {
		objective string
		answer    Answer
		want      finding
	}{
		{"p99(ttft)<501ms", full, finding{true, true, 0.5}},
		{"p99(ttft)<500ms", full, finding{true, false, 0.5}},
		{"p99(ttft)<=500ms", full, finding{true, true, 0.5}},
		{"p99(ttft)<1s", failed, finding{true, false, math.Inf(1)}},
		{"p99(itl)<1s", oneToken, finding{}},
		{"p99(latency)<1s", oneToken, finding{true, true, 0.6}},
		{"goodput(ttft<1s,tpot<10ms)>=95%", full, finding{true, false, 2}},
		{"goodput(ttft<1s,tpot<10ms)>=95%", oneToken, finding{true, true, 0.5}},
		{"goodput(tpot<1s,itl<10ms)>=95%", oneToken, finding{}},
		{"failures<1%", full, finding{true, true, 0}},
		{"failures<1%", failed, finding{true, false, math.Inf(1)}},
		{"p99(first_audio)<300ms", speech, finding{true, true, 0.2}},
		{"p99(rtf)<0.5", speech, finding{true, false, 0.5}},
		{"goodput(ttft<100ms,rtf<1)>=95%", speech, finding{true, true, 0.5}},
		{"p99(ttft)<1s", brokenSpeech, finding{}},
		{"p99(first_audio)<1s", brokenSpeech, finding{true, false, math.Inf(1)}},
		{"p99(first_audio)<1s", full, finding{}},
		{"p99(first_audio)<1s", Answer{Failed: true}, finding{true, false, math.Inf(1)}}, // no request was made
	} {
		list, err := slo.Parse(tt.objective)
		if err != nil {
			t.Fatal(err)
		}
		got := tt.answer.mark(list[0])
		if !tt.want.known && !got.known {
			continue
		}
		if got != tt.want {
			t.Errorf("%s of %+v: got %+v, want %+v", tt.objective, tt.answer, got, tt.want)
		}
	}
}
