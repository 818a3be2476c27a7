package convert_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The worked example of docs/comparison.md: one answer of 5 tokens in 3 chunks, milliseconds after the request went to
// the transport.
const (
	exampleHead = 5.0   // the request's head is written
	exampleRole = 95.0  // the chunk with the role
	exampleEnd  = 153.0 // [DONE]
	exampleN    = 5
)

var (
	exampleChunks = []float64{100, 130, 150}
	exampleTokens = []int{1, 3, 1}
)

// exampleRecord is the record of that request, with or without the client's tokenizer.
func exampleRecord(tokenizer bool) *record.Request {
	r := &record.Request{
		ID: "a", Scenario: "load", Streaming: true, Start: 1e9, End: 1e9 + int64(exampleEnd*1e6),
		Connected: 1e9 + int64(exampleHead*1e6),
		Usage:     json.RawMessage(`{"prompt_tokens":3,"completion_tokens":5}`), FinishReason: "length", Status: 200,
	}
	for _, ms := range exampleChunks {
		r.Chunks = append(r.Chunks, int64(ms*1e3))
	}
	if tokenizer {
		r.ChunkTokens, r.Completion = exampleTokens, new(exampleN)
	}
	return r
}

// figures is a row of the example's table. A figure that the tool does not have is NaN.
type figures struct {
	ttft, duration, tpot, meanITL float64
	itl                           []float64
	ntpot                         float64
}

func (f figures) row() []string {
	values := make([]string, len(f.itl))
	for i, v := range f.itl {
		values[i] = shown(v)
	}
	return []string{shown(f.ttft), shown(f.duration), shown(f.tpot), shown(f.meanITL), strings.Join(values, ", "),
		shown(f.ntpot)}
}

// shown rounds to two decimals.
func shown(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func gapsOf(times []float64) (gaps []float64) {
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i]-times[i-1])
	}
	return gaps
}

func meanOf(values []float64) float64 { return stats.Sum(values) / float64(len(values)) }

// ourFigures returns the figures of the record's methods.
func ourFigures(r *record.Request) figures {
	ms := func(d time.Duration, known bool) float64 {
		if !known {
			return math.NaN()
		}
		return float64(d) / float64(time.Millisecond)
	}
	f := figures{ttft: ms(r.TTFT()), duration: ms(r.Latency(), true), tpot: ms(r.TPOT(r.Counts())),
		meanITL: ms(r.MeanITL()), ntpot: ms(r.NTPOT(r.Counts()))}
	for _, gap := range r.AppendITL(nil) {
		f.itl = append(f.itl, ms(gap, true))
	}
	return f
}

// reportFigures returns the figures of the part of a report that follows inference-perf. Its gaps are the record's.
func reportFigures(t *testing.T, r *record.Request) figures {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	var text []byte
	for _, line := range []record.Line{&record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1",
		Start: 1}, r, &record.End{Time: r.End}} {
		var err error
		if text, err = record.Append(text, line); err != nil {
			t.Fatal(err)
		}
		text = append(text, '\n')
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run, err := run.ReadFiles(run.Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	l := convert.Summarize(run, convert.Options{}).Successes.Latency
	return figures{
		ttft: l.TTFT.Mean * 1e3, duration: l.Request.Mean * 1e3, tpot: l.TPOT.Mean * 1e3, meanITL: l.ITL.Mean * 1e3,
		ntpot: l.NTPOT.Mean * 1e3,
		itl:   ourFigures(r).itl,
	}
}

// vllmFigures follows calculate_metrics of vllm/benchmarks/serve.py, for the times of the chunks that it counts.
func vllmFigures(times []float64) figures {
	first, last := times[0], times[len(times)-1]
	itl := gapsOf(times)
	return figures{ttft: first, duration: last, tpot: (last - first) / (exampleN - 1), meanITL: meanOf(itl), itl: itl,
		ntpot: math.NaN()}
}

// guidellmFigures follows schemas/base/request_stats.py; its clock starts when the request's head is written.
func guidellmFigures() figures {
	first, last := exampleChunks[0], exampleChunks[len(exampleChunks)-1]
	itl := (last - first) / (exampleN - 1)
	return figures{ttft: first - exampleHead, duration: exampleEnd - exampleHead, tpot: (last - exampleHead) / exampleN,
		meanITL: itl, itl: []float64{itl}, ntpot: math.NaN()}
}

// aiperfFigures follows metrics/types/ttft_metric.py, request_latency_metric.py and inter_token_latency_metric.py.
func aiperfFigures() figures {
	first, last := exampleChunks[0], exampleChunks[len(exampleChunks)-1]
	itl := (last - first) / (exampleN - 1)
	return figures{ttft: first, duration: last, tpot: math.NaN(), meanITL: itl, itl: []float64{itl}, ntpot: math.NaN()}
}

func TestWorkedExample(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(readComparison(t), "<!-- worked example -->")
	if !found {
		t.Fatal("docs/comparison.md has no worked example")
	}
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (.+) \|$`).FindAllStringSubmatch(table, -1) {
		cells := strings.Split(m[1], " | ")
		rows[cells[0]] = cells[1:]
	}
	for tool, f := range map[string]figures{
		"ours, with a tokenizer":           ourFigures(exampleRecord(true)),
		"ours, without":                    ourFigures(exampleRecord(false)),
		"inference-perf, with a tokenizer": reportFigures(t, exampleRecord(true)),
		"inference-perf, without":          reportFigures(t, exampleRecord(false)),
		"vLLM 0.33":                        vllmFigures(exampleChunks),
		"vLLM 0.30":                        vllmFigures(append([]float64{exampleRole}, exampleChunks...)),
		"guidellm":                         guidellmFigures(),
		"aiperf":                           aiperfFigures(),
	} {
		if got, want := rows[tool], f.row(); !slices.Equal(got, want) {
			t.Errorf("docs/comparison.md has %q of %s, want %q", got, tool, want)
		}
	}
}

// The page's example of percentiles, of the values 1 to 10, is correct.
func TestPercentilesOfTheComparison(t *testing.T) {
	t.Parallel()
	text := readComparison(t)
	linear := stats.Percentile(10, func(k int) float64 { return float64(k + 1) }, 95)
	nearest := math.Ceil(0.95 * 10) // the smallest value at which the share of values reached is 0.95
	for _, want := range []string{"p95 is " + shown(linear) + " by linear interpolation",
		"and " + shown(nearest) + " by guidellm's way"} {
		if !strings.Contains(text, want) {
			t.Errorf("docs/comparison.md does not say %q", want)
		}
	}
}

func readComparison(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/comparison.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
