package run

import (
	"strings"
	"testing"
)

// TestK6PointsOutOfRange checks that points of k6's output must meet the bounds of record lines.
func TestK6PointsOutOfRange(t *testing.T) {
	t.Parallel()
	const head = `{"metric":"http_reqs","type":"Point","data":{}}` + "\n"
	for point, want := range map[string]string{
		`{"metric":"dropped_iterations","type":"Point","data":{"value":-3}}`: "f:2: negative count -3",
		`{"metric":"dropped_iterations","type":"Point","data":{"value":1e18}}`: "f:2: count out of range at " +
			"1000000000000000000",
		`{"metric":"http_reqs","data":"` + strings.Repeat("a", bufferSize): "f:2: line longer than 0 MiB",
	} {
		k := newK6Reader(strings.NewReader(head+point), "f")
		k.maxLine = bufferSize
		if _, err := k.next(); err == nil || err.Error() != want {
			t.Errorf("%.80s: got %v, want %s", point, err, want)
		}
	}
}
