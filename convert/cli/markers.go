package cli

import (
	"io"
	"os"
	"slices"

	"github.com/seed-307b789f/xk6-llm/internal/terminal"
)

// markerChoices are the values of --markers.
var markerChoices = []string{"auto", "always", "never"}

// Marked reports whether the JSON of a report goes to the output, between markers. choice is auto, always or never;
// auto means in a pod of Kubernetes, where programs read reports from logs, unless the output is a terminal.
func Marked(choice string, out io.Writer) bool {
	if choice != "auto" {
		return choice == "always"
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != "" && terminal.Columns(out) == 0
}

// checkMarkers refuses an unknown choice.
func checkMarkers(choice string) error {
	if !slices.Contains(markerChoices, choice) {
		return misuse("--markers: unknown %q, known are auto, always, never", choice)
	}
	return nil
}
