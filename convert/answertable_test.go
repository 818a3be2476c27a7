package convert

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// tablesFor returns what is printed of requests.
func tablesFor(t *testing.T, requests ...*record.Request) string {
	t.Helper()
	var out strings.Builder
	if err := NewReport(runOf(t, requests...), Options{}).WriteTables(Screen{W: &out, Columns: 200}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// spokenAt returns a request for speech in a stage, with two chunks of a second of which the second comes at an
// instant, in milliseconds.
func spokenAt(stage int, second, ms int64) *record.Request {
	q := asked(record.APISpeech, second)
	q.Stage, q.Chunks, q.ChunkBytes = stage, []int64{100_000, ms * 1000}, []int64{48_000, 48_000}
	q.Output = []record.Media{{Kind: "audio", Format: "pcm", Seconds: 2, Bytes: 96_000}}
	q.End = q.Start + ms*1_000_000
	return q
}

// Each stage of speech has its real-time factors, the share of sounds that stall, and seconds of sound; sounds per
// second are the requests done.
func TestStagesOfSpeech(t *testing.T) {
	t.Parallel()
	got := tablesFor(t, spokenAt(0, 0, 1000), spokenAt(0, 1, 1000), spokenAt(1, 2, 1000), spokenAt(1, 3, 1500))
	for _, want := range []string{"first audio p50  p99  RTF p50    p99  stalled %  s of audio/s", "50.0"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	if strings.Contains(got, "audios/s") {
		t.Errorf("got\n%s\nwant no audios/s, which are done/s", got)
	}
}

// Of several APIs each has a row, the columns of stages name theirs, and no latency is of all.
func TestTablesOfSeveralAPIs(t *testing.T) {
	t.Parallel()
	picture := asked(record.APIImage, 1)
	picture.Output = []record.Media{{Kind: "image", Bytes: 9}, {Kind: "image", Bytes: 9}}
	picture.Seq = 1
	got := tablesFor(t, spokenAt(0, 0, 1000), picture)
	for _, want := range []string{
		"API     requests  failed  latency p50      p99  first figure of its own\n",
		"image          1       0      ~ 1,000  ≥ 1,000  an image p50 0.500, p99 0.500 s\n",
		"speech         1       0      ~ 1,000  ≥ 1,000  first audio p50 100, p99 100 ms\n",
		"images/s", "speech first audio p50", "speech RTF p50", "iterations as asked for",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	if n := strings.Count(got, "latency p50"); n != 1 {
		t.Errorf("got\n%s\nwant latencies by API alone, got them %d times", got, n)
	}
}
