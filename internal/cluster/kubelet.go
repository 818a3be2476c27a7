package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	remotecommandconsts "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/cert"
	streaming "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// serveKubelet serves what the API server asks nodes for: logs, exec and ports. It returns the port.
func (n *nodes) serveKubelet() (int32, error) {
	certificate, key, err := cert.GenerateSelfSignedCertKey("node", []net.IP{net.ParseIP(Gateway)}, nil)
	if err != nil {
		return 0, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp", Gateway+":0")
	if err != nil {
		return 0, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.serveLog)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", n.serveExec)
	mux.HandleFunc("/portForward/{namespace}/{pod}", n.serveForward)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}, // exec upgrades
			MinVersion: tls.VersionTLS12}}
	context.AfterFunc(n.ctx, func() { _ = server.Close() })
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return int32(listener.Addr().(*net.TCPAddr).Port), nil
}

// serveLog sends the log of a container's last run, and with follow what is added to it until the container ends.
func (n *nodes) serveLog(w http.ResponseWriter, r *http.Request) {
	p, err := n.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	for _, unknown := range []string{"timestamps", "sinceSeconds", "sinceTime", "limitBytes"} {
		if v := query.Get(unknown); v != "" && v != "false" {
			http.Error(w, "the nodes of the tests do not know "+unknown, http.StatusBadRequest)
			return
		}
	}
	name := r.PathValue("container")
	p.mu.Lock()
	status, known := p.statuses[name]
	attempt := 0
	if known {
		attempt = int(status.RestartCount)
		if status.State.Waiting != nil { // the next run has not begun
			attempt--
		}
	}
	running := p.running[name]
	p.mu.Unlock()
	if query.Get("previous") == "true" {
		attempt--
	}
	f, err := os.Open(p.log(name, max(0, attempt)))
	if err != nil {
		http.Error(w, fmt.Sprintf("container %q is waiting to start", name), http.StatusBadRequest)
		return
	}
	defer func() { _ = f.Close() }()
	if err := sendLog(r.Context(), w, f, running, query.Get("tailLines"), query.Get("follow") == "true"); err != nil {
		return // the client has gone
	}
}

func sendLog(ctx context.Context, w http.ResponseWriter, f *os.File, running *process, tail string, follow bool) error {
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if lines, err := strconv.Atoi(tail); err == nil {
		all := bytes.SplitAfter(text, []byte("\n"))
		if len(all[len(all)-1]) == 0 {
			all = all[:len(all)-1]
		}
		text = bytes.Join(all[max(0, len(all)-lines):], nil)
	}
	if _, err := w.Write(text); err != nil || !follow || running == nil {
		return err
	}
	for ended := false; !ended; {
		_ = http.NewResponseController(w).Flush()
		select {
		case <-running.ended:
			ended = true
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if _, err := io.Copy(w, f); err != nil {
			return err
		}
	}
	return nil
}

// serveExec runs a command in a container for kubectl exec and kubectl cp.
func (n *nodes) serveExec(w http.ResponseWriter, r *http.Request) {
	p, err := n.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	options, err := streaming.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streaming.ServeExec(w, r, executor{p}, p.object().Name, p.object().UID, r.PathValue("container"),
		r.URL.Query()["command"], options, time.Hour, time.Minute, remotecommandconsts.SupportedStreamingProtocols)
}

// executor runs commands in the containers of a pod.
type executor struct{ pod *pod }

// ExecInContainer runs a command to its end; the error tells the exit code.
func (e executor) ExecInContainer(ctx context.Context, _ string, _ types.UID, container string, words []string,
	in io.Reader, out, errs io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if tty {
		return errors.New("the nodes of the tests have no terminals")
	}
	running, err := e.pod.process(container)
	if err != nil {
		return err
	}
	cmd := running.command(ctx, words)
	// The command gets a pipe of its own: with Stdin set, Wait would wait for the client to close its side.
	if in != nil {
		pipe, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(pipe, in)
			_ = pipe.Close()
		}()
	}
	if out != nil {
		cmd.Stdout = out
	}
	if errs != nil {
		cmd.Stderr = errs
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}
