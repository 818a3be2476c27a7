package dropin

import (
	"os"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// loaders are the names that stand for files of a format where inference-perf takes the name of a data set.
var loaders = []string{"parquet", "json", "csv"}

// arena sets the options of questions about images.
func (m mapping) arena(o Map) {
	v := m.config.Data.VisionArena
	if v == nil { // the section is required
		return
	}
	delete(o, "tokenizer")
	named := v.Dataset
	if m.config.Data.Path != "" {
		named = m.dataPath()
	} else if _, err := os.Stat(m.path(named)); err == nil {
		named = m.path(named)
	}
	local := slices.Contains(loaders, named)
	o.set("path", named, !local)
	switch files := v.Files; {
	case local:
		list := make([]string, len(files))
		for i, file := range files {
			list[i] = m.path(file)
		}
		o["files"] = list
	case len(files) == 1:
		o["files"] = files[0]
	case files != nil:
		o["files"] = []string(files)
	default:
		o["split"] = v.Split
	}
	o["numRows"], o["maxImages"], o["insertionPoint"] = v.Rows, v.MaxImages, placeOption(v.Insertion)
}

// placeOption returns where media stand in a text as an option of Dataset.
func placeOption(a *config.Amount) any {
	switch {
	case a == nil:
		return nil
	case a.Distribution != nil:
		return boundsOption(a.Distribution)
	}
	return a.X
}
