package storage

import (
	"path"
	"strings"
)

// contentTypes are by file name extension. The table of the machine would make an object's type depend on where it came
// from.
var contentTypes = map[string]string{
	".csv":     "text/csv",
	".gz":      "application/gzip",
	".html":    "text/html; charset=utf-8",
	".json":    "application/json",
	".jsonl":   "application/x-ndjson",
	".log":     "text/plain; charset=utf-8",
	".md":      "text/markdown; charset=utf-8",
	".parquet": "application/vnd.apache.parquet",
	".png":     "image/png",
	".svg":     "image/svg+xml",
	".txt":     "text/plain; charset=utf-8",
	".xml":     "application/xml",
	".yaml":    "application/yaml",
	".yml":     "application/yaml",
	".zst":     "application/zstd",
}

func contentType(name string) string {
	if t, known := contentTypes[strings.ToLower(path.Ext(name))]; known {
		return t
	}
	return "application/octet-stream"
}
