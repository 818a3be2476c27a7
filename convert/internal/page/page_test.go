package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

var update = flag.Bool("update", false, "write testdata anew")

const second = int64(1e9)

// load describes the run of a test.
type load struct {
	rates    []float64 // rates of the stages
	each     int       // number of requests of each stage
	adapters []string
	labels   []string
	failing  int // one request in failing fails; 0 means none
	text     string
}

// reportOf returns the report of a run. Its latencies rise with the rate.
func reportOf(t *testing.T, l load) *convert.Report {
	t.Helper()
	return reportOn(t, recordsOf(t, l))
}

// recordsOf returns the records of a run.
func recordsOf(t *testing.T, l load) []byte {
	t.Helper()
	start := 1_700_000_000 * second
	run := &record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1", Start: start,
		Versions: map[string]string{"k6": "v2.2.0"}}
	scenario := record.Scenario{Name: "s", Executor: "llm-arrival-rate"}
	var requests []record.Line
	at := start
	for stage, rate := range l.rates {
		scenario.Stages = append(scenario.Stages,
			record.Stage{Index: stage, Rate: new(rate), Duration: new(float64(l.each) / rate)})
		for k := range l.each {
			requests = append(requests, requestOf(l, stage, len(requests), at+int64(float64(k)/rate*1e9)))
		}
		at += int64(float64(l.each) / rate * 1e9)
	}
	run.Scenarios = []record.Scenario{scenario}
	client := &record.Client{SLO: &record.Bounds{TTFT: 150},
		Options: map[string]any{"api": "chat", "baseURL": "http://user:secret@host:8000/v1?key=secret"}}
	lines := append([]record.Line{run, client}, requests...)
	lines = append(lines, &record.End{Status: "finished", Time: at, Requests: int64(len(requests))})
	var file []byte
	for _, line := range lines {
		var err error
		if file, err = record.Append(file, line); err != nil {
			t.Fatal(err)
		}
		file = append(file, '\n')
	}
	return file
}

func reportOn(t *testing.T, records []byte) *convert.Report {
	t.Helper()
	read, err := run.Read(run.Options{}, run.Source{Name: "test", Reader: bytes.NewReader(records)})
	if err != nil {
		t.Fatal(err)
	}
	return convert.NewReport(read, convert.Options{})
}

func requestOf(l load, stage, k int, due int64) *record.Request {
	first := int64(50_000*(stage+1)*(stage+1) + 1000*(k%7))
	r := &record.Request{
		ID: fmt.Sprint(k), Scenario: "s", Stage: stage, Index: int64(k), API: "chat", Model: "model" + l.text,
		Streaming: true, Due: &due, Start: due + int64(k%5)*100_000,
		Chunks: []int64{first, first + 10_000, first + 21_000}, Status: 200, FinishReason: "length",
		SLO:   &record.Bounds{TTFT: 150},
		Usage: json.RawMessage(`{"prompt_tokens":20,"completion_tokens":3}`),
	}
	r.End = r.Start + first*1000 + 25_000_000
	if len(l.adapters) > 0 {
		r.Adapter = l.adapters[k%len(l.adapters)]
	}
	if len(l.labels) > 0 {
		r.Label = l.labels[k%len(l.labels)]
	}
	if l.failing > 0 && k%l.failing == 0 {
		r.ErrorType, r.Status, r.Error, r.Chunks, r.Usage, r.FinishReason = record.ErrorHTTP, 503, "overloaded"+l.text,
			[]int64{}, nil, ""
	}
	return r
}

func runOf(t *testing.T, name string, l load) Run {
	t.Helper()
	run, err := FromReport(name, reportOf(t, l))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func written(t *testing.T, runs ...Run) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, runs); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var (
	scripts = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	styles  = regexp.MustCompile(`(?s)<style>.*?</style>`)
	sums    = regexp.MustCompile(`sha256-[A-Za-z0-9&#;/=]+`)
	numbers = regexp.MustCompile(`"(xs|ys)":\[[^\]]*\]`)
)

// The golden is the page of a small run, without its scripts, styles and points.
func TestGolden(t *testing.T) {
	t.Parallel()
	got := written(t, runOf(t, "tiny", load{rates: []float64{2, 4, 8}, each: 8, adapters: []string{"lora/a", "b"},
		failing: 6}))
	got = styles.ReplaceAllString(scripts.ReplaceAllString(got, "<script>…</script>"), "<style>…</style>")
	got = numbers.ReplaceAllString(sums.ReplaceAllString(got, "sha256-…"), `"$1":[…]`)
	path := filepath.Join("testdata", "tiny.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page differs from %s (-update writes it anew); got:\n%s", path, got)
	}
}

// A browser runs a script only if its hash is in the policy.
func TestPolicyNamesTheScripts(t *testing.T) {
	t.Parallel()
	page := written(t, runOf(t, "r", load{rates: []float64{2}, each: 3}))
	list := scripts.FindAllStringSubmatch(page, -1)
	if len(list) != 2 {
		t.Fatalf("got %d scripts, want the library and ours", len(list))
	}
	for i, script := range list {
		digest := sha256.Sum256([]byte(script[1]))
		if want := "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("the policy lacks script %d, %s: %s", i, want, policy)
		}
	}
	for _, bad := range []string{`src="`, `href="`, "@import", "url("} {
		if strings.Contains(scripts.ReplaceAllString(page, ""), bad) {
			t.Errorf("the page holds %q: it must load nothing", bad)
		}
	}
}

