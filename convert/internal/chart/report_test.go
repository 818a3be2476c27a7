package chart

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// same compares the values of files with values that a person read from the files.
func same(got, want float64) bool { return math.Abs(got-want) <= 1e-3*want }

func TestReadTakesTheValues(t *testing.T) {
	t.Parallel()
	const golden = "../../testdata/golden"
	for _, test := range []struct {
		dir    string
		stages int
		last   map[Quantity]float64
		none   []Quantity
	}{
		{"testdata/rates", 2, map[Quantity]float64{Rate: 20.339, TTFT: 50.842, ITL: 10.013, OutputRate: 547.01,
			GoodShare: 100, GoodRate: 18.234}, []Quantity{Concurrency}},
		{"testdata/concurrent", 2, map[Quantity]float64{Concurrency: 8, TTFT: 51.015, ITL: 10.016, OutputRate: 701.82},
			[]Quantity{Rate, GoodShare}},
		{golden, 2, map[Quantity]float64{Rate: 3.1035}, []Quantity{Concurrency}},
	} {
		reports, remarks, err := Read(test.dir)
		if err != nil || len(reports) != 1 || len(remarks) > 0 {
			t.Fatalf("Read(%q) = %d reports, remarks %v, error %v, want one report alone", test.dir, len(reports),
				remarks, err)
		}
		r := reports[0]
		if len(r.Stages) != test.stages || r.Name() != filepath.Clean(test.dir) {
			t.Errorf("Read(%q) = %q with %d stages, want %d and the directory's name", test.dir, r.Name(),
				len(r.Stages), test.stages)
		}
		last := r.Stages[len(r.Stages)-1].Values
		for q, want := range test.last {
			if !same(last[q], want) {
				t.Errorf("Read(%q): last %s = %v, want %v", test.dir, q, last[q], want)
			}
		}
		for _, q := range test.none {
			if v, there := last[q]; there {
				t.Errorf("Read(%q): last %s = %v, want none", test.dir, q, v)
			}
		}
	}
}

// A stage file may have a byte order mark, and the numbers that Python writes and JSON lacks.
func TestReadStage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stage_0_lifecycle_metrics.json")
	for text, want := range map[string]string{
		"\ufeff{\"load_summary\":{\"achieved_rate\":2},\r\n" +
			"\"successes\":{\"latency\":{\"request_latency\":{\"mean\":NaN}}," +
			"\"throughput\":{\"output_tokens_per_sec\":7}}}": "",
		"\xff\xfe{\x00": path + ": left out: the file is UTF-16",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stage, err := readStage(path)
		if want == "" && (err != nil || stage.Values[OutputRate] != 7) || want != "" &&
			(err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%q: got %v, %v; want %q", text, stage.Values, err, want)
		}
	}
}

func TestParseStage(t *testing.T) {
	t.Parallel()
	const load, throughput = `"load_summary":{"achieved_rate":2}`, `"throughput":{"output_tokens_per_sec":7}`
	for _, test := range []struct {
		name, text string
		quantity   Quantity
		want       float64
		err        string
	}{
		{"milliseconds", `{` + load + `,"successes":{"latency":{"time_to_first_token":{"mean":0.25}}}}`, TTFT, 250, ""},
		{"older name of goodput", `{` + load + `,"successes":{"goodput_metrics":{"request_goodput_rate":1.5}}}`,
			GoodRate, 1.5, ""},
		{"both names of goodput",
			`{` + load + `,"successes":{"goodput_metrics":{"request_goodput_rate":1.5,"request_goodput":1}}}`, GoodRate,
			1, ""},
		{"no limit of concurrency", `{"load_summary":{"achieved_rate":2,"concurrency":0},"successes":{` + throughput +
			`}}`, Rate, 2, ""},
		{"concurrency without a rate", `{"load_summary":{"concurrency":4},"successes":{` + throughput + `}}`,
			Concurrency, 4, ""},
		{"no streaming", `{` + load + `,"successes":{"latency":{"time_to_first_token":null},` + throughput + `}}`,
			OutputRate, 7, ""},
		{"cut off", `{"load_summary":{"achi`, "", 0, "no JSON"},
		{"not a number", `{"load_summary":{"achieved_rate":NaN},"successes":{}}`, "", 0, "no JSON"},
		{"something else", `[1]`, "", 0, "load_summary is missing"},
		{"no load", `{"load_summary":{"count":1},"successes":{` + throughput + `}}`, "", 0,
			"neither achieved_rate nor concurrency"},
		{"beyond reason", `{"load_summary":{"achieved_rate":1e300},"successes":{` + throughput + `}}`, "", 0,
			"neither achieved_rate nor concurrency"},
		{"no successes", `{` + load + `,"successes":{}}`, "", 0, "no successful requests"},
		{"count of no successes", `{` + load + `,"successes":{"count":0,` + throughput + `}}`, "", 0,
			"no successful requests"},
	} {
		stage, err := parseStage([]byte(test.text))
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want one with %q", test.name, err, test.err)
			}
		case err != nil:
			t.Errorf("%s: error %v, want none", test.name, err)
		case stage.Values[test.quantity] != test.want:
			t.Errorf("%s: %s = %v, want %v", test.name, test.quantity, stage.Values[test.quantity], test.want)
		}
	}
}

