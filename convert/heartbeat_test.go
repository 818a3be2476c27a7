package convert

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

func TestSecondsText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		seconds []int
		want    string
	}{
		{[]int{3}, "second 3"}, {[]int{3, 4}, "seconds 3-4"}, {[]int{0, 2, 3, 4, 9}, "seconds 0, 2-4, 9"},
		{[]int{0, 2, 4, 6, 8, 10, 12, 14, 16}, "seconds 0, 2, 4, 6, 8, 10, 12, 14, …"},
	} {
		var seconds []LateSecond
		for _, s := range tt.seconds {
			seconds = append(seconds, LateSecond{Second: s})
		}
		if got := secondsText(seconds); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.seconds, got, tt.want)
		}
	}
}

func TestNinetyNinthOfHeartbeats(t *testing.T) {
	t.Parallel()
	const ms, year = int64(1_000_000), 365 * 24 * 3600 * second
	for _, tt := range []struct {
		name             string
		beats, p99, most int64
		late             [][]run.LateSpan
		want             int64
	}{
		{"none late", 200, ms / 10, ms, nil, ms / 10},
		{"none above 2 ms, but one second's", 200, 50 * ms, 50 * ms, nil, 2 * ms},
		{"two beats of 200: 7, 2 ms", 200, 50 * ms, 50 * ms, [][]run.LateSpan{{{To: 7 * ms}}}, 2 * ms},
		{"three beats of 200: 13, 8, 3 ms", 200, 0, 13 * ms, [][]run.LateSpan{{{To: 13 * ms}}}, 3 * ms},
		{"of two instances: 12, 9, 7, 4, 2 ms", 200, 0, 12 * ms, [][]run.LateSpan{{{To: 12 * ms}}, {{To: 9 * ms}}},
			7 * ms},
		{"all of a second", 200, 0, second, [][]run.LateSpan{{{To: second}}}, second - 10*ms},
		{"a year", year / run.BeatPeriod, 0, year, [][]run.LateSpan{{{To: year}}}, year - year/100},
	} {
		p := pulse{beats: tt.beats, p99: tt.p99, max: tt.most, late: tt.late}
		if got := p.ninetyNinth(); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
