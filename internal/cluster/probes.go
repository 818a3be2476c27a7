package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// prober runs the probes of a container.
type prober struct {
	pod     *pod
	c       *corev1.Container
	running *process
	dead    chan<- string // why the container is to be ended
}

// probe runs the probes until ctx ends: that of the start, and then those of life and readiness.
func (p prober) probe(ctx context.Context) {
	if p.c.StartupProbe != nil {
		if !p.awaitStart(ctx) {
			return
		}
		p.pod.set(p.c.Name, func(s *corev1.ContainerStatus) {
			s.Started, s.Ready = ptr.To(true), p.c.ReadinessProbe == nil
		})
	}
	if p.c.ReadinessProbe != nil {
		go p.watch(ctx, p.c.ReadinessProbe, func(good bool, err error) bool {
			if ctx.Err() != nil {
				return false
			}
			if !good {
				p.pod.event(corev1.EventTypeWarning, "Unhealthy", fmt.Sprintf("Readiness probe failed: %v", err))
			}
			p.pod.set(p.c.Name, func(s *corev1.ContainerStatus) { s.Ready = good && s.State.Running != nil })
			return true
		})
	}
	if p.c.LivenessProbe != nil {
		p.watch(ctx, p.c.LivenessProbe, func(good bool, err error) bool {
			if !good && ctx.Err() == nil {
				p.dead <- fmt.Sprintf("Liveness probe failed: %v", err)
				return false
			}
			return true
		})
	}
}

// awaitStart runs the startup probe to its success.
func (p prober) awaitStart(ctx context.Context) bool {
	started := false
	p.watch(ctx, p.c.StartupProbe, func(good bool, err error) bool {
		started = good
		if !good && ctx.Err() == nil {
			p.dead <- fmt.Sprintf("Startup probe failed: %v", err)
		}
		return false
	})
	return started
}

// watch runs a probe periodically, and calls changed when enough results in a row say something new, until it returns
// false or ctx ends.
func (p prober) watch(ctx context.Context, probe *corev1.Probe,
	changed func(good bool, err error) bool) {
	if !sleep(ctx, time.Duration(probe.InitialDelaySeconds)*time.Second) {
		return
	}
	state, successes, failures := 0, 0, 0 // state: 1 good, -1 bad
	for {
		err := p.ask(ctx, probe)
		if err == nil {
			successes, failures = successes+1, 0
		} else {
			successes, failures = 0, failures+1
		}
		switch {
		case state < 1 && successes >= max(1, int(probe.SuccessThreshold)):
			state = 1
			if !changed(true, nil) {
				return
			}
		case state > -1 && failures >= max(1, int(probe.FailureThreshold)):
			state = -1
			if !changed(false, err) {
				return
			}
		}
		if !sleep(ctx, time.Duration(max(1, probe.PeriodSeconds))*time.Second) {
			return
		}
	}
}

// ask runs a probe once.
func (p prober) ask(ctx context.Context, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(1, probe.TimeoutSeconds))*time.Second)
	defer cancel()
	switch {
	case probe.HTTPGet != nil:
		return p.get(ctx, probe.HTTPGet)
	case probe.TCPSocket != nil:
		address, err := p.address(probe.TCPSocket.Port)
		if err != nil {
			return err
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	case probe.Exec != nil:
		if out, err := p.running.command(ctx, probe.Exec.Command).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	return fmt.Errorf("the nodes of the tests do not know this probe: %v", probe)
}

func (p prober) get(ctx context.Context, get *corev1.HTTPGetAction) error {
	address, err := p.address(get.Port)
	if err != nil {
		return err
	}
	scheme := strings.ToLower(string(get.Scheme))
	if scheme == "" {
		scheme = "http"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+address+get.Path, nil)
	if err != nil {
		return err
	}
	for _, h := range get.HTTPHeaders {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", resp.StatusCode)
	}
	return nil
}

// address returns the address of a port of the container, which may be the name of one.
func (p prober) address(port intstr.IntOrString) (string, error) {
	if port.Type == intstr.Int {
		return net.JoinHostPort(p.pod.sandbox.Address, port.String()), nil
	}
	for _, known := range p.c.Ports {
		if known.Name == port.StrVal {
			return net.JoinHostPort(p.pod.sandbox.Address, fmt.Sprint(known.ContainerPort)), nil
		}
	}
	return "", fmt.Errorf("no port %q", port.StrVal)
}