// put writes files by name into a temporary directory.
func put(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const small = `{"load_summary":{"achieved_rate":2},"successes":{"throughput":{"output_tokens_per_sec":7}}}`

func TestReadChoosesFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		files   map[string]string
		want    []string // prefix and numbers of stages
		remarks int
		lost    bool
		err     string
	}{
		{"numbers, not names, give the order", map[string]string{"stage_10_lifecycle_metrics.json": small,
			"stage_9_lifecycle_metrics.json": small}, []string{" 9 10"}, 0, false, ""},
		{"of others nothing", map[string]string{
			"stage_0_lifecycle_metrics.json": small, "stage_0_session_lifecycle_metrics.json": "{}",
			"summary_lifecycle_metrics.json":           "{}",
			"adapter_a_stage_0_lifecycle_metrics.json": small, "stage_x_lifecycle_metrics.json": "{}",
		}, []string{" 0"}, 0, false, ""},
		{"one prefix", map[string]string{"night_stage_0_lifecycle_metrics.json": small}, []string{" 0"}, 0, false, ""},
		{"two prefixes", map[string]string{"b_stage_1_lifecycle_metrics.json": small,
			"a_stage_0_lifecycle_metrics.json": small}, []string{"a_ 0", "b_ 1"}, 0, false, ""},
		{"one is broken", map[string]string{"stage_0_lifecycle_metrics.json": small,
			"stage_1_lifecycle_metrics.json": "{"}, []string{" 0"}, 1, true, ""},
		{"one is empty", map[string]string{"stage_0_lifecycle_metrics.json": small,
			"stage_1_lifecycle_metrics.json": `{"load_summary":{},"successes":{}}`}, []string{" 0"}, 1, false, ""},
		{"all are broken", map[string]string{"stage_0_lifecycle_metrics.json": "{"}, nil, 1, true,
			"no stage file in it can be drawn"},
		{"none", map[string]string{"summary_lifecycle_metrics.json": small}, nil, 0, false,
			"holds no stage_N_lifecycle_metrics.json"},
	} {
		reports, remarks, err := Read(put(t, test.files))
		var got []string
		for _, r := range reports {
			text := r.Prefix
			for _, s := range r.Stages {
				text += " " + strconv.Itoa(s.Number)
			}
			got = append(got, text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: reports %q, want %q", test.name, got, test.want)
		}
		if len(remarks) != test.remarks || test.remarks > 0 && remarks[0].Lost != test.lost {
			t.Errorf("%s: remarks %v, want %d, lost %v", test.name, remarks, test.remarks, test.lost)
		}
		if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.err)
		}
	}
}

func FuzzParseStage(f *testing.F) {
	for _, path := range []string{"testdata/rates/night_stage_0_lifecycle_metrics.json",
		"testdata/concurrent/stage_0_lifecycle_metrics.json"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(small))
	f.Add([]byte(`{"load_summary":{"requested_rate":-1,"achieved_rate":1e308,"concurrency":1e999},"successes":{"latency":{"request_latency":{"mean":1e308,"p99":"\u202e"}},"throughput":{"output_tokens_per_sec":-1}}}`))
	f.Add([]byte(strings.Repeat(`{"load_summary":`, 300)))
	f.Fuzz(func(t *testing.T, text []byte) {
		stage, err := parseStage(text)
		if err != nil {
			return
		}
		_, rate := stage.Values[Rate]
		_, concurrency := stage.Values[Concurrency]
		if rate == concurrency {
			t.Errorf("rate is there: %v, concurrency too: %v; want one of them", rate, concurrency)
		}
		for q, v := range stage.Values {
			if !drawable(v) {
				t.Errorf("%s = %v cannot be drawn", q, v)
			}
		}
	})
}
