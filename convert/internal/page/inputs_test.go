package page

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// inputPage returns the page of a run whose requests change makes others.
func inputPage(t *testing.T, lines []record.Line) string {
	t.Helper()
	run, err := FromReport("run", reportOn(t, runtest.Records(t, lines)))
	if err != nil {
		t.Fatal(err)
	}
	return written(t, run)
}

func TestPageOfEmbeddings(t *testing.T) {
	t.Parallel()
	lines := runtest.Lines()
	for _, line := range lines {
		if q, ok := line.(*record.Request); ok {
			runtest.Embeddings(q, 1+q.Index%4)
		}
	}
	page := inputPage(t, lines)
	for _, want := range []string{
		`id="chart-ecdf-latency"`, `id="chart-time-latency"`, `id="chart-rate-inputs"`, `id="chart-rate-request"`,
		`<h3>Request latency of embeddings by the texts of a request</h3>`, " inputs/s",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, absent := range []string{
		`id="chart-ecdf-ttft"`, `id="chart-time-ttft"`, `id="chart-time-itl"`, `id="chart-rate-ttft"`,
		`id="chart-rate-ntpot"`, "output tokens/s", ">NTPOT<", ">TTFT<", "p99(ttft)",
	} {
		if strings.Contains(page, absent) {
			t.Errorf("the page has %s", absent)
		}
	}
}

// Chats have their charts beside those of embeddings and reranks.
func TestPageOfMixedRuns(t *testing.T) {
	t.Parallel()
	page := inputPage(t, runtest.InputLines())
	for _, want := range []string{`id="chart-ecdf-latency"`, `id="chart-ecdf-ttft"`, `id="chart-time-itl"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// Media have their rates and latencies. Runs without any have none of these.
func TestPageOfMedia(t *testing.T) {
	t.Parallel()
	page, text := inputPage(t, runtest.MediaLines()), inputPage(t, runtest.Lines())
	for _, want := range []string{`id="chart-ecdf-latency"`, `id="chart-rate-first-audio"`, ">First audio<",
		">TTFT after sending<", ">Sending the body<", " images/s", " videos/s", " audios/s", `id="chart-ecdf-ttft"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
		if strings.Contains(text, want) && want != `id="chart-ecdf-ttft"` {
			t.Errorf("the page of a run of text has %s", want)
		}
	}
}

// Pictures alone have a latency and no figure of tokens.
func TestPageOfPictures(t *testing.T) {
	t.Parallel()
	lines := runtest.Lines()
	for _, line := range lines {
		if q, ok := line.(*record.Request); ok {
			runtest.Picture(q)
		}
	}
	page := inputPage(t, lines)
	for want, there := range map[string]bool{`id="chart-ecdf-latency"`: true, "successes per second": true,
		" images/s": true, `id="chart-ecdf-ttft"`: false, "output tokens/s": false, ">NTPOT<": false, ">TTFT<": false} {
		if strings.Contains(page, want) != there {
			t.Errorf("the page has %s: %t, want %t", want, !there, there)
		}
	}
}
