package deploy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// available is a Deployment of which so many replicas of 2 are available.
func available(n int) string {
	return fmt.Sprintf(`{"kind": "Deployment", "metadata": {"name": "server", "generation": 1}, "spec": {"replicas": 2},
		"status": {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": %d}}`, n)
}

// newManifests returns a deployment by manifests, and the folder of the kubectl that it uses.
func newManifests(t *testing.T) (tt *test, dir string) {
	t.Helper()
	dir = fakeTool(t, "kubectl", kubectl)
	overlay := t.TempDir()
	put(t, overlay, "all.yaml", "kind: Deployment\nmetadata:\n  name: server\n  namespace: other\nspec:\n  "+
		"replicas: ${slots}\n---\nkind: Service\nmetadata:\n  name: server\n")
	put(t, dir, "workloads.json", available(2))
	put(t, dir, "pods.json", `{"items": [{"metadata": {"name": "server-1"}}]}`)
	tt = newTest(t, "none")
	tt.Name, tt.Command, tt.Manifests, tt.URL = "Flags/server slots=2", nil, overlay, "service/server:8000/v1"
	tt.Values = map[string]string{"slots": "2"}
	return tt, dir
}

func TestManifestsAreAppliedAndDeleted(t *testing.T) {
	tt, dir := newManifests(t)
	d := tt.up(t)
	applied := testenv.ReadFile(t, filepath.Join(dir, "applied.yaml"))
	if !strings.Contains(applied, "replicas: 2\n") || strings.Contains(applied, "other") {
		t.Errorf("applied\n%s", applied)
	}
	if want := "http://127.0.0.1:" + d.Values()["port"] + "/v1"; d.URL() != want {
		t.Errorf("URL %s, want %s", d.URL(), want)
	}
	// what forwards the port is started again when it ends
	put(t, dir, "end", "")
	for begin := time.Now(); time.Since(begin) < 10*time.Second; <-time.After(lookEvery) {
		if strings.Count(calls(t, dir), "port-forward") == 2 {
			break
		}
	}
	if err := d.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	forwards := d.server.(*cluster).Forward.Process.PID
	if err := d.Stop(t.Context()); err != nil || runs(forwards) {
		t.Errorf("%v; the port is forwarded: %v", err, runs(forwards))
	}
	for _, want := range []string{
		"port-forward --namespace llm-flags-server-slots-2 --address 127.0.0.1 service/server " + d.Values()["port"] +
			":8000 --context test-context\n",
		"\ndelete --namespace llm-flags-server-slots-2 --ignore-not-found deployment.apps/server service/server " +
			"--wait=false --context test-context\n",
		"\ndelete namespace llm-flags-server-slots-2 --ignore-not-found --context test-context\n",
	} {
		if got := calls(t, dir); !strings.Contains(got, want) {
			t.Errorf("calls\n%swant %s", got, want)
		}
	}
	if log := readLog(t, tt); !strings.Contains(log, "a line of the pod") {
		t.Errorf("log: %s", log)
	}
	told := strings.Join(tt.lines, "\n")
	if want := `in namespace llm-flags-server-slots-2 of context test-context`; !strings.Contains(told, want) {
		t.Errorf("told %s, want %s", told, want)
	}
}

func TestNamespacesOfOthersStay(t *testing.T) {
	const refused = `deployment "Flags/server slots=2": the namespace "llm-flags-server-slots-2" is `
	for _, tt := range []struct {
		labels, named, want string
		deleted             bool
	}{
		{`{"app.kubernetes.io/managed-by": "xk6-llm", "xk6-llm/deployment": "x"}`, "", refused +
			`another deployment's, or was left by one`, false},
		{`{"team": "x"}`, "", refused + "there already: name another, or this one, by namespace", false},
		{`{"team": "x"}`, "mine", "", true},
	} {
		m, dir := newManifests(t)
		put(t, dir, "namespace.json", `{"metadata": {"labels": `+tt.labels+`}}`)
		put(t, dir, "pods.json", `{"items": []}`)
		m.Namespace = tt.named
		d, err := Start(t.Context(), m.Spec, m.Options)
		if got := fmt.Sprint(err); tt.want != "" && !strings.HasPrefix(got, tt.want) || tt.want == "" && err != nil {
			t.Errorf("%s: got %v, want %s", tt.labels, err, tt.want)
		}
		if err == nil {
			err = d.Stop(t.Context())
		}
		got := calls(t, dir)
		if strings.Contains(got, "delete namespace") || strings.Contains(got, "--wait=true") != tt.deleted {
			t.Errorf("%s: calls\n%s%v", tt.labels, got, err)
		}
		if _, err := os.Stat(m.State); !missing(err) {
			t.Errorf("%s: state: %v", tt.labels, err)
		}
	}
}

