package deploy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// cluster is manifests that kubectl has applied. All commands name the context of the first one, so that none goes to
// another cluster if the user changes it meanwhile.
type cluster struct {
	Context    string `json:"context,omitempty"`
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Namespace  string `json:"namespace"`
	// Made says that the namespace is of this deployment. It bears the mark, too, before it is deleted.
	Made      bool     `json:"made,omitempty"`
	Created   []string `json:"created,omitempty"`   // objects that were not there before, as TYPE/NAME
	Workloads []string `json:"workloads,omitempty"` // objects to wait for, likewise
	Forward   *forward `json:"forward,omitempty"`   // nil if the URL is reached directly

	d        *Deployment
	named    bool                 // the user chose the namespace
	troubles map[string]time.Time // since when a pod has what rarely mends itself
	troubled string               // a pod that has trouble, whose output is of interest
}

// Labels of a namespace that was made for a deployment.
const (
	managerLabel = "app.kubernetes.io/managed-by"
	manager      = "xk6-llm"
	markLabel    = "xk6-llm/deployment"
)

// Limits of commands of kubectl.
const (
	kubectlLimit = 2 * time.Minute
	deleteLimit  = 5 * time.Minute // beside the grace
)

// notInNames matches what a name of a namespace cannot have.
var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// namespaceOf makes the name of a namespace.
func namespaceOf(name string) string {
	const most = 63
	text := "llm-" + strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), "-")
	return strings.TrimRight(text[:min(len(text), most)], "-")
}

// kubectl runs a command of kubectl in the cluster.
func (c *cluster) kubectl(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, kubectlLimit, errors.New("no answer in time"))
	defer cancel()
	t := c.tool()
	t.quiet = args[0] == "get" || args[0] == "logs" || args[0] == "config" // asked every second
	return t.run(ctx, input, args...)
}

func (c *cluster) tool() *tool {
	t := &tool{program: "kubectl", log: &c.d.log}
	if c.Context != "" {
		t.after = []string{"--context", c.Context}
	}
	if c.Kubeconfig != "" {
		t.env = []string{"KUBECONFIG=" + c.Kubeconfig}
	}
	return t
}

// prepare renders the manifests, and chooses the cluster.
func (c *cluster) prepare(ctx context.Context) ([]byte, *rendering, error) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		return nil, nil, errors.New("manifests need kubectl, which is not in PATH: install it, or start them " +
			"yourself and give their url")
	}
	s := &c.d.spec
	c.Kubeconfig, c.Namespace = os.Getenv("KUBECONFIG"), s.Namespace
	text, from, err := c.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	text, rendered, err := render(text, s.Values)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", from, err)
	}
	out, err := c.kubectl(ctx, nil, "config", "current-context")
	if c.Context = strings.TrimSpace(string(out)); err != nil && os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return nil, nil, errors.New("kubectl has no current context: choose the cluster by kubectl config " +
			"use-context NAME, or by KUBECONFIG")
	}
	return text, rendered, nil
}

// start applies the manifests in a namespace of their own.
func (c *cluster) start(ctx context.Context) error {
	text, rendered, err := c.prepare(ctx)
	if err != nil {
		return err
	}
	s := &c.d.spec
	if err := c.d.log.begin("manifests " + s.Manifests); err != nil {
		return err
	}
	c.d.options.say("%s: applying %s (%d objects) in namespace %s of context %s", s.Name, s.Manifests,
		len(rendered.objects), c.Namespace, cmp.Or(c.Context, "(this pod's cluster)"))
	if rendered.moved {
		c.d.options.say("%s: the namespaces that its objects name are left out", s.Name)
	}
	if err := c.makeNamespace(ctx); err != nil {
		return err
	}
	for _, o := range rendered.objects {
		switch o.kind {
		case "Deployment", "StatefulSet", "DaemonSet", "Pod":
			c.Workloads = append(c.Workloads, strings.ToLower(o.kind)+"/"+o.name)
		}
	}
	if err := c.apply(ctx, text); err != nil {
		return err
	}
	if !strings.HasPrefix(s.URL, servicePrefix) {
		return nil
	}
	if c.Forward, err = newForward(s.URL); err != nil {
		return err
	}
	c.Forward.c = c
	s.URL = c.Forward.url(s.Values[portName])
	s.Requests.URL = s.URL
	return nil
}

// read returns the text of the manifests, and what it is, for messages.
func (c *cluster) read(ctx context.Context) (text []byte, from string, err error) {
	path := c.d.spec.Manifests
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		text, err = c.kubectl(ctx, nil, "kustomize", path)
		return text, "what kubectl kustomize makes of " + path, err
	}
	if err == nil {
		text, err = textfile.ReadFile(path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("manifests: %w", err)
	}
	return text, path, nil
}

// namespaceObject is what is read and written of a namespace.
type namespaceObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name     string            `json:"name"`
		Labels   map[string]string `json:"labels"`
		Deletion string            `json:"deletionTimestamp,omitempty"`
	} `json:"metadata"`
}

// lookup returns the namespace, nil if there is none.
func (c *cluster) lookup(ctx context.Context) (*namespaceObject, error) {
	out, err := c.kubectl(ctx, nil, "get", "namespace", c.Namespace, "--ignore-not-found", "--output", "json")
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		return nil, err
	}
	n := new(namespaceObject)
	if err := json.Unmarshal(out, n); err != nil {
		return nil, fmt.Errorf("kubectl get namespace %s: %w", c.Namespace, err)
	}
	return n, nil
}

