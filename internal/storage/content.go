package storage

import (
	"path"
	"strings"
)

// contentTypes maps extensions of file names to media types. The table of the operating system is not used, because the
// type of an object would then depend on the machine that stored it.
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
