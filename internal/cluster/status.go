package cluster

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// tell publishes the pod's status after each change, until stop is closed.
func (p *pod) tell(stop <-chan struct{}) {
	for {
		p.publish()
		select {
		case <-p.told:
		case <-stop:
			return
		}
	}
}

// publish writes the pod's status to the API. Only one goroutine may call it at a time.
func (p *pod) publish() {
	object := p.object()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": object.UID}, "status": p.status()})
	if err != nil {
		panic(err) // the status is made of the API's own types
	}
	for range 10 {
		_, err := p.nodes.client.CoreV1().Pods(object.Namespace).Patch(context.Background(), object.Name,
			types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // another pod of that name is there
			return
		}
		<-time.After(100 * time.Millisecond)
	}
}

// status returns the status of the pod as the API's types have it.
func (p *pod) status() corev1.PodStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	object := p.object()
	status := corev1.PodStatus{HostIP: Gateway, StartTime: &p.started, Phase: p.phase(object)}
	if p.sandbox != nil {
		status.PodIP, status.PodIPs = p.sandbox.Address, []corev1.PodIP{{IP: p.sandbox.Address}}
	}
	for _, c := range object.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, *p.statuses[c.Name])
	}
	ready := true
	for _, c := range object.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, *p.statuses[c.Name])
		ready = ready && p.statuses[c.Name].Ready
	}
	why := ""
	if !ready {
		why = "ContainersNotReady"
		if status.Phase == corev1.PodSucceeded {
			why = "PodCompleted"
		}
	}
	status.Conditions = []corev1.PodCondition{
		condition(object, corev1.PodInitialized, p.ready, ""),
		condition(object, corev1.ContainersReady, ready, why),
		condition(object, corev1.PodReady, ready, why),
	}
	return status
}

// condition returns a condition; it keeps the time of the last change.
func condition(object *corev1.Pod, kind corev1.PodConditionType, holds bool, reason string) corev1.PodCondition {
	c := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now(),
		Reason: reason}
	if holds {
		c.Status = corev1.ConditionTrue
	}
	for _, old := range object.Status.Conditions {
		if old.Type == kind && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
	}
	return c
}

// phase returns the pod's phase. The caller holds the mutex.
func (p *pod) phase(object *corev1.Pod) corev1.PodPhase {
	if p.failed {
		return corev1.PodFailed
	}
	if !p.ready {
		return corev1.PodPending
	}
	var waits, runs, failures int
	for _, c := range object.Spec.Containers {
		switch s := p.statuses[c.Name]; {
		case s.State.Running != nil || s.RestartCount > 0 && s.State.Waiting != nil:
			runs++
		case s.State.Waiting != nil:
			waits++
		case s.State.Terminated.ExitCode != 0:
			failures++
		}
	}
	switch {
	case waits > 0:
		return corev1.PodPending
	case runs > 0:
		return corev1.PodRunning
	case failures > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}
