// Package chart draws charts of reports in inference-perf's format, from this program or any version of inference-perf.
// The charts show how latencies and throughput depend on the load, with one point for each stage. [Read] finds the
// reports of a directory, [Charts] makes inference-perf's six charts of one report or of several in comparison, and
// [Figure.WritePNG] draws any figure.
package chart

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
)

// Quantity is a figure of a stage, named by its path in a stage file.
type Quantity string

// The quantities that charts show.
const (
	Concurrency Quantity = "load_summary.concurrency"
	Rate        Quantity = "load_summary.achieved_rate"

	TTFT  Quantity = "successes.latency.time_to_first_token.mean"
	NTPOT Quantity = "successes.latency.normalized_time_per_output_token.mean"
	ITL   Quantity = "successes.latency.inter_token_latency.mean"

	TTFTP99  Quantity = "successes.latency.time_to_first_token.p99"
	NTPOTP99 Quantity = "successes.latency.normalized_time_per_output_token.p99"
	ITLP99   Quantity = "successes.latency.inter_token_latency.p99"

	InputRate  Quantity = "successes.throughput.input_tokens_per_sec"
	OutputRate Quantity = "successes.throughput.output_tokens_per_sec"
	TotalRate  Quantity = "successes.throughput.total_tokens_per_sec"

	GoodShare Quantity = "successes.goodput_metrics.goodput_percentage"
	GoodRate  Quantity = "successes.goodput_metrics.request_goodput"
)

// oldGoodRate is the path of GoodRate in reports of versions before 0.7.
const oldGoodRate = "successes.goodput_metrics.request_goodput_rate"

// axes holds the axis of each quantity. Rates are achieved rates, which are lower than the requested rates if the
// server cannot keep up.
var axes = map[Quantity]Axis{
	Concurrency: {Label: "Concurrency", Whole: true}, Rate: {Label: "QPS (achieved)"},
	TTFT: {Label: "Mean TTFT (ms)"}, NTPOT: {Label: "Mean Norm. Time (ms/token)"}, ITL: {Label: "Mean ITL (ms)"},
	TTFTP99: {Label: "p99 TTFT (ms)"}, NTPOTP99: {Label: "p99 Norm. Time (ms/token)"}, ITLP99: {Label: "p99 ITL (ms)"},
	InputRate: {Label: "Input Tokens/sec"}, OutputRate: {Label: "Output Tokens/sec"},
	TotalRate: {Label: "Total Tokens/sec"},
	GoodShare: {Label: "Goodput (%)", End: 100}, GoodRate: {Label: "Goodput Rate (req/s)"},
}

// Stage holds the values of a stage in the units of the charts. Values that the file lacks are absent. A stage has a
// rate or a concurrency, not both: the rate of a stage of fixed concurrency is a result, not its load.
type Stage struct {
	Number int
	Values map[Quantity]float64
}

// Report holds the stages of a report in the order of their numbers.
type Report struct {
	Dir    string // as the user wrote it
	Prefix string // of the names of its files, empty where the directory holds no other report
	Stages []Stage
}

// Name returns the directory of the report, with the prefix of its files if the directory holds several reports.
func (r *Report) Name() string { return filepath.Join(r.Dir, r.Prefix) }

// Remark describes a file that was left out.
type Remark struct {
	Text string
	Lost bool // the file could not be read; false means that it holds nothing to draw
}

// Read reads the reports in a directory: one report for each prefix of file names. If there is none the error says why.
func Read(dir string) (reports []Report, remarks []Remark, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	found := map[string][]Stage{} // by prefix
	files := 0
	for _, e := range entries {
		name := reportdir.PrefixedStagePattern.FindStringSubmatch(e.Name())
		if name == nil || e.IsDir() || strings.Contains(name[1], reportdir.AdapterMark) {
			continue
		}
		stage, err := readStage(filepath.Join(dir, e.Name()))
		if errors.Is(err, errGroup) {
			continue
		}
		files++
		if err != nil {
			remarks = append(remarks, Remark{err.Error(), !errors.Is(err, errEmpty)})
			continue
		}
		stage.Number, _ = strconv.Atoi(name[2]) // nine digits are a number
		found[name[1]] = append(found[name[1]], stage)
	}
	switch {
	case files == 0:
		return nil, nil,
			fmt.Errorf("%s: it holds no stage_N_lifecycle_metrics.json, which reports have unless per_stage is off",
				dir)
	case len(found) == 0:
		return nil, remarks, fmt.Errorf("%s: no stage file in it can be drawn", dir)
	}
	return reportsOf(dir, found), remarks, nil
}

// reportsOf returns a report for each prefix, in the order of the prefixes.
func reportsOf(dir string, found map[string][]Stage) []Report {
	reports := make([]Report, 0, len(found))
	for _, prefix := range slices.Sorted(maps.Keys(found)) {
		slices.SortFunc(found[prefix], func(a, b Stage) int { return a.Number - b.Number })
		reports = append(reports, Report{Dir: dir, Prefix: prefix, Stages: found[prefix]})
	}
	if len(reports) == 1 {
		reports[0].Prefix = ""
	}
	return reports
}

// readStage reads a stage file. Errors name the file.
func readStage(path string) (Stage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Stage{}, err
	}
	if text, err = reportdir.JSON(text); err != nil {
		return Stage{}, fmt.Errorf("%s: left out: %w", path, err)
	}
	if by, _, _ := reportdir.GroupOf(gjson.ParseBytes(text)); by != "" {
		return Stage{}, errGroup
	}
	stage, err := parseStage(text)
	if err != nil {
		return Stage{}, fmt.Errorf("%s: left out: %w", path, err)
	}
	return stage, nil
}

// errGroup reports that a file is about a group of requests, not about all of a stage.
var errGroup = errors.New("it is about a group of requests")

// errEmpty reports that a stage has no successful request, so that nothing was measured.
var errEmpty = errors.New("it has no successful requests")

// parseStage reads the values of a stage file.
func parseStage(text []byte) (Stage, error) {
	if !gjson.ValidBytes(text) {
		return Stage{}, errors.New("it is no JSON, or not all of it")
	}
	file := gjson.ParseBytes(text)
	if !file.Get("load_summary").IsObject() {
		return Stage{}, errors.New("it is no stage of a report: load_summary is missing")
	}
	if count := file.Get("successes.count"); len(file.Get("successes").Map()) == 0 || count.Exists() && count.Num == 0 {
		return Stage{}, errEmpty
	}
	values := map[Quantity]float64{}
	for q := range axes {
		if v := file.Get(string(q)); v.Type == gjson.Number && drawable(v.Num*q.scale()) {
			values[q] = v.Num * q.scale()
		}
	}
	if old := file.Get(oldGoodRate); old.Type == gjson.Number && drawable(old.Num) {
		if _, there := values[GoodRate]; !there {
			values[GoodRate] = old.Num
		}
	}
	if values[Concurrency] > 0 {
		delete(values, Rate)
	} else {
		delete(values, Concurrency) // 0 means no limit
		if _, there := values[Rate]; !there {
			return Stage{}, errors.New("it tells no load: load_summary has neither achieved_rate nor concurrency")
		}
	}
	return Stage{Values: values}, nil
}

// scale returns the factor from the report's unit to the chart's: times are seconds in reports, milliseconds in charts.
func (q Quantity) scale() float64 {
	switch q {
	case TTFT, NTPOT, ITL, TTFTP99, NTPOTP99, ITLP99:
		return 1000
	}
	return 1
}
