package convert

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/internal/validation"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/schematest"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// schemaNames maps the endings of file names in a report to their schemas. The first that matches counts.
var schemaNames = [][2]string{
	{"per_request_lifecycle_metrics.json", "per-request"}, {"per_session_lifecycle_metrics.json", "per-session"},
	{"session_lifecycle_metrics.json", "session-report"}, {"lifecycle_metrics.json", "report"},
	{"validation.json", "validation"}, {"search.json", "search"},
}

func loadSchema(t *testing.T, name string) *schematest.Schema {
	t.Helper()
	s, err := schematest.Load(filepath.Join("..", "docs", "schema", name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validateFiles validates all JSON files of a directory, and returns how many files each schema had.
func validateFiles(t *testing.T, dir string) map[string]int {
	t.Helper()
	schemas, seen := map[string]*schematest.Schema{}, map[string]int{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		at := slices.IndexFunc(schemaNames, func(pair [2]string) bool {
			return strings.HasSuffix(strings.TrimSuffix(path, ".gz"), pair[0])
		})
		if err != nil || at < 0 {
			return err
		}
		name := schemaNames[at][1]
		if schemas[name] == nil {
			schemas[name] = loadSchema(t, name)
		}
		seen[name]++
		if err := schemas[name].Validate(content(t, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// content returns the content of a file, unzipped if need be.
func content(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var plain io.Reader = f
	if filepath.Ext(path) == ".gz" {
		if plain, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(plain)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSchemasHoldForGoldenReports(t *testing.T) {
	t.Parallel()
	seen := validateFiles(t, filepath.Join("testdata", "golden"))
	if seen["report"] < 3 || seen["per-request"] == 0 || seen["validation"] == 0 {
		t.Errorf("files %v", seen)
	}
}

// Files written by inference-perf itself lack the additions of this program.
func TestSchemasHoldForReportsOfInferencePerf(t *testing.T) {
	t.Parallel()
	seen := validateFiles(t, filepath.Join("testdata", "inference-perf"))
	if seen["report"] < 5 || seen["per-request"] < 2 || seen["session-report"] != 3 || seen["per-session"] != 1 {
		t.Errorf("files %v", seen)
	}
}

// everyFile selects all JSON files that a report can have.
var everyFile = Files{
	Summary: true, Stages: true, Adapters: true, AdapterStages: true, PerRequest: true, Config: true,
	Groups: true, GroupStages: true,
	Fields:   Fields{Request: true, Response: true, Info: true, Chunks: true, Computed: true},
	Sessions: true, SessionStages: true, PerSession: true,
}

// changed returns lines in which change was applied to the requests that belong to a stage.
func changed(lines []record.Line, change func(*record.Request)) []record.Line {
	for _, line := range lines {
		if q, ok := line.(*record.Request); ok && q.Stage >= 0 {
			change(q)
		}
	}
	return lines
}

func failed(q *record.Request) { q.ErrorType, q.Error = record.ErrorStall, "nothing came" }

// failedCall makes a call of a replay fail after it was sent again.
func failedCall(q *record.Request) {
	q.Retries, q.Attempt = 1, q.Start
	failed(q)
}

func succeeded(q *record.Request) { q.ErrorType, q.Error = "", "" }

// unary turns a request into one whose answer was not streamed, from a server that counts no tokens.
func unary(q *record.Request) {
	q.Streaming, q.Chunks, q.ChunkTokens, q.Reasoning, q.ToolCalls = false, []int64{}, nil, nil, nil
	q.Usage, q.Prompt, q.Completion = nil, nil, nil
}

// embeddings turns a request into one for the vectors of some texts.
func embeddings(q *record.Request) { runtest.Embeddings(q, 1+q.Index%4) }

// rerank turns a request into one for the scores of some documents.
func rerank(q *record.Request) { runtest.Rerank(q, 10) }

func oneToken(q *record.Request) {
	q.Chunks, q.ChunkTokens, q.Usage, q.Completion = q.Chunks[:1], nil, nil, nil
}

// rawPrompt makes a request the second of its iteration, with its prompt counted without the chat template.
func rawPrompt(q *record.Request) { q.Usage, q.PromptRaw, q.Seq = nil, true, 1 }

func due(q *record.Request) { q.Due = new(q.Start - 1000) }

// withTexts adds the recorded bodies of a request and of its streamed answer.
func withTexts(q *record.Request) {
	q.RequestBody, q.ResponseBody = `{"model":"é"}`, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
}

// anyLoad replaces the executor by one without a schedule.
func anyLoad(lines []record.Line) []record.Line {
	for i, s := range lines[0].(*record.Run).Scenarios {
		lines[0].(*record.Run).Scenarios[i] = record.Scenario{Name: s.Name, Executor: "shared-iterations",
			Stages: []record.Stage{{Index: i, Requests: new(int64(20)), Concurrency: new(int64(2))}}}
	}
	return lines
}

// reportCase is a run with the options and the cut of its report.
type reportCase struct {
	lines []record.Line
	opts  Options
	cut   run.Cut
}

// warmedUp returns the lines of a run with a warm-up that was not stable by its end.
func warmedUp() []record.Line {
	lines := richLines()
	warm := record.Stage{Index: 7, Rate: new(5.0), Duration: new(10.0), WarmupStage: record.WarmupUntilStable}
	run := *lines[0].(*record.Run)
	run.Scenarios = slices.Clone(run.Scenarios)
	run.Scenarios[0].Stages = append([]record.Stage{warm}, run.Scenarios[0].Stages...)
	lines[0] = &run
	warm.Start, warm.End, warm.Status = run.Start, run.Start+10e9, record.StageCompleted
	return append(lines, &warm)
}

// objectives returns options with an SLO, which is also the gate.
func objectives(text string) (o Options) {
	if err := o.SetSLO(text); err != nil {
		panic(err)
	}
	o.Gates = o.Objectives
	return o
}

func reportCases() map[string]reportCase {
	all := record.Bounds{TTFT: 100, TPOT: 9.9, NTPOT: 30, ITL: 9.9, Latency: 200}
	return map[string]reportCase{
		"plain":          {lines: sampleLines()},
		"rich":           {lines: richLines()},
		"goodput":        {lines: richLines(), opts: Options{SLO: all, ServerTokens: true}},
		"objectives":     {lines: richLines(), opts: objectives("p99(ttft)<10ms,failures<=0,goodput(itl<1s)>=1%")},
		"percentiles":    {lines: richLines(), opts: Options{Percentiles: []float64{0, 0.001, 50, 99.999, 100}}},
		"no percentiles": {lines: richLines(), opts: Options{Percentiles: []float64{}}},
		"failures only":  {lines: changed(richLines(), failed)},
		"few messages":   {lines: changed(richLines(), failed), opts: Options{MaxMessages: 1}},
		"successes only": {lines: changed(richLines(), succeeded)},
		"not streamed":   {lines: changed(richLines(), unary)},
		"one token":      {lines: changed(richLines(), oneToken)},
		"raw prompts":    {lines: changed(richLines(), rawPrompt)},
		"exact schedule": {lines: changed(richLines(), due)},
		"with texts":     {lines: changed(richLines(), withTexts)},
		"no schedule":    {lines: anyLoad(richLines())},
		"one request":    {lines: sampleLines()[:4]},
		"no request":     {lines: sampleLines()[:2]},
		"window": {lines: richLines(), cut: run.Cut{Warmup: 2, Cooldown: 1, StageWarmup: 0.5, Stages: []int{0, 1},
			Adapters: []string{"", "lora-b"}}},
		"embeddings":     {lines: changed(richLines(), embeddings)},
		"rerank":         {lines: changed(richLines(), rerank)},
		"mixed":          {lines: runtest.InputLines()},
		"media":          {lines: runtest.MediaLines()},
		"failed media":   {lines: changed(runtest.MediaLines(), failed)},
		"search":         {lines: runtest.SearchLines(1)},
		"replay":         {lines: runtest.Replay(), opts: Options{CacheTokens: 80}},
		"failed replay":  {lines: changed(runtest.Replay(), failedCall)},
		"unary replay":   {lines: changed(runtest.Replay(), unary)},
		"labels":         {lines: labelLines(), opts: objectives("failures<=0; chat: p99(ttft)<10ms; rag: ttft=1s")},
		"warm-up":        {lines: warmedUp()},
		"everything cut": {lines: richLines(), cut: run.Cut{Stages: []int{9}}},
	}
}

// writeReport writes all files of a report into a directory of the test.
func writeReport(t *testing.T, run *run.Run, o Options) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := NewReport(run, o).Write(dir, everyFile); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSchemasHoldForReports(t *testing.T) {
	t.Parallel()
	for name, tt := range reportCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, err := run.Read(run.Options{Bodies: true},
				run.Source{Name: "f", Reader: bytes.NewReader(asRecords(t, tt.lines))})
			if err != nil {
				t.Fatal(err)
			}
			run.LeaveOut(tt.cut)
			seen := validateFiles(t, writeReport(t, run, tt.opts))
			if seen["validation"] != 1 || seen["per-request"] != 1 || seen["report"] == 0 {
				t.Errorf("files %v of %d requests", seen, len(run.Requests))
			}
		})
	}
}

func TestSchemasHoldWhateverTheInput(t *testing.T) {
	t.Parallel()
	records := asRecords(t, richLines())
	merged, err := run.Read(run.Options{}, instances(t, "0:1/3", "1/3:2/3", "2/3:1")...)
	if err != nil {
		t.Fatal(err)
	}
	fromParquet, err := run.ReadFiles(run.Options{}, writeParquet(t, mustRead(t, records)))
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]*run.Run{
		"k6 JSON": mustRead(t, asK6JSON(t, richLines())), "instances": merged, "Parquet": fromParquet,
		"of a killed run": mustRead(t, records[:len(records)/2]),
	} {
		if seen := validateFiles(t, writeReport(t, run, Options{})); seen["report"] < 3 || seen["per-request"] != 1 {
			t.Errorf("%s: files %v", name, seen)
		}
		if t.Failed() {
			t.Fatalf("in the report of %s", name)
		}
	}
}

func writeParquet(t *testing.T, run *run.Run) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "requests.parquet")
	if err := outfile.Write(path, outfile.Options{}, NewRequestTable(run).WriteParquet); err != nil {
		t.Fatal(err)
	}
	return path
}

// imports lists results of other tools: a directory, and the configuration it was made with.
var imports = [][2]string{
	{"testdata/inference-perf/h_failures", ""},
	{"testdata/inference-perf/h_failures", "testdata/inference-perf/h_failures/config.yml"},
	{"testdata/inference-perf/n_no_tokenizer_chat_mock", ""},
	{"testdata/inference-perf/n_no_tokenizer_chat_mock", "testdata/inference-perf/n_no_tokenizer_chat_mock/config.yml"},
	{"internal/foreign/testdata/aiperf/0.13.0.jsonl", ""},
	{"internal/foreign/testdata/aiperf/0.13.0-unary.jsonl", ""},
	{"internal/foreign/testdata/guidellm/0.8.1.json", ""},
	{"internal/foreign/testdata/vllm/0.33.0.json", ""},
	{"internal/foreign/testdata/vllm/0.14.0.json", ""},
	{"internal/foreign/testdata/sglang/0.5.23.jsonl", ""},
	{"internal/foreign/testdata/sglang/0.5.23-unary.jsonl", ""},
}

func TestSchemasHoldForImportedRuns(t *testing.T) {
	t.Parallel()
	for _, pair := range imports {
		name, o, reporting := pair[0], run.Options{}, Options{}
		if pair[1] != "" {
			c, err := config.Load(filepath.FromSlash(pair[1]))
			if err != nil {
				t.Fatal(err)
			}
			o.Config = c
			if reporting, _, err = Configured(c); err != nil {
				t.Fatal(err)
			}
		}
		run, err := run.ReadFiles(o, filepath.FromSlash(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if seen := validateFiles(t, writeReport(t, run, reporting)); seen["report"] < 2 ||
			(seen["per-request"] == 1) == run.Untimed {
			t.Errorf("%s: files %v", name, seen)
		}
	}
}

// loose lists the parts of a report that may be missing, and the parts that may hold anything.
var loose = schematest.Loose{
	Open: []string{"/info/response_metrics/server_usage"},
	Optional: []string{
		"median", "p[0-9]*", "/xk6_llm", "/retries", "concurrency", "goodput_metrics", "*_attainment_percentage",
		"/failures/by_label/*",
		"/xk6_llm/versions/*", "imported_from", "/xk6_llm/sweep", "/xk6_llm/window/stages",
		"/xk6_llm/passport", "/xk6_llm/passport/audits/figures/*",
		"/xk6_llm/steady", "/xk6_llm/window/steady",
		"/xk6_llm/window/stage_warmup_seconds", "/xk6_llm/window/adapters",
		"reason", "/xk6_llm/finish_reasons/*", "/xk6_llm/tokens/output_asked/short_finish_reasons/*",
		"/xk6_llm/tokens/*_source/*", "time_series", "/xk6_llm/definitions/*",
		"/xk6_llm/notes", "/xk6_llm/load", "/xk6_llm/load/asked_from_rate", "/xk6_llm/load/asked_to_rate",
		"/xk6_llm/load/planned_seconds", "/xk6_llm/slo", "/xk6_llm/slo_answers", "/xk6_llm/gates",
		"/xk6_llm/search", "/xk6_llm/other_searches", "/xk6_llm/search/probes/tiers/*",
		"/xk6_llm/other_searches/probes/tiers/*",
		"/request", "/response", "/info", "/computed_metrics", "response_chunks", "chunk_times", "output_token_times",
		"stop_reason",
		"/xk6_llm/adjusted", "certainty",
		"/reports/*", "/stage_metadata", "*retries*", "*retry*", "/tfut_none_reasons/*",
	},
}

// Wherever a file is broken, its schema refuses it.
func TestSchemasRefuseBrokenReports(t *testing.T) {
	t.Parallel()
	r, err := run.Read(run.Options{Bodies: true},
		run.Source{Name: "f", Reader: bytes.NewReader(asRecords(t, changed(richLines()[:12], withTexts)))})
	if err != nil {
		t.Fatal(err)
	}
	r.LeaveOut(run.Cut{Warmup: 1, StageWarmup: 0.1, Stages: []int{0, 1}, Adapters: []string{"", "lora-b"}})
	o := objectives("ttft=100ms,request_latency=200ms")
	o.Percentiles = []float64{99.9}
	report := NewReport(r, o)
	whole, summary := report.Stages[0], report.Summary.Additions
	whole.Additions.SLOAnswers, whole.Additions.Gates = summary.SLOAnswers, summary.Gates
	search := NewReport(mustRead(t, asRecords(t, runtest.SearchLines(1))), o).Summary.Additions.Search
	search.Tiers, search.Probes = search.Tiers[:1], search.Probes[:1]
	whole.Additions.Search, whole.Additions.OtherSearches = search, []record.Search{*search}
	whole.Additions.Series = summary.Series // so that this report has every part that any report has
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	replay := writeReport(t, replayRun(t), Options{Percentiles: o.Percentiles, CacheTokens: 80})
	for name, text := range map[string][]byte{"report": text,
		"session-report": content(t, filepath.Join(replay, reportdir.SessionStage(0))),
		"per-session":    content(t, filepath.Join(replay, reportdir.PerSession)),
		"per-request":    content(t, filepath.Join(writeReport(t, r, o), reportdir.PerRequest))} {
		s := loadSchema(t, name)
		if accepted, err := s.Accepted(text, loose); err != nil || len(accepted) > 0 {
			t.Errorf("%s: accepted %q, %v", name, accepted, err)
		}
		withNaN := bytes.Replace(text, []byte(":"), []byte(`:NaN, "x":`), 1) // some JSON writers produce NaN
		if err := s.Validate(withNaN); err == nil || !strings.Contains(err.Error(), "not a JSON document") {
			t.Errorf("%s with NaN: got %v", name, err)
		}
	}
}

// findings returns a validation.json with findings of each kind.
func findings(t *testing.T) []byte {
	t.Helper()
	name := reportdir.Summary
	list := func(report *string) validation.Findings {
		return validation.Findings{
			Warnings: []validation.Finding{{Check: "c", Severity: validation.Warning, Message: "m", Report: report}},
			Errors:   []validation.Finding{{Check: "c", Severity: validation.Error, Message: "m", Report: report}},
		}
	}
	text, err := (&validation.Report{Global: list(nil), Files: []validation.File{{Name: name, Findings: list(&name)},
		{Name: "sound"}}}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSchemaOfFindings(t *testing.T) {
	t.Parallel()
	s, text := loadSchema(t, "validation"), findings(t)
	if accepted, err := s.Accepted(text, loose); err != nil || len(accepted) > 0 {
		t.Errorf("accepted %q, %v", accepted, err)
	}
	for _, pair := range [][3]string{
		{`"error"`, `"warning"`, "'/global/errors/0/severity'"},
		{`"warning"`, `"error"`, "'/global/warnings/0/severity'"},
		{`"error"`, `"fatal"`, "'/global/errors/0/severity'"}, {`"m"`, `"µ"`, "'/global/errors/0/message'"},
	} {
		if err := s.Validate(bytes.ReplaceAll(text, []byte(pair[0]), []byte(pair[1]))); err == nil ||
			!strings.Contains(err.Error(), pair[2]) {
			t.Errorf("%s for %s: got %v", pair[1], pair[0], err)
		}
	}
	// inference-perf's own
	if seen := validateFiles(t, filepath.Join("internal", "validation", "testdata")); seen["validation"] == 0 {
		t.Errorf("files %v", seen)
	}
}

func TestSchemasHaveEveryField(t *testing.T) {
	t.Parallel()
	report := schematest.Types{
		Own: map[reflect.Type]string{
			reflect.TypeFor[Distribution](): "distribution", reflect.TypeFor[PromptTokens](): "promptTokens",
			reflect.TypeFor[OutputTokens](): "outputTokens",
			reflect.TypeFor[labelCounts]():  "",
			reflect.TypeFor[Certainty]():    "certainty", reflect.TypeFor[AdjustedPercentiles](): "adjustedPercentiles",
		},
		Null: []reflect.Type{reflect.TypeFor[Maybe]()}, Lacking: []string{"xk6_llm", "prompt_len"},
	}
	sessions := schematest.Types{Own: map[reflect.Type]string{reflect.TypeFor[Distribution](): "distribution",
		reflect.TypeFor[sessionLabels](): "", reflect.TypeFor[reasonCounts](): ""}, Null: report.Null,
		Lacking: report.Lacking}
	request := schematest.Types{Null: report.Null, Own: map[reflect.Type]string{reflect.TypeFor[json.RawMessage](): ""}}
	for _, tt := range []struct {
		schema, definition string
		of                 reflect.Type
		types              schematest.Types
	}{
		{"report", "", reflect.TypeFor[Lifecycle](), report},
		{"report", "additions", reflect.TypeFor[Additions](), report},
		{"report", "health", reflect.TypeFor[record.Health](), report},
		{"per-request", "request", reflect.TypeFor[perRequest](), request},
		{"session-report", "", reflect.TypeFor[SessionLifecycle](), sessions},
		{"per-session", "session", reflect.TypeFor[perSession](), schematest.Types{}},
		{"validation", "finding", reflect.TypeFor[validation.Finding](), schematest.Types{}},
	} {
		for _, fault := range loadSchema(t, tt.schema).Compare(tt.definition, tt.of, tt.types) {
			t.Errorf("%s: %s", tt.schema, fault)
		}
	}
}
