package deploy

import (
	"path/filepath"
	"strings"
	"testing"
)

// What would keep a deployment from starting is told without starting anything.
func TestPreflight(t *testing.T) {
	fails := func(tt *test, want string) {
		t.Helper()
		if _, err := Preflight(t.Context(), tt.Spec, tt.Options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	bin := t.TempDir()
	put(t, bin, "text", "")
	for _, tt := range []struct{ program, directory, want string }{
		{"no-such-server", "", `there is no program "no-such-server" in PATH`},
		{"./no-such-server", bin, `starting "./no-such-server": `},
		{"./text", bin, "permission denied"},
		{"sh", filepath.Join(bin, "none"), "no such file"},
	} {
		p := newTest(t, "none")
		p.Command[0], p.Directory = tt.program, tt.directory
		fails(p, tt.want)
	}
	m, dir := newManifests(t)
	refers, err := Preflight(t.Context(), m.Spec, m.Options)
	if err != nil || !refers("slots") || refers("port") {
		t.Errorf("%v", err)
	}
	if got := calls(t, dir); strings.Contains(got, "create") || strings.Contains(got, "apply") {
		t.Errorf("something was started:\n%s", got)
	}
	put(t, m.Manifests, "all.yaml", "kind: Pod\nmetadata:\n  name: ${slot}\n")
	fails(m, "what kubectl kustomize makes of "+m.Manifests+": line 3, column 9: unknown ${slot}: did you mean "+
		"${slots}?")
	c, dir := newCompose(t)
	c.Compose = filepath.Join(dir, "compose.yml")
	for text, want := range map[string]bool{
		"a: $slots": true, "a: ${slots:-1}": true, "a: ${slots2}": false, "a: $$slots": false, "a: $$$slots": true,
		"a: slots": false, "include: [b]\na: 1": true, "s:\n  x:\n    extends: {service: y}": true,
		"a: {included: 1}": false,
	} {
		put(t, dir, "compose.yml", text)
		refers, err := Preflight(t.Context(), c.Spec, c.Options)
		if err != nil || refers("slots") != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	t.Setenv("PATH", bin)
	fails(m, "manifests need kubectl")
	fails(c, "a compose file needs docker")
}
