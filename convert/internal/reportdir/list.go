package reportdir

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// glob returns the paths in dir that match any of the patterns, in their order. The patterns of this package are well
// formed; where dir itself holds the signs of a pattern nothing is found.
func glob(dir string, patterns ...string) (paths []string) {
	for _, pattern := range patterns {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		paths = append(paths, found...)
	}
	return paths
}

// Existing returns the paths of the files that make a directory a report directory.
func Existing(dir string) []string {
	paths := glob(dir, "*lifecycle_metrics.json", "*prometheus_metrics.json", "inference-perf.partial.stage_*.yaml",
		"*"+benchmarkStart+"*.yaml", Validation, Parquet, CSV, Page)
	for _, summary := range Summaries(dir) { // other programs have files of these names, too
		paths = append(paths, glob(dir, SearchBeside(filepath.Base(summary)))...)
	}
	if len(glob(dir, "*"+SessionSummary)) > 0 {
		paths = append(paths, glob(dir, SessionParquet, SessionCSV)...)
	}
	if len(Summaries(dir)) > 0 {
		paths = append(paths, glob(dir, MediaParquet, MediaCSV, TimelineParquet, TimelineCSV)...)
	}
	return slices.DeleteFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.IsDir()
	})
}

// Summaries returns the paths of the summaries in a directory, one for each prefix.
func Summaries(dir string) []string { return glob(dir, "*"+Summary) }

// Requests returns the paths of the files that hold the requests of the reports in a directory: the table, or else
// the files of inference-perf.
func Requests(dir string) []string {
	if table := glob(dir, Parquet); len(table) > 0 {
		return table
	}
	return glob(dir, "*"+PerRequest, "*"+PerRequest+".gz")
}

// Sessions returns the path of the report on the sessions of a replay, and false if there is none.
func Sessions(dir string) (path string, found bool) {
	list := glob(dir, "*"+SessionSummary)
	if len(list) == 0 {
		return "", false
	}
	return list[0], true
}

// Configuration returns the path of a configuration in a directory, and false if there is none.
func Configuration(dir string) (path string, found bool) {
	paths := glob(dir, "*config.y*ml")
	if len(paths) == 0 {
		return "", false
	}
	return paths[0], true
}

// Stages yields the number and the path of each stage's report in a directory, whatever its prefix.
func Stages(dir string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for _, path := range glob(dir, "*stage_*"+lifecycleEnd) {
			name := filepath.Base(path)
			_, digits, _ := strings.Cut(name, "stage_")
			number, err := strconv.Atoi(strings.TrimSuffix(digits, lifecycleEnd))
			if err != nil || strings.HasPrefix(name, AdapterMark) {
				continue
			}
			if !yield(number, path) {
				return
			}
		}
	}
}

// Subject tells which requests a lifecycle report covers.
type Subject int

// The subjects of lifecycle reports.
const (
	OfRun Subject = iota
	OfStage
	OfAdapter
	OfGroup // or of its part in a stage: the document tells
)

// Lifecycle is the file of a lifecycle report.
type Lifecycle struct {
	File    string // the name in the directory, with its prefix
	Subject Subject
	Label   string // the digits of the stage, or the adapter or the group as file names spell it
}

// Lifecycles lists the lifecycle reports of a directory on the run, its stages, its adapters and its groups. Where
// there is a summary, only the files with its prefix are listed; the first summary counts.
func Lifecycles(dir string) (list []Lifecycle, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	prefix := ""
	for _, e := range entries {
		if before, found := strings.CutSuffix(e.Name(), Summary); found {
			prefix = before
			break
		}
	}
	for _, e := range entries {
		name, found := strings.CutPrefix(e.Name(), prefix)
		if !found || e.IsDir() {
			continue
		}
		if l, known := lifecycle(name); known {
			l.File = e.Name()
			list = append(list, l)
		}
	}
	return list, nil
}

// lifecycle recognizes a name without its prefix. The stages of adapters are not known.
func lifecycle(name string) (Lifecycle, bool) {
	if name == Summary {
		return Lifecycle{Subject: OfRun}, true
	}
	if stage := stageFile.FindStringSubmatch(name); stage != nil {
		return Lifecycle{Subject: OfStage, Label: stage[1]}, true
	}
	if group := groupFile.FindStringSubmatch(name); group != nil {
		return Lifecycle{Subject: OfGroup, Label: group[1]}, true
	}
	adapter := adapterFile.FindStringSubmatch(name)
	if adapter == nil || adapterStage.MatchString(adapter[1]) {
		return Lifecycle{}, false
	}
	return Lifecycle{Subject: OfAdapter, Label: adapter[1]}, true
}

// GroupOf returns the key and the name of the group that a lifecycle report is about, and whether it is only about the
// group's part in a stage. The key is "" if the report is about no group. Names of files do not tell: a group can be
// called a_stage_1, and a prefix can begin with group_.
func GroupOf(document gjson.Result) (by, name string, ofStage bool) {
	group := document.Get("xk6_llm.group")
	return group.Get("by").String(), group.Get("name").String(), document.Get("xk6_llm.load").Exists()
}

// JSON returns the text of a JSON document as it has to be parsed: a byte order mark is removed and null stands for the
// NaN and Infinity that Python writes. A document in UTF-16 is textfile.ErrUTF16.
func JSON(text []byte) ([]byte, error) {
	text, err := textfile.Trim(text)
	return textfile.Finite(text), err
}
