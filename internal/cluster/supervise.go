package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// supervise runs a container, again and again where the policy says so, and returns the last exit code.
func (p *pod) supervise(ctx context.Context, c *corev1.Container, policy corev1.RestartPolicy,
	volumes map[string]volume) (code int) {
	delay := time.Second
	for attempt := 0; ; attempt++ {
		started := p.startContainer(ctx, c, volumes, attempt)
		if started == nil { // the pod is deleted
			p.set(c.Name, func(s *corev1.ContainerStatus) {
				s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137,
					Reason: "ContainerStatusUnknown", FinishedAt: metav1.Now()}}
			})
			return 137
		}
		p.attend(ctx, c, started)
		state := terminated(started)
		again := policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && started.code != 0
		again = again && ctx.Err() == nil
		p.set(c.Name, func(s *corev1.ContainerStatus) {
			delete(p.running, c.Name)
			s.Ready, s.Started = false, ptr.To(false)
			s.State = state
			if again {
				s.LastTerminationState, s.RestartCount = state, s.RestartCount+1
				s.State = waiting("CrashLoopBackOff", "back-off "+delay.String()+" restarting failed container")
			}
		})
		if !again || !sleep(ctx, delay) {
			return started.code
		}
		delay = min(2*delay, 10*time.Second) // a kubelet begins with ten seconds
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func terminated(c *process) corev1.ContainerState {
	reason := "Completed"
	if c.code != 0 {
		reason = "Error"
	}
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: int32(c.code), Reason: reason,
		StartedAt: c.started, FinishedAt: metav1.Now()}}
}

// startContainer starts a container, and tries again each second where something is missing. It returns nil when the
// pod is to end before.
func (p *pod) startContainer(ctx context.Context, c *corev1.Container, volumes map[string]volume,
	attempt int) *process {
	for {
		s, err := p.setup(ctx, c, volumes)
		var started *process
		if err == nil {
			started, err = s.start(p.sandbox, filepath.Join(p.dir, "root", c.Name), p.log(c.Name, attempt))
		}
		if err == nil {
			p.event(corev1.EventTypeNormal, "Started", "Started container "+c.Name)
			p.set(c.Name, func(status *corev1.ContainerStatus) {
				p.running[c.Name] = started
				status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started.started}}
				status.ContainerID = fmt.Sprintf("process://%d", started.cmd.Process.Pid)
				status.Started = ptr.To(c.StartupProbe == nil)
				status.Ready = c.StartupProbe == nil && c.ReadinessProbe == nil
			})
			return started
		}
		if ctx.Err() != nil {
			return nil
		}
		reason := "CreateContainerConfigError"
		if errors.As(err, new(imageError)) {
			reason = "ErrImagePull"
		}
		p.set(c.Name, func(status *corev1.ContainerStatus) { status.State = waiting(reason, err.Error()) })
		p.event(corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
		if !sleep(ctx, time.Second) {
			return nil
		}
	}
}

// log returns the path of the log of a container's run.
func (p *pod) log(container string, attempt int) string {
	return filepath.Join(p.dir, fmt.Sprintf("%s.%d.log", container, attempt))
}

// attend probes a running container until it ends. It ends the container when the pod is to end or a probe says so.
func (p *pod) attend(ctx context.Context, c *corev1.Container, running *process) {
	probing, stop := context.WithCancel(ctx)
	defer stop()
	dead := make(chan string, 1)
	go prober{p, c, running, dead}.probe(probing)
	grace := 30 * time.Second
	if seconds := p.object().Spec.TerminationGracePeriodSeconds; seconds != nil {
		grace = time.Duration(*seconds) * time.Second
	}
	select {
	case <-running.ended:
	case message := <-dead:
		p.event(corev1.EventTypeWarning, "Unhealthy", message)
		p.event(corev1.EventTypeNormal, "Killing", fmt.Sprintf("Container %s failed a probe", c.Name))
		running.terminate(grace)
	case <-ctx.Done():
		if p.ctx.Err() != nil {
			grace = time.Duration(p.grace.Load()) * time.Second
		}
		p.beforeStop(c, running, grace)
		running.terminate(grace)
	}
}

// beforeStop runs the container's preStop hook, no longer than the grace.
func (p *pod) beforeStop(c *corev1.Container, running *process, grace time.Duration) {
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	hook := c.Lifecycle.PreStop
	switch {
	case hook.Sleep != nil:
		sleep(ctx, time.Duration(hook.Sleep.Seconds)*time.Second)
	case hook.Exec != nil:
		if err := running.command(ctx, hook.Exec.Command).Run(); err != nil {
			p.event(corev1.EventTypeWarning, "FailedPreStopHook", err.Error())
		}
	}
}
