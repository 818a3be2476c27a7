// Package reportdir knows the layout of a report directory: what the files of a report are called, by which patterns
// they are found again, and how their text is read. Everything that writes or reads reports takes the names from here.
//
// The names are those of inference-perf 0.7.0. A report may put a prefix before the names of its documents
// (report_file_prefix of the configuration); the tables of requests and the page never have one.
package reportdir

import (
	"fmt"
	"regexp"
	"strings"
)

// The names of a report's files that do not depend on a stage or an adapter, without the prefix.
const (
	Summary           = "summary" + lifecycleEnd
	PerRequest        = "per_request" + lifecycleEnd
	Config            = "config.yaml"
	Search            = "search.json" // the answer of a search
	Validation        = "validation.json"
	PrometheusSummary = "summary" + prometheusEnd
	SessionSummary    = "summary" + sessionsEnd
	PerSession        = "per_session" + lifecycleEnd
	Parquet           = "requests.parquet"
	CSV               = "requests.csv"
	SessionParquet    = "sessions.parquet"
	MediaParquet      = "media.parquet"
	MediaCSV          = "media.csv"
	SessionCSV        = "sessions.csv"
	TimelineParquet   = "timeline.parquet"
	TimelineCSV       = "timeline.csv"
	Page              = "report.html"
)

const (
	lifecycleEnd  = "_lifecycle_metrics.json"
	prometheusEnd = "_prometheus_metrics.json"
	sessionsEnd   = "_session" + lifecycleEnd

	benchmarkStart = "benchmark_report_v0.2_stage_"
)

// SearchBeside returns the name of the answer of a search beside a summary, with the same prefix.
func SearchBeside(summary string) string { return strings.TrimSuffix(summary, Summary) + Search }

// SessionsBeside returns the name of the report on sessions beside a summary, with the same prefix.
func SessionsBeside(summary string) string {
	return strings.TrimSuffix(summary, Summary) + SessionSummary
}

// Stage returns the name of a stage's report.
func Stage(number int) string { return fmt.Sprintf("stage_%d"+lifecycleEnd, number) }

// SessionStage returns the name of the report on a stage's sessions.
func SessionStage(number int) string { return fmt.Sprintf("stage_%d"+sessionsEnd, number) }

// Adapter returns the name of an adapter's report. The adapter's name must be fit for a file name.
func Adapter(adapter string) string { return fmt.Sprintf("adapter_%s"+lifecycleEnd, adapter) }

// AdapterStage returns the name of the report on an adapter's requests in a stage.
func AdapterStage(adapter string, number int) string {
	return fmt.Sprintf("adapter_%s_stage_%d"+lifecycleEnd, adapter, number)
}

// Group returns the name of the report on a group of requests. The group's name must be fit for a file name.
func Group(group string) string { return fmt.Sprintf("group_%s"+lifecycleEnd, group) }

// GroupStage returns the name of the report on a group's requests in a stage.
func GroupStage(group string, number int) string {
	return fmt.Sprintf("group_%s_stage_%d"+lifecycleEnd, group, number)
}

// PartialStage returns the name of a stage's partial benchmark report.
func PartialStage(number int) string {
	return fmt.Sprintf("inference-perf.partial.stage_%d.yaml", number)
}

// BenchmarkReport returns the name of a stage's whole benchmark report of llm-d.
func BenchmarkReport(number int) string { return fmt.Sprintf(benchmarkStart+"%d.yaml", number) }

// PrometheusStage returns the name of the server's metrics in a stage.
func PrometheusStage(number int) string { return fmt.Sprintf("stage_%d"+prometheusEnd, number) }

// The patterns by which a report's own check finds the files of stages, after the prefix is cut off. The first group
// is the number, which nine digits keep within an int.
var (
	StagePattern   = regexp.MustCompile(`^stage_(\d{1,9})_lifecycle_metrics\.json$`)
	PartialPattern = regexp.MustCompile(`^inference-perf\.partial\.stage_(\d{1,9})\.yaml$`)
)

// PrefixedStagePattern finds the files of stages whatever their prefix. The groups are the prefix and the number. It
// also finds the stages of adapters, whose prefix contains AdapterMark, and those of groups; see [GroupOf].
var PrefixedStagePattern = regexp.MustCompile(`^(.*)stage_([0-9]{1,9})_lifecycle_metrics\.json$`)

// AdapterMark begins the name of each adapter's report.
const AdapterMark = "adapter_"

var (
	stageFile    = regexp.MustCompile(`^stage_(\d+)` + lifecycleEnd + `$`)
	adapterFile  = regexp.MustCompile(`^adapter_(.+)` + lifecycleEnd + `$`)
	groupFile    = regexp.MustCompile(`^group_(.+)` + lifecycleEnd + `$`)
	adapterStage = regexp.MustCompile(`_stage_\d+$`) // ends the adapter's name that adapterFile found
)
