package study

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/schematest"
)

// The results fit their schema, which accepts nothing else.
func TestResultsFitTheirSchema(t *testing.T) {
	schema, err := schematest.Load("../../../docs/schema/experiment.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := newLaboratory(t, strings.Replace(smallLab, "matrix:", "units: 2\n    price: 3 USD/h\n    matrix:", 1))
		l.silent = "slots=1.w.many"
		if _, err := l.run(t.Context()); err == nil {
			t.Error("no cell failed")
		}
		l.text = strings.Replace(l.text, "[1, 4]", "[1]", 1) // so that there are earlier cells
		l.silent = ""
		l.broken = "} 1"
		if _, err := l.run(t.Context()); err == nil {
			t.Error("no cell failed")
		}
		text, err := os.ReadFile(filepath.Join(l.dir, experiment.FileName))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		accepted, err := schema.Accepted(text, schematest.Loose{Optional: []string{"file", "program", "starts",
			"earlier", "units", "price", "error", "log", "start", "seconds"}})
		if err != nil || len(accepted) > 0 {
			t.Errorf("%v; the schema accepts %q", err, accepted)
		}
	})
}

// The examples fit the schema of experiment files, as does a file with all keys, and one with a wrong key does not.
func TestFilesFitTheirSchema(t *testing.T) {
	t.Parallel()
	schema, err := schematest.Load("../../../docs/schema/experiment-file.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"whole": whole, "small": smallLab}
	examples, err := filepath.Glob("../../../examples/experiments/*.yml")
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	for name, text := range texts {
		f := &faults{file: name}
		v := parse([]byte(text), f)
		if v == nil {
			t.Fatal(f.err())
		}
		if err := schema.Validate([]byte(asJSON(v))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range []string{`{"deployments": [], "workloads": [{}], "loads": [{"rate": 2}]}`,
		`{"deployments": [{"name": "d", "comand": "x"}], "workloads": [{}], "loads": [{"rate": 2}]}`} {
		if err := schema.Validate([]byte(wrong)); err == nil {
			t.Errorf("the schema accepts %s", wrong)
		}
	}
}
