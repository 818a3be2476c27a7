package deploy

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// newCompose returns a deployment by a compose file, and the folder of the docker that it uses. A model listens at its
// URL.
func newCompose(t *testing.T) (tt *test, dir string) {
	t.Helper()
	dir = fakeTool(t, "docker", docker)
	server, err := sim.Listen("127.0.0.1:0", sim.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	tt = newTest(t, "none")
	tt.Name, tt.Command, tt.Compose, tt.URL = "Two slots", nil, "/x/compose.yml", server.URL()
	tt.Values = map[string]string{"slots": "2", "no-variable": "x"}
	put(t, dir, "ps.json", `{"Service": "server", "State": "running", "Health": ""}`+"\n"+
		`{"Service": "download", "State": "exited", "ExitCode": 0}`)
	return tt, dir
}

func TestComposeIsStartedAndRemoved(t *testing.T) {
	tt, dir := newCompose(t)
	d := tt.up(t)
	if err := d.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	name := d.server.(*project).Name
	if !strings.HasPrefix(name, "llm-two-slots-") || len(name) != len("llm-two-slots-")+markLength {
		t.Errorf("project %s", name)
	}
	got := calls(t, dir)
	for _, want := range []string{" up --detach SLOTS=2\n", " down --volumes --remove-orphans --timeout 10 SLOTS=2\n"} {
		if want = "compose -p " + name + " -f /x/compose.yml" + want; !strings.Contains(got, want) {
			t.Errorf("calls\n%swant %s", got, want)
		}
	}
	if log := readLog(t, tt); !strings.Contains(log, "a line of the container") {
		t.Errorf("log: %s", log)
	}
}

func TestComposeThatIsNotReady(t *testing.T) {
	for _, tt := range []struct{ ps, want string }{
		{`[{"Service": "server", "State": "running", "Health": "starting"}]`,
			"it is not ready after 2s: service server is running starting; its output says"},
		{`{"Service": "server", "State": "exited", "ExitCode": 137}`, `deployment "Two slots": service server ended: exit ` +
			`code 137; its output says "server-1  | RuntimeError: a line of the container"`},
		{`{"Service": "server", "State": "exited", "ExitCode": 0}`, `deployment "Two slots": no service runs any more`},
		{`{"Service"`, "it is not ready after 2s: docker compose ps: "},
	} {
		c, dir := newCompose(t)
		c.Ready.Timeout = 2 * time.Second
		put(t, dir, "ps.json", tt.ps)
		err := c.start(t).Wait(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got  %v\nwant %s", tt.ps, err, tt.want)
		}
	}
	c, dir := newCompose(t)
	put(t, dir, "refuse", "Bind for 0.0.0.0:8000 failed: port is already allocated")
	_, err := Start(t.Context(), c.Spec, c.Options)
	if err == nil || !strings.Contains(err.Error(), "port is already allocated") ||
		!strings.Contains(calls(t, dir), " down --volumes") {
		t.Errorf("got %v, calls\n%s", err, calls(t, dir))
	}
	bare := fakeTool(t, "docker",
		"#!/bin/sh\necho 'docker: unknown command: docker compose' >&2\nexit 125\n")
	_, err = Start(t.Context(), c.Spec, c.Options)
	want := "a compose file needs docker's plugin compose: install docker-compose-plugin (docker compose: exit code " +
		"125: docker: unknown command: docker compose)"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%s: got  %v\nwant %s", bare, err, want)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(t.Context(), c.Spec, c.Options); err == nil ||
		!strings.Contains(err.Error(), "a compose file needs docker, which is not in PATH: install it") {
		t.Errorf("got %v", err)
	}
}

func TestServerThatIsThere(t *testing.T) {
	t.Parallel()
	server, err := sim.Listen("127.0.0.1:0", sim.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	tt := newTest(t, "none")
	tt.Command, tt.URL = nil, server.URL()
	d := tt.up(t)
	if d.URL() != server.URL() || d.Exited() != nil {
		t.Errorf("URL %s, exited %v", d.URL(), d.Exited())
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	connection, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
	if err != nil {
		t.Fatalf("the server was stopped: %v", err)
	}
	_ = connection.Close()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}
