package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A runner whose records go to a bucket is killed: it has stored nothing. The report names what is missing, and can be
// made of the rest.
func TestPodOfABucketIsKilled(t *testing.T) {
	w := inNamespace(t, WithOperator(t), "stored")
	keys := []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_REGION=us-east-1",
		"AWS_ENDPOINT_URL=" + startBucket(t)}
	w.kubectl(t, "create secret generic llm-bucket --from-literal=%s", strings.Join(keys, " --from-literal="))
	w.testRun(t, "stored", "20@60s,40@60s", "40@10s", "parallelism: 4", "parallelism: 2", "llm=/records/run-1",
		"llm=s3://llm-benchmarks/run-1/", "name: llm-keys, optional: true}",
		"name: llm-keys, optional: true}\n      - secretRef: {name: llm-bucket}")
	w.stage(t, "stored", "started")
	<-time.After(3 * time.Second)
	if got := w.Kill(t, w.name, "job-name=llm-stored-2", "k6", syscall.SIGKILL); len(got) != 1 {
		t.Fatalf("killed %q", got)
	}
	w.stage(t, "stored", "finished")
	const report = "llmconv report s3://llm-benchmarks/stored/ -o report"
	env := append(keys, w.env...)
	if r := w.Shell(t, w.dir, report, env...); r.Code == 0 ||
		!strings.Contains(r.Stderr, "the instance of segment 1/2:1 is missing") {
		t.Errorf("exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	if r := w.Shell(t, w.dir, report+" --force", env...); r.Code != 3 {
		t.Errorf("with --force: exit code %d, want 3\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	if s := readReport(t, filepath.Join(w.dir, "report")); !s.Extension.Partial || s.Successes.Count < 100 {
		t.Errorf("report %+v, want a partial one of the other pod's 200 requests", s)
	}
}

// The folder of the records is deleted in the middle of a run, and cannot be made again: each pod says what is lost.
func TestRecordsAreDeletedForGood(t *testing.T) {
	w := inNamespace(t, WithOperator(t), "deleted")
	w.testRun(t, "deleted", "20@60s,40@60s", "40@8s", "parallelism: 4", "parallelism: 2")
	w.stage(t, "deleted", "started")
	dir := w.onVolume(t, "llm-records", "deleted")
	for i := range 2 {
		awaitRequests(t, filepath.Join(dir, fmt.Sprintf("records-%d.jsonl", i+1)))
	}
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	w.stage(t, "deleted", "finished")
	for _, job := range []string{"llm-deleted-1", "llm-deleted-2"} {
		code, log := w.exitCode(t, job), w.kubectl(t, "logs job/%s", job)
		if code != "110" || !strings.Contains(log, "was deleted during the run, and its records are lost") {
			t.Errorf("%s: exit code %s, want 110\n%s", job, code, log)
		}
	}
}