// Any message of a server is one short line of a table.
func TestMessagesAreOneLine(t *testing.T) {
	t.Parallel()
	run := runOf(t, "tiny", load{rates: []float64{2}, each: 4, failing: 2, text: "\r\n<html>\n\t<body>" +
		strings.Repeat("x", 500)})
	table := errorTable([]Run{run})
	cells := table.Rows[0].Cells
	if got := cells[len(cells)-1].Text; !strings.HasPrefix(got, "overloaded <html> <body>xxx") ||
		!strings.HasSuffix(got, "x…") || len([]rune(got)) != messageRunes+1 {
		t.Errorf("got %q", got)
	}
}

// Names and messages come from servers and scripts, and must not become part of the page's code.
func TestHostileTextIsInert(t *testing.T) {
	t.Parallel()
	const hostile = `</script><script>document.body.dataset.owned=1</script><img src=x onerror=alert(1)>'"&{{.}}` +
		"\u2028"
	l := load{rates: []float64{2, 4}, each: 6, adapters: []string{"a" + hostile, "b"}, failing: 3, text: hostile}
	page := written(t, runOf(t, "one"+hostile, l), runOf(t, "two"+hostile, l))
	if n := strings.Count(page, "<script"); n != 3 {
		t.Errorf("got %d script elements, want 3", n)
	}
	for _, bad := range []string{"<img", "onerror=alert(1)>", "<script>document"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	data := regexp.MustCompile(`(?s)id="page-data">(.*?)</script>`).FindStringSubmatch(page)
	var parsed struct{ Runs []string }
	if err := json.Unmarshal([]byte(data[1]), &parsed); err != nil {
		t.Fatal(err)
	}
	if want := "one" + strings.ReplaceAll(hostile, "\u2028", `\u2028`); len(parsed.Runs) != 2 ||
		parsed.Runs[0] != want {
		t.Errorf("names in the data: got %q, want %q first", parsed.Runs, want)
	}
}

// structural are the texts without which a line does not belong to a run.
var structural = map[string]bool{"type": true, "schema": true, "executor": true, "segment": true,
	"segment_sequence": true}

// hostileTexts replaces each text of a line by another. It adds numbers to texts that must differ.
func hostileTexts(value any, text string) any {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			if !structural[key] {
				v[key] = hostileTexts(member, text)
			}
		}
	case []any:
		for i := range v {
			v[i] = hostileTexts(v[i], text)
		}
	case string:
		return v + text
	}
	return value
}

// hostileRecords returns the records of a run with a text added to each of their texts, and in the fields that the run
// lacks.
func hostileRecords(t *testing.T, text string) (records []byte) {
	t.Helper()
	source := recordsOf(t, load{rates: []float64{2, 4}, each: 8, adapters: []string{"a", "b"}, failing: 3})
	for line := range bytes.Lines(source) {
		var members map[string]any
		if err := json.Unmarshal(line, &members); err != nil {
			t.Fatal(err)
		}
		if members["type"] == "request" {
			for _, field := range []string{"session_id", "note", "error"} {
				if members[field] == nil {
					members[field] = field
				}
			}
			if members["error_type"] == nil {
				delete(members, "error")
			}
		}
		if members["type"] == "client" {
			members["tokenizer"] = "t"
		}
		changed, err := json.Marshal(hostileTexts(members, text))
		if err != nil {
			t.Fatal(err)
		}
		records = append(append(records, changed...), '\n')
	}
	return records
}

// hostileText contains the starts of code, and characters that control the display of text.
const hostileText = `</script><script>document.body.dataset.owned=1</script><img src=x ` +
	`onerror="document.body.dataset.owned=1">` +
	"<svg onload=document.body.dataset.owned=1><a " +
	"href=\"javascript:document.body.dataset.owned=1\">x</a>{{.}}${document.body.dataset.owned=1}`'\"" +
	"\u202e\u2066\u200b\U000e0041\u0085\x1b[31m\r\n"

// unseen are the characters that must not be in a page unescaped.
var unseen = regexp.MustCompile(
	`[\x00-\x08\x0b-\x1f\x7f-\x9f\x{200b}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{e0000}-\x{e0fff}]`)

func TestUnseenCharactersAreEscapes(t *testing.T) {
	t.Parallel()
	run, err := FromReport("run"+hostileText, reportOn(t, hostileRecords(t, hostileText)))
	if err != nil {
		t.Fatal(err)
	}
	page := written(t, run)
	if at := unseen.FindStringIndex(page); at != nil {
		t.Errorf("the page has %q in %q", page[at[0]:at[1]], page[max(at[0]-100, 0):at[1]])
	}
	if !strings.Contains(page, `\u202e`) {
		t.Error("the page does not show what was written")
	}
}

