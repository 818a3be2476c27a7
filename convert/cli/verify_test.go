package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ran runs a command and returns its exit code and what it printed on either output.
func ran(t *testing.T, cmd *cobra.Command, args ...string) (code int, out string) {
	t.Helper()
	var text bytes.Buffer
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&text)
	cmd.SetErr(&text)
	cmd.SetArgs(args)
	if err := cmd.Execute(); err != nil {
		var exit *ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("%q: %v, which has no exit code", args, err)
		}
		code = exit.Code
		text.WriteString(err.Error())
	}
	return code, text.String()
}

// someRun is a run as files of records, and the flags of its report.
type someRun struct {
	files [][]byte
	flags []string
}

// runsOfAllKinds returns runs by name.
func runsOfAllKinds(t *testing.T) map[string]someRun {
	t.Helper()
	one := func(lines []record.Line, flags ...string) someRun {
		return someRun{[][]byte{runtest.Records(t, lines)}, flags}
	}
	labelled := runtest.Lines()
	for i, line := range labelled {
		if q, ok := line.(*record.Request); ok && q.Stage >= 0 {
			q.Label, q.Adapter = []string{"chat", "rag"}[i%2], []string{"", "a/b"}[i%2]
		}
	}
	whole := runtest.Records(t, runtest.Lines())
	runs := map[string]someRun{
		"plain":  one(runtest.Lines(), "--percentiles", "50,99", "--gate", "failures<1%; p99(ttft)<1s"),
		"labels": one(labelled, "--slo", "chat: ttft=120ms; rag: p99(ttft)<1s", "--by", "label,scenario"),
		"cut": one(runtest.Lines(), "--warmup", "2s", "--cooldown", "1s", "--stage-warmup", "500ms", "--stage", "0",
			"--stage", "1", "--exclude-late"),
		"priced":  one(runtest.Lines(), "--price", "3.6 USD/h", "--price-ratio", "prompt=1,cached=0.1,completion=4"),
		"marked":  one(runtest.Lines(), "--mark", "+1s pod killed", "--mark", "+2s pod back"),
		"energy":  one(poweredLines()),
		"search":  one(runtest.SearchLines(1)),
		"replay":  one(runtest.Replay(), "--cache-tokens", "80", "--per-session", "--format", "json,parquet,csv"),
		"media":   one(runtest.MediaLines(), "--format", "json,parquet,csv"),
		"inputs":  one(runtest.InputLines()),
		"partial": {[][]byte{whole[:2*len(whole)/3]}, nil},
		"k6 JSON": {[][]byte{runtest.K6JSON(t, runtest.Lines())}, nil},
		"merged":  {instances(t), []string{"--per-request"}},
	}
	for _, path := range []string{"vllm/0.33.0.json", "guidellm/0.8.1.json", "aiperf/0.13.0.jsonl"} {
		text, err := os.ReadFile(filepath.Join("..", "internal", "foreign", "testdata", filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		runs["of "+path] = someRun{[][]byte{text}, nil}
	}
	return runs
}

// poweredLines returns a run whose server's page shows power.
func poweredLines() []record.Line {
	lines := runtest.Lines()
	var servers []record.Line
	for _, line := range lines {
		if q, ok := line.(*record.Request); ok && q.Stage >= 0 {
			servers = append(servers, &record.Server{Time: q.Start, Source: "http://s/metrics",
				Values: map[string]float64{
					record.ServerGPUPower: 300, record.ServerGPUs: 1}})
		}
	}
	return append(lines[:len(lines)-1:len(lines)-1], append(servers, lines[len(lines)-1])...)
}

// instances returns the records of a run of three instances.
func instances(t *testing.T) (files [][]byte) {
	t.Helper()
	for i := range 3 {
		lines := runtest.Lines()
		kept := lines[:0]
		for k, line := range lines {
			switch l := line.(type) {
			case *record.Run:
				l.Instance, l.Segment = fmt.Sprint("i", i), []string{"0:1/3", "1/3:2/3", "2/3:1"}[i]
				l.SegmentSequence = "0,1/3,2/3,1"
			case *record.Request:
				if k%3 != i {
					continue
				}
			}
			kept = append(kept, line)
		}
		files = append(files, runtest.Records(t, kept))
	}
	return files
}

// reportOf writes a run's records and makes its report.
func reportOf(t *testing.T, r someRun) (dir string, records []string) {
	t.Helper()
	base := t.TempDir()
	for i, file := range r.files {
		path := filepath.Join(base, fmt.Sprintf("records-%d.jsonl", i))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		records = append(records, path)
	}
	dir = filepath.Join(base, "report")
	args := slices.Concat([]string{"-o", dir, "--force"}, r.flags, records)
	if code, out := ran(t, newReport(), args...); len(reportdir.Summaries(dir)) == 0 {
		t.Fatalf("no report, exit code %d: %s", code, out)
	}
	return dir, records
}

func TestVerifyFindsNothingInAReportThatNobodyChanged(t *testing.T) {
	t.Parallel()
	for name, r := range runsOfAllKinds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, records := reportOf(t, r)
			if code, out := ran(t, newVerify(), dir); code != 0 ||
				!strings.Contains(out, "are what requests.parquet gives") {
				t.Errorf("by its requests: exit code %d\n%s", code, out)
			}
			args := []string{dir}
			for _, path := range records {
				args = append(args, "--records", path)
			}
			if code, out := ran(t, newVerify(), args...); code != 0 || !strings.Contains(out, "and all hashes hold") {
				t.Errorf("by its records: exit code %d\n%s", code, out)
			}
		})
	}
}

