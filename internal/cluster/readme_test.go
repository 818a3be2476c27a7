package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// tour runs the commands of examples/kubernetes/README.md in their order, with what its text asks for between them.
type tour struct {
	w             *workspace
	env           []string // of commands on one's own machine
	before, after map[string]func(t *testing.T, out string)
	passed        map[string]bool
}

// The page's commands take a user from nothing to the reports: of four pods with records on a volume, of four with
// records in a bucket, and of one pod.
func TestReadme(t *testing.T) {
	c := WithOperator(t)
	w := newWorkspace(t, c)
	w.dir = w.root
	bucket := startBucket(t)
	hub := startHub(t, filepath.Join(w.root, "examples/kubernetes/sharegpt.json"))
	tour := &tour{w: w, passed: map[string]bool{}, env: []string{"AWS_ACCESS_KEY_ID=" + accessKey,
		"AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=" + bucket}}
	c.AddImage("registry.example/xk6-llm:1", c.ProjectImage())
	tour.before = map[string]func(*testing.T, string){
		"kubectl apply -k .": tour.shorten,
	}
	tour.after = map[string]func(*testing.T, string){
		"kubectl apply -f files.yaml":                                          tour.simulator,
		"kubectl logs job/llm-run-1-merge":                                     tour.checkLog,
		"kubectl cp llm-files:/records/run-1/report report":                    tour.checkVolume,
		"sed 's/run-1/run-2/g' testrun-volume.yaml | kubectl apply -f -":       tour.secondRun,
		"llmconv report s3://llm-benchmarks/run-1/ -o report":                  tour.checkBucket,
		"kubectl cp llm-files:/records/single-1/report report":                 tour.checkSingle,
		"kubectl wait --for=condition=Complete job/llm-single-1 --timeout=30m": tour.config,
	}
	values := strings.NewReplacer("API_KEY=…", "API_KEY="+apiKey, "HF_TOKEN=…", "HF_TOKEN="+hubToken+
		" --from-literal=HF_ENDPOINT="+hub, "AWS_ACCESS_KEY_ID=…", "AWS_ACCESS_KEY_ID="+accessKey,
		"AWS_SECRET_ACCESS_KEY=…", "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION=…",
		"AWS_REGION=us-east-1 --from-literal=AWS_ENDPOINT_URL="+bucket)
	for _, command := range commands(t, "examples/kubernetes/README.md") {
		tour.step(t, command, values.Replace(command))
	}
	for command := range tour.after {
		if !tour.passed[command] {
			t.Errorf("the page has no command %q", command)
		}
	}
	tour.checkSecrets(t)
}

// step runs a command of the page, or says why it does not.
func (r *tour) step(t *testing.T, command, filled string) {
	t.Helper()
	if cannotRun(command) {
		return
	}
	if dir, ok := strings.CutPrefix(command, "cd "); ok {
		r.w.dir = filepath.Join(r.w.dir, dir)
		return
	}
	if do := r.before[command]; do != nil {
		do(t, "")
	}
	began := time.Now()
	filled = strings.NewReplacer("=30m", "=5m", "=10m", "=2m").Replace(filled) // the loads are short
	result := r.w.Shell(t, r.w.dir, filled, r.env...)
	out := result.Stdout
	if result.Code != 0 {
		t.Fatalf("%s\nexit code %d\n%s%s\n%s", filled, result.Code, out, result.Stderr, r.w.state(t))
	}
	t.Logf("%s (%s)", command, time.Since(began).Round(100*time.Millisecond))
	if do := r.after[command]; do != nil {
		do(t, out)
	}
	r.passed[command] = true
}

// shorten sets the loads of the manifests, as a user does, to ones of seconds.
func (r *tour) shorten(t *testing.T, _ string) {
	r.w.edit(t, "testrun-volume.yaml", "20@60s,40@60s", "20@3s,40@3s")
	r.w.edit(t, "script.js", "duration: '60s'", "duration: '3s'")
	r.w.edit(t, "job.yaml", "5@60s,10@60s", "20@2s,40@1s")
	r.w.edit(t, "config.yml", "duration: 60", "duration: 2")
	r.w.edit(t, "job-config.yaml", "# args:", "args:") // the simulator wants a key
}

// simulator starts the server of the runs.
func (r *tour) simulator(t *testing.T, _ string) {
	r.w.kubectl(t, "apply -f %s", filepath.Join(root(), "internal/cluster/testdata/simulator.yaml"))
	r.w.kubectl(t, "rollout status deployment/vllm --timeout=1m")
}

func (r *tour) checkLog(t *testing.T, out string) {
	if !strings.Contains(out, "=== START_SUMMARY ===") {
		t.Errorf("the figures are not in the merge's log:\n%s", out)
	}
	if got := r.w.kubectl(t, "get testrun,jobs,pods -l k6_cr=llm-run-1"); strings.Count(got, "pod/llm-run-1-") < 6 {
		t.Errorf("pods of the run:\n%s", got)
	}
	if got := r.w.kubectl(t, "logs job/llm-run-1-initializer"); !strings.Contains(got, `"maxVUs"`) {
		t.Errorf("log of the initializer:\n%s", got)
	}
}