// Tables have few rows, however many labels and adapters there are, and count the others.
func TestTablesAreBounded(t *testing.T) {
	t.Parallel()
	var labels strings.Builder
	for i := range mostFailures + 7 {
		fmt.Fprintf(&labels, `%s"label %d": {"count": %d, "messages": [{"message": "m"}]}`,
			map[bool]string{true: ","}[i > 0], i, 100-i)
	}
	doc := gjson.Parse(`{"failures": {"by_label": {` + labels.String() + `}}}`)
	run := Run{Name: "r", summary: doc, stages: []part{{index: 0, name: "stage 0", doc: doc},
		{index: 1, name: "stage 1", doc: doc}}}
	for i := range maxAdapterRows + 3 {
		run.adapters = append(run.adapters,
			part{name: fmt.Sprint(i), doc: gjson.Parse(`{"load_summary": {"count": 1}}`)})
	}
	errors := errorTable([]Run{run})
	last := errors.Rows[len(errors.Rows)-1]
	if len(errors.Rows) != mostFailures+1 || last.Name != "7 other kinds" || last.Cells[0].Text != "329" ||
		last.Cells[2].Text != "329" {
		t.Errorf("got %d rows, the last %+v; want 50, and 7 others with 329 requests", len(errors.Rows), last)
	}
	stages := len(run.stages) + 1 // and the whole run
	rows := glance([]Run{run})
	if len(rows.Rows) != stages+maxAdapterRows ||
		!strings.HasSuffix(rows.Note, " 3 more adapters of r have JSON files.") {
		t.Errorf("got %d rows of stages and adapters, note %q", len(rows.Rows), rows.Note)
	}
}

func TestSecretsAndPathsStayOut(t *testing.T) {
	t.Parallel()
	page := written(t, runOf(t, "r", load{rates: []float64{2}, each: 3}))
	if strings.Contains(page, "secret") || !strings.Contains(page, "http://host:8000/v1") {
		t.Error("the page must show the server's address without what may be secret")
	}
	for _, tt := range []struct{ base, want string }{
		{"https://u:p@h/v1?k=v#f", "https://h/v1"},
		{"sim:?ttft=5ms&truth=/tmp/x&itl=1ms", "simulator: ttft=5ms itl=1ms"}, {"sim:", "simulator"},
		{"http://[", "(not a URL)"},
	} {
		if got := address(tt.base); got != tt.want {
			t.Errorf("address of %q: got %q, want %q", tt.base, got, tt.want)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int
		want string
	}{{0, "no run"}, {9, "9 runs are too many"}} {
		err := Write(&bytes.Buffer{}, make([]Run, tt.n))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d runs: got error %v, want one with %q", tt.n, err, tt.want)
		}
	}
}

func TestRunsOfOneNameAreNumbered(t *testing.T) {
	t.Parallel()
	got := distinct([]Run{{Name: "a"}, {Name: "b"}, {Name: "a"}})
	if got[0].Name != "a" || got[2].Name != "a (2)" {
		t.Errorf("got %q and %q, want %q and %q", got[0].Name, got[2].Name, "a", "a (2)")
	}
}

// The vendored files are the versions that their README names.
func TestVendoredFiles(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("assets/uplot/README.md")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile("`(\\S+)` \\| `([0-9a-f]{64})`").FindAllStringSubmatch(string(readme), -1)
	if len(list) != 2 {
		t.Fatalf("the README names %d files with sums, want 2", len(list))
	}
	for _, file := range list {
		data, err := os.ReadFile(filepath.Join("assets/uplot", file[1]))
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(data)
		if got := hex.EncodeToString(digest[:]); got != file[2] {
			t.Errorf("%s: got sum %s, want %s", file[1], got, file[2])
		}
	}
	if !strings.Contains(string(libraryScript), "Permission is hereby granted") {
		t.Error("the page lacks the library's licence")
	}
}

// A page of results without start times has no charts over time, no date, and no rate.
func TestRunWithoutStartTimes(t *testing.T) {
	t.Parallel()
	const text = `{"date": "x", "model_id": "m", "num_prompts": 2, "backend": "openai", "output_lens": [2, 2], ` +
		`"ttfts": [0.125, 0.25], "itls": [[0.5], [0.5]], "errors": ["", ""]}`
	read, err := run.Read(run.Options{}, run.Source{Name: "old.json", Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	run, err := FromReport("old", convert.NewReport(read, convert.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if c := run.curves; len(c.ttft.X) == 0 || len(c.ttftDots.X)+len(c.itlDots.X)+len(c.begins) != 0 {
		t.Errorf("got the curves %+v, want distributions alone", c)
	}
	got := written(t, run)
	for _, text := range []string{"1970", "NaN", "Requests in flight", "Took"} {
		if strings.Contains(scripts.ReplaceAllString(got, ""), text) {
			t.Errorf("the page has %q", text)
		}
	}
	if !strings.Contains(got, "Imported from") || !strings.Contains(got, "Distribution of TTFT") {
		t.Error("the page does not say where the run is from, or lacks the distributions")
	}
}