// makeNamespace makes the namespace, unless it is there and nobody's of ours.
func (c *cluster) makeNamespace(ctx context.Context) error {
	found, err := c.lookup(ctx)
	if err != nil {
		return err
	}
	if found != nil && found.Metadata.Deletion != "" {
		c.d.options.say("%s: the namespace %q is still being deleted", c.d.spec.Name, c.Namespace)
		if _, err := c.kubectl(ctx, nil, "wait", "--for=delete", "namespace/"+c.Namespace,
			"--timeout="+kubectlLimit.String()); err != nil {
			return err
		}
		found = nil
	}
	if found != nil {
		if found.Metadata.Labels[managerLabel] == manager {
			return fmt.Errorf("the namespace %q is another deployment's, or was left by one: look what is in it, and "+
				"kubectl delete namespace %s", c.Namespace, c.Namespace)
		}
		if !c.named {
			return fmt.Errorf("the namespace %q is there already: name another, or this one, by namespace", c.Namespace)
		}
		c.d.options.say("%s: the namespace %q was there before, so that it will stay", c.d.spec.Name, c.Namespace)
		return nil
	}
	n := namespaceObject{APIVersion: "v1", Kind: "Namespace"}
	n.Metadata.Name = c.Namespace
	n.Metadata.Labels = map[string]string{managerLabel: manager, markLabel: c.d.mark}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	c.Made = true
	if err := c.d.save(); err != nil { // before it is made, so that a kill leaves nothing that nobody knows
		return err
	}
	_, err = c.kubectl(ctx, text, "create", "--filename", "-")
	return err
}

// apply applies the manifests, and notes what was not there before.
func (c *cluster) apply(ctx context.Context, text []byte) error {
	out, err := c.kubectl(ctx, text, "apply", "--namespace", c.Namespace, "--filename", "-")
	c.d.log.add(out)
	for line := range strings.Lines(string(out)) {
		if name, created := strings.CutSuffix(strings.TrimSpace(line), " created"); created {
			c.Created = append(c.Created, name)
		}
	}
	return err
}

func (c *cluster) runs(ctx context.Context) bool {
	found, err := c.lookup(ctx)
	if err != nil || found == nil || found.Metadata.Deletion != "" {
		return false
	}
	return !c.Made && len(c.Created) > 0 || found.Metadata.Labels[markLabel] == c.d.mark
}

func (c *cluster) state(s *State) { s.Cluster = c }

// stop deletes what was created, and the namespace if it was made for it. Before that it keeps the output of the pods.
func (c *cluster) stop(ctx context.Context) error {
	if c.Namespace == "" { // nothing was started
		return nil
	}
	if c.Forward != nil {
		c.Forward.c = c
		if err := c.Forward.stop(ctx); err != nil {
			return err
		}
	}
	if c.Made || len(c.Created) > 0 {
		c.keepOutput(ctx)
	}
	if len(c.Created) > 0 {
		args := append([]string{"delete", "--namespace", c.Namespace, "--ignore-not-found"}, c.Created...)
		if err := c.delete(ctx, append(args, fmt.Sprintf("--wait=%t", !c.Made))...); err != nil {
			return err
		}
	}
	if !c.Made {
		return nil
	}
	found, err := c.lookup(context.WithoutCancel(ctx))
	if err != nil || found == nil {
		return err
	}
	if found.Metadata.Labels[markLabel] != c.d.mark {
		c.d.options.say("%s: the namespace %q is another's by now, so that it stays", c.d.spec.Name, c.Namespace)
		return nil
	}
	return c.delete(ctx, "delete", "namespace", c.Namespace, "--ignore-not-found")
}

// delete runs a command that deletes objects. If ctx ends meanwhile, the deletion is asked for and not awaited.
func (c *cluster) delete(ctx context.Context, args ...string) error {
	within, cancel := context.WithTimeoutCause(ctx, c.d.spec.Stop.Grace+deleteLimit,
		fmt.Errorf("the objects are not gone %v after the deletion: see their finalizers", deleteLimit))
	defer cancel()
	out, err := c.tool().run(within, nil, args...)
	c.d.log.add(out)
	if ctx.Err() == nil {
		return err
	}
	args = slices.DeleteFunc(slices.Clone(args), func(s string) bool { return strings.HasPrefix(s, "--wait") })
	_, err = c.kubectl(context.WithoutCancel(ctx), nil, append(args, "--wait=false")...)
	return err
}

// keptLines bounds what is kept of a container's output.
const keptLines = 100_000

// keepOutput appends the output of the pods to the log, as far as it can be had.
func (c *cluster) keepOutput(ctx context.Context) {
	pods, err := c.pods(ctx)
	if err != nil {
		return
	}
	for _, p := range pods {
		out, err := c.kubectl(ctx, nil, "logs", "--namespace", c.Namespace, p.Metadata.Name, "--all-containers",
			"--prefix", fmt.Sprintf("--tail=%d", keptLines))
		if err == nil {
			c.d.log.add(out)
		}
	}
}

// lines returns the last lines of a pod that has trouble.
func (c *cluster) lines(ctx context.Context) []string {
	name := c.troubled
	if name == "" {
		pods, err := c.pods(ctx)
		if err != nil || len(pods) == 0 {
			return nil
		}
		name = pods[0].Metadata.Name
	}
	args := []string{"logs", "--namespace", c.Namespace, name, "--all-containers", fmt.Sprintf("--tail=%d", mostLines)}
	if before, err := c.kubectl(ctx, nil, append(args, "--previous")...); err == nil && len(before) > 0 {
		return lastLines(before, c.d.log.mask)
	}
	out, err := c.kubectl(ctx, nil, args...)
	if err != nil {
		return nil // there is none yet
	}
	return lastLines(out, c.d.log.mask)
}

// missing reports whether an error says that a file is not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
