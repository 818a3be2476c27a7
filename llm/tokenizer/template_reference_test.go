package tokenizer

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// templateReference renders with Jinja2.
type templateReference struct {
	t  *testing.T
	in *json.Encoder
	b  *bufio.Reader
}

func newReference(t *testing.T) *templateReference {
	t.Helper()
	python := testenv.Python(t, "jinja2")
	cmd := exec.Command(python, "testdata/templates/reference.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return &templateReference{t, json.NewEncoder(in), bufio.NewReader(out)}
}

// rendered is the result of Jinja2 for a template.
type rendered struct{ Text, Error string }

func (r *templateReference) render(job map[string]any) (got rendered) {
	r.t.Helper()
	if err := r.in.Encode(job); err != nil {
		r.t.Fatal(err)
	}
	line, err := r.b.ReadBytes('\n')
	if err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(line, &got); err != nil {
		r.t.Fatal(err)
	}
	return got
}
