package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// process is a running container.
type process struct {
	cmd     *exec.Cmd
	user    string
	groups  string
	env     []string
	dir     string
	started metav1.Time
	ended   chan struct{}
	code    int // valid when ended is closed
}

// setup describes how a container is started.
type setup struct {
	layers   []string
	mounts   []mount
	readOnly bool
	locked   bool // no new privileges
	user     string
	groups   string
	dir      string
	env      []string
	command  []string
}

// mount is a folder or a file of this machine that a container sees at a path.
type mount struct {
	from, to string
	readOnly bool
}

// setup works out how a container is started.
func (p *pod) setup(ctx context.Context, c *corev1.Container, volumes map[string]volume) (*setup, error) {
	image, found := p.nodes.image(c.Image)
	if !found {
		return nil, imageError{c.Image}
	}
	values, err := inputs{p}.environment(ctx, c, image)
	if err != nil {
		return nil, err
	}
	s := &setup{layers: image.Layers, user: image.User, dir: image.Directory}
	if err := s.secure(p.object(), c); err != nil {
		return nil, err
	}
	if c.WorkingDir != "" {
		s.dir = c.WorkingDir
	}
	for _, m := range c.VolumeMounts {
		one, err := mountOf(m, volumes, values)
		if err != nil {
			return nil, err
		}
		s.mounts = append(s.mounts, one)
	}
	s.mounts = append(s.mounts, mount{filepath.Join(p.dir, "hosts"), "/etc/hosts", false},
		mount{filepath.Join(p.dir, "resolv.conf"), "/etc/resolv.conf", false})
	slices.SortStableFunc(s.mounts, func(a, b mount) int { return strings.Count(a.to, "/") - strings.Count(b.to, "/") })
	for _, name := range slices.Sorted(maps.Keys(values)) {
		s.env = append(s.env, name+"="+values[name])
	}
	s.command = image.Entrypoint
	if len(c.Command) > 0 {
		s.command = c.Command
	}
	s.command = slices.Concat(s.command, c.Args)
	for i, word := range s.command {
		s.command[i] = expansion.Expand(word, expansion.MappingFuncFor(values))
	}
	return s, nil
}

// imageError says that an image is not there.
type imageError struct{ name string }

func (e imageError) Error() string {
	return fmt.Sprintf("the nodes of the tests have no image %q", e.name)
}

// secure sets what the security contexts say.
func (s *setup) secure(object *corev1.Pod, c *corev1.Container) error {
	user, group, _ := strings.Cut(s.user, ":")
	nonRoot := false
	var groups []string
	if security := object.Spec.SecurityContext; security != nil {
		set(&user, security.RunAsUser)
		set(&group, security.RunAsGroup)
		nonRoot = isTrue(security.RunAsNonRoot)
		if security.FSGroup != nil {
			groups = append(groups, fmt.Sprint(*security.FSGroup))
		}
	}
	if security := c.SecurityContext; security != nil {
		set(&user, security.RunAsUser)
		set(&group, security.RunAsGroup)
		if security.RunAsNonRoot != nil {
			nonRoot = *security.RunAsNonRoot
		}
		s.readOnly = isTrue(security.ReadOnlyRootFilesystem)
		s.locked = security.AllowPrivilegeEscalation != nil && !*security.AllowPrivilegeEscalation
	}
	if group == "" {
		group = "0"
	}
	if user == "" {
		user = "0"
	}
	if nonRoot && user == "0" {
		return errors.New("container has runAsNonRoot and image will run as root")
	}
	s.user, s.groups = user+":"+group, strings.Join(append(groups, group), ",")
	return nil
}

func set(text *string, id *int64) {
	if id != nil {
		*text = fmt.Sprint(*id)
	}
}

func mountOf(m corev1.VolumeMount, volumes map[string]volume, values map[string]string) (mount, error) {
	v, found := volumes[m.Name]
	if !found {
		return mount{}, fmt.Errorf("no volume %q", m.Name)
	}
	sub := m.SubPath
	if m.SubPathExpr != "" {
		sub = expansion.Expand(m.SubPathExpr, expansion.MappingFuncFor(values))
	}
	from := filepath.Join(v.path, sub)
	if _, err := os.Stat(from); err != nil && sub != "" {
		if err := os.MkdirAll(from, 0o777); err != nil {
			return mount{}, err
		}
	}
	return mount{from, m.MountPath, v.readOnly || m.ReadOnly}, nil
}

