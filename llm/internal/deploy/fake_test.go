package deploy

import (
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// kubectl plays kubectl: it keeps the namespace and what is applied, and shows workloads and pods of files. DIR is its
// folder, and SELF the test's binary, which serves a model in place of what a port is forwarded to.
const kubectl = `#!/bin/sh
cd 'DIR' || exit
echo "$@" >>calls
case "$1 $2" in
config*) echo test-context ;;
kustomize*) cat "$2/all.yaml" ;;
create*) cat >namespace.json ;;
apply*)
	[ -f refuse ] && { cat refuse >&2; exit 1; }
	echo 'deployment.apps/server created
clusterrole.rbac/old unchanged
service/server created'
	cat >applied.yaml ;;
"get namespace") [ -f namespace.json ] && cat namespace.json ;;
get*) case "$*" in *" pods "*) cat pods.json ;; *) cat workloads.json ;; esac ;;
logs*)
	case "$*" in
	*--previous*) [ -f previous ] && cat previous ;;
	*) echo '[pod/server] a line of the pod' ;;
	esac ;;
"delete namespace") rm -f namespace.json ;;
port-forward*) exec 'SELF' server forwards "${7%:*}" ;;
esac
exit 0
`

// docker plays docker compose.
const docker = `#!/bin/sh
cd 'DIR' || exit
echo "$@" "SLOTS=$slots" >>calls
case "$6" in
up) [ -f refuse ] && { cat refuse >&2; exit 1; } ;;
ps) cat ps.json ;;
logs) echo 'server-1  | RuntimeError: a line of the container' ;;
esac
exit 0
`

// fakeTool puts a script into PATH as a program, and returns the folder in which it keeps what it has.
func fakeTool(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	script = strings.NewReplacer("DIR", dir, "SELF", os.Args[0]).Replace(script)
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return dir
}

// put writes a file of a fake.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// calls returns how a fake was called.
func calls(t *testing.T, dir string) string {
	t.Helper()
	return testenv.ReadFile(t, filepath.Join(dir, "calls"))
}

// serveUntil serves a model until a signal, or until a file named end is in its working directory.
func serveUntil(port string) error {
	server, err := sim.Listen("127.0.0.1:"+port, sim.DefaultOptions())
	if err != nil {
		return err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGTERM)
	for {
		select {
		case <-interrupted:
			return server.Close()
		case <-time.After(20 * time.Millisecond):
			if os.Remove("end") == nil {
				return server.Close()
			}
		}
	}
}
