package convert

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// embed returns a request for the vectors of some texts that starts at a second of the run.
func embed(second, texts int64) *record.Request {
	q := &record.Request{Start: 1_700_000_000*runtest.Second + second*runtest.Second, Status: 200, BytesSent: 100}
	runtest.Embeddings(q, texts)
	return q
}

func failedEmbed(second, texts int64) *record.Request {
	q := embed(second, texts)
	q.ErrorType, q.Error, q.VectorLength, q.Usage = record.ErrorMalformed, "2 vectors for 4 inputs", nil, nil
	return q
}

// Four requests of 1, 2, 4 and 4 texts, of which the last fails, over 3 s and the 80 ms that the last one took.
func fourEmbeddings() []*record.Request {
	return []*record.Request{embed(0, 1), embed(1, 2), embed(2, 4), failedEmbed(3, 4)}
}

func summaryJSON(t *testing.T, r *run.Run, o Options) gjson.Result {
	t.Helper()
	text, err := json.Marshal(Summarize(r, o))
	if err != nil {
		t.Fatal(err)
	}
	return gjson.ParseBytes(text)
}

func TestFiguresOfEmbeddings(t *testing.T) {
	t.Parallel()
	doc := summaryJSON(t, runOf(t, fourEmbeddings()...), Options{})
	const seconds = 3.08
	for path, want := range map[string]float64{
		"successes.count": 3, "failures.count": 1,
		"successes.throughput.input_tokens_per_sec":                   56 / seconds,
		"successes.throughput.output_tokens_per_sec":                  0,
		"successes.throughput.total_tokens_per_sec":                   56 / seconds,
		"successes.output_tokens.total":                               0,
		"successes.client_fallback_requests.output":                   0,
		"successes.latency.request_latency.median":                    0.04,
		"xk6_llm.inputs.embeddings.requests":                          3,
		"xk6_llm.inputs.embeddings.requests_per_sec":                  3 / seconds,
		"xk6_llm.inputs.embeddings.inputs":                            7,
		"xk6_llm.inputs.embeddings.inputs_per_sec":                    7 / seconds,
		"xk6_llm.inputs.embeddings.bytes_received.max":                20000,
		"xk6_llm.inputs.embeddings.by_batch.#":                        3,
		"xk6_llm.inputs.embeddings.vector_lengths.0.length":           768,
		"xk6_llm.inputs.embeddings.by_batch.2.inputs_from":            4,
		"xk6_llm.inputs.embeddings.by_batch.2.requests":               1,
		"xk6_llm.inputs.embeddings.by_batch.2.request_latency.median": 0.08,
		"xk6_llm.inputs.embeddings.by_batch.0.request_latency.median": 0.02,
	} {
		if got := doc.Get(path); got.Type != gjson.Number || math.Abs(got.Num-want) > 1e-9 {
			t.Errorf("%s: got %s, want %v", path, got.Raw, want)
		}
	}
	for _, path := range []string{
		"successes.latency.time_to_first_token", "successes.latency.inter_token_latency",
		"successes.latency.time_per_output_token", "successes.latency.normalized_time_per_output_token",
		"successes.output_len", "xk6_llm.latency.ttft", "xk6_llm.latency.ntpot",
	} {
		if got := doc.Get(path); got.Raw != "null" {
			t.Errorf("%s: got %s, want null", path, got.Raw)
		}
	}
	if warnings := doc.Get("xk6_llm.warnings").Raw; warnings != "[]" {
		t.Errorf("warnings %s", warnings)
	}
}

// A server of rerank reports the total of the tokens alone, and all of them are input.
func TestFiguresOfRerank(t *testing.T) {
	t.Parallel()
	var list []*record.Request
	for k := range int64(3) {
		q := embed(k, 1)
		runtest.Rerank(q, 10)
		list = append(list, q)
	}
	doc := summaryJSON(t, runOf(t, list...), Options{})
	for path, want := range map[string]float64{
		"successes.prompt_tokens.total": 1500, "xk6_llm.inputs.rerank.inputs": 30,
		"xk6_llm.inputs.rerank.scores_per_request.min": 10,
	} {
		if got := doc.Get(path); got.Num != want {
			t.Errorf("%s: got %s, want %v", path, got.Raw, want)
		}
	}
}

