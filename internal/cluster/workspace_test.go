package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// workspace is a copy of examples/kubernetes with a data set, as a user changes it.
type workspace struct {
	*Cluster
	root string // above examples/kubernetes
	dir  string // in which commands run
	env  []string
	name string // of the namespace, "" for default
}

func newWorkspace(t *testing.T, c *Cluster) *workspace {
	t.Helper()
	w := &workspace{Cluster: c, root: t.TempDir()}
	w.dir = filepath.Join(w.root, "examples", "kubernetes")
	if err := os.MkdirAll(filepath.Dir(w.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	sample := filepath.Join(root(), "scripts", "data", "sharegpt-sample.json")
	if err := errors.Join(run("cp", "-r", filepath.Join(root(), "examples", "kubernetes"), w.dir),
		run("cp", sample, filepath.Join(w.dir, "sharegpt.json"))); err != nil {
		t.Fatal(err)
	}
	return w
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// edit replaces texts of a file, each of which must be there.
func (w *workspace) edit(t *testing.T, name string, pairs ...string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	text := readFile(t, path)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s has no %q", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// kubectl runs kubectl in the workspace, and fails the test if it fails.
func (w *workspace) kubectl(t *testing.T, format string, args ...any) string {
	t.Helper()
	return w.Must(t, w.dir, "kubectl "+fmt.Sprintf(format, args...), w.env...)
}

// useNamespace makes a namespace for the commands of the workspace, which ends with the test.
func (w *workspace) useNamespace(t *testing.T, name string) {
	t.Helper()
	config := filepath.Join(w.root, "kubeconfig")
	if err := os.WriteFile(config, []byte(readFile(t, w.Kubeconfig)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env, w.name = []string{"KUBECONFIG=" + config}, name
	w.kubectl(t, "create namespace %s", name)
	t.Cleanup(func() { w.Shell(t, w.dir, "kubectl delete namespace --wait=false "+name) })
	w.kubectl(t, "config set-context --current --namespace=%s", name)
}

// write writes a file of the workspace, with its folder.
func (w *workspace) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// inNamespace makes a workspace whose commands are about a namespace of their own: it has the volumes, the secret with
// the server's key, the pod for files with the data set, and the server.
func inNamespace(t *testing.T, c *Cluster, name string) *workspace {
	t.Helper()
	w := newWorkspace(t, c)
	w.useNamespace(t, name)
	w.kubectl(t, "create secret generic llm-keys --from-literal=API_KEY=%s", apiKey)
	w.kubectl(t, "apply -k .")
	w.kubectl(t, "apply -f files.yaml -f %s", filepath.Join(root(), "internal/cluster/testdata/simulator.yaml"))
	w.kubectl(t, "wait --for=condition=Ready pod/llm-files --timeout=1m")
	w.kubectl(t, "cp sharegpt.json llm-files:/datasets/sharegpt.json")
	w.kubectl(t, "rollout status deployment/vllm --timeout=1m")
	return w
}

// testRun applies a TestRun of a name, made of the example with its records on a volume by replacements.
func (w *workspace) testRun(t *testing.T, name string, replacements ...string) {
	t.Helper()
	text := readFile(t, filepath.Join(w.dir, "testrun-volume.yaml"))
	file := name + ".yaml"
	if err := os.WriteFile(filepath.Join(w.dir, file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.edit(t, file, append(replacements, "llm-run-1", "llm-"+name, "run-1", name)...)
	w.kubectl(t, "apply -f %s", file)
}

// stage waits for a stage of a TestRun.
func (w *workspace) stage(t *testing.T, name, stage string) {
	t.Helper()
	wait := fmt.Sprintf("kubectl wait --for=jsonpath='{.status.stage}'=%s testrun/llm-%s --timeout=5m", stage, name)
	r := w.Shell(t, w.dir, wait, w.env...)
	if r.Code != 0 {
		t.Fatalf("TestRun %s does not reach the stage %s: %s\n%s", name, stage, r.Stderr, w.state(t))
	}
}

// state tells what there is in the namespace, for the message of a test that fails.
func (w *workspace) state(t *testing.T) string {
	t.Helper()
	return w.Shell(t, w.dir, "kubectl get testruns,jobs,pods; kubectl get events --sort-by=.lastTimestamp | "+
		"tail -n 20; for p in $(kubectl get pods -o name -l app=k6); do echo $p; kubectl logs --tail=10 $p; done; "+
		"kubectl -n k6-operator-system get pods; kubectl -n k6-operator-system logs "+
		"deployment/k6-operator-controller-manager | grep -v '^\\s' | tail -n 40", w.env...).Stdout
}

// exitCode returns the exit code of the only container of a Job's pod.
func (w *workspace) exitCode(t *testing.T, job string) string {
	t.Helper()
	return w.kubectl(t, "get pods -l job-name=%s -o jsonpath='{.items[0].status.containerStatuses[0].state"+
		".terminated.exitCode}'", job)
}

// merge merges a run in the cluster. It returns the exit code and the log.
func (w *workspace) merge(t *testing.T, name string) (code, log string) {
	t.Helper()
	w.Must(t, w.dir, fmt.Sprintf("sed 's/run-1/%s/g' merge-volume.yaml | kubectl apply -f -", name), w.env...)
	job := "llm-" + name + "-merge"
	w.kubectl(t, "wait --for=jsonpath='{.status.ready}'=0 job/%s --timeout=1m", job)
	w.Must(t, w.dir, "for i in $(seq 300); do kubectl get job "+job+" -o jsonpath='{.status.conditions[*].type}' | "+
		"grep -qE 'Complete|Failed' && exit; sleep 0.2; done; exit 1", w.env...)
	return w.exitCode(t, job), w.kubectl(t, "logs job/%s", job)
}

// onVolume returns the folder of this machine that is a run's folder of records.
func (w *workspace) onVolume(t *testing.T, claim, run string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.Cluster.dir, "nodes", "claims", w.name, claim+"-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("volumes of the claim %s: %q, %v", claim, found, err)
	}
	return filepath.Join(found[0], run)
}

// awaitRequests waits until a record file has requests.
func awaitRequests(t *testing.T, path string) {
	t.Helper()
	for range 600 {
		text, err := os.ReadFile(path)
		if err == nil && strings.Count(string(text), `"type":"request"`) > 5 {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatalf("%s has no requests", path)
}

// report holds the figures of a report that the tests check.
type report struct {
	Successes struct{ Count int }
	Failures  struct{ Count int }
	Extension struct {
		Partial   bool
		RunID     string `json:"run_id"`
		Simulator bool
		Health    struct {
			Verdict   string
			Instances []any
		} `json:"client_health"`
	} `json:"xk6_llm"`
}

func readReport(t *testing.T, dir string) (r report) {
	t.Helper()
	text := readFile(t, filepath.Join(dir, "summary_lifecycle_metrics.json"))
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// line is a line of a record file: its head, a request, or its end.
type line struct {
	Type     string
	Instance string
	ID       string `json:"run_id"`
	Index    int64
	Error    string
}

// records reads the record files of a run, by their names.
func records(t *testing.T, dir string) map[string][]line {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "records-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]line{}
	for _, path := range paths {
		name := filepath.Base(path)
		for text := range strings.Lines(readFile(t, path)) {
			var l line
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			files[name] = append(files[name], l)
		}
	}
	return files
}
