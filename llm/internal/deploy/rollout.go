package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// workload is what is read of an object that runs pods.
type workload struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name       string `json:"name"`
		Generation int64  `json:"generation"`
	} `json:"metadata"`
	Spec struct {
		Replicas *int `json:"replicas"`
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
	} `json:"spec"`
	Status struct {
		Observed   int64       `json:"observedGeneration"`
		Updated    int         `json:"updatedReplicas"`
		Available  int         `json:"availableReplicas"`
		Desired    int         `json:"desiredNumberScheduled"` // of a DaemonSet
		Number     int         `json:"numberAvailable"`        // likewise
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// lacks says what an object lacks, "" for nothing.
func (w *workload) lacks() string {
	name := strings.ToLower(w.Kind) + " " + w.Metadata.Name
	want, have := 1, w.Status.Available
	switch w.Kind {
	case "Pod":
		for _, c := range w.Status.Conditions {
			if c.Type == "Ready" && c.Status == "True" {
				return ""
			}
		}
		return name + " is not ready"
	case "DaemonSet":
		want, have = w.Status.Desired, w.Status.Number
	default:
		if w.Spec.Replicas != nil {
			want = *w.Spec.Replicas
		}
		have = min(have, w.Status.Updated)
	}
	if w.Status.Observed < w.Metadata.Generation {
		return name + " is not begun"
	}
	if have < want {
		return fmt.Sprintf("%d of %d replicas of %s are available", have, want, name)
	}
	return ""
}

// pod is what is read of a pod.
type pod struct {
	Metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Status struct {
		Phase      string      `json:"phase"`
		Reason     string      `json:"reason"`
		Message    string      `json:"message"`
		Conditions []condition `json:"conditions"`
		Init       []container `json:"initContainerStatuses"`
		Containers []container `json:"containerStatuses"`
	} `json:"status"`
}

type container struct {
	Name     string `json:"name"`
	Restarts int    `json:"restartCount"`
	State    struct {
		Waiting    *condition  `json:"waiting"`
		Terminated *terminated `json:"terminated"`
	} `json:"state"`
	Last struct {
		Terminated *terminated `json:"terminated"`
	} `json:"lastState"`
}

type terminated struct {
	Code   int    `json:"exitCode"`
	Reason string `json:"reason"`
}

// lasting lists what rarely mends itself, with how long it may last before the wait is given up.
var lasting = map[string]time.Duration{
	"InvalidImageName": 0, "ErrImageNeverPull": 0, "CreateContainerConfigError": 30 * time.Second,
	"ImagePullBackOff": time.Minute, "CrashLoopBackOff": 0,
}

// patience is how often a container may end before it counts as one that crashes.
const patience = 2

// trouble says why a pod does not serve, "" if nothing is known. What it returns as reason may be lasting.
func (p *pod) trouble() (text, reason string) {
	for _, c := range slices.Concat(p.Status.Init, p.Status.Containers) {
		switch w := c.State.Waiting; {
		case w != nil && w.Reason == "CrashLoopBackOff":
			text, reason = fmt.Sprintf("container %s crashes", c.Name), w.Reason
			if t := c.Last.Terminated; t != nil {
				text += fmt.Sprintf(": exit code %d (%s)", t.Code, cmp.Or(t.Reason, "no reason"))
			}
			if c.Restarts < patience {
				reason = ""
			}
			return text, reason
		case w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing":
			return fmt.Sprintf("container %s: %s (%s)", c.Name, w.Reason, plain.Excerpt(w.Message)), w.Reason
		case c.State.Terminated != nil && c.State.Terminated.Code != 0:
			t := c.State.Terminated
			return fmt.Sprintf("container %s ended: exit code %d (%s)", c.Name, t.Code,
				cmp.Or(t.Reason, "no reason")), ""
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			return fmt.Sprintf("%s (%s)", cmp.Or(c.Reason, "not scheduled"), plain.Excerpt(c.Message)), c.Reason
		}
	}
	if p.Status.Phase == "Failed" {
		return fmt.Sprintf("failed: %s (%s)", p.Status.Reason, plain.Excerpt(p.Status.Message)), ""
	}
	return "", ""
}

// list reads a list of objects from kubectl.
func list[T any](ctx context.Context, c *cluster, args ...string) (items []T, err error) {
	out, err := c.kubectl(ctx, nil, append([]string{"get", "--namespace", c.Namespace, "--output", "json"}, args...)...)
	if err != nil {
		return nil, err
	}
	var many struct{ Items []T }
	if err := json.Unmarshal(out, &many); err != nil {
		return nil, fmt.Errorf("kubectl get %s: %w", args[0], err)
	}
	if many.Items == nil && len(args) == 1 && strings.Contains(args[0], "/") { // one object is no list
		var one T
		err := json.Unmarshal(out, &one)
		return []T{one}, err
	}
	return many.Items, nil
}

// pods returns the pods of the namespace, or of the workloads alone if the namespace has others.
func (c *cluster) pods(ctx context.Context) ([]pod, error) {
	all, err := list[pod](ctx, c, "pods")
	if err != nil || c.Made {
		return all, err
	}
	workloads, err := c.workloads(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p pod) bool {
		return !slices.ContainsFunc(workloads, func(w workload) bool { return w.has(&p) })
	}), nil
}

