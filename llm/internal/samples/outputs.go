package samples

import (
	"slices"
	"sync"

	"go.k6.io/k6/v2/ext"
)

// outputs tells whether an output of the run reads the metadata of samples, which costs more than all the rest of a
// request's samples. k6 names the outputs to nobody but in the report of its own use, which it collects even if it does
// not send it.
type outputs struct {
	usage interface{ Map() map[string]any } // nil outside of k6
	once  sync.Once
	read  bool
}

// readMetadata must not be called before k6 has made the outputs, as it has before the first request.
func (o *outputs) readMetadata() bool {
	o.once.Do(func() { o.read = o.usage != nil && readsMetadata(o.usage.Map()) })
	return o.read
}

// readsMetadata takes k6's report of its use. An output that is not known to leave metadata out may read it.
func readsMetadata(usage map[string]any) bool {
	builtin, _ := usage["outputs"].([]string)
	if slices.ContainsFunc(builtin, func(name string) bool { return !slices.Contains(withoutMetadata, name) }) {
		return true
	}
	extensions, _ := usage["extensions"].([]any)
	return slices.ContainsFunc(extensions, func(e any) bool {
		extension, ok := e.(*ext.Extension)
		return ok && extension.Type == ext.OutputExtension && extension.Name != "llm"
	})
}

// withoutMetadata are the outputs of k6 that leave the metadata of samples out.
var withoutMetadata = []string{
	"cloud", "influxdb", "opentelemetry", "experimental-opentelemetry", "experimental-prometheus-rw",
}
