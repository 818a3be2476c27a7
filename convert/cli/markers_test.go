package cli

import (
	"bytes"
	"io"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/terminal"
)

// JSON goes to the logs of a pod, not to a terminal, a pipe or a pager.
func TestMarked(t *testing.T) {
	pipe, screen := io.Writer(&bytes.Buffer{}), io.Writer(terminal.Writer{Writer: &bytes.Buffer{}, Is: true})
	for _, tt := range []struct {
		choice, pod string
		out         io.Writer
		want        bool
	}{
		{"auto", "", pipe, false},
		{"auto", "", screen, false},
		{"auto", "10.0.0.1", pipe, true},
		{"auto", "10.0.0.1", screen, false},
		{"always", "", screen, true},
		{"never", "10.0.0.1", pipe, false},
	} {
		t.Setenv("KUBERNETES_SERVICE_HOST", tt.pod)
		if got := Marked(tt.choice, tt.out); got != tt.want {
			t.Errorf("%s, pod %q, terminal %t: got %t", tt.choice, tt.pod, tt.out == screen, got)
		}
	}
}