// has reports whether a pod is of a workload.
func (w *workload) has(p *pod) bool {
	if w.Kind == "Pod" {
		return w.Metadata.Name == p.Metadata.Name
	}
	labels := w.Spec.Selector.MatchLabels
	return len(labels) > 0 && maps.Equal(labels, common(labels, p.Metadata.Labels))
}

// common returns the entries of a map that another has, too.
func common(labels, others map[string]string) map[string]string {
	found := map[string]string{}
	for name, value := range labels {
		if others[name] == value {
			found[name] = value
		}
	}
	return found
}

func (c *cluster) workloads(ctx context.Context) ([]workload, error) {
	if len(c.Workloads) == 0 {
		return nil, nil
	}
	return list[workload](ctx, c, c.Workloads...)
}

// ready says which replicas are not available, and why; then it sees that the port is forwarded.
func (c *cluster) ready(ctx context.Context) (missing string, err error) {
	all, err := c.workloads(ctx)
	if err != nil {
		return err.Error(), nil // the API may be away for a moment
	}
	var lacking []string
	for _, w := range all {
		if lack := w.lacks(); lack != "" {
			lacking = append(lacking, lack)
		}
	}
	if len(lacking) > 0 {
		why, err := c.why(ctx)
		return strings.Join(lacking, ", ") + why, err
	}
	c.troubled = ""
	if c.Forward == nil {
		return "", nil
	}
	c.Forward.c = c
	return c.Forward.ready(ctx)
}

// why says what keeps the pods from being ready. Its error is final.
func (c *cluster) why(ctx context.Context) (text string, err error) {
	pods, err := c.pods(ctx)
	if err != nil {
		return ": " + err.Error(), nil
	}
	if c.troubles == nil {
		c.troubles = map[string]time.Time{}
	}
	seen := map[string]bool{}
	for _, p := range pods {
		trouble, reason := p.trouble()
		if trouble == "" {
			continue
		}
		trouble = fmt.Sprintf("pod %s: %s", p.Metadata.Name, trouble)
		c.troubled, text = p.Metadata.Name, ": "+trouble
		key := p.Metadata.Name + " " + reason
		limit, lasts := lasting[reason]
		if !lasts {
			continue
		}
		seen[key] = true
		since, before := c.troubles[key]
		if !before {
			since = time.Now()
			c.troubles[key] = since
		}
		if time.Since(since) >= limit {
			return "", fmt.Errorf("%s", trouble)
		}
	}
	maps.DeleteFunc(c.troubles, func(key string, _ time.Time) bool { return !seen[key] })
	return text, nil
}
