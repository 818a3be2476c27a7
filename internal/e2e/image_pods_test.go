package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// short holds settings for a load of 100 requests on the simulator. They replace the settings of the manifests.
var short = []string{"BASE_URL=sim:?ttft=20ms&itl=2ms", "STAGES=20@2s,60@1s", "MAX_TOKENS=10"}

// volumes returns the mounts of a container in place of the volumes that the manifests mount, and the folder of the
// records.
func volumes(t *testing.T) (mounts []string, records string) {
	t.Helper()
	data, records := t.TempDir(), t.TempDir()
	text := testenv.ReadFile(t, "scripts/data/sharegpt-sample.json")
	if err := os.WriteFile(filepath.Join(data, "sharegpt.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(records, 0o777); err != nil {
		t.Fatal(err)
	}
	return []string{data + ":/datasets", records + ":/records"}, records
}

// ready waits until a runner answers and is paused, as its readiness probe and the operator do.
func (fs rootFS) ready(t *testing.T, runner *process) {
	t.Helper()
	poll := container{Command: []string{"sh", "-c",
		"for i in $(seq 500); do curl -sf http://127.0.0.1:6565/v1/status && exit; sleep 0.1; done; exit 1"}}
	if r := fs.start(t, poll, nil, runner).wait(t); r.code != 0 || !strings.Contains(r.stdout, `"paused":true`) {
		t.Fatalf("the runner does not wait paused: %s\n%s", r.stdout, runner.stderr.String())
	}
}

func TestImageHasItsPrograms(t *testing.T) {
	t.Parallel()
	fs := newRootFS(t)
	for text, want := range map[string]string{
		"k6 version": "github.com/seed-307b789f/xk6-llm", "llmconv --help": "report", "k6 x llm --help": "sim",
		"id -u": "65532", "k6 inspect /scripts/saturation.js": "scenarios",
	} {
		r := fs.start(t, container{Command: strings.Fields(text)}, nil, nil).wait(t)
		if r.code != 0 || !strings.Contains(r.stdout, want) {
			t.Errorf("%s: exit code %d, want %q in\n%s\n%s", text, r.code, want, r.stdout, r.stderr)
		}
	}
	if r := fs.start(t, container{Command: []string{"touch", "/scripts/x"}}, nil, nil).wait(t); r.code == 0 {
		t.Error("the root file system is writable, so the test shows nothing about a read-only one")
	}
}

// The commands that the operator makes of the manifest work in the image: those of the initializer, of four runners and
// of the starter. So does the merge after them.
func TestImageUnderTheOperator(t *testing.T) {
	t.Parallel()
	fs := newRootFS(t)
	jobs := operatorsJobs(t, "testrun-volume.yaml")
	mounts, records := volumes(t)

	r := mustSucceed(t, fs.start(t, jobs[0].container(), mounts, nil, short...).wait(t))
	var requirements struct{ MaxVUs int }
	if err := json.Unmarshal([]byte(r.stdout+r.stderr), &requirements); err != nil || requirements.MaxVUs < 4 {
		t.Errorf("the operator reads the initializer's log as JSON, of 4 VUs at least: %v\n%s%s", err, r.stdout,
			r.stderr)
	}
	var runners []*process
	for _, j := range jobs[1 : len(jobs)-1] {
		runners = append(runners, fs.start(t, j.container(), mounts, nil, short...))
	}
	starter := jobs[len(jobs)-1].container()
	calls := strings.Split(starter.Command[len(starter.Command)-1], ";")
	if len(calls) != len(runners) {
		t.Fatalf("the starter makes %d calls for %d runners", len(calls), len(runners))
	}
	for _, runner := range runners {
		fs.ready(t, runner)
	}
	for i, runner := range runners { // in this test each runner has a network of its own
		starter.Command[len(starter.Command)-1] = calls[i]
		if r := mustSucceed(t, fs.start(t, starter, nil, runner).wait(t)); !strings.Contains(r.stdout,
			`"http_code":200`) {
			t.Errorf("starter: %s", r.stdout)
		}
	}
	for _, runner := range runners {
		mustSucceed(t, runner.wait(t))
	}
	r = mustSucceed(t, fs.start(t, manifestContainer(t, "merge-volume.yaml"), mounts, nil,
		"KUBERNETES_SERVICE_HOST=10.0.0.1").wait(t))
	if !strings.Contains(r.stdout, "=== START_SUMMARY ===") {
		t.Errorf("the figures are not in the log:\n%s", r.stdout)
	}
	s := readReport(t, filepath.Join(records, "run-1", "report", "summary_lifecycle_metrics.json"))
	if s.Successes.Count != 100 || s.Extension.Partial || !s.Extension.Simulator {
		t.Errorf("report %+v, want 100 requests of a whole run", s)
	}
	checkInstances(t, filepath.Join(records, "run-1"))
}

// The initializer checks a script from a ConfigMap. Secrets that come by envFrom are not in the archive it makes.
func TestImageArchivesNoSecret(t *testing.T) {
	t.Parallel()
	fs := newRootFS(t)
	mounts, _ := volumes(t)
	script := t.TempDir()
	if err := os.WriteFile(filepath.Join(script, "script.js"),
		[]byte(testenv.ReadFile(t, "examples/kubernetes/script.js")), 0o644); err != nil {
		t.Fatal(err)
	}
	c := operatorsJobs(t, "testrun-bucket.yaml")[0].container()
	last := len(c.Command) - 1
	c.Command[last] = strings.NewReplacer("anon8231489123/ShareGPT_Vicuna_unfiltered", "/datasets",
		"ShareGPT_V3_unfiltered_cleaned_split.json", "sharegpt.json").Replace(c.Command[last]) +
		"\ntest -s /tmp/script.js.archived.tar || exit 8\nif grep -q hush-hush /tmp/script.js.archived.tar; then " +
		"exit 9; fi"
	r := mustSucceed(t, fs.start(t, c, append(mounts, script+":/test"), nil, "API_KEY=hush-hush",
		"HF_TOKEN=hush-hush").wait(t))
	if !strings.Contains(r.stdout, `"maxVUs"`) {
		t.Errorf("inspect says\n%s\n%s", r.stdout, r.stderr)
	}
	c.Command[last] = strings.Replace(c.Command[last], "k6 archive", "k6 archive -e API_KEY=hush-hush", 1)
	if r := fs.start(t, c, append(mounts, script+":/test"), nil).wait(t); r.code != 9 {
		t.Errorf("a secret given by -e is not found: exit code %d, want 9\n%s", r.code, r.stdout)
	}
}

// checkInstances checks that the record files which the operator's tags name are there and belong to one run.
func checkInstances(t *testing.T, dir string) {
	t.Helper()
	for _, instance := range []string{"1", "2", "3", "4"} {
		all := only[*record.Run](lines(t, filepath.Join(dir, "records-"+instance+".jsonl")))
		if len(all) != 1 || all[0].ID != "run-1" || all[0].Instance != instance {
			t.Errorf("records of instance %s begin with %+v", instance, all)
		}
	}
}

// A pod that is deleted ends with a complete record file: the shell by which the operator starts a script of the image
// must pass the signal on.
func TestImageEndsWithItsPod(t *testing.T) {
	t.Parallel()
	fs := newRootFS(t)
	jobs := operatorsJobs(t, "testrun-volume.yaml")
	mounts, records := volumes(t)
	runner := fs.start(t, jobs[1].container(), mounts, nil, "BASE_URL=sim:", "STAGES=20@60s")
	fs.ready(t, runner)
	starter := jobs[len(jobs)-1].container()
	starter.Command[len(starter.Command)-1], _, _ = strings.Cut(starter.Command[len(starter.Command)-1], ";")
	mustSucceed(t, fs.start(t, starter, nil, runner).wait(t))
	awaitRequests(t, fs, runner, mounts, "/records/run-1/records-1.jsonl")
	runner.terminate(t)
	if r := runner.wait(t); r.code != 105 {
		t.Errorf("exit code %d, want k6's 105 of an interrupt\n%s", r.code, r.stderr)
	}
	if _, ended := readRecords(t, filepath.Join(records, "run-1", "records-1.jsonl")); !ended {
		t.Error("the records have no end")
	}
}

// awaitRequests waits until a record file holds a request.
func awaitRequests(t *testing.T, fs rootFS, beside *process, mounts []string, name string) {
	t.Helper()
	poll := container{Command: []string{"sh", "-c", "for i in $(seq 200); do grep -q '\"type\":\"request\"' " + name +
		" && exit; sleep 0.1; done; exit 1"}}
	if r := fs.start(t, poll, mounts, beside).wait(t); r.code != 0 {
		t.Fatalf("no requests\n%s", beside.stderr.String())
	}
}

// The Jobs work without the operator: a run with its report, the same when it is deleted halfway, and a configuration.
func TestImageInJobs(t *testing.T) {
	t.Parallel()
	fs := newRootFS(t)
	c := manifestContainer(t, "job.yaml")
	mounts, records := volumes(t)
	mustSucceed(t, fs.start(t, c, mounts, nil, short...).wait(t))
	if s := readReport(t,
		filepath.Join(records, "single-1/report/summary_lifecycle_metrics.json")); s.Successes.Count != 100 {
		t.Errorf("%d requests, want 100", s.Successes.Count)
	}

	mounts, records = volumes(t)
	deleted := fs.start(t, c, mounts, nil, "BASE_URL=sim:?ttft=20ms&itl=2ms", "MAX_TOKENS=10", "STAGES=20@60s")
	awaitRequests(t, fs, deleted, mounts, "/records/single-1/records-*.jsonl")
	deleted.terminate(t)
	r := deleted.wait(t)
	if s := readReport(t, filepath.Join(records, "single-1/report/summary_lifecycle_metrics.json")); r.code != 105 ||
		s.Successes.Count == 0 {
		t.Errorf("deleted halfway: exit code %d, want k6's 105; %+v\n%s", r.code, s, r.stderr)
	}

	mounts, records = volumes(t)
	config := t.TempDir()
	if err := os.WriteFile(filepath.Join(config, "config.yml"),
		[]byte(testenv.ReadFile(t, "examples/kubernetes/config.yml")), 0o644); err != nil {
		t.Fatal(err)
	}
	c = manifestContainer(t, "job-config.yaml")
	c.Command = append(c.Command, "--server.type", "mock", "--load.stages", `[{"rate": 20, "duration": 2}]`)
	mustSucceed(t, fs.start(t, c, append(mounts, config+":/config"), nil).wait(t))
	if s := readReport(t, filepath.Join(records, "config-1/summary_lifecycle_metrics.json")); s.Successes.Count < 20 {
		t.Errorf("%d requests, want some 40", s.Successes.Count)
	}
}
