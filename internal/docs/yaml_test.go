package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// compose holds what the test reads of a file of Docker Compose.
type compose struct {
	Services map[string]struct {
		Command []string
		Volumes []string
		Depends []string `yaml:"depends_on"`
	}
}

var composeVariable = regexp.MustCompile(`\$\{\w+:-([^}]*)\}`)

// The services of examples/compose name files, scripts and services that exist, and their files are YAML.
func TestComposeExample(t *testing.T) {
	t.Parallel()
	const dir = "examples/compose"
	var c compose
	readYAML(t, filepath.Join(dir, "compose.yaml"), &c)
	if len(c.Services) < 4 {
		t.Fatalf("services: %v", c.Services)
	}
	for name, s := range c.Services {
		for _, other := range s.Depends {
			if _, known := c.Services[other]; !known {
				t.Errorf("service %s depends on %s, which is none", name, other)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			path := filepath.Join(dir, source)
			if _, err := os.Stat(path); err != nil && source != "./runs" { // docker makes that one
				t.Errorf("service %s: %v", name, err)
			}
		}
		for _, arg := range s.Command {
			script, ours := strings.CutPrefix(composeVariable.ReplaceAllString(arg, "$1"), "/scripts/")
			if _, err := os.Stat(filepath.Join("scripts", script)); ours && err != nil {
				t.Errorf("service %s: %v", name, err)
			}
		}
	}
	for _, path := range []string{"prometheus.yml", "grafana/datasources/prometheus.yml",
		"grafana/dashboards/llm.yml"} {
		readYAML(t, filepath.Join(dir, path), new(map[string]any))
	}
}

// The workflows are YAML, and each target of make that they call exists.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("%q, %v", paths, err)
	}
	makefile := testenv.ReadFile(t, "Makefile")
	for _, path := range paths {
		var workflow struct {
			Jobs map[string]struct{ Steps []struct{ Run string } }
		}
		readYAML(t, path, &workflow)
		if len(workflow.Jobs) == 0 {
			t.Errorf("%s has no jobs", path)
		}
		for name, job := range workflow.Jobs {
			for _, step := range job.Steps {
				target, calls := strings.CutPrefix(step.Run, "make ")
				if calls && !strings.Contains(makefile, "\n"+target+":") {
					t.Errorf("%s: job %s calls make %s, which is no target", path, name, target)
				}
			}
		}
	}
}

// jsconfig.json leads editors to the types of the module and to the scripts.
func TestJSConfigFindsTheTypes(t *testing.T) {
	t.Parallel()
	var config struct{ Include []string }
	readYAML(t, "jsconfig.json", &config) // JSON is YAML
	for _, pattern := range []string{"docs/index.d.ts", "scripts/**/*.js", "examples/**/*.js"} {
		if !slices.Contains(config.Include, pattern) {
			t.Errorf("jsconfig.json includes %q, which lacks %s", config.Include, pattern)
		}
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(testenv.ReadFile(t, path)), into); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}
