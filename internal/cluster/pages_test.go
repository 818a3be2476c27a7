package cluster

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// commands returns the lines of a page's shell blocks.
func commands(t *testing.T, page string) (list []string) {
	t.Helper()
	open := false
	for text := range strings.Lines(readFile(t, filepath.Join(root(), page))) {
		text = strings.TrimRight(text, "\n")
		switch {
		case strings.HasPrefix(text, "```"):
			open = text == "```shell"
		case open:
			list = append(list, text)
		}
	}
	return list
}

// notRun lists what a page's commands begin with that cannot run here, with the reasons.
var notRun = map[string]string{
	"docker build": "no container engine: the nodes have the image, made by the Dockerfile's instructions",
	"docker push":  "no container engine: the nodes have the image under its new name",
	"docker run":   "no container engine: internal/e2e runs these commands in the image's root file system",
	"helm":         "the chart is not in the operator's module: its bundle.yaml is applied instead",
}

// cannotRun reports whether a command is one of notRun.
func cannotRun(command string) bool {
	for prefix := range notRun {
		if strings.HasPrefix(command, prefix) {
			return true
		}
	}
	return false
}

// inTheText lists the commands within the text of the pages, and where they are run.
var inTheText = map[string]string{
	"kubectl get testrun,jobs,pods -l k6_cr=llm-run-1":       "TestReadme",
	"kubectl logs job/llm-run-1-initializer":                 "TestReadme",
	"kubectl describe pod":                                   "TestPodsThatDoNotRun",
	"cd examples/kubernetes && go run . testrun-volume.yaml": "internal/e2e and the examples' own tests",
	"go run . testrun-volume.yaml":                           "internal/e2e and the examples' own tests",
	"llmconv report /records/run-1":                          "TestReadme, in the merge",
	"llmconv report s3://bucket/run-1/":                      "TestReadme, with the bucket of the examples",

	"kubectl wait --for=jsonpath='{.status.stage}'=finished testrun/… --timeout=30m": "TestReadme",
	"k6 archive":      "by the operator's initializer",
	"k6 inspect":      "by the operator's initializer",
	"k6 run --paused": "by the operator's runners",
	"k6 run":          "by the operator's runners",
	"bin/k6 cloud run --local-execution script.js": "nowhere: it needs an account of k6 Cloud",
	"llmconv":                  "it is a name",
	"k6":                       "it is a name",
	"k6 x llm manifests":       "TestManifestsOfServersAreAccepted",
	"kubectl apply -f -":       "TestManifestsOfServersAreAccepted",
	"kubectl":                  "it is a name",
	"kubectl get service vllm": "TestCommandsOfModelServers",
	"kubectl get pods -o wide": "TestCommandsOfModelServers",
	"kubectl port-forward":     "TestExperiment, by the experiment",
}

var span = regexp.MustCompile("`((?:kubectl|llmconv|docker|helm|cd|go run|bin/k6|k6) ?[^`]*)`")

// Each command within the text of the pages is run somewhere, and the list has no others.
func TestCommandsInTheText(t *testing.T) {
	found := map[string]bool{}
	for _, page := range []string{"docs/kubernetes.md", "examples/kubernetes/README.md"} {
		text := readFile(t, filepath.Join(root(), page))
		text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
		for _, m := range span.FindAllStringSubmatch(text, -1) {
			found[m[1]] = true
			if inTheText[m[1]] == "" {
				t.Errorf("%s: no test says where it runs %q", page, m[1])
			}
		}
	}
	for command := range inTheText {
		if !found[command] {
			t.Errorf("no page has the command %q", command)
		}
	}
}

// The commands of docs/kubernetes.md about model servers work one after the other, and its overlay changes what they
// make. The page has no other commands that can run here.
func TestCommandsOfModelServers(t *testing.T) {
	c := Shared(t)
	w := &workspace{Cluster: c, root: t.TempDir()}
	w.dir = w.root
	w.useNamespace(t, "model-servers")
	text := readFile(t, filepath.Join(root(), "docs/kubernetes.md"))
	made := regexp.MustCompile("```sh\nbin/(k6 x llm manifests .*)\n```").FindStringSubmatch(text)
	overlay := regexp.MustCompile("(?s)```yaml\n# (overlay/kustomization.yaml)\n(.*?)```").FindStringSubmatch(text)
	if made == nil || overlay == nil {
		t.Fatal("docs/kubernetes.md has no manifests or no overlay")
	}
	w.Must(t, w.dir, made[1], w.env...)
	for _, command := range commands(t, "docs/kubernetes.md") {
		if !cannotRun(command) {
			w.Must(t, w.dir, command, w.env...)
		}
	}
	w.write(t, overlay[1], overlay[2])
	w.kubectl(t, "apply -k overlay")
	if out := w.kubectl(t, "get service vllm"); !strings.Contains(out, "NodePort") {
		t.Errorf("the overlay changes no type:\n%s", out)
	}
	if out := w.kubectl(t, "get pods -o wide"); !strings.Contains(out, "vllm-") {
		t.Errorf("no pod is made:\n%s", out)
	}
	if out := w.kubectl(t, "auth can-i create namespaces --as=system:serviceaccount:default:llm-experiment"); !strings.
		Contains(out, "yes") {
		t.Errorf("the account may make no namespaces: %s", out)
	}
}