// Of chats and embeddings in one run each figure is of the requests that have it.
func TestFiguresOfMixedRuns(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	chats := []*record.Request{sampleRequest(rng, 1_700_000_000*second), sampleRequest(rng, 1_700_000_001*second)}
	alone := summaryJSON(t, runOf(t, chats...), Options{})
	r := runOf(t, append(fourEmbeddings(), chats...)...)
	mixed := summaryJSON(t, r, Options{})
	p := NewReport(r, Options{SLO: record.Bounds{TTFT: 500}})
	if _, err := p.Write(t.TempDir(), allFiles); err != nil || len(p.Faults)+len(p.Remarks) > 0 {
		t.Errorf("error %v, faults %q, remarks %q", err, p.Faults, p.Remarks)
	}
	for _, path := range []string{
		"successes.latency.time_to_first_token", "successes.latency.normalized_time_per_output_token",
		"successes.output_len", "successes.output_tokens", "xk6_llm.latency", "xk6_llm.finish_reasons",
		"xk6_llm.tokens.output_source", "xk6_llm.warnings",
	} {
		got, want := mixed.Get(path).Raw, alone.Get(path).Raw
		if path == "xk6_llm.latency" { // waiting for a connection is of all
			got, want = gjson.Get(got, "ttft").Raw, gjson.Get(want, "ttft").Raw
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	if got := mixed.Get("xk6_llm.inputs.embeddings.request_latency.max").Num; got != 0.08 {
		t.Errorf("latency of embeddings up to %v", got)
	}
}

func TestManyBatchesAreJoined(t *testing.T) {
	t.Parallel()
	var list []*record.Request
	for n := range int64(32) {
		list = append(list, embed(n, n+1))
	}
	batches := Summarize(runOf(t, list...), Options{}).Additions.Inputs[record.APIEmbeddings].ByBatch
	var got [][3]int
	for _, b := range batches {
		got = append(got, [3]int{b.From, b.To, b.Requests})
	}
	want := [][3]int{{1, 1, 1}, {2, 3, 2}, {4, 7, 4}, {8, 15, 8}, {16, 31, 16}, {32, 32, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVectorsOfSeveralLengthsAreNamed(t *testing.T) {
	t.Parallel()
	list := fourEmbeddings()
	*list[0].VectorLength = 256
	got := Summarize(runOf(t, list...), Options{}).Additions.Warnings
	if want := []string{"vectors are of 2 lengths: 768 (2 answers), 256 (1 answer)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is read back is what was written, in all forms of a run.
func TestInputsAreReadBack(t *testing.T) {
	t.Parallel()
	of := func(r *run.Run) (list [][3]int32) {
		for _, q := range r.Requests {
			d := q.Details()
			list = append(list, [3]int32{d.Inputs, d.VectorLength, d.Scores})
		}
		return list
	}
	lines := runtest.InputLines()
	r := mustRead(t, asRecords(t, lines))
	want := of(r)
	if !slices.Contains(want, [3]int32{4, 768, none}) || !slices.Contains(want, [3]int32{10, none, 10}) ||
		!slices.Contains(want, [3]int32{none, none, none}) {
		t.Fatalf("records: %v", want)
	}
	fromParquet, err := run.ReadFiles(run.Options{}, writeParquet(t, r))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*run.Run{"k6 JSON": mustRead(t, asK6JSON(t, lines)), "Parquet": fromParquet} {
		if got := of(r); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	var table bytes.Buffer
	if err := NewRequestTable(r).WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	if head, _, _ := strings.Cut(table.String(), "\n"); !strings.Contains(head, ",slo,inputs,vector_length,scores,") {
		t.Errorf("columns %s", head)
	}
}

// The file of requests holds what inference-perf's has no place for as extra info.
func TestInputsOfPerRequestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := runOf(t, embed(0, 1), embed(1, 4))
	files := Files{PerRequest: true, Fields: DefaultFields}
	if _, err := NewReport(r, Options{}).Write(dir, files); err != nil {
		t.Fatal(err)
	}
	imported, err := run.ReadFiles(run.Options{}, filepath.Join(dir, "per_request_lifecycle_metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	i := Summarize(imported, Options{}).Additions.Inputs[record.APIEmbeddings]
	if i.Total != 5 || i.VectorLengths[0].Length != 768 || len(i.ByBatch) != 2 || i.Bytes != nil {
		t.Errorf("got %+v", i)
	}
}

func TestObjectivesOnEmbeddings(t *testing.T) {
	t.Parallel()
	const noTTFT = "no requests to judge by: requests that ask for no text have a latency and no TTFT"
	for text, want := range map[string]Judgement{
		"p99(ttft)<500ms": {Outcome: slo.NoRequests, Observed: noTTFT},
		"ttft=500ms":      {Outcome: slo.NoRequests, Observed: noTTFT},
		"p50(latency)<1s": {Outcome: slo.Kept, Requests: 4, Kept: 3, Failed: 1, Observed: "p50 latency 40.0 ms"},
		"failures<50%":    {Outcome: slo.Kept, Requests: 4, Kept: 3, Failed: 1, Observed: "25.0 % failed"},
		"goodput(ttft<1s,latency<50ms)>=50%": {Outcome: slo.Kept, Requests: 4, Kept: 2, Failed: 1,
			Observed: "50.0 % keep it"},
	} {
		var o Options
		if err := o.SetSLO(text); err != nil {
			t.Fatal(err)
		}
		p := NewReport(runOf(t, fourEmbeddings()...), o)
		got := p.Summary.Additions.SLO[0]
		got.Objective, got.Value = "", nil
		if got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
		if answer := p.Summary.Additions.SLOAnswers[0].Text; want.Outcome == slo.NoRequests &&
			!strings.Contains(answer, noTTFT) {
			t.Errorf("%s: %s", text, answer)
		}
	}
}

// Goodput is of the bounds that a request can keep: without one it is not judged.
func TestGoodputOfEmbeddings(t *testing.T) {
	t.Parallel()
	r := runOf(t, fourEmbeddings()...)
	if g := Summarize(r, Options{SLO: record.Bounds{TTFT: 500}}).Successes.Goodput; g != nil {
		t.Errorf("judged by TTFT: %+v", g)
	}
	g := Summarize(r, Options{SLO: record.Bounds{TTFT: 500, Latency: 50}}).Successes.Goodput
	if g == nil || g.Good != 2 || g.Total != 3 || g.TTFT != nil || float64(g.TokenRate) != 24/2.08 {
		t.Errorf("got %+v", g)
	}
}

func TestTablesOfEmbeddings(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := NewReport(runOf(t, fourEmbeddings()...), Options{})
	if err := p.WriteTables(Screen{W: &out, Columns: 120}); err != nil {
		t.Fatal(err)
	}
	want := `4 requests, 1 failed (25.0 %), none dropped
  failed: 1 × malformed: 2 vectors for 4 inputs
throughput: 0.97 requests/s, 2.3 texts/s, 18.2 prompt tokens/s
tokens: the server's counts
embeddings: p50 2.00 texts a request, 10,000 bytes an answer, vectors of length 768

latency in ms; asked, sent and done in requests per second
`
	if got := out.String(); !strings.HasPrefix(got, want) || strings.Contains(got, "TTFT") ||
		strings.Contains(got, "out tok/s") || !strings.Contains(got, "texts/s  latency p50") ||
		!strings.Contains(got, "texts  requests  latency p50") {
		t.Errorf("got:\n%s\nwant it to begin with:\n%s", got, want)
	}
}

// A run of which every request failed is no run of chats.
func TestTablesOfFailedEmbeddings(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := NewReport(runOf(t, failedEmbed(0, 1), failedEmbed(1, 1)), Options{})
	if err := p.WriteTables(Screen{W: &out}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "TTFT") || strings.Contains(got, "output") ||
		!strings.Contains(got, "throughput: 0.00 requests/s, 0.0 texts/s, 0.0 prompt tokens/s") {
		t.Errorf("got:\n%s", got)
	}
}

func TestCompareRunsOfEmbeddings(t *testing.T) {
	t.Parallel()
	made := func(texts int64) compare.Side {
		var list []*record.Request
		for k := range int64(60) {
			list = append(list, embed(k, texts))
		}
		return RunSide(runOf(t, list...), "run", Options{})
	}
	result, err := compare.Compare(made(1), made(4), compare.Options{Resamples: 100})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]compare.Verdict{}
	for _, m := range result.Metrics {
		verdicts[m.Name] = m.Verdict
	}
	if verdicts["inputs_per_sec"] != compare.Better || verdicts["mean(request_latency)"] != compare.Worse {
		t.Errorf("verdicts %v", verdicts)
	}
	for _, name := range []string{"mean(ttft)", "mean(ntpot)", "output_tokens_per_sec"} {
		if _, has := verdicts[name]; has {
			t.Errorf("%s is compared", name)
		}
	}
}
