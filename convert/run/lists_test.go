package run

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What a request packs comes out unchanged, whatever the numbers are.
func TestUnpackReturnsWhatWasPacked(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int64{1, 2, 30, 20_000, 1 << 31, 1 << 52} {
		for _, n := range []int{0, 1, 2, 3, 200} {
			rec := record.Request{ID: "a-b-17", SessionID: "s", Error: "é", Start: 5, Connected: 7, Attempt: 3,
				BytesSent: most, Turn: int(min(most, math.MaxInt32)), Prompt: new(9), PromptRaw: true,
				Usage: []byte(`{"a": 10, "b": 007, "c": 1.50e3, "d": 99999999999999999999, "e": "x1"}`)}
			for range n {
				rec.ChunkTokens = append(rec.ChunkTokens, rng.IntN(3))
				rec.Chunks = append(rec.Chunks, rng.Int64N(most))
				rec.Reasoning = append(rec.Reasoning, rng.Int64N(100)*rng.Int64N(most)/100)
			}
			slices.Sort(rec.Chunks)
			slices.Sort(rec.Reasoning)
			checkPacking(t, &rec)
		}
	}
}

func FuzzPacking(f *testing.F) {
	f.Add([]byte{0, 1, 200, 3}, "x-1", []byte(`{"n":1}`))
	f.Fuzz(func(t *testing.T, gaps []byte, id string, usage []byte) {
		rec := record.Request{ID: id, Usage: usage}
		at := int64(0)
		for _, gap := range gaps { // lengths of numbers rather than numbers
			at += 1 << (gap % 55)
			rec.Chunks = append(rec.Chunks, at)
		}
		checkPacking(t, &rec)
	})
}

func checkPacking(t *testing.T, rec *record.Request) {
	t.Helper()
	r := newRun(Options{})
	r.addRequest(rec, "i")
	q := r.Requests[0]
	var got record.Request
	q.Unpack(&got)
	if !slices.Equal(got.Chunks, rec.Chunks) || !slices.Equal(got.ChunkTokens, rec.ChunkTokens) ||
		!slices.Equal(got.Reasoning, rec.Reasoning) || len(got.ToolCalls) > 0 ||
		string(got.Usage) != string(rec.Usage) {
		t.Errorf("got %+v, want %+v", got, rec)
	}
	d := q.Details()
	if d.ID() != rec.ID || d.SessionID() != rec.SessionID || d.Error() != rec.Error || d.Connected != rec.Connected ||
		d.FirstByte != 0 || d.Attempt != rec.Attempt || d.BytesSent != rec.BytesSent || int(d.Turn) != rec.Turn ||
		d.PromptRaw != rec.PromptRaw || d.ClientPrompt != narrowOrNone(rec.Prompt) || d.ClientCompletion != none {
		t.Errorf("got %+v, want %+v", d, rec)
	}
	ttfo, known := rec.TTFO()
	if known && q.TTFO() != ttfo.Seconds() || !known && !math.IsNaN(q.TTFO()) {
		t.Errorf("got the TTFO %v, want %v, %v", q.TTFO(), ttfo, known)
	}
}

// IDs and usage maps that have nothing in common are kept whole once there are too many of them.
func TestManyPatterns(t *testing.T) {
	t.Parallel()
	r := newRun(Options{})
	var want []string
	for i := range 3 * mostPatterns {
		id := string(rune('a'+i%26)) + string(rune('a'+i/26)) + "-7"
		want = append(want, id)
		r.addRequest(&record.Request{ID: id, Usage: []byte(`{"` + id + `":12}`)}, "i")
	}
	for i, q := range r.Requests {
		var rec record.Request
		if q.Unpack(&rec); q.ID() != want[i] || string(rec.Usage) != `{"`+want[i]+`":12}` {
			t.Errorf("got %q with %s, want %q", q.ID(), rec.Usage, want[i])
		}
	}
	if n := len(r.common); n > 2*mostPatterns+1 {
		t.Errorf("%d kinds of requests are kept", n)
	}
}
