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
	if want := (Bounds{TTFT: 1.5, TPOT: 3, NTPOT: 4.5, ITL: 6, Latency: 7.5}); b != want {
		t.Errorf("got %+v, want %+v", b, want)
	}
	const from = `unknown latency "`
	for name, want := range map[string]string{
		"nonsense": from + `nonsense", known are ttft, tpot, ntpot, itl, request_latency`,
		"":         from + `", known are ttft, tpot, ntpot, itl, request_latency`,
		"ttfb": from + `ttfb": did you mean "ttft"? Known are ttft, tpot, ntpot, itl, ` +
			`request_latency`,
		"TTFT": from + `TTFT": did you mean "ttft"? Known are ttft, tpot, ntpot, itl, ` +
			`request_latency`,
		"ttft_ms": from + `ttft_ms": did you mean "ttft"? Known are ttft, tpot, ntpot, ` +
			`itl, request_latency`,
		"time_to_first_token": from + `time_to_first_token": did you mean "ttft"? Known are ttft, ` +
			`tpot, ntpot, itl, request_latency`,
		"Time-Per-Output-Token_sec": from + `Time-Per-Output-Token_sec": did you mean "tpot"? Known are ` +
			`tpot, ttft, ntpot, itl, request_latency`,
		"normalized_time_per_output_token": from + `normalized_time_per_output_token": did you mean "ntpot"? Known ` +
			`are ntpot, ttft, tpot, itl, request_latency`,
		"inter_token_latency": from + `inter_token_latency": did you mean "itl"? Known are itl, ttft, ` +
			`tpot, ntpot, request_latency`,
		"itl_ms": from + `itl_ms": did you mean "itl"? Known are itl, ttft, tpot, ntpot, ` +
			`request_latency`,
		"e2e_latency": from + `e2e_latency": did you mean "request_latency"? Known are ` +
			`request_latency, ttft, tpot, ntpot, itl`,
		"request_latancy": from + `request_latancy": did you mean "request_latency"? Known are ` +
			`request_latency, ttft, tpot, ntpot, itl`,
	} {
		if err := b.Set(name, time.Second); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	if err := b.Set("ttft", 0); err == nil || err.Error() != `the bound on ttft must be positive, got 0s` {
		t.Errorf("got %v", err)
	}
}

func ExampleRequest_Meets() {
	r := &Request{Start: 1, End: 300e6, Streaming: true, Chunks: []int64{120_000, 140_000}}
	fmt.Println(r.Meets(Bounds{TTFT: 200}), r.Meets(Bounds{TTFT: 100}))
	// Output: true false
}
