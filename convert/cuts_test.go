package convert

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Answers that are cut off after the same time are told, by the last chunk.
func TestCutsByAClockAreTold(t *testing.T) {
	t.Parallel()
	cut := func(lastChunk, more int64) *record.Request {
		return with(answered(10, ""), func(r *record.Request) {
			r.ErrorType, r.Chunks = record.ErrorTruncated, []int64{1000, lastChunk}
			r.End = r.Start + (lastChunk+more)*1000
		})
	}
	const want = "3 answers were cut off, each 0.5 s after it was asked for: a time limit of a proxy or of the " +
		"server ends them (timeout of Envoy's route)"
	list := []*record.Request{cut(500_000, 1_000_000), cut(510_000, 10), cut(495_000, 2_000_000), answered(10, "stop")}
	if got := warned(t, nil, "cut off, each", list...); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	list = []*record.Request{cut(500_000, 10), cut(900_000, 10), cut(1_495_000, 10)}
	if got := warned(t, nil, "cut off, each", list...); len(got) > 0 {
		t.Errorf("at different times: got %q", got)
	}
}
