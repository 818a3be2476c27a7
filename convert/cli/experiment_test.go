package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/schematest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

var update = flag.Bool("update", false, "write testdata anew")

// experimented runs the command on an experiment, and returns its exit code and what it prints.
func experimented(t testing.TB, args ...string) (code int, out, said string) {
	t.Helper()
	cmd := NewExperiment()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var stdout, stderr bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	err := cmd.Execute()
	var exit *ExitError
	if errors.As(err, &exit) {
		code = exit.Code
	}
	if err != nil {
		stderr.WriteString(err.Error())
	}
	return code, stdout.String(), stderr.String()
}

// golden compares a text with the file of testdata, which -update writes anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", path, got)
	}
}

// summaryOf returns the document of an experiment, checked by its schema.
func summaryOf(t testing.TB, dir string) gjson.Result {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "experiment_summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schematest.Load(filepath.Join("..", "..", "docs", "schema", "experiment-summary.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(text); err != nil {
		t.Error(err)
	}
	return gjson.ParseBytes(text)
}

// pageOfExperiment returns the page of an experiment.
func pageOfExperiment(t testing.TB, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "experiment.html"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An experiment on a server whose truth is known: 4 slots carry 4 users as well as one, a larger batch makes tokens
// faster by a fifth, and slots matter under load alone.
func TestExperimentFindsTheTruth(t *testing.T) {
	t.Parallel()
	dir := flags(t, 1, false)
	code, _, said := experimented(t, dir)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	doc := summaryOf(t, dir)
	output := doc.Get(`effects.#(figure=="output_tokens_per_sec")`)
	perUser := doc.Get(`effects.#(figure=="tokens_per_sec_per_user")`)
	if !output.Get("complete").Bool() || output.Get("settings").Int() != 12 {
		t.Errorf("complete %v of %v settings", output.Get("complete"), output.Get("settings"))
	}
	holds := func(effects gjson.Result, factor string, to string, want float64) {
		c := effects.Get(`factors.#(factor=="` + factor + `").effects.#(to=="` + to + `").change`)
		if low, high := c.Get("low").Num, c.Get("high").Num; !(low <= want && want <= high) || high > 10*low {
			t.Errorf("%s of %s to %s: %s, want it to hold %.3f", effects.Get("figure"), factor, to, c.Raw, want)
		}
	}
	holds(perUser, "batch", "512", 1.2)
	holds(perUser, "slots", "4", math.Pow(1/1.3, 2./3)) // with 4 users and with 16, not with one
	x := output.Get(`interactions.#(factor=="slots")`)
	if x.Get("depends_on").String() != "load" || x.Get("weakest.level").String() != "concurrency=1" {
		t.Errorf("interaction %s", x.Raw)
	}
	// Tokens are 19 of 24 parts of an answer.
	if got := x.Get("strongest.change.factor").Num; math.Abs(got-4/1.25) > 0.2 {
		t.Errorf("slots at load give ×%v, want about ×3.2", got)
	}
	checkFront(t, doc)
}

// checkFront checks where some settings lie whose places are known.
func checkFront(t *testing.T, doc gjson.Result) {
	t.Helper()
	front := map[string]string{}
	for _, p := range doc.Get(`fronts.#(y=="output_tokens_per_sec").points`).Array() {
		s := doc.Get("settings").Array()[p.Get("setting").Int()]
		front[s.Get("variant").String()+" "+s.Get("load").String()] = p.Get("place").String()
	}
	for name, want := range map[string]string{"server slots=4 batch=256 concurrency=16": "dominated",
		"server slots=4 batch=512 concurrency=4": "front_within_noise",
		"server slots=1 batch=256 concurrency=1": "dominated"} {
		if front[name] != want {
			t.Errorf("%s is %s, want %s", name, front[name], want)
		}
	}
}

// The text, the Markdown and the exit code of an experiment of which one cell failed and one has a damaged report.
func TestExperimentText(t *testing.T) {
	t.Parallel()
	dir := flags(t, 1, true)
	code, out, said := experimented(t, dir)
	if code != Partial || !strings.Contains(said, "2 of 12 cells do not count: the page says why") ||
		!strings.Contains(said, "page: "+filepath.Join(dir, "experiment.html")) {
		t.Errorf("exit code %d: %s", code, said)
	}
	golden(t, "experiment.txt", out)
	_, out, _ = experimented(t, dir, "--format", "markdown")
	golden(t, "experiment.md", out)
	_, out, _ = experimented(t, dir, "--format", "json")
	if text, _ := os.ReadFile(filepath.Join(dir, "experiment_summary.json")); out != string(text) {
		t.Error("the JSON that is printed is not that of the file")
	}
	summaryOf(t, dir)
	page := pageOfExperiment(t, dir)
	for _, want := range []string{"<strong>10 of 12 cells count</strong>", "failed: the server exited: out of memory",
		`<a href="./cells/server-slots-4-batch-512-c4-1/report.html">`, "it is no JSON object"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Repeats of a cell are one setting, and their spread is in the intervals.
func TestExperimentWithRepeats(t *testing.T) {
	t.Parallel()
	dir := flags(t, 2, false)
	if code, _, said := experimented(t, dir); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	doc := summaryOf(t, dir)
	if n := doc.Get("settings.#").Int(); n != 12 || doc.Get("cells.#").Int() != 24 {
		t.Errorf("%d settings of %d cells", n, doc.Get("cells.#").Int())
	}
	if f := doc.Get(`settings.0.figures.p99(ttft)`); f.Get("log_error").Num <= 0 {
		t.Errorf("p99 TTFT has no interval, though repeats tell of it: %s", f.Raw)
	}
	if strings.Contains(pageOfExperiment(t, dir), "each cell ran once") {
		t.Error("the page says that each cell ran once")
	}
}

// Loads of several stages are several settings, each with the verdict and the SLO of its stage.
func TestExperimentOfStages(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stages")
	r := experiment.Results{Schema: experiment.Schema, Name: "stages"}
	for i, slots := range []string{"1", "4"} {
		name := "slots-" + slots
		reportCell(t, filepath.Join(dir, name), server{slots: 1 + 3*i, batch: 512, users: 2, rates: true}, uint64(i))
		r.Cells = append(r.Cells, experiment.Cell{Name: name, Deployment: "server", Workload: "chat", Load: "rate=2,4",
			Repeat: 1, Directory: name, Status: experiment.Done,
			Parameters: []experiment.Parameter{{Name: "slots", Value: slots}}})
	}
	saveResults(t, dir, r)
	if code, _, said := experimented(t, dir); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	doc := summaryOf(t, dir)
	if got := doc.Get("settings.#.load").String(); got != `["rate=2,4, stage 0: 2.00/s","rate=2,4, stage 1: 4.00/s",`+
		`"rate=2,4, stage 0: 2.00/s","rate=2,4, stage 1: 4.00/s"]` {
		t.Errorf("loads %s", got)
	}
}

// Of a search the figures are those of the load that its answer rests on, and its capacity is one of them.
func TestExperimentOfSearches(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "searches")
	r := experiment.Results{Schema: experiment.Schema, Name: "searches"}
	for i, slots := range []string{"1", "2"} {
		name := "slots-" + slots
		records := searchFile(t, float64(i+1), func(*record.Search) {})
		if code, _, said := executed(newReport(), records, "-o", filepath.Join(dir, name)); code != 0 {
			t.Fatal(said)
		}
		r.Cells = append(r.Cells, experiment.Cell{Name: name, Deployment: "server", Workload: "chat",
			Load: "search=rate", Repeat: 1, Directory: name, Status: experiment.Done,
			Parameters: []experiment.Parameter{{Name: "slots", Value: slots}}})
	}
	saveResults(t, dir, r)
	if code, out, said := experimented(t, dir); code != 0 || !strings.Contains(out, "Most throughput within the SLO") {
		t.Fatalf("exit code %d: %s%s", code, out, said)
	}
	doc := summaryOf(t, dir)
	if got := doc.Get("cells.0.figures.capacity.value").Num; got != 16.7 {
		t.Errorf("capacity %v, want that of the search, 16.7", got)
	}
	effect := doc.Get(`effects.#(figure=="capacity").factors.0.effects.0.change.factor`).Num
	if math.Abs(effect-2) > 1e-9 {
		t.Errorf("the capacity changes by ×%v, want ×2", effect)
	}
	rate := doc.Get("cells.0.figures.requests_per_sec.value").Num
	if math.Abs(rate-16.7) > 2 || doc.Get("cells.0.probes.#").Int() != 9 {
		t.Errorf("%v requests/s at the answer, %d probes", rate, doc.Get("cells.0.probes.#").Int())
	}
}

// Requests that generate no text have a front of requests against latency.
func TestExperimentOfEmbeddings(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "embeddings")
	lines := runtest.Lines()
	for _, line := range lines {
		if q, is := line.(*record.Request); is && q.Stage >= 0 {
			runtest.Embeddings(q, 2)
			q.ErrorType, q.Status, q.Error = "", 200, ""
		}
	}
	records := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(records, runtest.Records(t, lines), 0o600); err != nil {
		t.Fatal(err)
	}
	executed(newReport(), records, "-o", filepath.Join(dir, "cell"))
	saveResults(t, dir, experiment.Results{Schema: experiment.Schema, Name: "embeddings", Cells: []experiment.Cell{{
		Name: "cell", Deployment: "server", Workload: "texts", Load: "rate=2,4", Repeat: 1, Directory: "cell",
		Status: experiment.Done}}})
	_, out, said := experimented(t, dir)
	doc := summaryOf(t, dir)
	if x := doc.Get("fronts.0.x").String(); x != "p50(request_latency)" || doc.Get("fronts.0.y").String() !=
		"requests_per_sec" {
		t.Errorf("front over %s: %s%s", x, out, said)
	}
}

// Whatever becomes of the reports, the page says it and the others go on.
func TestExperimentOfDamagedReports(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "damaged")
	r := experiment.Results{Schema: experiment.Schema, Name: "damaged <script>"}
	add := func(name, directory string, status experiment.Status) {
		r.Cells = append(r.Cells, experiment.Cell{Name: name, Deployment: "d\u202e", Workload: "<b>w", Load: "l",
			Repeat: len(r.Cells) + 1, Directory: directory, Status: status})
	}
	reportCell(t, filepath.Join(dir, "good"), server{slots: 1, batch: 512, users: 1}, 1)
	reportCell(t, filepath.Join(dir, "failing"), server{slots: 1, batch: 512, users: 1, failing: 1}, 1)
	reportCell(t, filepath.Join(dir, "cut"), server{slots: 1, batch: 512, users: 1}, 1)
	if err := os.Truncate(filepath.Join(dir, "cut", "requests.parquet"), 1000); err != nil {
		t.Fatal(err)
	}
	reportCell(t, filepath.Join(dir, "figures"), server{slots: 1, batch: 512, users: 1}, 1)
	if err := os.Remove(filepath.Join(dir, "figures", "requests.parquet")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"good", "failing", "cut", "figures", "empty", "missing"} {
		add(name, name, experiment.Done)
	}
	add("outside", "../../etc", experiment.Done)
	add("running", "", experiment.Running)
	saveResults(t, dir, r)
	code, out, said := experimented(t, dir)
	if code != Partial {
		t.Errorf("exit code %d: %s", code, said)
	}
	doc := summaryOf(t, dir)
	for name, want := range map[string]string{"good": "", "figures": "", "failing": "the load generator is",
		"cut": "its report cannot be read: requests.parquet", "empty": "its report cannot be read: it has no summary",
		"missing": "its report cannot be read: its directory is missing",
		"outside": `its directory "../../etc" leads out of that of the experiment`, "running": "it was cut"} {
		got := doc.Get(`cells.#(name=="` + name + `").excluded`).String()
		if !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	page := pageOfExperiment(t, dir)
	if strings.Contains(page, "<b>w") || strings.Contains(page, "damaged <script>") ||
		strings.Contains(out+page, "\u202e") {
		t.Error("a name became markup, or changes the direction of text")
	}
}

// The schema accepts no document with a value of another type, a key more or a key less.
func TestSchemaOfExperimentsIsStrict(t *testing.T) {
	t.Parallel()
	dir := flagsAt(t, []int{4}, 1, false)
	experimented(t, dir)
	s, err := schematest.Load(filepath.Join("..", "..", "docs", "schema", "experiment-summary.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	loose := schematest.Loose{Optional: []string{"excluded", "verdict", "model", "slo", "slo_kept", "observed", "price",
		"currency", "dominated_by"}, Open: []string{"figures"}}
	accepted, err := s.Accepted([]byte(summaryOf(t, dir).Raw), loose)
	if err != nil || len(accepted) > 0 {
		t.Errorf("%v: accepted %.20q", err, accepted)
	}
}

func TestExperimentMisuse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		text, want string
		args       []string
	}{
		{"", "which experiment? Give the directory", []string{}},
		{"", "has no experiment.json, which k6 x llm experiment -f writes", []string{dir}},
		{"{", "unexpected end of JSON", []string{dir}},
		{`{"schema":"other"}`, `schema is "other"`, []string{dir}},
		{`{"schema":"xk6-llm/experiment/1","cells":[{"name":"a"},{"name":"a"}]}`, `two cells have the name "a"`,
			[]string{dir}},
		{`{"schema":"xk6-llm/experiment/1","cells":[]}`, `--format: unknown "yaml"`, []string{dir, "--format", "yaml"}},
	} {
		if c.text != "" {
			if err := os.WriteFile(filepath.Join(dir, experiment.FileName), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if code, _, said := experimented(t, c.args...); code != Misuse || !strings.Contains(said, c.want) {
			t.Errorf("%v: exit code %d: %s; want %q", c.args, code, said, c.want)
		}
	}
	code, _, said := experimented(t, dir)
	if code != Failed || !strings.Contains(said, "no cell of the experiment counts") {
		t.Errorf("of no cells: exit code %d: %s", code, said)
	}
}

// A hundred cells are read in seconds. The test prints the time.
func TestExperimentOfAHundredCells(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "large")
	reportCell(t, filepath.Join(dir, "cell"), server{slots: 4, batch: 512, users: 4, seconds: 4}, 1)
	r := experiment.Results{Schema: experiment.Schema, Name: "large"}
	digit := func(n, place int) string { return string(rune('0' + n/place%10)) }
	for n := range 100 {
		r.Cells = append(r.Cells, experiment.Cell{Name: "cell-" + digit(n, 100) + digit(n, 10) + digit(n, 1),
			Deployment: "server", Workload: "chat", Load: "concurrency=4", Repeat: 1, Directory: "cell",
			Status: experiment.Done, Parameters: []experiment.Parameter{{Name: "a", Value: digit(n, 100)},
				{Name: "b", Value: digit(n, 10)}, {Name: "c", Value: digit(n, 1)}}})
	}
	saveResults(t, dir, r)
	began := time.Now()
	if code, _, said := experimented(t, dir); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	size := len(pageOfExperiment(t, dir))
	t.Logf("a page of %d bytes in %.1f s", size, time.Since(began).Seconds())
	if !json.Valid([]byte(summaryOf(t, dir).Raw)) {
		t.Error("the document is no JSON")
	}
}
