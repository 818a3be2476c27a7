package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// pod runs a pod of the API on this machine.
type pod struct {
	nodes   *nodes
	latest  atomic.Pointer[corev1.Pod]
	dir     string
	sandbox *sandbox
	started metav1.Time
	ctx     context.Context // ends when the pod is to end
	end     context.CancelFunc
	grace   atomic.Int64 // seconds, when the pod is to end
	done    chan struct{}

	mu       sync.Mutex
	statuses map[string]*corev1.ContainerStatus
	running  map[string]*process
	ready    bool // all init containers have succeeded
	failed   bool // an init container has failed
	told     chan struct{}
}

func (p *pod) object() *corev1.Pod { return p.latest.Load() }

// newPod returns a pod that does not run yet.
func (n *nodes) newPod(object *corev1.Pod) *pod {
	p := &pod{nodes: n, dir: filepath.Join(n.dir, "pods", string(object.UID)), started: metav1.Now(),
		statuses: map[string]*corev1.ContainerStatus{}, running: map[string]*process{}, done: make(chan struct{}),
		told: make(chan struct{}, 1)}
	p.ctx, p.end = context.WithCancel(n.ctx)
	p.latest.Store(object)
	for _, c := range append(object.Spec.InitContainers, object.Spec.Containers...) {
		p.statuses[c.Name] = &corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: c.Image,
			Started: ptr.To(false), State: waiting("ContainerCreating", "")}
	}
	return p
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// run runs the pod to its end, and deletes it from the API if it is being deleted.
func (p *pod) run() {
	defer close(p.done)
	defer p.end()
	stop := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() { p.tell(stop) })
	if err := p.prepare(); err != nil {
		p.event(corev1.EventTypeWarning, "FailedCreatePodSandBox", err.Error())
		p.fail(err)
	} else {
		p.runContainers()
		_ = p.sandbox.close()
	}
	close(stop)
	telling.Wait()
	p.publish()
	if p.object().DeletionTimestamp != nil {
		p.remove()
	}
}

// prepare makes the pod's folder and namespaces.
func (p *pod) prepare() error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	object := p.object()
	hostname := object.Spec.Hostname
	if hostname == "" {
		hostname = object.Name
	}
	var err error
	if p.sandbox, err = newSandbox(hostname); err != nil {
		return err
	}
	hosts := fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", p.sandbox.Address, hostname)
	search := fmt.Sprintf("search %s.svc.cluster.local svc.cluster.local cluster.local\n", object.Namespace)
	resolver := "nameserver " + Gateway + "\n" + search + "options ndots:5\n"
	return errors.Join(os.WriteFile(filepath.Join(p.dir, "hosts"), []byte(hosts), 0o644),
		os.WriteFile(filepath.Join(p.dir, "resolv.conf"), []byte(resolver), 0o644))
}

// fail gives up the pod: none of its containers runs.
func (p *pod) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = true
	for _, s := range p.statuses {
		if s.State.Terminated == nil {
			s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 128,
				Reason: "ContainerCannotRun", Message: err.Error(), FinishedAt: metav1.Now()}}
		}
	}
}

// runContainers makes the volumes and runs the containers to their ends: first those of init, one after the other.
func (p *pod) runContainers() {
	volumes, ok := p.awaitVolumes()
	if !ok {
		p.fail(errors.New("the pod was deleted before it had its volumes"))
		return
	}
	spec := p.object().Spec
	var sidecars, wait sync.WaitGroup
	defer sidecars.Wait()
	ctx, stop := context.WithCancel(p.ctx)
	defer stop()
	for _, c := range spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars.Go(func() { p.supervise(ctx, &c, corev1.RestartPolicyAlways, volumes) })
			continue
		}
		policy := spec.RestartPolicy
		if policy == corev1.RestartPolicyAlways {
			policy = corev1.RestartPolicyOnFailure
		}
		if code := p.supervise(p.ctx, &c, policy, volumes); code != 0 {
			p.fail(fmt.Errorf("init container %q ended with exit code %d", c.Name, code))
			return
		}
	}
	p.mu.Lock()
	p.ready = true
	p.mu.Unlock()
	for _, c := range spec.Containers {
		wait.Go(func() { p.supervise(p.ctx, &c, spec.RestartPolicy, volumes) })
	}
	wait.Wait()
}

// awaitVolumes makes the volumes, and tries again each second where something is missing.
func (p *pod) awaitVolumes() (map[string]volume, bool) {
	for {
		volumes, err := inputs{p}.makeVolumes(p.ctx)
		if err == nil {
			return volumes, true
		}
		if p.ctx.Err() == nil {
			p.event(corev1.EventTypeWarning, "FailedMount", err.Error())
		}
		if !p.pause(time.Second) {
			return nil, false
		}
	}
}

// pause waits, and reports whether the pod is to go on.
func (p *pod) pause(d time.Duration) bool {
	select {
	case <-p.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (p *pod) event(kind, reason, message string) {
	p.nodes.events.Event(p.object(), kind, reason, message)
}

// remove deletes the pod from the API, as a kubelet does when its containers have ended.
func (p *pod) remove() {
	object := p.object()
	for range 10 {
		err := p.nodes.client.CoreV1().Pods(object.Namespace).Delete(context.Background(), object.Name,
			metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0),
				Preconditions: &metav1.Preconditions{UID: &object.UID}})
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return
		}
		<-time.After(200 * time.Millisecond)
	}
}

// terminate ends the pod's containers within the grace.
func (p *pod) terminate(grace int64) {
	p.grace.Store(grace)
	p.end()
}

func (p *pod) set(name string, change func(s *corev1.ContainerStatus)) {
	p.mu.Lock()
	change(p.statuses[name])
	p.mu.Unlock()
	select {
	case p.told <- struct{}{}:
	default:
	}
}
