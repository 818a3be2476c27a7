package selftest

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	const ms = 1_000_000
	request := func(id string, end int64, chunks ...int64) *record.Request {
		q := &record.Request{ID: id, Start: 1000 * ms, End: 1000*ms + end}
		q.Chunks = chunks
		return q
	}
	failed := request("failed", 5*ms, 1000)
	failed.ErrorType = record.ErrorTimeout
	got := Compare([]*record.Request{
		request("a", 31*ms, 10_500, 20_000, 30_000), // 0.5 ms late, gaps 9.5 and 10 of 10, 1 ms late
		request("b", 12*ms, 10_000),                 // 2 ms early
		request("short", 12*ms, 10_000, 11_000), request("nobody", 1, 1), failed,
	}, map[string]sim.Truth{
		"a":     {Chunks: []int64{1010 * ms, 1020 * ms, 1030 * ms}, End: 1030 * ms},
		"b":     {Chunks: []int64{1012 * ms}, End: 1012 * ms},
		"short": {Chunks: []int64{1010 * ms}, End: 1012 * ms}, "failed": {Chunks: []int64{1001 * ms}, End: 1001 * ms},
	})
	want := Errors{
		Requests: 2, Failed: 1, Unknown: 2, Tokens: 4,
		First: Spread{0.5, 2, 2}, All: Spread{0, 2, 2}, Gaps: Spread{0, 0.5, 0.5}, End: Spread{0, 1, 1},
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := Compare(nil, nil); got != (Errors{}) {
		t.Errorf("no requests: got %+v", got)
	}
}