// quote makes a text one word of a shell's.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// script returns the shell script that makes the root file system at dir and replaces itself with the command.
func (s *setup) script(dir string) string {
	var b strings.Builder
	line := func(words ...string) { fmt.Fprintln(&b, strings.Join(words, " ")) }
	top := filepath.Join(dir, "fs")
	line("set -e")
	line("mount -t tmpfs -o mode=0755 tmpfs", quote(dir))
	line("cd", quote(dir), "&& mkdir up work fs")
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s/up,workdir=%s/work", strings.Join(s.layers, ":"), dir, dir)
	line("mount -t overlay -o", quote(layers), "overlay", quote(top))
	line("mount -t proc proc", quote(top+"/proc"))
	for _, m := range s.mounts {
		// Links, such as that of /var/run, are to be followed below the root of the container.
		line("to="+quote(top)+"$(chroot", quote(top), "realpath -m", quote(m.to)+")")
		line("if [ -d", quote(m.from), `]; then mkdir -p "$to"; else mkdir -p "${to%/*}"; rm -f "$to"; touch "$to"; fi`)
		line("mount --bind", quote(m.from), `"$to"`)
		if m.readOnly {
			line(`mount -o remount,ro,bind "$to"`)
		}
	}
	if s.readOnly {
		line("mount -o remount,ro", quote(top))
	}
	words := []string{"exec"}
	if s.locked {
		words = append(words, "setpriv --no-new-privs")
	}
	words = append(words, "chroot --userspec="+s.user, "--groups="+s.groups, quote(top), "env -i",
		quote("--chdir="+s.dir))
	for _, word := range slices.Concat(s.env, s.command) {
		words = append(words, quote(word))
	}
	line(words...)
	return b.String()
}

// start starts the container in the pod's namespaces, with its output in the file log.
func (s *setup) start(box *sandbox, dir, log string) (*process, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	args := box.enter("sh", "-c", s.script(dir))
	c := &process{cmd: exec.Command(args[0], args[1:]...), user: s.user, groups: s.groups, env: s.env, dir: s.dir,
		started: metav1.Now(), ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = out, out
	// The process, which becomes the command, is the first one of the container's namespace.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = c.cmd.Wait()
		c.code = c.cmd.ProcessState.ExitCode()
		if status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			c.code = 128 + int(status.Signal())
		}
		close(c.ended)
	}()
	c.awaitRoot()
	return c, nil
}

// awaitRoot waits until the container has its root file system, without which commands in it would find none of its
// volumes, or has ended.
func (c *process) awaitRoot() {
	ours, err := os.Stat("/")
	if err != nil {
		return
	}
	for {
		root, err := os.Stat(fmt.Sprintf("/proc/%d/root/", c.cmd.Process.Pid))
		if err == nil && !os.SameFile(ours, root) {
			return
		}
		select {
		case <-c.ended:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// signal sends a signal to the container's first process.
func (c *process) signal(sig syscall.Signal) error { return c.cmd.Process.Signal(sig) }

// terminate ends the container: by a signal, and after the grace by force.
func (c *process) terminate(grace time.Duration) {
	_ = c.signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(grace):
		_ = c.signal(syscall.SIGKILL)
		<-c.ended
	}
}

// command returns a command that runs another in the container, as its user and with its environment.
func (c *process) command(ctx context.Context, words []string) *exec.Cmd {
	args := []string{"--target", fmt.Sprint(c.cmd.Process.Pid), "--mount", "--pid", "--net", "--uts", "--ipc", "--root",
		"--", "chroot", "--userspec=" + c.user, "--groups=" + c.groups, "/", "env", "-i", "--chdir=" + c.dir}
	args = slices.Concat(args, c.env, words)
	return exec.CommandContext(ctx, "nsenter", args...)
}
