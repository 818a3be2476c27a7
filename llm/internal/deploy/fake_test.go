package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// fakeTool puts a program into PATH that the test's binary plays, and returns the folder in which it keeps what it has.
func fakeTool(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %q server %s %q \"$@\"\n", os.Args[0], name, dir)
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

// note notes a call of a fake.
func note(dir string, args []string) error {
	f, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, strings.Join(args, " ")); err != nil {
		return err
	}
	return f.Close()
}

// show writes a file of a fake to its output, or nothing if there is none.
func show(dir, name string) error {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil
	}
	_, err = os.Stdout.Write(text)
	return err
}

// kubectl plays kubectl: it keeps the namespace and what is applied, and shows workloads and pods of files.
func kubectl(dir string, args []string) error {
	if err := note(dir, args); err != nil {
		return err
	}
	input := func(name string) error {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), text, 0o600)
	}
	switch verb := args[0]; {
	case verb == "config":
		fmt.Println("test-context")
	case verb == "kustomize":
		return show(args[1], "all.yaml")
	case verb == "create":
		return input("namespace.json")
	case verb == "apply":
		if text, err := os.ReadFile(filepath.Join(dir, "refuse")); err == nil {
			return fmt.Errorf("%s", text)
		}
		fmt.Println("deployment.apps/server created\nclusterrole.rbac/old unchanged\nservice/server created")
		return input("applied.yaml")
	case verb == "get" && args[1] == "namespace":
		return show(dir, "namespace.json")
	case verb == "get" && slices.Contains(args, "pods"):
		return show(dir, "pods.json")
	case verb == "get":
		return show(dir, "workloads.json")
	case verb == "logs" && slices.Contains(args, "--previous"):
		return show(dir, "previous")
	case verb == "logs":
		fmt.Println("[pod/server] a line of the pod")
	case verb == "delete" && args[1] == "namespace":
		return os.Remove(filepath.Join(dir, "namespace.json"))
	case verb == "port-forward":
		local, _, _ := strings.Cut(args[6], ":")
		return serveUntil(dir, local)
	}
	return nil
}

// serveUntil serves a model until a signal, or until the file end is there.
func serveUntil(dir, port string) error {
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
			if os.Remove(filepath.Join(dir, "end")) == nil {
				return server.Close()
			}
		}
	}
}

// docker plays docker compose.
func docker(dir string, args []string) error {
	if err := note(dir, append(args, "SLOTS="+os.Getenv("slots"))); err != nil {
		return err
	}
	switch {
	case slices.Contains(args, "up"):
		if text, err := os.ReadFile(filepath.Join(dir, "refuse")); err == nil {
			return fmt.Errorf("%s", text)
		}
	case slices.Contains(args, "ps"):
		return show(dir, "ps.json")
	case slices.Contains(args, "logs"):
		fmt.Println("server-1  | RuntimeError: a line of the container")
	}
	return nil
}

// marshal writes a value as a file of a fake.
func marshal(t *testing.T, dir, name string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, name, string(text))
}