// Whatever file of a report is changed, and however, verify names it.
func TestVerifyFindsEachChange(t *testing.T) {
	t.Parallel()
	dir, _ := reportOf(t, runsOfAllKinds(t)["replay"])
	for _, entry := range entriesOf(t, dir) {
		path := filepath.Join(dir, entry)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for how, text := range changes(t, entry, whole) {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if code, out := ran(t, newVerify(), dir); code != Failed && code != Partial ||
				!strings.Contains(out, entry) {
				t.Errorf("%s, %s: exit code %d\n%s", entry, how, code, out)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if code, out := ran(t, newVerify(), dir); code == 0 || !strings.Contains(out, entry) {
			t.Errorf("%s, removed: exit code %d\n%s", entry, code, out)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, out := ran(t, newVerify(), dir); code != 0 {
		t.Errorf("put back: exit code %d\n%s", code, out)
	}
}

func entriesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// changes returns changed texts of a file.
func changes(t *testing.T, name string, whole []byte) map[string][]byte {
	t.Helper()
	var doc map[string]any
	if filepath.Ext(name) != ".json" || json.Unmarshal(whole, &doc) != nil { // or a list of sessions
		flipped := slices.Clone(whole)
		flipped[len(whole)/2] ^= 1
		return map[string][]byte{"a bit": flipped}
	}
	key := slices.Sorted(maps.Keys(doc))[0]
	doc[key] = 17.25
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"another " + key: text}
}

func TestVerifyNamesTheValue(t *testing.T) {
	t.Parallel()
	dir, _ := reportOf(t, runsOfAllKinds(t)["plain"])
	path := filepath.Join(dir, reportdir.Summary)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(`"token_count_mismatches": 0`), []byte(`"token_count_mismatches": 4`), 1)
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "summary_lifecycle_metrics.json: successes.token_count_mismatches is 4, the records say 0\n"
	if code, out := ran(t, newVerify(), dir); code != Failed || !strings.HasPrefix(out, want) {
		t.Errorf("exit code %d, got\n%swant\n%s", code, out, want)
	}
}

// Cost and energy are found, whatever Prometheus was asked for besides: they come from the records.
func TestVerifyFindsOtherCostAndEnergy(t *testing.T) {
	t.Parallel()
	for kind, keys := range map[string][]string{"priced": {"xk6_llm.cost.total", "xk6_llm.cost.per_request.value"},
		"energy": {"xk6_llm.energy.joules"}, "marked": {"xk6_llm.marks.0.text", "xk6_llm.marks.1.at_seconds"}} {
		dir, _ := reportOf(t, runsOfAllKinds(t)[kind])
		path := filepath.Join(dir, reportdir.Summary)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			at := gjson.GetBytes(text, key)
			if !at.Exists() {
				t.Errorf("%s: no %s", kind, key)
				continue
			}
			changed := slices.Concat(text[:at.Index], []byte("123.5"), text[at.Index+len(at.Raw):])
			changed = bytes.Replace(changed, []byte(`"unrepeated": []`), []byte(`"unrepeated": ["prometheus"]`), 1)
			if err := os.WriteFile(path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			shown := strings.NewReplacer(".0.", "[0].", ".1.", "[1].").Replace(key)
			if code, out := ran(t, newVerify(), dir); code != Failed || !strings.Contains(out, shown+" is 123.5") {
				t.Errorf("%s, %s: exit code %d\n%s", kind, key, code, out)
			}
		}
	}
}

// The report of another version may have other keys, and the same values in those that both know.
func TestVerifyToleratesVersions(t *testing.T) {
	t.Parallel()
	dir, _ := reportOf(t, runsOfAllKinds(t)["plain"])
	path := filepath.Join(dir, reportdir.Summary)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{`"report_version": "(devel)"`, `"report_version": "v9.9.9"`},
		{`"token_count_mismatches": 0`, `"token_count_mismatches": 0, "moods": 3`}} {
		text = bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "the report is of version v9.9.9, this is (devel): 1 keys that only one of them writes"
	if code, out := ran(t, newVerify(), dir); code != 0 || !strings.Contains(out, want) {
		t.Errorf("exit code %d\n%s", code, out)
	}
	text = bytes.Replace(text, []byte(`"token_count_mismatches": 0`), []byte(`"token_count_mismatches": 1`), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := ran(t, newVerify(), dir); code != Failed {
		t.Errorf("with a changed value: exit code %d\n%s", code, out)
	}
}

// Reports of inference-perf have no passport: their files are checked against each other.
func TestVerifyReportsOfInferencePerf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := filepath.Join("..", "testdata", "inference-perf", "h_failures")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if code, out := ran(t, newVerify(), dir); code != Partial || !strings.Contains(out, "has no passport") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	path := filepath.Join(dir, reportdir.Summary)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"count": `), []byte(`"count": 7`), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := ran(t, newVerify(), dir); code != Failed || !strings.Contains(out, "contradicts itself") {
		t.Errorf("with another count: exit code %d\n%s", code, out)
	}
}

// A page that analyze wrote again, which other words may stand in, is as good as that of the report.
func TestVerifyTakesThePageOfAnalyze(t *testing.T) {
	t.Parallel()
	dir, _ := reportOf(t, runsOfAllKinds(t)["plain"])
	if code, out := ran(t, newAnalyze(), dir, "--by", "scenario"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if code, out := ran(t, newAnalyze(), dir); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if code, out := ran(t, newVerify(), dir); code != 0 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
