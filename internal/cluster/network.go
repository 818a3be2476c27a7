package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// bridge is the device that connects the pods with each other and with the nodes.
const bridge = "pods"

// makeBridge makes the network of the pods in the network namespace of the test. Without a hardware address of its own
// the bridge would take that of a pod's device, and lose it with the pod: others would not reach it for half a minute.
func makeBridge() error {
	return errors.Join(run("ip", "link", "set", "lo", "up"),
		run("ip", "link", "add", bridge, "address", "02:00:00:00:00:01", "type", "bridge"),
		run("ip", "address", "add", Gateway+"/16", "dev", bridge), run("ip", "link", "set", bridge, "up"))
}

// sandbox holds the namespaces that the containers of a pod share, by a process that sleeps.
type sandbox struct {
	cmd     *exec.Cmd
	Address string
}

var sandboxes atomic.Int32

// newSandbox makes a network namespace with an address that no pod has had before.
func newSandbox(hostname string) (*sandbox, error) {
	number := int(sandboxes.Add(1)) + 1
	s := &sandbox{Address: fmt.Sprintf("10.244.%d.%d", number/250, number%250+1)}
	s.cmd = exec.Command("unshare", "--net", "--uts", "--ipc", "sleep", "infinity")
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.awaitNamespace(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	outer := fmt.Sprint("pod", number)
	err := run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns",
		fmt.Sprint(s.cmd.Process.Pid))
	if err == nil {
		err = run("ip", "link", "set", outer, "master", bridge, "up")
	}
	if err == nil {
		inner := s.enter("sh", "-ec", "hostname \"$1\"; ip link set lo up; ip address add $2/16 dev eth0; "+
			"ip link set eth0 up; ip route add default via $3", "sh", hostname, s.Address, Gateway)
		err = run(inner[0], inner[1:]...)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// enter returns a command that runs another in the namespaces.
func (s *sandbox) enter(command ...string) []string {
	proc := fmt.Sprintf("/proc/%d/ns/", s.cmd.Process.Pid)
	return append([]string{"nsenter", "--net=" + proc + "net", "--uts=" + proc + "uts", "--ipc=" + proc + "ipc"},
		command...)
}

// awaitNamespace waits until the process has left the network of the test.
func (s *sandbox) awaitNamespace() error {
	ours, err := os.Readlink("/proc/self/ns/ipc") // the last namespace that unshare makes
	if err != nil {
		return err
	}
	for range 1000 {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/ipc", s.cmd.Process.Pid))
		if err != nil {
			return err
		}
		network, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", s.cmd.Process.Pid))
		if err != nil {
			return err
		}
		own, err := os.Readlink("/proc/self/ns/net")
		if err != nil {
			return err
		}
		if theirs != ours && network != own {
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
	return errors.New("the pod's process did not leave the network of the test")
}

// close ends the process, and with it the namespaces and their devices.
func (s *sandbox) close() error {
	err := s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	return err
}
