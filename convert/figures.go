package convert

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// figurePaths maps the names of package compare to the paths of the figures in a report's summary.
var figurePaths = map[string]string{
	"ttft": "successes.latency.time_to_first_token", "tpot": "successes.latency.time_per_output_token",
	"ntpot": "successes.latency.normalized_time_per_output_token",
	"itl":   "successes.latency.inter_token_latency", "request_latency": "successes.latency.request_latency",
	"schedule_delay":      "load_summary.schedule_delay",
	"time_to_first_audio": "xk6_llm.speech.time_to_first_audio",
	"missing_seconds":     "xk6_llm.speech.players.0.missing_seconds",
	"seconds_per_picture": "xk6_llm.image.seconds_per_picture",
}

// ReadFigures reads the summary in a report directory, whether inference-perf wrote it, in its current or its older
// shape, or this program. It returns false if the directory holds no summary, or also holds the run's requests, which
// allow a closer comparison.
func ReadFigures(dir string) (f compare.Figures, found bool, err error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() || len(run.RequestFiles(dir)) > 0 {
		return f, false, nil
	}
	paths := reportdir.Summaries(dir)
	if len(paths) == 0 {
		return f, false, nil
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		return f, false, err
	}
	if text, err = reportdir.JSON(text); err != nil {
		return f, false, fmt.Errorf("%s: %w", paths[0], err)
	}
	if !gjson.ValidBytes(text) {
		return f, false, fmt.Errorf("%s: it is no JSON", paths[0])
	}
	summary := gjson.ParseBytes(text)
	if !summary.Get("load_summary.count").Exists() {
		return f, false, fmt.Errorf("%s: it is no summary of a report: load_summary.count is missing", paths[0])
	}
	canceled := summary.Get("xk6_llm.requests.canceled")
	f = compare.Figures{
		Name: dir, Requests: int(summary.Get("load_summary.count").Int() - canceled.Int()),
		Failed:  int(summary.Get("failures.count").Int() - canceled.Int()),
		Seconds: summary.Get("benchmark_time_seconds").Float(), Values: map[string]float64{},
	}
	f.Doubt = statedDoubt(summary.Get("xk6_llm.client_health"))
	searches, err := StatedSearches(summary.Get("xk6_llm"))
	if err != nil {
		return f, false, fmt.Errorf("%s: %w", paths[0], err)
	}
	f.Searches = comparedSearches(searches)
	figuresOf(summary, f.Values)
	if text, err := os.ReadFile(filepath.Join(dir, reportdir.SessionsBeside(filepath.Base(paths[0])))); err == nil {
		sessionFiguresOf(gjson.ParseBytes(text), f.Values)
	}
	return f, true, nil
}

// RunFigures returns the figures of a run's own report, for a comparison with a report whose requests are unknown.
func RunFigures(r *run.Run, name string, o Options) (compare.Figures, error) {
	l := Summarize(r, o)
	text, err := pythonJSON(l, "")
	if err != nil {
		return compare.Figures{}, err
	}
	f := compare.Figures{Name: name, Requests: l.Load.Count - l.Additions.Requests.Canceled,
		Failed:  l.Failures.Count - l.Additions.Requests.Canceled,
		Seconds: float64(l.BenchmarkTime), Values: map[string]float64{}}
	f.Doubt = doubt(l.Additions.Health.Verdict, l.Additions.Health.Reasons)
	f.Searches = comparedSearches(r.Searches)
	figuresOf(gjson.ParseBytes(text), f.Values)
	if sessions, _ := newSessionReports(r, o, nil); sessions != nil {
		if text, err = pythonJSON(sessions, ""); err != nil {
			return compare.Figures{}, err
		}
		sessionFiguresOf(gjson.ParseBytes(text), f.Values)
	}
	return f, nil
}