func (r *tour) checkVolume(t *testing.T, _ string) {
	s := readReport(t, filepath.Join(r.w.dir, "report"))
	if s.Successes.Count != 180 || s.Failures.Count != 0 || s.Extension.Partial || s.Extension.RunID != "run-1" {
		t.Errorf("report %+v, want 180 requests of the whole run-1", s)
	}
	// A busy machine may have made the run SUSPECT.
	if health := s.Extension.Health; health.Verdict == "" || len(health.Instances) != 4 {
		t.Errorf("verdict %q on %d instances, want one on 4", health.Verdict, len(health.Instances))
	}
	r.w.kubectl(t, "cp llm-files:/records/run-1 records-1")
	checkInstances(t, filepath.Join(r.w.dir, "records-1"), 4, "run-1", 180)
	r.remove(t)
}

// remove removes the report, so that the next one is not taken for it.
func (r *tour) remove(t *testing.T) {
	if err := os.RemoveAll(filepath.Join(r.w.dir, "report")); err != nil {
		t.Fatal(err)
	}
}

// checkInstances checks that the records are those of n instances of a run, which together sent each request once.
func checkInstances(t *testing.T, dir string, n int, id string, requests int64) {
	t.Helper()
	files := records(t, dir)
	if len(files) != n {
		t.Errorf("%d record files in %s, want %d", len(files), dir, n)
	}
	var numbers []int64
	for i := range n {
		lines := files[fmt.Sprintf("records-%d.jsonl", i+1)]
		if len(lines) < 2 || lines[0].Instance != fmt.Sprint(i+1) || lines[0].ID != id ||
			lines[len(lines)-1].Type != "end" {
			t.Errorf("records of instance %d: %d lines, the first %+v", i+1, len(lines), lines[:min(1, len(lines))])
		}
		for _, l := range lines {
			if l.Type == "request" {
				numbers = append(numbers, l.Index)
			}
		}
	}
	slices.Sort(numbers)
	for i, number := range numbers {
		if number != int64(i) {
			t.Fatalf("request %d is there as number %d: sent twice, or not at all", i, number)
		}
	}
	if requests > 0 && int64(len(numbers)) != requests {
		t.Errorf("%d requests, want %d", len(numbers), requests)
	}
}

// secondRun merges what the page calls run-2.
func (r *tour) secondRun(t *testing.T, _ string) {
	r.w.stage(t, "run-2", "finished")
	r.w.Must(t, r.w.dir, "sed 's/run-1/run-2/g' merge-volume.yaml | kubectl apply -f -")
	r.w.kubectl(t, "wait --for=condition=Complete job/llm-run-2-merge --timeout=1m")
	r.w.kubectl(t, "cp llm-files:/records/run-2/report report")
	if s := readReport(t, filepath.Join(r.w.dir, "report")); s.Successes.Count != 180 || s.Extension.RunID != "run-2" {
		t.Errorf("report %+v, want 180 requests of run-2", s)
	}
	r.remove(t)
}

func (r *tour) checkBucket(t *testing.T, _ string) {
	s := readReport(t, filepath.Join(r.w.dir, "report"))
	if s.Successes.Count < 100 || s.Failures.Count != 0 || s.Extension.Partial {
		t.Errorf("report of the bucket %+v, want a whole run", s)
	}
	r.remove(t)
	r.w.edit(t, "merge-bucket.yaml", "/records/run-1/report", "/records/bucket-1/report")
	r.w.kubectl(t, "apply -f merge-bucket.yaml")
	r.w.kubectl(t, "wait --for=condition=Complete job/llm-run-1-merge --timeout=1m")
	r.w.kubectl(t, "cp llm-files:/records/bucket-1/report merged")
	if merged := readReport(t, filepath.Join(r.w.dir, "merged")); !reflect.DeepEqual(merged, s) {
		t.Errorf("the Job's report %+v, the machine's own %+v", merged, s)
	}
}

func (r *tour) checkSingle(t *testing.T, _ string) {
	if s := readReport(t, filepath.Join(r.w.dir, "report")); s.Successes.Count != 80 || s.Extension.Partial {
		t.Errorf("report of one pod %+v, want 80 requests", s)
	}
}

// config runs job-config.yaml, which "works in the same way".
func (r *tour) config(t *testing.T, _ string) {
	r.w.kubectl(t, "apply -f job-config.yaml")
	r.w.kubectl(t, "wait --for=condition=Complete job/llm-config-1 --timeout=2m")
	r.w.kubectl(t, "cp llm-files:/records/config-1 config-report")
	if s := readReport(t, filepath.Join(r.w.dir, "config-report")); s.Successes.Count == 0 || s.Failures.Count != 0 {
		t.Errorf("report of the configuration %+v", s)
	}
}

var secrets = regexp.MustCompile(strings.Join([]string{apiKey, hubToken, accessKey, secretKey}, "|"))

// checkSecrets checks that no object but the Secrets, no log and no file of a pod has a secret.
func (r *tour) checkSecrets(t *testing.T) {
	t.Helper()
	all := r.w.kubectl(t, "get pods,jobs,testruns,deployments,configmaps,events -A -o yaml")
	if strings.Count(all, "kind: Pod\n") < 15 {
		t.Fatal("the pods are gone, so the test shows nothing")
	}
	if found := secrets.FindString(all); found != "" {
		t.Errorf("an object has the secret %s", found)
	}
	archives, logs := 0, 0
	err := filepath.WalkDir(filepath.Join(r.w.Cluster.dir, "nodes"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if secrets.Match(text) {
			t.Errorf("%s has the secret %s", path, secrets.Find(text))
		}
		if strings.HasSuffix(path, ".archived.tar") {
			archives++
		}
		if strings.HasSuffix(path, ".log") {
			logs++
		}
		return err
	})
	if err != nil || archives == 0 || logs < 15 {
		t.Errorf("%d archives and %d logs were searched, %v", archives, logs, err)
	}
}