func TestPodsThatDoNotRun(t *testing.T) {
	const crash = `{"items": [{"metadata": {"name": "server-1"}, "status": {"containerStatuses": [{"name": "model",
		"restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
		"lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}}]}`
	const unscheduled = `{"items": [{"metadata": {"name": "server-1"}, "status": {"conditions": [{"type": "PodScheduled",
		"status": "False", "reason": "Unschedulable", "message": "0/3 nodes: Insufficient nvidia.com/gpu"}]}}]}`
	const image = `{"items": [{"metadata": {"name": "server-1"}, "status": {"initContainerStatuses": [{"name": "get",
		"state": {"waiting": {"reason": "InvalidImageName", "message": "couldn't parse"}}}]}}]}`
	for _, tt := range []struct{ pods, want, line string }{
		{crash, `deployment "Flags/server slots=2": pod server-1: container model crashes: exit code 1 (Error); its output ` +
			`says "ValueError: no such model"`, "ValueError: no such model"},
		{image, `deployment "Flags/server slots=2": pod server-1: container get: InvalidImageName (couldn't parse)`, ""},
		{unscheduled, "it is not ready after 2s: 1 of 2 replicas of deployment server are available: pod server-1: " +
			"Unschedulable (0/3 nodes: Insufficient nvidia.com/gpu)", ""},
	} {
		m, dir := newManifests(t)
		m.Ready.Timeout = 2 * time.Second
		put(t, dir, "workloads.json", available(1))
		put(t, dir, "pods.json", tt.pods)
		if tt.line != "" {
			put(t, dir, "previous", "Traceback\n"+tt.line+"\n")
		}
		err := m.start(t).Wait(t.Context())
		var failure *Failure
		if !errors.As(err, &failure) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	m, dir := newManifests(t)
	put(t, dir, "refuse", "error: no matches for kind \"Deploiment\"\nwith a \x1b[31mcolour")
	_, err := Start(t.Context(), m.Spec, m.Options)
	want := "kubectl apply: exit code 1: error: no matches for kind"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if got := calls(t, dir); !strings.Contains(got, "\ndelete namespace llm-flags-server-slots-2") {
		t.Errorf("calls\n%s", got)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(t.Context(), m.Spec, m.Options); err == nil ||
		!strings.Contains(err.Error(), "manifests need kubectl, which is not in PATH: install it") {
		t.Errorf("got %v", err)
	}
}

// A program that is killed while its manifests are applied leaves a state by which the next one deletes them.
func TestManifestsOfAKilledProgram(t *testing.T) {
	m, dir := newManifests(t)
	m.Detached = true
	d := m.start(t)
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	forwards := d.server.(*cluster).Forward.Process.PID
	other := newTest(t, "none")
	other.State = m.State
	if down, err := Down(t.Context(), other.Options); !down || err != nil || runs(forwards) {
		t.Errorf("down: %v, %v; the port is forwarded: %v", down, err, runs(forwards))
	}
	if got := calls(t, dir); !strings.Contains(got, "\ndelete namespace llm-flags-server-slots-2") {
		t.Errorf("calls\n%s", got)
	}
}

func TestServiceURLs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"service/vllm:8000": "http://127.0.0.1:1", "service/a.b:http/v1": "http://127.0.0.1:1/v1",
		"service/vllm": "", "service/:1": "", "service/-x:1": "", "service/x:1?a": "", "service/--x:1": "",
	} {
		f, err := newForward(text)
		if (err == nil) != (want != "") || err == nil && f.url("1") != want {
			t.Errorf("%s: got %+v, %v, want %s", text, f, err, want)
		}
	}
}