// statedDoubt returns the doubt about the load generator that a report states.
func statedDoubt(health gjson.Result) string {
	var reasons []string
	for _, reason := range health.Get("reasons").Array() {
		reasons = append(reasons, reason.String())
	}
	return doubt(health.Get("verdict").String(), reasons)
}

// sessionFiguresOf stores in values the figures of a report on sessions that package compare knows.
func sessionFiguresOf(sessions gjson.Result, values map[string]float64) {
	distributionsOf(sessions, map[string]string{"session_duration": "session_duration_sec", "tfut": "tfut_sec"}, values)
	n, failed := sessions.Get("num_sessions").Float(), sessions.Get("num_sessions_failed").Float()
	if share := failed / n; n > 0 && share >= 0 && share <= 1 {
		values["session_failures"] = share
	}
}

// distributionsOf stores in values the means and percentiles at some paths, by the names of the figures.
func distributionsOf(summary gjson.Result, paths map[string]string, values map[string]float64) {
	for name, path := range paths {
		summary.Get(path).ForEach(func(key, value gjson.Result) bool {
			switch statistic := key.Str; {
			case value.Type != gjson.Number || math.IsInf(value.Num, 0):
			case statistic == "mean":
				values["mean("+name+")"] = value.Num
			case statistic == "median":
				values["p50("+name+")"] = value.Num
			case isPercentile(statistic):
				values[statistic+"("+name+")"] = value.Num
			}
			return true
		})
	}
}

// figuresOf stores in values the figures of a summary that package compare knows.
func figuresOf(summary gjson.Result, values map[string]float64) {
	distributionsOf(summary, figurePaths, values)
	for name, path := range map[string]string{
		"requests_per_sec":      "successes.throughput.requests_per_sec",
		"output_tokens_per_sec": "successes.throughput.output_tokens_per_sec",
		"total_tokens_per_sec":  "successes.throughput.total_tokens_per_sec",
		"goodput":               "successes.goodput_metrics.request_goodput",
	} {
		if v := summary.Get(path); v.Type == gjson.Number && !math.IsInf(v.Num, 0) {
			values[name] = v.Num
		}
	}
	if share := summary.Get("xk6_llm.speech.players.0.continuity_ok"); share.Type == gjson.Number {
		values["continuity"] = share.Num
	}
	speech, transcription := summary.Get("xk6_llm.speech").Exists(), summary.Get("xk6_llm.transcription").Exists()
	switch { // of both nobody can tell the percentiles without the requests
	case speech && !transcription:
		distributionsOf(summary, map[string]string{"real_time_factor": "xk6_llm.speech.real_time_factor"}, values)
	case transcription && !speech:
		paths := map[string]string{"real_time_factor": "xk6_llm.transcription.real_time_factor"}
		distributionsOf(summary, paths, values)
	}
	for _, name := range [...]string{"images_per_sec", "videos_per_sec", "audios_per_sec"} {
		if v := summary.Get("successes.throughput." + name); v.Num > 0 && !math.IsInf(v.Num, 0) { // 0: of no media
			values[name] = v.Num
		}
	}
	inputs, known := 0.0, false
	summary.Get("xk6_llm.inputs").ForEach(func(_, of gjson.Result) bool {
		rate := of.Get("inputs_per_sec")
		inputs, known = inputs+rate.Num, known || rate.Type == gjson.Number
		return true
	})
	if known {
		values["inputs_per_sec"] = inputs
	}
	unfinished := summary.Get("xk6_llm.requests.canceled").Float()
	n, failed := summary.Get("load_summary.count").Float()-unfinished, summary.Get("failures.count").Float()-unfinished
	if share := failed / n; n > 0 && share >= 0 && share <= 1 {
		values["failures"] = share
	}
}

// isPercentile reports whether name is the name of a percentile, such as p99.9.
func isPercentile(name string) bool {
	digits, found := strings.CutPrefix(name, "p")
	p, err := strconv.ParseFloat(digits, 64)
	return found && err == nil && p >= 0 && p <= 100
}
