package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The rows of the table of faults in docs/kubernetes.md, by their first cells, and the tests that show them.
var rows = map[string]string{
	"a pod was killed or evicted": "TestPodIsKilled",
	"all records of a pod are missing, as after a kill if they go to a bucket": "TestPodOfABucketIsKilled",
	"a pod's disk is full, or its file was deleted for good":                   "TestRecordsAreDeletedForGood",
	"a threshold failed": "TestThresholdFails",
	"the script is wrong, or there are fewer VUs than pods":              "TestScriptsThatAreRefused",
	"some pods do not run, or the operator cannot reach their port 6565": "TestPodsThatDoNotRun",
	"a pod's clock is ahead, or it began late":                           "internal/e2e: all pods have one clock here",
}

func TestEachRowIsShown(t *testing.T) {
	page := readFile(t, filepath.Join(root(), "docs/kubernetes.md"))
	_, table, found := strings.Cut(page, "| fault | symptom |\n|---|---|\n")
	if !found {
		t.Fatal("docs/kubernetes.md has no table of faults")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	left := map[string]bool{}
	for text := range strings.Lines(table) {
		cell := strings.TrimSpace(strings.Split(text, "|")[1])
		left[cell] = true
		if rows[cell] == "" {
			t.Errorf("no test says that it shows %q", cell)
		}
	}
	for cell := range rows {
		if !left[cell] {
			t.Errorf("docs/kubernetes.md has no row %q", cell)
		}
	}
}

// One runner is killed and another is deleted in the middle of a run: the stage is finished all the same. The deleted
// one ends its records; the killed one does not, and the report names it.
func TestPodIsKilled(t *testing.T) {
	w := inNamespace(t, WithOperator(t), "killed")
	w.testRun(t, "killed", "20@60s,40@60s", "40@15s")
	w.stage(t, "killed", "started")
	dir := w.onVolume(t, "llm-records", "killed")
	for _, name := range []string{"records-2.jsonl", "records-3.jsonl"} {
		awaitRequests(t, filepath.Join(dir, name))
	}
	if got := w.Kill(t, w.name, "job-name=llm-killed-2", "k6", syscall.SIGKILL); len(got) != 1 {
		t.Fatalf("killed %q", got)
	}
	w.kubectl(t, "delete pod -l job-name=llm-killed-3 --timeout=40s")
	w.stage(t, "killed", "finished")
	if got := w.exitCode(t, "llm-killed-2"); got != "137" {
		t.Errorf("exit code of the killed pod %s, want 137", got)
	}
	files := records(t, dir)
	for i, wanted := range []bool{true, false, true, true} {
		name := fmt.Sprintf("records-%d.jsonl", i+1)
		lines := files[name]
		if ended := len(lines) > 0 && lines[len(lines)-1].Type == "end"; ended != wanted {
			t.Errorf("%s has an end line: %t, want %t", name, ended, wanted)
		}
	}
	code, log := w.merge(t, "killed")
	if code != "3" || !strings.Contains(log, "records-2.jsonl") {
		t.Errorf("merge: exit code %s, want 3 and the file of the killed pod named\n%s", code, log)
	}
	if s := readReport(t, filepath.Join(dir, "report")); !s.Extension.Partial || s.Successes.Count == 0 ||
		s.Extension.Health.Verdict == "VALID" {
		t.Errorf("report %+v, want a partial one that is not VALID", s)
	}

	if err := os.Remove(filepath.Join(dir, "records-4.jsonl")); err != nil {
		t.Fatal(err)
	}
	const merge = "kubectl exec llm-files -- llmconv report /records/killed -o /tmp/again"
	if r := w.Shell(t, w.dir, merge, w.env...); r.Code == 0 || !strings.Contains(r.Stderr, "the instance of segment "+
		"3/4:1 is missing") {
		t.Errorf("without records of a pod: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	forced := strings.Replace(merge, "/tmp/again", "/records/again --force", 1)
	if r := w.Shell(t, w.dir, forced, w.env...); r.Code != 3 {
		t.Errorf("with --force: exit code %d, want 3\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}

// Where the disk is full, the pods say what is lost and end with 110, and the report is partial.
func TestFullDisk(t *testing.T) {
	w := inNamespace(t, WithOperator(t), "full")
	w.Must(t, w.dir, "sed 's/llm-records/llm-small/; /^---/q' volumes.yaml | sed '/^---/d' | kubectl apply -f -",
		w.env...)
	w.kubectl(t, "wait --for=jsonpath='{.status.phase}'=Bound pvc/llm-small --timeout=30s")
	disk := w.onVolume(t, "llm-small", "")
	if err := run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	w.testRun(t, "full", "20@60s,40@60s", "60@4s", "claimName: llm-records", "claimName: llm-small", "parallelism: 4",
		"parallelism: 2")
	w.stage(t, "full", "finished")
	log := ""
	for _, job := range []string{"llm-full-1", "llm-full-2"} {
		if code := w.exitCode(t, job); code == "110" {
			log = w.kubectl(t, "logs job/%s", job)
		}
	}
	if !strings.Contains(log, "records") || !strings.Contains(log, "FAILED") {
		t.Errorf("no pod ended with 110 and says what is lost:\n%s", log)
	}
	r := w.Shell(t, w.dir, fmt.Sprintf("llmconv report %s/full -o %s/partial", disk, w.root), w.env...)
	if r.Code != 3 {
		t.Errorf("the report of the rest: exit code %d, want 3\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}

// script puts a script into the ConfigMap llm-script, as applying the kustomization does.
func (w *workspace) script(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, name+".js")
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	w.kubectl(t, "create configmap %s --from-file=script.js=%s", name, path)
}

// fromMap is the replacement by which a TestRun takes its script from a ConfigMap.
func fromMap(name string) []string {
	return []string{"{localFile: /scripts/sharegpt.js}", "{configMap: {name: " + name + ", file: script.js}}"}
}

const thresholds = `import { Client } from 'k6/x/llm';
export const options = { vus: 4, iterations: 40, thresholds: { iteration_duration: ['p(50)<1'] } };
const client = new Client({ baseURL: __ENV.BASE_URL, apiKey: __ENV.API_KEY });
export default function () { client.send({ prompt: 'hello', maxTokens: 3 }); }
`

// A threshold that fails is the pods' exit code 99; records and report are complete.
func TestThresholdFails(t *testing.T) {
	w := inNamespace(t, WithOperator(t), "thresholds")
	w.script(t, "slow", thresholds)
	w.testRun(t, "slow", append(fromMap("slow"), "parallelism: 4", "parallelism: 2")...)
	w.stage(t, "slow", "finished")
	for _, job := range []string{"llm-slow-1", "llm-slow-2"} {
		if code := w.exitCode(t, job); code != "99" {
			t.Errorf("%s: exit code %s, want 99\n%s", job, code, w.kubectl(t, "logs job/%s", job))
		}
		if got := w.kubectl(t, "get job %s -o jsonpath='{.status.failed}'", job); got != "1" {
			t.Errorf("%s has %q failed pods, want 1", job, got)
		}
	}
	code, log := w.merge(t, "slow")
	if s := readReport(t, filepath.Join(w.onVolume(t, "llm-records", "slow"), "report")); code != "0" ||
		s.Successes.Count != 40 || s.Extension.Partial {
		t.Errorf("merge: exit code %s, report %+v, want the 40 requests of a whole run\n%s", code, s, log)
	}
}

// A wrong script, and one with fewer VUs than there are pods, end in the stage error. A variable that comes from a
// Secret by valueFrom is empty while the script is checked.
func TestScriptsThatAreRefused(t *testing.T) {
	w := inNamespace(t, WithOperator(t), "refused")
	w.script(t, "wrong", "export default function () { nothing can be read here }")
	w.script(t, "small", "export const options = { vus: 2, iterations: 2 };\n"+
		"if (__ENV.KEY !== '') { throw new Error('the key is ' + __ENV.KEY); }\nexport default function () {}\n")
	w.testRun(t, "wrong", fromMap("wrong")...)
	w.testRun(t, "small", append(fromMap("small"), "    env: #", "    env:\n      - {name: KEY, valueFrom: "+
		"{secretKeyRef: {name: llm-keys, key: API_KEY}}} #")...)
	w.stage(t, "wrong", "error")
	w.stage(t, "small", "error")
	if got := w.kubectl(t, "logs job/llm-wrong-initializer"); !strings.Contains(got, "Unexpected identifier") {
		t.Errorf("log of the wrong script's initializer:\n%s", got)
	}
	if got := w.kubectl(t, "logs job/llm-small-initializer"); !strings.Contains(got, `"maxVUs": 2`) {
		t.Errorf("log of the small script's initializer:\n%s", got)
	}
	got := w.kubectl(t, "logs -n k6-operator-system deployment/k6-operator-controller-manager")
	if !strings.Contains(got, "Parallelism argument cannot be larger than maximum VUs in the script") {
		t.Errorf("the operator does not say what is wrong with the small script:\n%s", got)
	}
}

// Where nodes are too few, the stage stays created, and kubectl describe pod says why.
func TestPodsThatDoNotRun(t *testing.T) {
	w := inNamespace(t, WithOperator(t), "waiting")
	w.testRun(t, "nodes", "parallelism: 4", fmt.Sprint("parallelism: ", nodeCount+1), "20@60s,40@60s", "20@2s")
	w.stage(t, "nodes", "created")
	w.Must(t, w.dir, "for i in $(seq 100); do kubectl describe pod -l k6_cr=llm-nodes | grep -q 'anti-affinity' && "+
		"exit; sleep 0.3; done; kubectl describe pod -l k6_cr=llm-nodes; exit 1", w.env...)
	if got := w.kubectl(t, "get testrun llm-nodes -o jsonpath='{.status.stage}'"); got != "created" {
		t.Errorf("stage %q, want created", got)
	}
	w.kubectl(t, "delete testrun llm-nodes --timeout=1m")
}
