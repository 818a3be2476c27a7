package cli

import (
	"bytes"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// analyzed runs the command and returns its exit code, standard output and standard error.
func analyzed(t *testing.T, args ...string) (code int, out, remarks string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := newAnalyze()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args)
	if err := cmd.Execute(); err != nil {
		var exit *ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("analyze %q: %v, which has no exit code", args, err)
		}
		code = exit.Code
		stderr.WriteString(err.Error())
	}
	return code, stdout.String(), stderr.String()
}

// reportDir copies stage files into a temporary directory.
func reportDir(t *testing.T, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "internal", "chart", "testdata", from))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAnalyzeDrawsEachOfSeveral(t *testing.T) {
	t.Parallel()
	rates, crowd, empty, again := reportDir(t, "rates"), reportDir(t, "concurrent"), t.TempDir(), reportDir(t, "rates")
	all := filepath.Join(t.TempDir(), "a", "b")
	code, out, remarks := analyzed(t, rates, empty, crowd, filepath.Join(rates, "..", "rates"), "nowhere", again, "-u",
		all)
	if code != Partial {
		t.Errorf("exit code %d, want %d", code, Partial)
	}
	for _, want := range []string{
		rates + ": latency_vs_qps.png, throughput_vs_qps.png, goodput_vs_qps.png, throughput_vs_latency.png\n",
		crowd + ": latency_vs_concurrency.png, throughput_vs_concurrency.png, throughput_vs_latency.png\n",
		all + ": latency_vs_qps.png, throughput_vs_qps.png, goodput_vs_qps.png, throughput_vs_latency.png\n",
	} {
		if strings.Count(out, want) != 1 {
			t.Errorf("stdout is\n%swant once %q", out, want)
		}
	}
	for _, want := range []string{
		"error: " + empty + ": it holds no stage_N_lifecycle_metrics.json", "error: nowhere: no such directory",
		"not drawn, as only one report has data for them: latency_vs_concurrency.png, throughput_vs_concurrency.png",
		filepath.Join(all, "goodput_vs_qps.png") + ": not in it, for want of data: " + crowd,
	} {
		if !strings.Contains(remarks, want) {
			t.Errorf("stderr is\n%swant %q", remarks, want)
		}
	}
	legend, err := os.ReadFile(filepath.Join(all, legendName))
	want := "{\n  \"Report 1\": \"" + rates + "\",\n  \"Report 2\": \"" + crowd + "\",\n  \"Report 3\": \"" + again +
		"\"\n}\n"
	if err != nil || string(legend) != want {
		t.Errorf("legend is %s (%v), want %s", legend, err, want)
	}
	for _, path := range []string{filepath.Join(rates, "goodput_vs_qps.png"),
		filepath.Join(crowd, "latency_vs_concurrency.png"), filepath.Join(all, "throughput_vs_latency.png")} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if c, err := png.DecodeConfig(bytes.NewReader(text)); err != nil || c.Width%700 != 0 || c.Height < 600 {
			t.Errorf("%s is of %d × %d pixels, error %v; want panels of 700 × 600 at least", path, c.Width, c.Height,
				err)
		}
	}
}

func TestAnalyzeKeepsReportsOfADirectoryApart(t *testing.T) {
	t.Parallel()
	dir := reportDir(t, "rates")
	for _, n := range []string{"0", "1"} {
		text, err := os.ReadFile(filepath.Join("..", "internal", "chart", "testdata", "concurrent",
			"stage_"+n+"_lifecycle_metrics.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "day_stage_"+n+"_lifecycle_metrics.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, remarks := analyzed(t, dir)
	if want := "remark: no report.html: " + dir + ": it holds no report: neither"; code != 0 ||
		strings.Count(remarks, "\n") != 1 || !strings.HasPrefix(remarks, want) {
		t.Errorf("exit code %d, stderr %q, want 0 and %q alone", code, remarks, want)
	}
	for _, name := range []string{"day_latency_vs_concurrency.png", "day_throughput_vs_latency.png",
		"night_latency_vs_qps.png", "night_throughput_vs_latency.png"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil || !strings.Contains(out, name) {
			t.Errorf("%s: %v; stdout is %s", name, err, out)
		}
	}
}

func TestAnalyzeExitCodes(t *testing.T) {
	t.Parallel()
	rates, broken := reportDir(t, "rates"), reportDir(t, "concurrent")
	if err := os.WriteFile(filepath.Join(broken, "stage_1_lifecycle_metrics.json"), []byte(`{"load_`),
		0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(rates, "night_stage_0_lifecycle_metrics.json")
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no argument", nil, Misuse, "analyze what?"},
		{"good", []string{rates}, 0, ""},
		{"good, twice and alone", []string{rates, rates + "/", "-u", t.TempDir()}, 0, ""},
		{"nothing drawn", []string{t.TempDir(), "nowhere"}, Failed, "no chart could be drawn"},
		{"a file", []string{file}, Failed, file},
		{"a broken stage", []string{broken}, Partial, "stage_1_lifecycle_metrics.json: left out: it is no JSON"},
		{"charts over charts", []string{rates, "-u", rates + "/."}, Misuse, "it is one of the reports"},
		{"no place for charts of all", []string{rates, "-u", file}, Partial, file},
	} {
		code, _, remarks := analyzed(t, test.args...)
		if code != test.code || !strings.Contains(remarks, test.says) {
			t.Errorf("%s: exit code %d, stderr %q, want %d and %q", test.name, code, remarks, test.code, test.says)
		}
	}
}
